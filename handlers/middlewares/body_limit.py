"""Bodies are read once, whole, bounded in size and time, before anything looks at them."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from handlers.parts import PARTS
from handlers.paths import is_api
from mypick.errors import Code, DomainError, invalid

READ_TIMEOUT = 30.0  # seconds for a body to arrive; a slower client holds memory and a connection for nothing


@web.middleware
async def body_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses a body over the limit with ``TOO_LARGE``, told or not told its length, and a compressed one: a few
    kilobytes can unpack to gigabytes, and commands are small."""
    if not is_api(request.path) or not request.can_read_body:
        return await handler(request)
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise invalid("send the body uncompressed", field="header.Content-Encoding")
    limit = request.app[PARTS].settings.max_body_bytes
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit)
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            await request.read()  # aiohttp counts what a chunked body brings and keeps what was read
    except TimeoutError:
        raise DomainError(Code.INVALID, f"the body did not arrive within {READ_TIMEOUT:g} s") from None
    return await handler(request)
