"""Purges: everything that somebody said is deleted, in batches that hold the room for a moment each. One of all rooms
takes discussions and comments along.

A batch is one transaction: its tombstones, one ``message-deleted`` for each, how far the purge has come, and the job's
checkpoint. Whatever is killed when, the next run goes on with what still has its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.commands import PurgeMember
from mypick.community.desk.models import Purge
from mypick.community.desk.touches import Touches
from mypick.community.desk.verdicts import settle
from mypick.community.desk.views import PurgeView
from mypick.community.discussions.burying import Also
from mypick.community.discussions.purging import PostPurges, Span
from mypick.community.edits import erase
from mypick.community.logbook import note
from mypick.community.models import Community, HeldMessage, Message, Room
from mypick.community.policy import Action
from mypick.community.rooms import MAX_ROOMS, Rooms, receipt
from mypick.community.standings import Standings
from mypick.community.streams import DELETED, room_of
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Permanent, Work
from mypick.streams import Append, Event, NewEvent, Streams

PURGE = "community.purge"  # args: the purge
BATCH = 50  # messages in one transaction: some 20 ms in which nobody else writes into the room
MAX_RUNNING = 20  # purges of one community at once


class Purges:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        touches: Touches,
        posts: PostPurges,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._touches = touches
        self._posts = posts
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    async def purge(self, actor: Actor, command: PurgeMember) -> PurgeView:
        """Begin to delete what somebody said. What they say later stays. Those who work at the desk see how far it has
        come."""
        site_role = await people.site_role_of(command.user_id)
        if site_role is None:
            raise not_found("user")
        community_id = await self._rooms.community_of(command.room_id)
        (entry_id, purge_id), now = await self._ids.take(2), self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(command.room_id, actor)
            policy.require_entry(standing, place.community.visibility)
            policy.require_voice(standing, now)
            target = await self._standings.target(community_id, command.user_id, site_role)
            policy.require(standing, Action.PURGE, target)
            if await Purge.filter(community_id=community_id, finished_at=None).count() >= MAX_RUNNING:
                raise DomainError(Code.FULL, f"{MAX_RUNNING} purges are under way here: wait for one of them")
            room_id = None if command.everywhere else command.room_id
            # by the clock under the lock: what they said while this waited for it was said before
            moment = self._clock.now()
            await self.write(purge_id, community_id, room_id, command.user_id, actor, command.hours, moment)
            await note(
                entry_id,
                community_id,
                actor,
                "purge",
                now,
                room_id=room_id,
                user_id=command.user_id,
                reason=command.reason,
                details={"hours": command.hours, "purge": purge_id},
            )
            return ()

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return {"purge_id": purge_id}

        key = receipt(actor, "purge-member", command)
        done = await self._streams.append(
            Append(streams=[room_of(command.room_id)], decide=decide, receipt=key, reply=reply)
        )
        self.wake()
        return _view(await Purge.get(id=done.reply["purge_id"]))

    async def write(
        self,
        purge_id: int,
        community_id: int,
        room_id: int | None,
        user_id: int,
        actor: Actor,
        hours: int | Literal["all"],
        now: datetime,
    ) -> None:
        """A purge and its job, in the caller's transaction; call ``wake`` after its commit. What of theirs waits for a
        decision is rejected at once."""
        since = None if hours == "all" else now - timedelta(hours=hours)
        row = Purge(
            id=purge_id,
            community_id=community_id,
            room_id=room_id,
            user_id=user_id,
            actor_id=actor.user_id,
            since=since,
            found=0,
            created_at=now,
        )
        rooms = [room_id] if room_id is not None else await _rooms_of(community_id)
        for one in rooms:
            row.found += await _left(row, one).count()
        if room_id is None:
            row.found += await self._posts.count(_span(row))
            await self._posts.reject_held(_span(row), actor.user_id)
        await row.save(force_create=True)
        waiting = HeldMessage.filter(author_id=user_id, room_id__in=rooms, status="waiting")
        held = [one for (one,) in await waiting.values_list("id")]
        if held:
            await waiting.update(status="rejected", text="", decided_at=now, decided_by=actor.user_id)
        for one in held:
            await self._touches.touch(community_id, "held", one)
        await self._touches.touch(community_id, "purge", purge_id)
        await self._jobs.enqueue(PURGE, {"purge_id": purge_id}, dedupe_key=f"purge:{purge_id}", priority=4)

    def wake(self) -> None:
        self._jobs.wake(PURGE)
        self._touches.wake()

    async def run(self, work: Work) -> None:
        """The job ``community.purge``."""
        purge = await Purge.get_or_none(id=work.args["purge_id"])
        if purge is None:
            raise Permanent("its purge is gone")
        rooms = [purge.room_id] if purge.room_id is not None else await _rooms_of(purge.community_id)
        for room_id in rooms:
            while await self._batch(purge, room_id, work) == BATCH:
                self._touches.wake()
        if purge.room_id is None:
            await self._posts.run(_span(purge), purge.actor_id, self._noted(purge, work), self._touches.wake)
        if await Purge.filter(id=purge.id, finished_at=None).update(finished_at=self._clock.now()):
            await self._touches.touch(purge.community_id, "purge", purge.id)
            self._touches.wake()

    async def show(self, actor: Actor, purge_id: int) -> PurgeView:
        """How far it has come. For those who work at the desk."""
        purge = await Purge.get_or_none(id=purge_id)
        if purge is None:
            raise policy.absent()
        community = await Community.get(id=purge.community_id)
        standing = (await self._standings.of_all([community.id], actor))[community.id]
        if community.visibility == "private" and not policy.may_work(standing):
            raise policy.absent()
        policy.require_office(standing, community.visibility, Action.READ_DESK, self._clock.now())
        return _view(purge)

    def _noted(self, purge: Purge, work: Work) -> Also:
        """How far it has come, in the transaction of posts that it deletes."""

        async def note_posts(post_ids: Sequence[int]) -> None:
            for post_id in await settle(purge.community_id, post_ids, agreed=True):
                await self._touches.touch(purge.community_id, "report", post_id)
            await Purge.filter(id=purge.id).update(done=F("done") + len(post_ids))
            await self._touches.touch(purge.community_id, "purge", purge.id)
            await work.checkpoint({"post": post_ids[-1]})

        return note_posts

    async def _batch(self, purge: Purge, room_id: int, work: Work) -> int:
        """Delete up to ``BATCH`` messages of one room. How many it were."""
        ids, now = await self._ids.take(BATCH), self._clock.now()
        found: list[Message] = []

        async def decide() -> Sequence[NewEvent]:
            found[:] = await _left(purge, room_id).order_by("seq").limit(BATCH)
            return [
                NewEvent(
                    room_of(room_id),
                    DELETED,
                    {"message_id": message.id, "by_moderator": True},
                    ref=message.id,
                    actor_id=purge.actor_id,
                    id=event_id,
                )
                for message, event_id in zip(found, ids, strict=False)
            ]

        async def effect(events: Sequence[Event]) -> None:
            if not events:
                return
            deleted = [message.id for message in found]
            for message_id in await settle(purge.community_id, deleted, agreed=True):
                await self._touches.touch(purge.community_id, "report", message_id)
            await erase(deleted, now, events[-1].seq)
            for message, event in zip(found, events, strict=True):
                message.changed_seq = event.seq
            await Message.bulk_update(found, ["changed_seq"])
            await Purge.filter(id=purge.id).update(done=F("done") + len(events))
            await self._touches.touch(purge.community_id, "purge", purge.id)
            await work.checkpoint({"room": room_id, "seq": found[-1].seq})

        await self._streams.append(Append(streams=[room_of(room_id)], decide=decide, effect=effect))
        return len(found)


def _span(purge: Purge) -> Span:
    return Span(purge.community_id, purge.user_id, purge.since, purge.created_at)


def _left(purge: Purge, room_id: int) -> QuerySet[Message]:
    """What is yet to be deleted in one room."""
    query = Message.filter(author_id=purge.user_id, room_id=room_id, deleted_at=None, created_at__lte=purge.created_at)
    return query if purge.since is None else query.filter(created_at__gte=purge.since)


async def _rooms_of(community_id: int) -> list[int]:
    rows = await Room.filter(community_id=community_id).order_by("id").limit(MAX_ROOMS).values_list("id")
    return [room_id for (room_id,) in rows]


def _view(purge: Purge) -> PurgeView:
    return PurgeView(
        purge_id=purge.id,
        user_id=purge.user_id,
        room_id=purge.room_id,
        found=purge.found,
        done=purge.done,
        created_at=purge.created_at,
        finished_at=purge.finished_at,
    )
