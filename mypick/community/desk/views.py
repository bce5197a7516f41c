"""What is shown at the moderators' desk."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mypick.community.desk.touches import ItemKind
from mypick.community.views import PersonBrief, RoleName
from mypick.wire import Instant, View


class Counts(View):
    """How much waits."""

    held: int
    report: int
    request: int
    appeal: int
    purge: int


class Progress(View):
    done: int
    found: int


class DeskChange(View):
    kind: ItemKind
    id: int = Field(description="of the held message, the reported message, the request, the appeal or the purge")
    waiting: bool = Field(description="false once it is dealt with")
    claimed_by: int | None = Field(description="the user who deals with it")
    claimed_until: Instant | None
    progress: Progress | None = Field(description="of a purge")
    counts: Counts


class DeskChanged(View):
    """The durable event ``desk-changed`` of the stream ``desk:{community}``."""

    stream: str = Field(examples=["desk:3"])
    epoch: str
    seq: int
    id: int
    at: Instant
    actor: PersonBrief | None = Field(default=None, exclude_if=lambda actor: actor is None)
    data: DeskChange


class DeskItem(View):
    kind: ItemKind
    id: int
    room_id: int | None = Field(description="of a message")
    discussion_id: int | None = Field(description="of a discussion or comment")
    user: PersonBrief | None = Field(description="whom it is about")
    text: str = Field(description="what was said, asked or replied")
    cause: str | None = Field(description="why it was held; what an appeal is about")
    reasons: list[str] = Field(description="of the first ten reports")
    reports: int
    weight: float = Field(description="of the reports together")
    hidden: bool = Field(description="whether reports took the message from view")
    created_at: Instant
    claimed_by: PersonBrief | None
    claimed_until: Instant | None
    progress: Progress | None


class ItemClaim(View):
    kind: ItemKind
    id: int
    user_id: int
    until: Instant


class DeskJoined(View):
    stream: str
    epoch: str
    head_seq: int
    floor_seq: int
    reset: bool
    events: list[dict[str, Any]]
    more: bool
    role: RoleName | None
    counts: Counts
    claims: list[ItemClaim]


class ItemClaimed(View):
    seq: int | None
    claimed_by: int | None
    claimed_until: Instant | None


class PurgeView(View):
    purge_id: int
    user_id: int
    room_id: int | None = Field(description="null: all rooms of the community, and its discussions")
    found: int = Field(description="messages, discussions and comments that were there when it began")
    done: int
    finished_at: Instant | None


AppealStatus = Literal["waiting", "lifted", "kept"]


class MySanction(View):
    id: int
    kind: Literal["timeout", "ban"]
    until: Instant | None
    reason: str | None
    created_at: Instant
    appeal: AppealStatus | None = Field(description="what became of the note to it; null where there is none")
    answer: str | None


class SanctionView(MySanction):
    user: PersonBrief | None
    actor: PersonBrief | None = Field(description="who did it")


class AppealView(View):
    id: int
    community_id: int
    user: PersonBrief | None
    text: str
    status: AppealStatus
    answer: str | None
    created_at: Instant
