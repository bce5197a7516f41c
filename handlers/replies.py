"""The envelope of ``/api``: what every answer looks like."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import to_json

from mypick.errors import Code, DomainError
from mypick.pagination import Page

JSON = "application/json"


def reply(data: BaseModel | dict[str, Any] | list[Any], status: int = 200) -> web.Response:
    """Success with ``data``, which may hold views at any depth."""
    return _json({"success": True, "data": data}, status)


def page_reply(page: Page[Any], metadata: BaseModel | None = None) -> web.Response:
    """Success with one page of a list."""
    body: dict[str, Any] = {
        "success": True,
        "data": page.items,
        "pagination": {"next_cursor": page.next_cursor, "limit": page.limit},
    }
    if metadata is not None:
        body["metadata"] = metadata
    return _json(body, 200)


def failure(error: DomainError, status: int | None = None) -> web.Response:
    """Failure with the status of the error's code, unless HTTP has one that says more (405, 408)."""
    response = _json({"success": False, "error": error.body()}, status or error.code.status)
    if error.retry_after_ms is not None:
        # whole seconds, rounded up: who comes a moment too early is refused again
        wait = str(max(1, -(-error.retry_after_ms // 1000)))
        response.headers["Retry-After"] = wait
        if error.code is Code.RATE_LIMITED:
            response.headers.update({"RateLimit-Remaining": "0", "RateLimit-Reset": wait})
            if isinstance(error.details, dict) and "amount" in error.details:
                response.headers["RateLimit-Limit"] = str(error.details["amount"])
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=to_json(body, by_alias=True), status=status, content_type=JSON)
