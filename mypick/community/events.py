"""What clients in a room are sent: its durable events, and that somebody types."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from mypick.community.views import PersonBrief, RoleName, RoomMode, RoomNamed
from mypick.wire import Instant, View


class ReactionCount(View):
    emoji: str
    count: int


class DurableEvent(View):
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


class MessageCreated(DurableEvent):
    data: MessageData


class MessageInThread(MessageCreated):
    """The event, with its type."""

    type: Literal["message-created"]


class MessageEdited(DurableEvent):
    data: EditedText


class MessageDeleted(DurableEvent):
    data: DeletedData


class ReactionChanged(DurableEvent):
    data: ReactionData


class MessagePinned(DurableEvent):
    data: PinnedData


class PreviewChanged(DurableEvent):
    data: PreviewData


class RoomModeChanged(DurableEvent):
    data: RoomMode


class MemberSanctioned(DurableEvent):
    data: SanctionData


class RoleGiven(View):
    user_id: int
    role: RoleName


class RolesData(View):
    roles: list[RoleGiven]


class RoleChanged(DurableEvent):
    data: RolesData


class CommunityData(View):
    community_id: int
    name: str
    visibility: Literal["public", "members", "private"]
    rooms: list[RoomNamed] = Field(description="all of them, in their order")


class CommunityChanged(DurableEvent):
    data: CommunityData


class RoomTyping(View):
    room_id: int
    user: PersonBrief
