"""Files for people: outside ``/api``, since a browser follows the link and sends no token with it."""

from __future__ import annotations

from aiohttp import hdrs, web

from handlers.parts import PARTS
from mypick.errors import Code, DomainError, not_found
from mypick.personal.exports import file_or_none


async def export(request: web.Request) -> web.StreamResponse:
    """The file of an export, for whoever has a good link."""
    until, signature = request.query.get("until", ""), request.query.get("signature", "")
    if not (until.isascii() and until.isdigit() and len(until) < 16 and signature.isascii()):
        raise not_found("file")
    number = int(request.match_info["export_id"])
    download = await request.app[PARTS].personal.exports.download(number, int(until), signature)
    pieces = await file_or_none(download)
    if pieces is None:
        raise DomainError(Code.GONE, "this file has been deleted: ask for a new export")
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "application/zip",
            hdrs.CONTENT_LENGTH: str(download.size),
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="mypick-{number}.zip"',
            hdrs.CACHE_CONTROL: "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for piece in pieces:
            await response.write(piece)
    await response.write_eof()
    return response


def add_downloads(app: web.Application) -> None:
    app.router.add_get(r"/downloads/exports/{export_id:[1-9]\d{0,18}}", export)
