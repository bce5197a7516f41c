"""What moderators are shown: the desk, what is held, reports, and their log."""

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
    id: int = Field(description="of what is held or reported, the request, the appeal or the purge")
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


Subject = Literal["message", "discussion", "comment"]


class DeskItem(View):
    kind: ItemKind
    id: int
    subject: Subject | None = Field(description="what was held or reported; null for what is neither")
    room_id: int | None = Field(description="of a message; null for all rooms of a purge")
    discussion_id: int | None = Field(
        description="of a comment or a discussion; null for a held one, which has not begun"
    )
    user: PersonBrief | None = Field(description="whom it is about")
    title: str = Field(description="of a discussion; empty otherwise")
    text: str = Field(description="what was said, asked or replied")
    cause: str | None = Field(description="why it was held: term, link, flood; what an appeal is about")
    term: str | None = Field(description="that a held text holds")
    reasons: list[str] = Field(description="of the first ten reports")
    reports: int
    weight: float = Field(description="of the reports together")
    hidden: bool = Field(description="whether reports took it from view")
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
    created_at: Instant
    finished_at: Instant | None


AppealStatus = Literal["waiting", "lifted", "kept"]


class SanctionFacts(View):
    id: int
    kind: Literal["timeout", "ban"]
    until: Instant | None
    reason: str | None
    created_at: Instant
    appeal: AppealStatus | None = Field(description="what became of the note to it; null where there is none")
    answer: str | None


class MySanction(SanctionFacts):
    community_name: str = Field(description="for whoever is banned: nothing else tells them where they are")


class SanctionView(SanctionFacts):
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


class HeldView(View):
    id: int
    author: PersonBrief | None
    text: str
    cause: str = Field(examples=["term"], description="term, link, flood")
    term: str | None = Field(description="that the text holds, where the cause is a term")
    created_at: Instant


class ReportView(View):
    id: int
    kind: Literal["message", "discussion", "comment"]
    message_id: int = Field(description="id of the message, discussion or comment")
    discussion_id: int | None = Field(description="where it is; null for a message")
    author: PersonBrief | None = Field(description="of what is reported")
    text: str = Field(description="of what is reported, as it is now")
    reporter: PersonBrief | None
    reason: str
    created_at: Instant


class Dismissed(View):
    dismissed: int = Field(description="how many reports were open")


class LogEntryView(View):
    id: int
    actor: PersonBrief | None
    action: str
    user: PersonBrief | None = Field(description="to whom it was done")
    room_id: int | None
    message_id: int | None
    reason: str | None
    details: dict[str, Any]
    at: Instant
