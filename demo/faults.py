"""What goes wrong on request: the next answers, everything for a while, or one address for good."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

FailureKind = Literal[
    "quota", "rate-limit", "key-invalid", "server-error", "unavailable", "not-found", "forbidden", "not-json",
    "truncated", "too-large", "redirect", "disconnect",
]  # fmt: skip
Where = Literal["any", "api", "site"]

FAILURE_KINDS: frozenset[str] = frozenset(FailureKind.__args__)  # type: ignore[attr-defined]  # a Literal has them
PENDING_LIMIT = 10_000
QUERY_LIMIT = 1_000  # of the last requests, for tests
BODY_LIMIT = 8 * 1024 * 1024
CONTROL = "/_control/"
API = "/youtube/v3/"
RATE_LIMIT_WAIT_S = 7  # what a refused caller is told to wait

NOT_FOUND_HTML = (
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 404 (Not Found)!!1</title>"
    "<p><b>404.</b> <ins>That’s an error.</ins><p>The requested URL was not found on this server."
    "<p>This is MyPick’s emulator of YouTube, for demonstrations: it knows its own invented creators alone, and nobody"
    " of the real site."
)
_SERVER_ERROR_HTML = "<!DOCTYPE html><title>Error 500 (Server Error)!!1</title><p>That’s all we know."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_error(status: int, reason: str, message: str, *, domain: str = "youtube", **headers: str) -> web.Response:
    """An error in the shape of the Data API."""
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason}]}
    return web.json_response({"error": error}, status=status, headers=headers)


def quota_exceeded() -> web.Response:
    quota = '<a href="/youtube/v3/getting-started#quota">quota</a>'
    message = f"The request cannot be completed because you have exceeded your {quota}."
    return api_error(403, "quotaExceeded", message, domain="youtube.quota")


def key_invalid() -> web.Response:
    return api_error(400, "keyInvalid", "Bad Request", domain="usageLimits")


def not_found_page() -> web.Response:
    return web.Response(status=404, text=NOT_FOUND_HTML, content_type="text/html")


@dataclass(frozen=True, slots=True)
class _Served:
    body: bytes
    status: int
    content_type: str
    headers: dict[str, str]


class Faults:
    """An aiohttp middleware with switches. Requests to the control surface are never touched."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        self.is_out = False
        self._pending: deque[tuple[FailureKind, Where]] = deque()
        self._served: dict[str, _Served] = {}
        self._now = 0
        self.most_at_once = 0
        self.queries: deque[str] = deque(maxlen=QUERY_LIMIT)

    def fail_next(self, kind: FailureKind, times: int = 1, *, where: Where = "any") -> None:
        """Answer the next ``times`` requests to the API, the site or either with a failure."""
        if kind not in FAILURE_KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(FAILURE_KINDS))}")
        if times < 1 or len(self._pending) + times > PENDING_LIMIT:
            raise ValueError(f"times must be 1 or more, and no more than {PENDING_LIMIT} failures can wait")
        self._pending.extend([(kind, where)] * times)

    def serve_body(
        self, path: str, body: bytes, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Answer every request to ``path`` (without its query) with these bytes, until ``stop_serving``."""
        if len(body) > BODY_LIMIT or len(self._served) >= 1_000:
            raise ValueError(f"a body has at most {BODY_LIMIT} bytes, and at most 1,000 are served")
        self._served[path] = _Served(body, status, content_type, {})

    def redirect(self, path: str, location: str) -> None:
        """Answer every request to ``path`` with a redirect, until ``stop_serving``."""
        self._served[path] = _Served(b"", 302, "text/html", {"Location": location})

    def stop_serving(self, path: str) -> None:
        self._served.pop(path, None)

    def clear(self) -> None:
        self.latency_s, self.is_out = 0.0, False
        self._pending.clear()
        self._served.clear()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        self.queries.append(request.path_qs)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._answer(request, handler)
        finally:
            self._now -= 1

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if self.is_out:
            return _fail("disconnect", request)
        kind = self._take(request)
        if kind is not None:
            return _fail(kind, request)
        served = self._served.get(request.path)
        if served is not None:
            headers = {"Content-Type": served.content_type} | served.headers
            return web.Response(body=served.body, status=served.status, headers=headers)
        return await handler(request)

    def _take(self, request: web.Request) -> FailureKind | None:
        here = "api" if request.path.startswith(API) else "site"
        for index, (kind, where) in enumerate(self._pending):
            if where in ("any", here):
                del self._pending[index]
                return kind
        return None


def _fail(kind: FailureKind, request: web.Request) -> web.Response:
    match kind:
        case "quota":
            return quota_exceeded()
        case "rate-limit":
            wait = {"Retry-After": str(RATE_LIMIT_WAIT_S)}
            return api_error(403, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits", **wait)
        case "key-invalid":
            return key_invalid()
        case "server-error":
            return web.Response(status=500, text=_SERVER_ERROR_HTML, content_type="text/html")
        case "unavailable":
            return web.Response(status=503, text="busy", headers={"Retry-After": "30"})
        case "not-found":
            return not_found_page()
        case "forbidden":
            return web.Response(status=403, text="<html><body>Sorry…</body></html>", content_type="text/html")
        case "not-json":
            return web.Response(text="<html><body>Sign in to the network</body></html>", content_type="text/html")
        case "truncated":
            return web.Response(text='{"kind": "youtube#videoListResponse", "items": [{"id"', content_type="text/json")
        case "too-large":
            return web.Response(body=b" " * (3 * 1024 * 1024), content_type="application/json")
        case "redirect":
            return web.Response(status=302, headers={"Location": "http://elsewhere.invalid/consent"})
        case "disconnect":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
