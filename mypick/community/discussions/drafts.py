"""Posts on their way: what is known of them before they are written, where they may stand, their rows and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mypick.community.discussions import counts, ranking
from mypick.community.discussions.counts import ALL_BUT_VOTES
from mypick.community.discussions.floor import standing_discussion
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.streams import COMMENTED, CREATED, stream_of
from mypick.community.discussions.telling import Told
from mypick.community.models import Community
from mypick.community.terms.rules import Hold
from mypick.errors import Code, DomainError, not_found
from mypick.streams import Event, NewEvent

MAX_DEPTH = 8  # levels of comments; an answer to the deepest hangs beside it


@dataclass(slots=True)
class Draft:
    """A post on its way. What is decided under the locks stands here for what is written after it."""

    id: int
    author_id: int
    text: str
    told: Told
    title: str = ""
    reply_to: int | None = None
    held_for: Hold | None = None
    now: datetime | None = None
    community: Community | None = None
    discussion: Discussion | None = None
    answered: Comment | None = None
    telling: counts.Telling | None = None
    linked: bool = False  # a worker looks at its link


async def require_place(draft: Draft, *, may_lock: bool) -> None:
    """Whether the draft's comment can be where it wants to be, and what it answers there."""
    if draft.discussion is None:
        raise AssertionError("a comment has a discussion")
    standing_discussion(draft.discussion)
    if draft.discussion.locked and not may_lock:
        raise DomainError(Code.LOCKED, "this discussion is locked: moderators alone comment now")
    draft.answered = None
    if draft.reply_to is not None:
        draft.answered = await Comment.get_or_none(id=draft.reply_to, discussion_id=draft.discussion.id)
        if draft.answered is None:
            raise not_found("comment in this discussion to reply to")
        if draft.answered.deleted_at:
            raise DomainError(Code.GONE, "the comment that you reply to was deleted")


def created(draft: Draft, stream: str) -> NewEvent:
    return NewEvent(stream, CREATED, {}, ref=draft.id, actor_id=draft.author_id, id=draft.id)


def commented(draft: Draft) -> list[NewEvent]:
    """``comment-created``, and the news of it for the list."""
    discussion, now = draft.discussion, draft.now
    if discussion is None or now is None:
        raise AssertionError("it was decided before")
    discussion.comments, discussion.last_at = discussion.comments + 1, now
    draft.telling = counts.tell(discussion, ALL_BUT_VOTES, now)
    event = NewEvent(
        stream_of(discussion.id), COMMENTED, {}, ref=draft.id, actor_id=draft.author_id, id=draft.id
    )
    return [event, *draft.telling.events]


def discussion_row(draft: Draft, community_id: int, event: Event) -> Discussion:
    return Discussion(
        id=draft.id,
        community_id=community_id,
        author_id=draft.author_id,
        title=draft.title,
        text=draft.text,
        hot=ranking.hot(0, event.at),
        last_at=event.at,
        created_at=event.at,
    )


def comment_row(draft: Draft, event: Event) -> Comment:
    answered = draft.answered
    place: dict[str, Any] = {}
    if answered is not None and answered.depth + 1 < MAX_DEPTH:
        above = f"{answered.ancestors},{answered.id}" if answered.ancestors else str(answered.id)
        place = {"parent_id": answered.id, "depth": answered.depth + 1, "ancestors": above}
    elif answered is not None:
        place = {"parent_id": answered.parent_id, "depth": answered.depth, "ancestors": answered.ancestors}
    return Comment(
        id=draft.id,
        discussion_id=int(event.stream.partition(":")[2]),
        author_id=draft.author_id,
        reply_to=draft.reply_to,
        seq=event.seq,
        changed_seq=event.seq,
        text=draft.text,
        created_at=event.at,
        **place,
    )
