"""What one person has to do with discussions: how far they were read, whether they are followed, what is unread."""

from __future__ import annotations

from collections.abc import Mapping

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from mypick import db
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions.commands import FollowDiscussion, MarkDiscussionRead
from mypick.community.discussions.floor import Floor
from mypick.community.discussions.models import Place, Visit
from mypick.community.discussions.streams import stream_of
from mypick.community.discussions.views import Followed
from mypick.community.views import Nothing
from mypick.streams import Streams

MAX_UNREAD = 1_000  # counted; more is "more"
MAX_TALKS, MAX_LOOKED = 100, 500  # discussions that are counted, and among how many


class Visits:
    def __init__(self, floor: Floor, streams: Streams) -> None:
        self._floor = floor
        self._streams = streams

    async def mark_read(self, actor: Actor, command: MarkDiscussionRead) -> Nothing:
        """Everything up to ``seq`` was seen. A marker never moves back, nor beyond what there is."""
        await self._enter(actor, command.discussion_id)
        position = await self._streams.store.position(stream_of(command.discussion_id))
        seq = min(command.seq, position.head_seq)
        mine = await _row_of(actor.user_id, command.discussion_id)
        await mine.filter(Q(seq=None) | Q(seq__lt=seq)).update(seq=seq)
        await mine.filter(told=True).update(told=False)
        return Nothing()

    async def follow(self, actor: Actor, command: FollowDiscussion) -> Followed:
        """Hear of new comments, or mute the discussion."""
        await self._enter(actor, command.discussion_id)
        mine = await _row_of(actor.user_id, command.discussion_id)
        await mine.update(follow=command.follow)
        return Followed(follow=command.follow)

    async def _enter(self, actor: Actor, discussion_id: int) -> None:
        community_id = await self._floor.community_of(discussion_id)
        community, standing = await self._floor.standings.read_in(community_id, actor)
        policy.require_entry(standing, community.visibility)


async def _row_of(user_id: int, discussion_id: int) -> QuerySet[Visit]:
    """The one row, which is there from now on."""
    mine = Visit.filter(user_id=user_id, discussion_id=discussion_id)
    if not await mine.exists():  # another device may be as quick
        await Visit.bulk_create([Visit(user_id=user_id, discussion_id=discussion_id)], ignore_conflicts=True)
    return mine


async def follow_by_writing(user_id: int, discussion_id: int) -> None:
    """Who writes follows, unless they muted it."""
    mine = await _row_of(user_id, discussion_id)
    await mine.filter(follow="none").update(follow="following")


async def visits_of(user_id: int, discussion_ids: list[int]) -> dict[int, Visit]:
    """By discussion: one query."""
    if not discussion_ids:
        return {}
    rows = await Visit.filter(user_id=user_id, discussion_id__in=discussion_ids)
    return {row.discussion_id: row for row in rows}


async def unread_in(user_id: int, community_id: int) -> int:
    """How many discussions of the community that somebody has read before have comments of others since, muted ones
    aside; at most ``MAX_TALKS``, among the ``MAX_LOOKED`` that they came to last. One query."""
    came_to = (
        f"SELECT v.discussion_id, v.seq FROM discussion_visit v JOIN discussion d ON d.id = v.discussion_id "  # noqa: S608
        f"WHERE v.user_id = {user_id:d} AND d.community_id = {community_id:d} AND d.place > {Place.GONE:d} "
        f"AND v.seq IS NOT NULL AND v.follow <> 'muted' ORDER BY v.id DESC LIMIT {MAX_LOOKED}"
    )
    news = (
        f"SELECT 1 FROM comment WHERE comment.discussion_id = mine.discussion_id AND comment.seq > mine.seq "  # noqa: S608
        f"AND comment.author_id <> {user_id:d} AND comment.deleted_at IS NULL"
    )
    some = f"SELECT 1 AS one FROM ({came_to}) mine WHERE EXISTS ({news}) LIMIT {MAX_TALKS}"  # noqa: S608
    rows = await db.connection().execute_query_dict(f"SELECT COUNT(*) AS unread FROM ({some}) found")  # noqa: S608
    return int(rows[0]["unread"])


async def unread_of(user_id: int, visits: Mapping[int, Visit]) -> dict[int, int]:
    """By discussion that was read before: comments of others since then, counted up to ``MAX_UNREAD``. One query,
    whatever the number of discussions."""
    markers = [(row.discussion_id, row.seq) for row in visits.values() if row.seq is not None]
    if not markers:
        return {}
    counts = (
        f"SELECT {number:d} AS discussion_id, COUNT(*) AS unread FROM (SELECT 1 AS one FROM comment "  # noqa: S608
        f"WHERE discussion_id = {number:d} AND seq > {seq:d} AND author_id <> {user_id:d} AND deleted_at IS NULL "
        f"LIMIT {MAX_UNREAD}) unread_{number:d}"
        for number, seq in markers
    )
    rows = await db.connection().execute_query_dict(" UNION ALL ".join(counts))
    return {row["discussion_id"]: row["unread"] for row in rows}
