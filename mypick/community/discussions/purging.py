"""Deleting what one person wrote in the discussions of a community, for purges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from mypick.community.desk.touches import Touches
from mypick.community.discussions.burying import Also, Burying
from mypick.community.discussions.models import Comment, Discussion, HeldPost

AT_ONCE = 50  # comments that are looked for together; those of one discussion are one transaction


@dataclass(frozen=True, slots=True)
class Span:
    """What is to go: posts of ``user_id`` in the community from ``since`` (none: ever) up to ``until``."""

    community_id: int
    user_id: int
    since: datetime | None
    until: datetime


class PostPurges:
    def __init__(self, burying: Burying, touches: Touches) -> None:
        self._burying = burying
        self._touches = touches

    @staticmethod
    async def count(span: Span) -> int:
        return await _comments(span).count() + await _discussions(span).count()

    async def reject_held(self, span: Span, actor_id: int) -> None:
        """What of theirs waits for a decision is rejected, in the caller's transaction."""
        waiting = HeldPost.filter(author_id=span.user_id, community_id=span.community_id, status="waiting")
        held = [one for (one,) in await waiting.values_list("id")]  # at most ``posts.MAX_WAITING``
        if held:
            await waiting.update(status="rejected", title="", text="", decided_at=span.until, decided_by=actor_id)
        for one in held:
            await self._touches.touch(span.community_id, "held", one)

    async def run(self, span: Span, actor_id: int, also: Also, told: Callable[[], None]) -> None:
        """All that is left of it, in transactions of at most ``AT_ONCE`` posts; ``told`` is called after each."""
        after = 0
        while rows := await _ids(_comments(span), after, "discussion_id"):
            for discussion_id, among in groupby(sorted(rows, key=lambda row: row[1]), key=lambda row: row[1]):
                ids = sorted(row[0] for row in among)
                await self._burying.comments(discussion_id, ids, actor_id=actor_id, by_moderator=True, also=also)
                told()
            after = rows[-1][0]
        after = 0
        while rows := await _ids(_discussions(span), after, "id"):
            for discussion_id, _ in rows:
                await self._burying.discussion(discussion_id, actor_id=actor_id, by_moderator=True, also=also)
                told()
            after = rows[-1][0]


async def _ids(query: QuerySet[Comment] | QuerySet[Discussion], after: int, column: str) -> Sequence[tuple[int, int]]:
    rows = await query.filter(id__gt=after).order_by("id").limit(AT_ONCE).values(*{"id", column})
    return [(row["id"], row[column]) for row in rows]


def _comments(span: Span) -> QuerySet[Comment]:
    here = Discussion.filter(community_id=span.community_id).values("id")
    query = Comment.filter(
        author_id=span.user_id, discussion_id__in=Subquery(here), deleted_at=None, created_at__lte=span.until
    )
    return query if span.since is None else query.filter(created_at__gte=span.since)


def _discussions(span: Span) -> QuerySet[Discussion]:
    query = Discussion.filter(
        author_id=span.user_id, community_id=span.community_id, deleted_at=None, created_at__lte=span.until
    )
    return query if span.since is None else query.filter(created_at__gte=span.since)
