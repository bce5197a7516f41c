"""What watch parties hold: the queue, what was said, what was watched, and how well they are in step."""

from __future__ import annotations

from aiohttp_pydantic.oas.typing import r200

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.routes.watchparties import READING, TAG
from handlers.rules import rules
from handlers.views import ApiView
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.watchparty.chat.views import PartyMessageEvent
from mypick.watchparty.queue.views import QueueView, WatchedView
from mypick.watchparty.queue.visit_views import PartyVisit
from mypick.watchparty.telemetry_views import PartyTelemetry


class PartyQueueView(ApiView):
    @rules("getPartyQueue", tag=TAG, scope="read", errors=READING)
    async def get(self, party_id: PathId, /) -> r200[QueueView]:
        """What is played next, in that order."""
        return reply(await self.parts.parties.queue.show(self.actor, party_id))


class PartyMessagesView(ApiView):
    @rules("listPartyMessages", tag=TAG, scope="read", errors=READING)
    async def get(
        self, party_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[PartyMessageEvent]]:
        """What was said and at which position, as it is now, the newest first."""
        return page_reply(await self.parts.parties.chat.history(self.actor, party_id, cursor, limit))


class PartyWatchedView(ApiView):
    @rules("listPartyWatched", tag=TAG, scope="read", errors=READING)
    async def get(
        self, party_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[WatchedView]]:
        """What was watched, from when to when and by how many, the newest first."""
        return page_reply(await self.parts.parties.history.of_party(self.actor, party_id, cursor, limit))


class PartyTelemetryView(ApiView):
    @rules("getPartyTelemetry", tag=TAG, scope="read", errors=READING)
    async def get(self, party_id: PathId, /) -> r200[PartyTelemetry]:
        """How well the party is in step: of the last minute, over all nodes. For the host and co-hosts."""
        return reply(await self.parts.parties.telemetry.show(self.actor, party_id))


class MyPartiesView(ApiView):
    @rules("listMyWatchParties", tag=TAG, scope="read")
    async def get(self, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> r200[Page[PartyVisit]]:
        """Parties that one was in, the last visited first."""
        return page_reply(await self.parts.parties.history.mine(self.actor, cursor, limit))


VIEWS: dict[str, type[ApiView]] = {
    "/users/me/watch-parties": MyPartiesView,
    "/watch-parties/{party_id}/queue": PartyQueueView,
    "/watch-parties/{party_id}/messages": PartyMessagesView,
    "/watch-parties/{party_id}/watched": PartyWatchedView,
    "/watch-parties/{party_id}/telemetry": PartyTelemetryView,
}
