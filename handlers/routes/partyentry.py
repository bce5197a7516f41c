"""The ways into watch parties: invites, and parties that begin at a time."""

from __future__ import annotations

from aiohttp_pydantic.oas.typing import r200, r201

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.routes.watchparties import READING, RUNNING, TAG, WRITE, CreatorId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.watchparty.entry.commands import CreatePartyInvite, InvitePeople
from mypick.watchparty.entry.views import (
    Attendance,
    PartyInviteRevoked,
    PartyInviteView,
    PeopleInvited,
    UpcomingParty,
)


class PartyInvitesView(ApiView):
    @rules("listPartyInvites", tag=TAG, scope="read", errors=READING)
    async def get(
        self, party_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[PartyInviteView]]:
        """Links that were made, the newest first. All for the host and co-hosts, one's own for others."""
        return page_reply(await self.parts.parties.invites.list(self.actor, party_id, cursor, limit))

    @rules("createPartyInvite", tag=TAG, scope=WRITE, limit="party.invite", errors=(*RUNNING, Code.FULL))
    async def post(self, party_id: PathId, /, command: CreatePartyInvite) -> r201[PartyInviteView]:
        """Make a link that lets people in. For whoever may invite."""
        return reply(await self.parts.parties.invites.create(self.actor, party_id, command), 201)


class PartyInviteRoute(ApiView):
    @rules("revokePartyInvite", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, party_id: PathId, invite_id: PathId, /) -> r200[PartyInviteRevoked]:
        """Let nobody in by it any more. Twice is no error."""
        return reply(await self.parts.parties.invites.revoke(self.actor, party_id, invite_id))


class PartyGuestsView(ApiView):
    @rules(
        "invitePeople", tag=TAG, scope=WRITE, limit="party.invite", idempotent=True, errors=(*RUNNING, Code.FULL)
    )
    async def post(self, party_id: PathId, /, command: InvitePeople) -> r201[PeopleInvited]:
        """Ask people to come. They may, whatever the visibility, and are told once. For whoever may invite."""
        return reply(await self.parts.parties.invites.invite(self.actor, party_id, command), 201)


class PartyAttendanceView(ApiView):
    @rules("attendWatchParty", tag=TAG, scope=WRITE, idempotent=True, errors=(*RUNNING, Code.CONFLICT, Code.FULL))
    async def post(self, party_id: PathId, /) -> r201[Attendance]:
        """Say that one will come, and be reminded ten minutes before and at the start. Twice is no error."""
        return reply(await self.parts.parties.schedule.attend(self.actor, party_id), 201)

    @rules("unattendWatchParty", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, party_id: PathId, /) -> r200[Attendance]:
        """Come no more. Twice is no error."""
        return reply(await self.parts.parties.schedule.stay_away(self.actor, party_id))


class UpcomingPartiesView(ApiView):
    @rules("listUpcomingWatchParties", tag=TAG, scope="read")
    async def get(
        self, creator_id: CreatorId = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[UpcomingParty]]:
        """Parties that begin soon, the next first: around creators whom the asker follows, and their own."""
        return page_reply(await self.parts.parties.schedule.upcoming(self.actor, creator_id, cursor, limit))


VIEWS: dict[str, type[ApiView]] = {
    "/watch-parties/upcoming": UpcomingPartiesView,
    "/watch-parties/{party_id}/invites": PartyInvitesView,
    "/watch-parties/{party_id}/invites/people": PartyGuestsView,
    "/watch-parties/{party_id}/invites/{invite_id}": PartyInviteRoute,
    "/watch-parties/{party_id}/attendance": PartyAttendanceView,
}
