"""The ways into communities: settings and rooms, invites, requests to join, owners and claims."""

from __future__ import annotations

from typing import Annotated

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.entry.commands import (
    AskToJoin,
    ChangeCommunity,
    ChangeRoom,
    ClaimCommunity,
    CreateInvite,
    CreateRoom,
    DecideClaim,
    DecideRequest,
    OrderRooms,
    TransferCommunity,
)
from mypick.community.entry.views import (
    ClaimView,
    CommunityAbout,
    InviteAccepted,
    InvitePreview,
    InviteRevoked,
    InviteView,
    OwnerChanged,
    RequestView,
)
from mypick.community.views import RoomNamed, RoomWithMode
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.wire import Id

WRITE = "community:write"
OFFICE = (Code.BANNED, Code.TIMED_OUT, Code.NOT_MEMBER)  # what those who run a community can meet

Here = Annotated[Id | None, Field(description="of this community only")]
InviteCode = Annotated[str, Field(max_length=20, description="as somebody typed it", examples=["K7M2Q-4XWPT"])]


class AboutView(ApiView):
    @rules("getCommunityAbout", tag="communities", scope="read", errors=(Code.BANNED,))
    async def get(self, community_id: PathId, /) -> r200[CommunityAbout]:
        """Description, rules and rooms: for everybody who may know of the community."""
        return reply(await self.parts.communities.settings.about(self.actor, community_id))

    @rules("changeCommunity", tag="communities", scope=WRITE, idempotent=True, errors=OFFICE)
    async def patch(self, community_id: PathId, /, command: ChangeCommunity) -> r200[CommunityAbout]:
        """Change name, visibility, description or rules. For managers."""
        return reply(await self.parts.communities.settings.change(self.actor, community_id, command))


class RoomsView(ApiView):
    @rules("listRooms", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(self, community_id: PathId, /) -> r200[list[RoomWithMode]]:
        """The rooms in their order, archived ones too, and how one may write in each."""
        return reply(await self.parts.communities.settings.rooms(self.actor, community_id))

    @rules("createRoom", tag="communities", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.FULL))
    async def post(self, community_id: PathId, /, command: CreateRoom) -> r201[RoomNamed]:
        """Open a room. For managers."""
        return reply(await self.parts.communities.settings.create_room(self.actor, community_id, command), 201)


class RoomOrderView(ApiView):
    @rules("orderRooms", tag="communities", scope=WRITE, idempotent=True, errors=OFFICE)
    async def put(self, community_id: PathId, /, command: OrderRooms) -> r200[list[RoomNamed]]:
        """Put the rooms into another order. For managers."""
        return reply(await self.parts.communities.settings.order_rooms(self.actor, community_id, command))


class RoomRoute(ApiView):
    @rules("changeRoom", tag="communities", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.CONFLICT))
    async def patch(self, room_id: PathId, /, command: ChangeRoom) -> r200[RoomNamed]:
        """Rename or archive a room, or bring it back. For managers."""
        return reply(await self.parts.communities.settings.change_room(self.actor, room_id, command))


class OwnerView(ApiView):
    @rules("transferCommunity", tag="communities", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.CONFLICT))
    async def post(self, community_id: PathId, /, command: TransferCommunity) -> r201[OwnerChanged]:
        """Give the community to one of its members. For its owner, who stays as a manager."""
        return reply(await self.parts.communities.ownership.transfer(self.actor, community_id, command), 201)


class InvitesView(ApiView):
    @rules("listInvites", tag="invites", scope="read", errors=OFFICE)
    async def get(
        self, community_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[InviteView]]:
        """All that were made and how often they were used, the newest first. For managers."""
        return page_reply(await self.parts.communities.invites.list(self.actor, community_id, cursor, limit))

    @rules("createInvite", tag="invites", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.FULL))
    async def post(self, community_id: PathId, /, command: CreateInvite) -> r201[InviteView]:
        """Make a code that lets people in as members. For managers."""
        return reply(await self.parts.communities.invites.create(self.actor, community_id, command), 201)


class InviteRoute(ApiView):
    @rules("revokeInvite", tag="invites", scope=WRITE, idempotent=True, errors=OFFICE)
    async def delete(self, community_id: PathId, invite_id: PathId, /) -> r200[InviteRevoked]:
        """Let nobody in by it any more. Twice is no error."""
        return reply(await self.parts.communities.invites.revoke(self.actor, community_id, invite_id))


class InviteCodeView(ApiView):
    @rules("lookAtInvite", tag="invites", scope="read", limit="invite", errors=(Code.BANNED, Code.GONE))
    async def get(self, code: InviteCode, /) -> r200[InvitePreview]:
        """What a code leads to."""
        return reply(await self.parts.communities.invites.look(self.actor, code))

    @rules(
        "acceptInvite",
        tag="invites",
        scope=WRITE,
        limit="invite",
        idempotent=True,
        errors=(Code.BANNED, Code.GONE, Code.FULL),
    )
    async def post(self, code: InviteCode, /, command: AskToJoin) -> r201[InviteAccepted]:
        """Come in by a code, or ask to. Twice is no error and uses it once."""
        return reply(await self.parts.communities.invites.accept(self.actor, code, command), 201)


class RequestsView(ApiView):
    @rules("listRequests", tag="invites", scope="read", errors=OFFICE)
    async def get(
        self, community_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[RequestView]]:
        """Who waits to be let in, the oldest first. For moderators."""
        return page_reply(await self.parts.communities.requests.list(self.actor, community_id, cursor, limit))

    @rules("askToJoin", tag="invites", scope=WRITE, idempotent=True, errors=(Code.BANNED, Code.CONFLICT, Code.FULL))
    async def post(self, community_id: PathId, /, command: AskToJoin) -> r201[RequestView]:
        """Ask to join a members-only community. While it waits, asking again changes nothing."""
        return reply(await self.parts.communities.requests.ask(self.actor, community_id, command), 201)


class MyRequestView(ApiView):
    @rules("withdrawRequest", tag="invites", scope=WRITE, idempotent=True)
    async def delete(self, community_id: PathId, /) -> r200[RequestView]:
        """Take the own request back. Twice is no error."""
        return reply(await self.parts.communities.requests.withdraw(self.actor, community_id))


class MyRequestsView(ApiView):
    @rules("listMyRequests", tag="invites", scope="read")
    async def get(
        self, community_id: Here = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[RequestView]]:
        """The own requests and what became of them, the newest first; the newest of each community is kept."""
        return page_reply(await self.parts.communities.requests.mine(self.actor, community_id, cursor, limit))


class RequestDecisionView(ApiView):
    @rules("decideRequest", tag="invites", scope=WRITE, idempotent=True, errors=(*OFFICE, Code.CONFLICT))
    async def post(self, request_id: PathId, /, command: DecideRequest) -> r201[RequestView]:
        """Let somebody in, or not. The first decision holds. For moderators."""
        return reply(await self.parts.communities.requests.decide(self.actor, request_id, command), 201)


class ClaimsView(ApiView):
    @rules("claimCommunity", tag="invites", scope=WRITE, idempotent=True, errors=(Code.CONFLICT, Code.FULL))
    async def post(self, community_id: PathId, /, command: ClaimCommunity) -> r201[ClaimView]:
        """Say that one is the creator. The code that comes back proves it, once a channel's description shows it."""
        return reply(await self.parts.communities.claims.claim(self.actor, community_id, command), 201)


class AllClaimsView(ApiView):
    @rules("listClaims", tag="invites", scope="read")
    async def get(
        self, community_id: Here = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[ClaimView]]:
        """The own claims; for an admin of the site all that wait."""
        return page_reply(await self.parts.communities.claims.list(self.actor, community_id, cursor, limit))


class ClaimRoute(ApiView):
    @rules("withdrawClaim", tag="invites", scope=WRITE, idempotent=True)
    async def delete(self, claim_id: PathId, /) -> r200[ClaimView]:
        """Claim it no longer. Twice is no error."""
        return reply(await self.parts.communities.claims.withdraw(self.actor, claim_id))


class ClaimCheckView(ApiView):
    @rules(
        "checkClaim",
        tag="invites",
        scope=WRITE,
        limit="creator.resolve",
        idempotent=True,
        errors=(Code.CONFLICT, Code.GONE, Code.UPSTREAM_FAILED, Code.QUOTA_EXHAUSTED),
    )
    async def post(self, claim_id: PathId, /) -> r201[ClaimView]:
        """Look for the code on the creator's channels; found, the community is the claimant's."""
        return reply(await self.parts.communities.claims.check(self.actor, claim_id), 201)


class ClaimDecisionView(ApiView):
    @rules("decideClaim", tag="invites", scope=WRITE, idempotent=True, errors=(Code.CONFLICT,))
    async def post(self, claim_id: PathId, /, command: DecideClaim) -> r201[ClaimView]:
        """Say whether somebody is the creator. For admins of the site."""
        return reply(await self.parts.communities.claims.decide(self.actor, claim_id, command), 201)


VIEWS: dict[str, type[ApiView]] = {
    "/communities/{community_id}/about": AboutView,
    "/communities/{community_id}/rooms": RoomsView,
    "/communities/{community_id}/rooms/order": RoomOrderView,
    "/rooms/{room_id}": RoomRoute,
    "/communities/{community_id}/owner": OwnerView,
    "/communities/{community_id}/invites": InvitesView,
    "/communities/{community_id}/invites/{invite_id}": InviteRoute,
    "/invites/{code}": InviteCodeView,
    "/communities/{community_id}/requests": RequestsView,
    "/communities/{community_id}/requests/me": MyRequestView,
    "/users/me/requests": MyRequestsView,
    "/requests/{request_id}/decision": RequestDecisionView,
    "/communities/{community_id}/claims": ClaimsView,
    "/claims": AllClaimsView,
    "/claims/{claim_id}": ClaimRoute,
    "/claims/{claim_id}/check": ClaimCheckView,
    "/claims/{claim_id}/decision": ClaimDecisionView,
}
