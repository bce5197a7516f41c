"""``/watch-parties``: opening, finding and running parties without a socket. What is played is steered by sockets."""

from __future__ import annotations

import secrets
from typing import Annotated

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.content.views import ContentView
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.watchparty.commands import AddFile, ChangeParty, KickMember, NewRole, OpenParty
from mypick.watchparty.views import Done, Ended, MemberView, Nothing, PartyBrief, PartyDetails, RoleSet
from mypick.wire import Id

TAG = "watch-parties"
WRITE = "watch-party:write"
READING = (Code.BANNED, Code.NOT_MEMBER)
RUNNING = (*READING, Code.GONE)

Mine = Annotated[bool, Field(description="those that the asker opened, hosts or was asked to, in place of public ones")]
Live = Annotated[bool, Field(description="only those whose host is there at this moment")]
CreatorId = Annotated[Id | None, Field(description="parties around this creator only")]
Ban = Annotated[bool, Field(description="keep them out as well")]
Why = Annotated[str | None, Field(min_length=1, max_length=500, description="told to who is put out")]


class PartiesView(ApiView):
    @rules("listWatchParties", tag=TAG, scope="read")
    async def get(
        self,
        mine: Mine = False,
        live: Live = False,
        creator_id: CreatorId = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> r200[Page[PartyBrief]]:
        """Parties that are not over, the newest first."""
        reading = self.parts.parties.reading
        return page_reply(await reading.parties(self.actor, cursor, limit, mine=mine, live=live, creator_id=creator_id))

    @rules(
        "openWatchParty", tag=TAG, scope=WRITE, limit="party.open", idempotent=True,
        errors=(Code.NOT_FOUND, Code.NOT_MEMBER, Code.FULL, Code.UPSTREAM_FAILED, Code.QUOTA_EXHAUSTED),
    )  # fmt: skip
    async def post(self, command: OpenParty) -> r201[PartyDetails]:
        """Open a party for a video. The asker is its host."""
        return reply(await self.parts.parties.parties.open(self.actor, command), 201)


class PartyRoute(ApiView):
    @rules("getWatchParty", tag=TAG, scope="read", errors=READING)
    async def get(self, party_id: PathId, /) -> r200[PartyDetails]:
        """One party, and where it stands."""
        return reply(await self.parts.parties.reading.details(self.actor, party_id))

    @rules("changeWatchParty", tag=TAG, scope=WRITE, limit="party.change", idempotent=True, errors=RUNNING)
    async def patch(self, party_id: PathId, /, command: ChangeParty) -> r200[PartyDetails]:
        """Change title, visibility or policy. For the host."""
        return reply(await self.parts.parties.parties.change(self.actor, party_id, command))


class PartyEndView(ApiView):
    @rules("endWatchParty", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def post(self, party_id: PathId, /) -> r200[Ended]:
        """End a party for good. For the host. Twice is no error."""
        return reply(await self.parts.parties.parties.end(self.actor, party_id))


class PartyMembersView(ApiView):
    @rules("listPartyMembers", tag=TAG, scope="read", errors=READING)
    async def get(
        self, party_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[MemberView]]:
        """Who is there, in the order in which they came."""
        return page_reply(await self.parts.parties.reading.members(self.actor, party_id, cursor, limit))

    @rules("setPartyMember", tag=TAG, scope=WRITE, idempotent=True, errors=(*RUNNING, Code.CONFLICT))
    async def post(self, party_id: PathId, /, command: NewRole) -> r201[RoleSet]:
        """Add somebody, or make them a co-host or a guest. Twice is no error."""
        return reply(await self.parts.parties.hosts.set_role(self.actor, party_id, command), 201)


class PartyMemberRoute(ApiView):
    @rules("kickPartyMember", tag=TAG, scope=WRITE, idempotent=True, errors=RUNNING)
    async def delete(self, party_id: PathId, user_id: PathId, /, ban: Ban = False, reason: Why = None) -> r200[Done]:
        """Put somebody out. With ``ban`` they cannot come back."""
        kick = KickMember(party_id=party_id, user_id=user_id, ban=ban, reason=reason, cid=secrets.token_hex(16))
        return reply(await self.parts.parties.members.kick(self.actor, kick))


class PartyBanRoute(ApiView):
    @rules("unbanPartyMember", tag=TAG, scope=WRITE, idempotent=True, errors=RUNNING)
    async def delete(self, party_id: PathId, user_id: PathId, /) -> r200[Nothing]:
        """Lift a ban. Without one nothing happens."""
        await self.parts.parties.members.unban(self.actor, party_id, user_id)
        return reply(Nothing())


class CreatorFilesView(ApiView):
    @rules(
        "addVideoFile", tag=TAG, scope=WRITE, limit="party.file", idempotent=True,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN),
    )  # fmt: skip
    async def post(self, creator_id: PathId, /, command: AddFile) -> r201[ContentView]:
        """Make a file on a host that the operator has named a video of the creator's, to be watched in parties. For
        managers of the creator's community."""
        return reply(await self.parts.parties.files.add(self.actor, creator_id, command), 201)


VIEWS: dict[str, type[ApiView]] = {
    "/creators/{creator_id}/files": CreatorFilesView,
    "/watch-parties": PartiesView,
    "/watch-parties/{party_id}": PartyRoute,
    "/watch-parties/{party_id}/end": PartyEndView,
    "/watch-parties/{party_id}/members": PartyMembersView,
    "/watch-parties/{party_id}/members/{user_id}": PartyMemberRoute,
    "/watch-parties/{party_id}/bans/{user_id}": PartyBanRoute,
}
