"""Votes: one of each person for each post, counted in the post's row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions import counts, ranking
from mypick.community.discussions.commands import VoteComment, VoteDiscussion, VoteWord
from mypick.community.discussions.counts import ALL, CountJobs
from mypick.community.discussions.floor import Floor, require_shown, standing_comment, standing_discussion
from mypick.community.discussions.models import Comment, Discussion, Vote
from mypick.community.discussions.streams import counts_of, stream_of
from mypick.community.discussions.views import Voted
from mypick.community.policy import Action
from mypick.community.streams import community_stream
from mypick.ids import Ids
from mypick.streams import Append, Event, NewEvent, Streams

VALUES: Mapping[VoteWord, int] = {"up": 1, "none": 0, "down": -1}


class Votes:
    def __init__(self, floor: Floor, streams: Streams, count_jobs: CountJobs, *, ids: Ids) -> None:
        self._floor = floor
        self._streams = streams
        self._ids = ids
        self._count_jobs = count_jobs

    async def vote_discussion(self, actor: Actor, command: VoteDiscussion) -> Voted:
        """From now on the actor's vote on this is ``vote``. Where it is so already nothing happens."""
        return await self._vote(actor, "vote-discussion", command, command.discussion_id, None)

    async def vote_comment(self, actor: Actor, command: VoteComment) -> Voted:
        discussion_id = await self._floor.discussion_of(command.comment_id)
        return await self._vote(actor, "vote-comment", command, discussion_id, command.comment_id)

    async def _vote(
        self, actor: Actor, name: str, command: VoteDiscussion | VoteComment, discussion_id: int, comment_id: int | None
    ) -> Voted:
        community_id = await self._floor.community_of(discussion_id)
        found: list[tuple[Discussion | Comment, counts.Telling | None]] = []
        value, before = VALUES[command.vote], [0]

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            policy.require_voice(held.standing, held.now)
            policy.require(held.standing, Action.VOTE_DOWN if value < 0 else Action.VOTE)
            post: Discussion | Comment = standing_discussion(held.discussion)
            if comment_id is not None:
                post = await standing_comment(comment_id)
            require_shown(post)
            mine = await Vote.get_or_none(post_id=post.id, user_id=actor.user_id)
            before[0] = mine.value if mine else 0
            found[:] = [(post, None)]
            if before[0] == value:
                return ()
            _count(post, value, 1)
            _count(post, before[0], -1)
            telling = counts.tell(post, ALL, held.now)
            found[:] = [(post, telling)]
            return telling.events

        async def effect(_: Sequence[Event]) -> None:
            ((post, telling),) = found
            if telling is None:
                return
            mine = Vote.filter(post_id=post.id, user_id=actor.user_id)
            if value == 0:
                await mine.delete()
            elif before[0] == 0:
                await Vote.create(post_id=post.id, user_id=actor.user_id, value=value)
            else:
                await mine.update(value=value)
            await self._write(post, telling)

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return {"vote": command.vote, **counts_of(found[0][0])}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=reply,
        )  # fmt: skip
        return Voted(**done.reply)

    async def take_back(self, user_id: int, discussion_id: int, post_ids: Sequence[int]) -> None:
        """Remove somebody's votes on these posts of one discussion, in one transaction."""
        community_id, now = await self._floor.community_of(discussion_id), self._floor.now()
        ids = await self._ids.take(len(post_ids) + 1)  # of events: the discussion itself is told of in two streams
        mine = Vote.filter(user_id=user_id, post_id__in=list(post_ids))
        found: list[tuple[Discussion | Comment, counts.Telling]] = []

        async def decide() -> Sequence[NewEvent]:
            values = dict(await mine.values_list("post_id", "value"))
            posts: list[Discussion | Comment] = [
                *await Discussion.filter(id__in=list(values)), *await Comment.filter(id__in=list(values))
            ]  # fmt: skip
            for post in posts:
                _count(post, values[post.id], -1)
            found[:] = [(post, counts.tell(post, ALL, now)) for post in posts]
            events = [event for _, telling in found for event in telling.events]
            return [replace(event, id=event_id) for event, event_id in zip(events, ids, strict=False)]

        async def effect(_: Sequence[Event]) -> None:
            for post, telling in found:
                await self._write(post, telling)
            await mine.delete()

        streams = [community_stream(community_id), stream_of(discussion_id)]
        await self._streams.append_alone(Append(streams=streams, decide=decide, effect=effect))

    async def _write(self, post: Discussion | Comment, telling: counts.Telling) -> None:
        """Its new counts, and its rank by them."""
        rank = (
            {"hot": ranking.hot(post.score, post.created_at)}
            if isinstance(post, Discussion)
            else {"best": ranking.best(post.ups, post.downs)}
        )
        await type(post).filter(id=post.id).update(**counts_of(post), **rank, **telling.columns)
        await self._count_jobs.ask(post, telling)


def _count(post: Discussion | Comment, value: int, by: int) -> None:
    if value > 0:
        post.ups += by
    elif value < 0:
        post.downs += by
    post.score = post.ups - post.downs


async def votes_of(user_id: int, post_ids: Sequence[int]) -> dict[int, str]:
    """By post: "up" or "down". One query."""
    if not post_ids:
        return {}
    rows = await Vote.filter(user_id=user_id, post_id__in=list(post_ids)).values_list("post_id", "value")
    return {post_id: "up" if value > 0 else "down" for post_id, value in rows}
