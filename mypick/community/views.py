"""What is shown of communities."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from mypick.pagination import Page
from mypick.search.views import ExcerptPart
from mypick.wire import Instant, View

RoleName = Literal["newcomer", "member", "vip", "moderator", "manager", "owner", "admin"]


class PersonBrief(View):
    id: int
    name: str
    avatar_url: str | None


class RoomBrief(View):
    id: int
    name: str
    kind: str = Field(examples=["chat"])
    head_seq: int
    unread: int = Field(description="messages of others behind the read marker, at most 1000")


class CommunityBrief(View):
    id: int
    creator_id: int
    name: str
    visibility: Literal["public", "members", "private"]
    role: RoleName | None = Field(description="of the asker; null for whoever has not joined")


class CommunityListed(CommunityBrief):
    unread: int = Field(description="messages of others behind the asker's read markers, in all rooms; at most 100")


class CommunityView(CommunityBrief):
    rooms: list[RoomBrief]
    unread_discussions: int = Field(
        description="that the asker read before and that have comments of others since, at most 100"
    )


class MemberView(View):
    user: PersonBrief
    role: RoleName
    joined_at: Instant


class MembershipState(View):
    member: bool


class RoleSet(View):
    role: RoleName


class RoomMode(View):
    slow_seconds: int
    members_only: bool
    follow_minutes: int
    locked: bool
    unique_text: bool
    previews: bool = Field(description="whether links in messages get previews")


class ReactionCount(View):
    emoji: str
    count: int


class _Durable(View):
    stream: str = Field(examples=["room:3"])
    epoch: str
    seq: int
    id: int
    at: Instant
    actor: PersonBrief | SkipJsonSchema[None] = Field(default=None, exclude_if=lambda actor: actor is None)


class LinkPreviewView(View):
    url: str
    kind: Literal["page", "image"]
    title: str
    description: str
    site: str


class EditedText(View):
    message_id: int
    text: str = Field(description="plain text, as it is now; empty where the message was deleted")
    rev: int
    edited_at: Instant | None
    deleted: bool
    hidden: bool = Field(description="reports took it from view; a moderator will look")
    mentions: list[PersonBrief]
    preview: LinkPreviewView | None = Field(description="of the first link; null while it is not known")


class MessageData(EditedText):
    room_id: int
    reply_to: int | None
    thread_id: int | None = Field(description="the message that the thread began with")
    reactions: list[ReactionCount]
    pinned: bool


class PreviewData(View):
    message_id: int
    preview: LinkPreviewView | None


class DeletedData(View):
    message_id: int
    by_moderator: bool


class OwnReaction(View):
    message_id: int
    emoji: str


class ReactionData(View):
    message_id: int
    emoji: str | None = Field(description="null where several were gathered")
    on: bool | None = Field(description="null where several were gathered")
    reactions: list[ReactionCount] = Field(description="all of the message, with this change")


class PinnedData(View):
    message_id: int
    on: bool


class SanctionData(View):
    user_id: int
    kind: Literal["timeout", "ban", "unban"]
    until: Instant | None


class MessageCreated(_Durable):
    data: MessageData


class MessageInThread(MessageCreated):
    """The event, with its type."""

    type: Literal["message-created"]


class MessageEdited(_Durable):
    data: EditedText


class MessageDeleted(_Durable):
    data: DeletedData


class ReactionChanged(_Durable):
    data: ReactionData


class MessagePinned(_Durable):
    data: PinnedData


class PreviewChanged(_Durable):
    data: PreviewData


class RoomModeChanged(_Durable):
    data: RoomMode


class MemberSanctioned(_Durable):
    data: SanctionData


class RoleGiven(View):
    user_id: int
    role: RoleName


class RolesData(View):
    roles: list[RoleGiven]


class RoleChanged(_Durable):
    data: RolesData


class RoomNamed(View):
    id: int
    name: str
    kind: Literal["chat", "staff"]
    archived: bool


class RoomWithMode(RoomNamed):
    mode: RoomMode


class CommunityData(View):
    community_id: int
    name: str
    visibility: Literal["public", "members", "private"]
    rooms: list[RoomNamed] = Field(description="all of them, in their order")


class CommunityChanged(_Durable):
    data: CommunityData


class RoomTyping(View):
    room_id: int
    user: PersonBrief


class TimedOut(View):
    until: Instant | None
    reason: str | None


class RoomJoined(View):
    community_id: int = Field(description="whose room it is")
    stream: str
    epoch: str
    head_seq: int
    floor_seq: int
    reset: bool = Field(description="events are the newest messages as they are now: throw away what you have")
    events: list[dict[str, Any]]
    more: bool = Field(description="after a reset: there are older messages; else: call sync with the last seq")
    own_reactions: list[OwnReaction] = Field(description="of the asker, to the messages in events")
    role: RoleName | None
    mode: RoomMode
    online: int
    read_seq: int | None = Field(description="up to where the asker has read; null where nothing was ever read")
    timeout: TimedOut | None = Field(description="the asker only reads for a while")


class HistoryPage(View):
    events: list[dict[str, Any]] = Field(description="each a message-created, with the message as it is now")
    own_reactions: list[OwnReaction] = Field(description="of the asker, to these messages")
    more: bool


class AroundPage(HistoryPage):
    more_after: bool = Field(description="there are newer messages than these")


class SearchHit(View):
    """What was found, and where: ``room_id`` and ``seq`` of a message, ``discussion_id`` of the others."""

    kind: Literal["message", "discussion", "comment"]
    id: int
    community_id: int
    room_id: int | None
    seq: int | None
    discussion_id: int | None
    author: PersonBrief | None
    at: Instant
    edited: bool
    excerpt: list[ExcerptPart]
    mentions: list[PersonBrief]


class SearchPage(View):
    """A page of hits, for sockets."""

    items: list[SearchHit]
    next_cursor: str | None = Field(description="a page with one may have fewer items than asked for, even none")

    @classmethod
    def of(cls, page: Page[SearchHit]) -> Self:
        return cls(items=page.items, next_cursor=page.next_cursor)


class MessageSent(View):
    id: int
    seq: int | None = Field(description="null while it is held")
    status: Literal["sent", "held"]
    duplicate: bool


class Edited(View):
    seq: int
    rev: int


class Done(View):
    seq: int | None = Field(description="of the event; of the last one about it where nothing was left to be done")


class Nothing(View):
    """There is nothing to tell."""
