"""Telling readers of counts: votes and activity, gathered so that a thousand in a second are few events.

What changes a count tells it at once where nothing was told for a second. Otherwise it leaves a mark and a job, and
the job tells all that came together. So each post has at most one such event a second, and the last state always is
told. The mark, the counts and the job are written in one transaction: whatever is killed when, the job is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mypick.clock import Clock, to_wire
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.streams import ACTIVITY, VOTES, counts_of, stream_of
from mypick.community.streams import community_stream
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Permanent, Work
from mypick.streams import Append, NewEvent, Streams

EVERY = timedelta(seconds=1)
TELL_COUNTS = "community.tell-counts"
PRIORITY = 1
NOTHING, ALL_BUT_VOTES, ALL = 0, 1, 2  # of ``untold``


@dataclass(frozen=True, slots=True)
class Telling:
    """What is to be written and told now. ``at`` is when a job has to tell the rest, if there is one to be asked."""

    events: Sequence[NewEvent]
    columns: dict[str, Any]
    at: datetime | None = None


def tell(post: Discussion | Comment, what: int, now: datetime) -> Telling:
    """``post`` has its new counts. Its locks are held."""
    # told later than now is told by a clock that was wrong
    if post.told_at is None or not timedelta() <= now - post.told_at < EVERY:
        return Telling(_events(post, max(what, post.untold)), {"told_at": now, "untold": NOTHING})
    at = post.told_at + EVERY if post.untold == NOTHING else None
    return Telling((), {"untold": max(what, post.untold)}, at)


def _events(post: Discussion | Comment, what: int) -> list[NewEvent]:
    if isinstance(post, Comment):
        data = {"discussion_id": post.discussion_id, "comment_id": post.id, **counts_of(post)}
        return [NewEvent(stream_of(post.discussion_id), VOTES, data, ref=post.id)]
    events = []
    if not post.deleted_at:  # the list has it no more
        activity = {"comments": post.comments, "last_at": to_wire(post.last_at)}
        data = {"discussion_id": post.id, **counts_of(post), **activity}
        events.append(NewEvent(community_stream(post.community_id), ACTIVITY, data, ref=post.id))
    if what == ALL:
        data = {"discussion_id": post.id, "comment_id": None, **counts_of(post)}
        events.append(NewEvent(stream_of(post.id), VOTES, data, ref=post.id))
    return events


class CountJobs:
    """Asks for the jobs that tell, and handles them: args ``{"discussion_id", "comment_id"}``."""

    def __init__(self, streams: Streams, jobs: Jobs, clock: Clock) -> None:
        self._streams = streams
        self._jobs = jobs
        self._clock = clock

    async def ask(self, post: Discussion | Comment, telling: Telling) -> None:
        """In the transaction that leaves the mark."""
        if telling.at is not None:
            comment_id = post.id if isinstance(post, Comment) else None
            discussion_id = post.discussion_id if isinstance(post, Comment) else post.id
            args = {"discussion_id": discussion_id, "comment_id": comment_id}
            await self._jobs.enqueue(TELL_COUNTS, args, priority=PRIORITY, due_at=telling.at)

    async def run(self, work: Work) -> None:
        """Tell what was marked; where nothing is, it was told meanwhile. Done twice it tells once."""
        discussion_id, comment_id = work.args["discussion_id"], work.args["comment_id"]
        discussion = await Discussion.get_or_none(id=discussion_id)
        if discussion is None:
            raise Permanent("its discussion is gone")

        async def decide() -> Sequence[NewEvent]:
            post: Discussion | Comment
            if comment_id is None:
                post = await Discussion.get(id=discussion_id)
            else:
                post = await Comment.get(id=comment_id)
            if post.untold == NOTHING:
                return ()
            marked = type(post).filter(id=post.id)
            await marked.update(untold=NOTHING, told_at=self._clock.now())
            return _events(post, post.untold)

        streams = [community_stream(discussion.community_id), stream_of(discussion_id)]
        await self._streams.append(Append(streams=streams, decide=decide))
