"""JSON bodies, read strictly: what passes here is bounded and can be stored anywhere."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from mypick.errors import invalid
from mypick.wire import storable

MAX_DEPTH = 32  # levels of lists and objects; commands have three
_LARGEST = 2**63 - 1


def parse_json(raw: bytes) -> Any:
    """The value in ``raw``. Raises ``INVALID`` for what is not JSON in UTF-8 (NaN and half surrogates are not), for
    more than 32 levels, for NUL in text, and for numbers beyond signed 64 bits."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        # the parser's text quotes nothing of the body; it names what was expected, line and column
        raise invalid(f"the body is not valid JSON: {problem}", field="body") from problem
    _refuse_unbounded(value)
    return value


def _refuse_unbounded(root: Any) -> None:
    # level by level, without recursion, which a hostile body could exhaust
    level, depth = [root], 0
    while level:
        if depth > MAX_DEPTH:
            raise invalid(f"the body is nested deeper than {MAX_DEPTH} levels", field="body")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                _check_text(value)
            elif isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
                # orjson reads integers beyond 64 bits as floats, so floats are bounded as well
                raise invalid("the body holds a number beyond 64 bits", field="body")
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    try:
        storable(text)
    except ValueError as problem:
        raise invalid(f"the body {problem}", field="body") from problem


def require_json(request: web.Request) -> None:
    """Raises ``INVALID`` unless the request says that it sends JSON in UTF-8."""
    content_type = request.content_type
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise invalid("send the body as Content-Type: application/json", field="header.Content-Type")
    if (request.charset or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
        raise invalid("send the body in UTF-8", field="header.Content-Type")


async def refuse_content(request: web.Request) -> None:
    """For commands without fields: an empty body, ``{}`` and ``null`` say the same; anything else was meant for
    another route."""
    raw = await request.read()
    if raw.strip() and parse_json(raw) not in ({}, None):
        raise invalid("this command has no fields; send no body or {}", field="body")


def as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid("the body must be a JSON object", field="body")
    return value
