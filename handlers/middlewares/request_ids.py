"""One id for everything that a request causes: in its answer, in every log line, in the incident."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import PARTS, REQUEST_ID, SANE_ID
from handlers.paths import is_socket

HEADER = "X-Request-ID"


@web.middleware
async def request_ids(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Takes the client's ``X-Request-ID`` if it is 1 to 64 letters, digits, ``.``, ``_`` or ``-``; else makes one."""
    if is_socket(request.path):
        return await handler(request)
    given = request.headers.get(HEADER, "")
    request[REQUEST_ID] = given if SANE_ID.fullmatch(given) else request.app[PARTS].new_id()
    # user_id is bound by authentication; named here so that it ends with this request, not with the connection
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID], user_id=None):
        return await handler(request)


async def echo_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """A signal and not part of the middleware, so that answers raised as exceptions carry it too."""
    if REQUEST_ID in request:
        response.headers[HEADER] = request[REQUEST_ID]
