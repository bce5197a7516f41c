"""Making tombstones of posts: their words are then nowhere, and their places stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from tortoise.expressions import F

from mypick.community.discussions import counts
from mypick.community.discussions.counts import ALL_BUT_VOTES, CountJobs
from mypick.community.discussions.floor import Floor, seq_in
from mypick.community.discussions.indexing import forget_posts
from mypick.community.discussions.models import Comment, Discussion, Place, PostPreview, PostRevision
from mypick.community.discussions.streams import COMMENT_DELETED, DELETED, stream_of
from mypick.community.mentions import forget_text
from mypick.community.models import Report
from mypick.community.streams import community_stream
from mypick.ids import Ids
from mypick.streams import Append, Event, NewEvent, Streams

Also = Callable[[Sequence[int]], Awaitable[None]]
"""What else is written with the tombstones of these posts, before their reports are closed."""


class Burying:
    """Deletes many posts of one person, where nobody asks for each of them: purges and erasures. Nothing is asked of
    the actor; who begins it did that."""

    def __init__(self, floor: Floor, streams: Streams, count_jobs: CountJobs, *, ids: Ids) -> None:
        self._floor = floor
        self._streams = streams
        self._count_jobs = count_jobs
        self._ids = ids

    async def comments(
        self, discussion_id: int, comment_ids: Sequence[int], *, actor_id: int, by_moderator: bool, also: Also | None
    ) -> None:
        """Those of these comments of one discussion that still have their words, in one transaction."""
        community_id, now = await self._floor.community_of(discussion_id), self._floor.now()
        ids = await self._ids.take(len(comment_ids))
        found: list[tuple[Discussion, list[Comment], counts.Telling]] = []

        async def decide() -> Sequence[NewEvent]:
            left = await Comment.filter(id__in=list(comment_ids), deleted_at=None).order_by("id")
            found.clear()
            if not left:
                return ()
            discussion = await Discussion.get(id=discussion_id)
            discussion.comments -= len(left)
            telling = counts.tell(discussion, ALL_BUT_VOTES, now)
            found.append((discussion, left, telling))
            gone = [
                NewEvent(
                    stream_of(discussion_id),
                    COMMENT_DELETED,
                    {"comment_id": row.id, "by_moderator": by_moderator},
                    ref=row.id,
                    actor_id=actor_id,
                    id=event_id,
                )
                for row, event_id in zip(left, ids, strict=False)
            ]
            return [*gone, *telling.events]

        async def effect(events: Sequence[Event]) -> None:
            for discussion, rows, telling in found:
                if also:
                    await also([row.id for row in rows])
                await bury_comments(rows, [event.seq for event in events[: len(rows)]], community_id, now)
                await Discussion.filter(id=discussion_id).update(
                    comments=F("comments") - len(rows), **telling.columns
                )
                await self._count_jobs.ask(discussion, telling)

        streams = [community_stream(community_id), stream_of(discussion_id)]
        await self._streams.append_alone(Append(streams=streams, decide=decide, effect=effect))

    async def discussion(self, discussion_id: int, *, actor_id: int, by_moderator: bool, also: Also | None) -> None:
        """A discussion; what others said in it stays."""
        community_id, now = await self._floor.community_of(discussion_id), self._floor.now()
        streams = [community_stream(community_id), stream_of(discussion_id)]

        async def decide() -> Sequence[NewEvent]:
            if (await Discussion.get(id=discussion_id)).deleted_at:
                return ()
            data = {"discussion_id": discussion_id, "by_moderator": by_moderator}
            return [NewEvent(stream, DELETED, data, ref=discussion_id, actor_id=actor_id) for stream in streams]

        async def effect(events: Sequence[Event]) -> None:
            if not events:
                return
            if also:
                await also([discussion_id])
            row = await Discussion.get(id=discussion_id)
            await bury_discussion(row, seq_in(events, stream_of(discussion_id)), now)

        await self._streams.append_alone(Append(streams=streams, decide=decide, effect=effect))


async def bury_comments(rows: Sequence[Comment], seqs: Sequence[int], community_id: int, now: datetime) -> None:
    """Inside the locks of their discussion; ``seqs`` are those of the events that tell it."""
    await _forget(rows, community_id)
    for row, seq in zip(rows, seqs, strict=True):
        row.text, row.deleted_at, row.hidden_at, row.changed_seq = "", now, None, seq
    await Comment.bulk_update(rows, ["text", "deleted_at", "hidden_at", "changed_seq"])


async def bury_discussion(row: Discussion, seq: int | None, now: datetime) -> None:
    """The same of a discussion, which no list has then."""
    await _forget([row], row.community_id)
    await Discussion.filter(id=row.id).update(
        title="", text="", place=Place.GONE, deleted_at=now, hidden_at=None, changed_seq=seq
    )


async def _forget(posts: Sequence[Discussion | Comment], community_id: int) -> None:
    """What the search index has, revisions, previews, and what notifications and reports quote."""
    await forget_posts(posts, community_id)
    ids = [post.id for post in posts]
    await PostRevision.filter(post_id__in=ids).delete()
    await PostPreview.filter(post_id__in=ids).delete()
    await Report.filter(message_id__in=ids).update(reason="")
    await Report.filter(message_id__in=ids, outcome=None).update(outcome="deleted")
    await forget_text(ids)
