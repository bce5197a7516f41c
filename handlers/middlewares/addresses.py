"""Where a request comes from, seen through the proxies in front."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import ADDRESS, PARTS
from mypick.addresses import client_address


@web.middleware
async def addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[ADDRESS] = client_address(
        request.transport.get_extra_info("peername") if request.transport else None,
        request.headers.getall("X-Forwarded-For", []),
        request.app[PARTS].settings.trusted_proxies,
    )
    return await handler(request)
