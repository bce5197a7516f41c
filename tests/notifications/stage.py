"""Nodes that carry notices into inboxes, people who follow, and the promises that must hold."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence

from mypick.accounts.actor import Actor
from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.clock import Clock
from mypick.creators.models import Creator, Subscription
from mypick.db import transaction
from mypick.ids import Ids
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claim, Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Kind as JobKind
from mypick.metrics import Metrics
from mypick.notifications.announcements import FAN_OUT, TELL, Announcement, announce
from mypick.notifications.fan_out import FanOut
from mypick.notifications.models import Inbox, Notification
from mypick.notifications.service import Notifications
from mypick.notifications.views import Kind
from mypick.streams import Streams
from mypick.streams.models import Stream, StreamEvent
from tests.streams.nodes import nobody

LEASE_S = 60.0
PRIORITY = 2


class Present:
    """Who is online, in chunks of two."""

    def __init__(self, people: Collection[int] = ()) -> None:
        self.people = sorted(people)

    async def online_in_chunks(self) -> AsyncIterator[set[int]]:
        for start in range(0, len(self.people), 2):
            yield set(self.people[start : start + 2])


class Node:
    """One process: its own streams, ids and jobs, over the database and exchange that all nodes share."""

    def __init__(
        self, name: str, clock: Clock, exchange: MemoryExchange | None = None, online: Collection[int] = ()
    ) -> None:
        self.ids = Ids()
        self.streams = Streams(
            bus=MemoryBus(exchange or MemoryExchange()),
            ids=self.ids,
            clock=clock,
            people=nobody,
            node=name,
            rng=random.Random(1),
            metrics=Metrics.unread(),
        )
        self.notifications = Notifications(self.streams, clock)
        self.fan_out = FanOut(self.streams, Present(online), clock)
        self.jobs = Jobs(clock, sweep_interval_s=0.2)
        self.jobs.register(FAN_OUT, self.fan_out.run, priority=PRIORITY, max_attempts=20, lease_s=LEASE_S)
        self.jobs.register(TELL, self.fan_out.tell_named, priority=PRIORITY, max_attempts=20, lease_s=LEASE_S)
        self._clock = clock
        handlers = {FAN_OUT: self.fan_out.run, TELL: self.fan_out.tell_named}
        self.claims = Claims(
            clock,
            {
                name: JobKind(name, handler, PRIORITY, 20, LEASE_S, 3600.0, BackOff(1.0, 300.0))
                for name, handler in handlers.items()
            },
        )

    async def announce(self, creator_id: int, text: str, kind: Kind = "new-video") -> int:
        """A notice and its job. The notice's id."""
        notice_id, content_id = await self.ids.take(2)
        news = Announcement(notice_id, text, kind, "somebody", text, "https://x.invalid/", None, creator_id, content_id)
        async with transaction():
            await announce([news], jobs=self.jobs, now=self._clock.now())
        return notice_id

    async def claim(self) -> Claim | None:
        return await self.claims.claim(lane_of(PRIORITY))

    async def carry_all(self) -> int:
        """Work every fan-out that is due, as a worker does. How many."""
        done = 0
        while claim := await self.claim():
            await claim.kind.handler(claim.work)
            await self.claims.finish(claim.work)
            done += 1
        return done


def person(user_id: int) -> Actor:
    return Actor(user_id=user_id, role="fan", session_id=1, scopes=None, expires_at=None)


async def creator_with(clock: Clock, followers: Sequence[int]) -> int:
    creator = await Creator.create(name="somebody", description="", created_at=clock.now())
    await Subscription.bulk_create(
        [Subscription(user_id=user_id, creator_id=creator.id, created_at=clock.now()) for user_id in followers]
    )
    return int(creator.id)


async def told(notice_id: int) -> list[int]:
    """Who has the notice, in the order of telling."""
    return [row.user_id for row in await Notification.filter(notice_id=notice_id).order_by("id")]


async def assert_everybody_was_told_once(notice_id: int, people: Collection[int]) -> None:
    assert Counter(await told(notice_id)) == Counter(people)


async def assert_inboxes_are_whole() -> None:
    """Counters count, logs have no gap, and events and rows are the same ones."""
    rows = await Notification.all().order_by("user_id", "seq")
    unread = Counter(row.user_id for row in rows if row.read_at is None)
    counters = {row.user_id: row.unread_count for row in await Inbox.all()}
    assert {user: count for user, count in counters.items() if count} == dict(unread)
    streams = {row.id: row for row in await Stream.all()}
    events = await StreamEvent.all().order_by("stream_id", "seq")
    assert {(event.id, event.ref, streams[event.stream_id].key, event.seq) for event in events} == {
        (row.id, row.notice_id, f"inbox:{row.user_id}", row.seq) for row in rows
    }
    per_user = Counter(row.user_id for row in rows)
    assert {row.key: row.head_seq for row in streams.values() if row.head_seq} == {
        f"inbox:{user}": count for user, count in per_user.items()
    }
    for user, count in per_user.items():
        assert [row.seq for row in rows if row.user_id == user] == list(range(1, count + 1))
