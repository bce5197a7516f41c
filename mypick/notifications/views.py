"""What is shown of an inbox."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from mypick.pagination import Page
from mypick.wire import Instant, View

Kind = Literal[
    "new-video", "live-started", "new-post", "mention", "reply", "party-invite", "party-reminder", "announcement"
]


class ActorBrief(View):
    id: int
    name: str
    avatar_url: str | None


class NotificationData(View):
    kind: Kind
    title: str
    body: str
    url: str
    image_url: str | None
    creator_id: int | None
    content_id: int | None
    unread_count: int = Field(description="of the whole inbox")


class NewNotification(View):
    """The durable event ``new-notification`` of the stream ``inbox:{user}``."""

    stream: str = Field(examples=["inbox:17"])
    epoch: str
    seq: int
    id: int
    at: Instant
    actor: ActorBrief | SkipJsonSchema[None] = Field(
        default=None, exclude_if=lambda actor: actor is None, description="left out where no person caused it"
    )
    data: NotificationData


class NotificationView(NewNotification):
    """The event, and whether it was read."""

    read: bool


class InboxState(View):
    """Where the inbox stands: what a client needs to go on with a socket."""

    unread_count: int
    stream: str = Field(examples=["inbox:17"])
    epoch: str
    head_seq: int


class InboxPage(View):
    page: Page[NotificationView]
    state: InboxState


class UnreadNotifications(View):
    """What a socket is sent when it connects."""

    stream: str = Field(examples=["inbox:17"])
    epoch: str
    head_seq: int
    unread_count: int
    items: list[NewNotification] = Field(description="the newest unread, at most 50, newest first")


class NotificationsRead(View):
    """Read on another device: what it named, and what is left."""

    upto_seq: int | None = None
    ids: list[int] | None = None
    unread_count: int


class UnreadCount(View):
    unread_count: int


class KindsWanted(View):
    model_config = ConfigDict(validate_by_name=True)

    new_video: bool = Field(alias="new-video")
    live_started: bool = Field(alias="live-started")
    new_post: bool = Field(alias="new-post")
    mention: bool
    reply: bool
    party_invite: bool = Field(alias="party-invite")
    party_reminder: bool = Field(alias="party-reminder")
    announcement: bool


class NotificationSettingsView(View):
    kinds: KindsWanted
