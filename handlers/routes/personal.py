"""``/users/me``: taking what is one's own, and being forgotten."""

from __future__ import annotations

from aiohttp_pydantic.oas.typing import r200, r201

from handlers.replies import reply
from handlers.routes.parameters import PathId
from handlers.rules import Access, rules
from handlers.views import ApiView
from mypick.errors import Code
from mypick.personal.commands import EraseMe
from mypick.personal.views import ErasureView, ExportView


class MyExportsView(ApiView):
    @rules("exportMyData", tag="users", access=Access.SESSION, errors=(Code.CONFLICT,))
    async def post(self) -> r201[ExportView]:
        """Gather all that is yours into one file; a notification tells when it is ready. One at a time."""
        return reply(await self.parts.personal.exports.ask(self.actor), 201)


class MyExportView(ApiView):
    @rules("getMyExport", tag="users", access=Access.SESSION)
    async def get(self, export_id: PathId, /) -> r200[ExportView]:
        """How far it is; when it is ready, a link to the file that is good for five minutes."""
        return reply(await self.parts.personal.exports.state(self.actor, export_id))


class EraseMeView(ApiView):
    @rules("eraseMe", tag="users", access=Access.SESSION, errors=(Code.CONFLICT,))
    async def post(self, command: EraseMe) -> r200[ErasureView]:
        """Be forgotten: all sessions end now, and after the time told all that is yours is erased. Logging in before
        then calls it off.

        ``Idempotency-Key`` is ignored: what is kept for it would tell of the password.
        """
        return reply(await self.parts.personal.erasures.ask(self.actor, command))


VIEWS: dict[str, type[ApiView]] = {
    "/users/me/export": MyExportsView,
    "/users/me/exports/{export_id}": MyExportView,
    "/users/me/erase": EraseMeView,
}
