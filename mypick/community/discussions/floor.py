"""Which discussions there are, and changing them under the locks that keep their people still.

Every change holds two streams: the community's own, which whoever bans or gives roles holds as well, and the
discussion's, which gives the order of what is said in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.models import Model

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.streams import stream_of
from mypick.community.models import Community
from mypick.community.policy import Standing
from mypick.community.rooms import receipt
from mypick.community.standings import Standings
from mypick.community.streams import community_stream
from mypick.errors import Code, DomainError
from mypick.streams import Append, Event, NewEvent, Streams
from mypick.streams.events import Done

MAX_KNOWN = 50_000  # discussions, about 100 bytes each; their rows are never removed

Effect = Callable[[Sequence[Event]], Awaitable[None]]
Rows = Callable[[Sequence[Event]], Sequence[Model]]


@dataclass(frozen=True, slots=True)
class Held:
    """A discussion whose locks are held, and what its actor is there."""

    community: Community
    standing: Standing
    discussion: Discussion
    now: datetime


class Floor:
    def __init__(self, streams: Streams, standings: Standings, clock: Clock) -> None:
        self.standings = standings
        self._streams = streams
        self._clock = clock
        self._communities: OrderedDict[int, int] = OrderedDict()  # discussion → community

    async def community_of(self, discussion_id: int) -> int:
        """``NOT_FOUND`` where there is no such discussion."""
        if (known := self._communities.get(discussion_id)) is not None:
            return known
        row = await Discussion.get_or_none(id=discussion_id).values_list("community_id")
        if row is None:
            raise policy.absent()
        self._communities[discussion_id] = row[0]
        if len(self._communities) > MAX_KNOWN:
            self._communities.popitem(last=False)
        return int(row[0])

    @staticmethod
    async def discussion_of(comment_id: int) -> int:
        row = await Comment.get_or_none(id=comment_id).values_list("discussion_id")
        if row is None:
            raise policy.absent()
        return int(row[0])

    def now(self) -> datetime:
        return self._clock.now()

    async def hold(self, community_id: int, actor: Actor) -> tuple[Community, Standing, datetime]:
        """Who may come in here now; the community's stream is locked."""
        now = self._clock.now()
        community, standing = await self.standings.locked_in(community_id, actor)
        policy.require_entry(standing, community.visibility)
        return community, standing, now

    async def hold_discussion(self, discussion_id: int, actor: Actor) -> Held:
        """The same with the discussion, whose stream is locked too."""
        community, standing, now = await self.hold(await self.community_of(discussion_id), actor)
        return Held(community, standing, await Discussion.get(id=discussion_id), now)

    async def change(
        self,
        actor: Actor,
        name: str,
        command: Any,
        *,
        community_id: int,
        discussion_id: int | None,
        decide: Callable[[], Awaitable[Sequence[NewEvent]]],
        reply: Callable[[Sequence[Event]], Mapping[str, Any]],
        effect: Effect | None = None,
        rows: Rows | None = None,
    ) -> Done:
        """One command, once for its cid."""
        streams = [community_stream(community_id)]
        if discussion_id is not None:
            streams.append(stream_of(discussion_id))
        with self.standings.asking_in(community_id, actor.user_id):
            return await self._streams.append(
                Append(
                    streams=streams,
                    decide=decide,
                    rows=rows,
                    effect=effect,
                    receipt=receipt(actor, name, command) if hasattr(command, "cid") else None,
                    reply=reply,
                )
            )


def standing_discussion(discussion: Discussion) -> Discussion:
    """One that still has its text."""
    if discussion.deleted_at:
        raise DomainError(Code.GONE, "this discussion was deleted")
    return discussion


async def standing_comment(comment_id: int) -> Comment:
    """A comment that still has its text; the caller holds its discussion's locks."""
    comment = await Comment.get(id=comment_id)
    if comment.deleted_at:
        raise DomainError(Code.GONE, "this comment was deleted")
    return comment


def require_shown(post: Discussion | Comment) -> None:
    """``LOCKED`` where reports took it from view."""
    if post.hidden_at:
        raise DomainError(Code.LOCKED, "readers reported this: wait until a moderator has looked")


def seq_in(events: Sequence[Event], stream: str) -> int | None:
    return next((event.seq for event in events if event.stream == stream), None)
