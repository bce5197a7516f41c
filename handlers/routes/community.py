"""``/communities``, ``/rooms`` and ``/messages``: communities without a socket, and the first paint of pages."""

from __future__ import annotations

import secrets
from typing import Annotated

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.commands import (
    LARGEST_SEQ,
    MAX_HISTORY,
    DeleteMessage,
    EditMessage,
    NewMessage,
    NewReport,
    NewText,
    OpenCommunity,
    ReportMessage,
    SendMessage,
    SetRole,
)
from mypick.community.desk.views import Dismissed, HeldView, LogEntryView, ReportView
from mypick.community.events import MessageInThread
from mypick.community.views import (
    CommunityListed,
    CommunityView,
    Done,
    Edited,
    HistoryPage,
    MembershipState,
    MemberView,
    MessageSent,
    RoleSet,
)
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.wire import Id

WRITE = "community:write"
WRITING = (
    Code.BANNED,
    Code.TIMED_OUT,
    Code.NOT_MEMBER,
    Code.LOCKED,
    Code.MEMBERS_ONLY,
    Code.FOLLOW_AGE,
    Code.CID_REUSED,
    Code.GONE,
    Code.BLOCKED,
)
OFFICE = (Code.BANNED, Code.TIMED_OUT, Code.NOT_MEMBER)

CreatorId = Annotated[Id | None, Field(description="the community of this creator only")]
Mine = Annotated[bool, Field(description="only those that the asker has joined")]
Name = Annotated[str | None, Field(max_length=50, description="a part of a name")]
Before = Annotated[int, Field(ge=1, le=LARGEST_SEQ, description="messages with a lower seq; the newest if left out")]
Messages = Annotated[int, Field(ge=1, le=MAX_HISTORY, description="messages in the answer")]
Did = Annotated[str | None, Field(max_length=20, description="this deed only", examples=["ban"])]
By = Annotated[Id | None, Field(description="what this moderator did only")]
To = Annotated[Id | None, Field(description="what was done to this person only")]
Why = Annotated[str | None, Field(min_length=1, max_length=500, description="for the moderation log")]


class CommunitiesView(ApiView):
    @rules("listCommunities", tag="communities", scope="read")
    async def get(
        self, creator_id: CreatorId = None, mine: Mine = False, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[CommunityListed]]:
        """Communities that the asker may know of, and how much is unread in them."""
        reading = self.parts.communities.reading
        return page_reply(await reading.list(self.actor, creator_id, mine, cursor, limit))

    @rules("openCommunity", tag="communities", scope=WRITE, idempotent=True, errors=(Code.NOT_FOUND, Code.BANNED))
    async def post(self, command: OpenCommunity) -> r201[CommunityView]:
        """Open the community of a creator. Asking twice gives the same one."""
        return reply(await self.parts.communities.open(self.actor, command), 201)


class CommunityRoute(ApiView):
    @rules("getCommunity", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(self, community_id: PathId, /) -> r200[CommunityView]:
        """One community with its rooms."""
        return reply(await self.parts.communities.reading.community(self.actor, community_id))


class MyMembershipView(ApiView):
    @rules("joinCommunity", tag="communities", scope=WRITE, idempotent=True, errors=(Code.BANNED,))
    async def post(self, community_id: PathId, /) -> r201[MembershipState]:
        """Become a member. Twice is no error."""
        return reply(await self.parts.communities.members.join(self.actor, community_id), 201)

    @rules("leaveCommunity", tag="communities", scope=WRITE, idempotent=True, errors=(Code.CONFLICT,))
    async def delete(self, community_id: PathId, /) -> r200[MembershipState]:
        """Be a member no longer. Twice is no error."""
        return reply(await self.parts.communities.members.leave(self.actor, community_id))


class MembersView(ApiView):
    @rules("listMembers", tag="communities", scope="read", limit="search", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(
        self, community_id: PathId, /, q: Name = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[MemberView]]:
        """Members, the highest role first."""
        return page_reply(await self.parts.communities.members.list(self.actor, community_id, q, cursor, limit))


class MemberRoute(ApiView):
    @rules("setRole", tag="communities", scope=WRITE, idempotent=True, errors=(Code.BANNED, Code.NOT_MEMBER))
    async def patch(self, community_id: PathId, user_id: PathId, /, command: SetRole) -> r200[RoleSet]:
        """Give a member a role below one's own."""
        return reply(await self.parts.communities.members.set_role(self.actor, community_id, user_id, command))

    @rules(
        "removeMember",
        tag="communities",
        scope=WRITE,
        idempotent=True,
        errors=(Code.BANNED, Code.NOT_MEMBER, Code.TIMED_OUT),
    )
    async def delete(self, community_id: PathId, user_id: PathId, /, reason: Why = None) -> r200[MembershipState]:
        """Put a member out, who is told why and may come back. Twice is no error. For moderators."""
        members = self.parts.communities.members
        return reply(await members.remove(self.actor, community_id, user_id, reason))


class ModerationLogView(ApiView):
    @rules("listModerationLog", tag="communities", scope="read", errors=OFFICE)
    async def get(
        self,
        community_id: PathId,
        /,
        action: Did = None,
        actor_id: By = None,
        user_id: To = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> r200[Page[LogEntryView]]:
        """What moderators did, the newest first: all of it, or of one kind, by one of them, to one person. For
        moderators."""
        log = self.parts.communities.reading.log
        return page_reply(
            await log(self.actor, community_id, cursor, limit, action=action, actor_id=actor_id, user_id=user_id)
        )


class RoomMessagesView(ApiView):
    @rules("listMessages", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(
        self, room_id: PathId, /, before_seq: Before = LARGEST_SEQ, limit: Messages = 50
    ) -> r200[HistoryPage]:
        """Messages before a place, as they are now, the oldest first. Each is shaped as ``message-created``."""
        return reply(await self.parts.communities.reading.history(self.actor, room_id, before_seq, limit))

    @rules(
        "sendMessage",
        tag="communities",
        scope=WRITE,
        idempotent=True,
        errors=(*WRITING, Code.SLOW_MODE, Code.DUPLICATE_TEXT, Code.FULL),
    )
    async def post(self, room_id: PathId, /, command: NewMessage) -> r201[MessageSent]:
        """Say something in a room."""
        sent = SendMessage(room_id=room_id, **command.model_dump())
        return reply(await self.parts.communities.messages.send(self.actor, sent), 201)


class PinsView(ApiView):
    @rules("listPins", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(self, room_id: PathId, /) -> r200[HistoryPage]:
        """What is pinned to a room, the newest pin first. Each is shaped as ``message-created``."""
        return reply(await self.parts.communities.places.pins(self.actor, room_id))


class HeldMessagesView(ApiView):
    @rules("listHeldMessages", tag="communities", scope="read", errors=OFFICE)
    async def get(
        self, room_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[HeldView]]:
        """What waits for a moderator's decision, the oldest first. For moderators."""
        return page_reply(await self.parts.communities.reading.held(self.actor, room_id, cursor, limit))


class ReportsView(ApiView):
    @rules("listReports", tag="communities", scope="read", errors=OFFICE)
    async def get(
        self, community_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[ReportView]]:
        """Reports that nobody has dealt with, the oldest first. For moderators."""
        return page_reply(await self.parts.communities.reports.list(self.actor, community_id, cursor, limit))


class ThreadView(ApiView):
    @rules("listThread", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(
        self, message_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[MessageInThread]]:
        """What was answered to a message and to its answers, the oldest first."""
        return page_reply(await self.parts.communities.reading.thread(self.actor, message_id, cursor, limit))


class MessageReportsView(ApiView):
    @rules(
        "reportMessage",
        tag="moderation",
        scope=WRITE,
        idempotent=True,
        errors=(Code.BANNED, Code.NOT_MEMBER, Code.GONE, Code.CID_REUSED, Code.FULL),
    )
    async def post(self, message_id: PathId, /, command: NewReport) -> r201[Done]:
        """Tell the moderators of a message. Twice counts once."""
        report = ReportMessage(message_id=message_id, **command.model_dump())
        return reply(await self.parts.communities.reports.report(self.actor, report), 201)

    @rules("dismissReports", tag="communities", scope=WRITE, idempotent=True, errors=(Code.BANNED, Code.NOT_MEMBER))
    async def delete(self, message_id: PathId, /) -> r200[Dismissed]:
        """Let a reported message stand. Twice is no error."""
        return reply(await self.parts.communities.reports.dismiss(self.actor, message_id))


class MessageRoute(ApiView):
    @rules("getMessage", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(self, message_id: PathId, /) -> r200[MessageInThread]:
        """One message as it is now; its ``seq`` is its place in its room."""
        return reply(await self.parts.communities.places.message(self.actor, message_id))

    @rules("editMessage", tag="communities", scope=WRITE, idempotent=True, errors=(*WRITING, Code.CONFLICT, Code.FULL))
    async def patch(self, message_id: PathId, /, command: NewText) -> r200[Edited]:
        """Change what one has said."""
        edit = EditMessage(message_id=message_id, **command.model_dump())
        return reply(await self.parts.communities.edits.edit(self.actor, edit))

    @rules("deleteMessage", tag="communities", scope=WRITE, idempotent=True, errors=(Code.BANNED, Code.NOT_MEMBER))
    async def delete(self, message_id: PathId, /, reason: Why = None) -> r200[Done]:
        """Take back one's own words, or a moderator somebody's. Twice is no error."""
        # deleting twice changes nothing, so each request may be a command of its own
        delete = DeleteMessage(message_id=message_id, reason=reason, cid=secrets.token_hex(16))
        return reply(await self.parts.communities.edits.delete(self.actor, delete))


VIEWS: dict[str, type[ApiView]] = {
    "/communities": CommunitiesView,
    "/communities/{community_id}": CommunityRoute,
    "/communities/{community_id}/members": MembersView,
    "/communities/{community_id}/members/me": MyMembershipView,
    "/communities/{community_id}/members/{user_id}": MemberRoute,
    "/communities/{community_id}/moderation-log": ModerationLogView,
    "/rooms/{room_id}/messages": RoomMessagesView,
    "/rooms/{room_id}/pins": PinsView,
    "/rooms/{room_id}/held": HeldMessagesView,
    "/communities/{community_id}/reports": ReportsView,
    "/messages/{message_id}": MessageRoute,
    "/messages/{message_id}/reports": MessageReportsView,
    "/messages/{message_id}/thread": ThreadView,
}
