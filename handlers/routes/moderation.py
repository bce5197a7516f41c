"""Moderation without a socket: sanctions, modes, reports, what is held, purges, appeals, and the desk."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.commands import (
    Ban,
    BanMember,
    DecideHeld,
    Decision,
    Mode,
    SetRoomMode,
    Somebody,
    Timeout,
    TimeoutMember,
    UnbanMember,
)
from mypick.community.desk.commands import (
    AppealSanction,
    ClaimItem,
    DecideAppeal,
    DecideReports,
    Item,
    NewPurge,
    PurgeMember,
    Verdict,
)
from mypick.community.desk.touches import ItemKind
from mypick.community.desk.views import AppealView, DeskItem, ItemClaimed, MySanction, PurgeView, SanctionView
from mypick.community.views import Done
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page

WRITE = "community:write"
OFFICE = (Code.BANNED, Code.TIMED_OUT, Code.NOT_MEMBER)
DONE = (*OFFICE, Code.CID_REUSED)

Kind = Annotated[ItemKind, Field(description="what waits")]
Sanctioned = Annotated[Literal["timeout", "ban"] | None, Field(description="of this kind only")]


class TimeoutsView(ApiView):
    @rules("timeoutMember", tag="moderation", scope=WRITE, idempotent=True, errors=DONE)
    async def post(self, room_id: PathId, /, command: Timeout) -> r201[Done]:
        """Let somebody only read for a while, in all rooms of the community. They are told why."""
        timeout = TimeoutMember(room_id=room_id, **command.model_dump())
        return reply(await self.parts.communities.moderation.timeout(self.actor, timeout), 201)


class BansView(ApiView):
    @rules("banMember", tag="moderation", scope=WRITE, idempotent=True, errors=DONE)
    async def post(self, room_id: PathId, /, command: Ban) -> r201[Done]:
        """Put somebody out of the community, and delete what they said where ``purge`` says so. They are told why."""
        ban = BanMember(room_id=room_id, **command.model_dump())
        return reply(await self.parts.communities.moderation.ban(self.actor, ban), 201)


class UnbansView(ApiView):
    @rules("unbanMember", tag="moderation", scope=WRITE, idempotent=True, errors=DONE)
    async def post(self, room_id: PathId, /, command: Somebody) -> r201[Done]:
        """Lift a ban, and a timeout with it."""
        unban = UnbanMember(room_id=room_id, **command.model_dump())
        return reply(await self.parts.communities.moderation.unban(self.actor, unban), 201)


class PurgesView(ApiView):
    @rules("purgeMember", tag="moderation", scope=WRITE, idempotent=True, errors=(*DONE, Code.FULL))
    async def post(self, room_id: PathId, /, command: NewPurge) -> r201[PurgeView]:
        """Begin to delete what somebody said."""
        purge = PurgeMember(room_id=room_id, **command.model_dump())
        return reply(await self.parts.communities.purges.purge(self.actor, purge), 201)


class PurgeRoute(ApiView):
    @rules("getPurge", tag="moderation", scope="read", errors=OFFICE)
    async def get(self, purge_id: PathId, /) -> r200[PurgeView]:
        """How far a purge has come."""
        return reply(await self.parts.communities.purges.show(self.actor, purge_id))


class ModeView(ApiView):
    @rules("setRoomMode", tag="moderation", scope=WRITE, idempotent=True, errors=DONE)
    async def patch(self, room_id: PathId, /, command: Mode) -> r200[Done]:
        """Change the mode of a room. For managers."""
        mode = SetRoomMode(room_id=room_id, **command.model_dump(exclude_unset=True))
        return reply(await self.parts.communities.moderation.set_mode(self.actor, mode))


class HeldDecisionView(ApiView):
    @rules("decideHeld", tag="moderation", scope=WRITE, idempotent=True, errors=(*DONE, Code.CONFLICT))
    async def post(self, message_id: PathId, /, command: Decision) -> r201[Done]:
        """Let what is held through, a message, discussion or comment, or throw it away. The first decision holds."""
        decide = DecideHeld(message_id=message_id, **command.model_dump())
        return reply(await self.parts.communities.held.decide(self.actor, decide), 201)


class ReportsDecisionView(ApiView):
    @rules("decideReports", tag="moderation", scope=WRITE, idempotent=True, errors=(*DONE, Code.CONFLICT))
    async def post(self, message_id: PathId, /, command: Verdict) -> r201[Done]:
        """Delete a reported message, discussion or comment, or let it stand. The first decision holds."""
        decide = DecideReports(message_id=message_id, **command.model_dump())
        return reply(await self.parts.communities.reports.decide(self.actor, decide), 201)


class SanctionsView(ApiView):
    @rules("listSanctions", tag="moderation", scope="read", errors=OFFICE)
    async def get(
        self, community_id: PathId, /, kind: Sanctioned = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[SanctionView]]:
        """Who is timed out or banned, by whom, why and until when. For moderators."""
        appeals = self.parts.communities.appeals
        return page_reply(await appeals.sanctions(self.actor, community_id, kind, cursor, limit))


class MySanctionsView(ApiView):
    @rules("listMySanctions", tag="moderation", scope="read")
    async def get(self, community_id: PathId, /) -> r200[list[MySanction]]:
        """What holds against the asker here, why, and what became of their note."""
        return reply(await self.parts.communities.appeals.mine(self.actor, community_id))


class SanctionAppealView(ApiView):
    @rules("appealSanction", tag="moderation", scope=WRITE, idempotent=True, errors=(Code.CONFLICT, Code.GONE))
    async def post(self, sanction_id: PathId, /, command: AppealSanction) -> r201[AppealView]:
        """Write the one note to a timeout or a ban of one's own."""
        return reply(await self.parts.communities.appeals.appeal(self.actor, sanction_id, command), 201)


class AppealDecisionView(ApiView):
    @rules("decideAppeal", tag="moderation", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.CONFLICT))
    async def post(self, appeal_id: PathId, /, command: DecideAppeal) -> r201[AppealView]:
        """Answer a note, and lift what it is about or not. The first answer holds."""
        return reply(await self.parts.communities.appeals.decide(self.actor, appeal_id, command), 201)


class DeskView(ApiView):
    @rules("listDesk", tag="moderation", scope="read", errors=OFFICE)
    async def get(
        self, community_id: PathId, /, kind: Kind, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[DeskItem]]:
        """What waits for moderators, of one kind, the oldest first, and who deals with it."""
        return page_reply(await self.parts.communities.desk.list(self.actor, community_id, kind, cursor, limit))


class DeskItemView(ApiView):
    @rules("claimItem", tag="moderation", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.CONFLICT, Code.GONE))
    async def put(self, community_id: PathId, kind: Kind, item_id: PathId, /, command: Item) -> r200[ItemClaimed]:
        """Say that one deals with an item, or no longer. It ends by itself after five minutes."""
        claim = ClaimItem(community_id=community_id, kind=kind, id=item_id, on=command.on)
        return reply(await self.parts.communities.desk.claim(self.actor, claim))


VIEWS: dict[str, type[ApiView]] = {
    "/rooms/{room_id}/timeouts": TimeoutsView,
    "/rooms/{room_id}/bans": BansView,
    "/rooms/{room_id}/unbans": UnbansView,
    "/rooms/{room_id}/purges": PurgesView,
    "/purges/{purge_id}": PurgeRoute,
    "/rooms/{room_id}/mode": ModeView,
    "/held/{message_id}/decision": HeldDecisionView,
    "/messages/{message_id}/reports/decision": ReportsDecisionView,
    "/communities/{community_id}/sanctions": SanctionsView,
    "/communities/{community_id}/sanctions/me": MySanctionsView,
    "/sanctions/{sanction_id}/appeal": SanctionAppealView,
    "/appeals/{appeal_id}/decision": AppealDecisionView,
    "/communities/{community_id}/desk": DeskView,
    "/communities/{community_id}/desk/{kind}/{item_id}": DeskItemView,
}
