"""The services of one process, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.bounded_redis import BoundedRedis
from mypick.bus import Bus
from mypick.cache import Cache
from mypick.clock import Clock
from mypick.community.service import Communities
from mypick.content.service import Contents
from mypick.control import Control, Sockets
from mypick.creators.poller import Poller
from mypick.creators.service import Creators
from mypick.domain.settings import DomainSettings
from mypick.ids import Ids
from mypick.jobs.operator import JobsOperator
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.schedule import Schedules
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.notifications.service import Notifications
from mypick.personal.service import PersonalData
from mypick.platforms.protocol import Platform
from mypick.presence import Presence, RoomPresence
from mypick.previews.service import Previews
from mypick.shared_clock import SharedClock
from mypick.streams import Streams
from mypick.watchparty.service import WatchParties

TASKS_EVERY = 0.25  # seconds between two counts of the tasks: it walks over all of them
WRITE_OUT = 5.0  # seconds that waiting appends have to be written at the end


@dataclass(frozen=True, slots=True)
class Domain:
    """The services of one process and the ground that they stand on."""

    settings: DomainSettings
    clock: Clock
    shared: SharedClock
    rng: random.Random
    metrics: Metrics
    redis: BoundedRedis | None
    bus: Bus
    control: Control
    cache: Cache
    limits: Limits
    presence: Presence
    room_presence: RoomPresence
    ids: Ids
    streams: Streams
    process: ProcessJobs
    jobs: Jobs
    schedules: Schedules
    operator: JobsOperator
    passwords: Passwords
    platforms: Mapping[str, Platform]
    accounts: Accounts
    creators: Creators
    contents: Contents
    notifications: Notifications
    communities: Communities
    parties: WatchParties
    personal: PersonalData
    previews: Previews
    poller: Poller

    async def start(self, sockets: Sockets | None = None) -> None:
        """Begin to listen, to write and, where this process works, to work. Not inside a transaction."""
        await self.shared.start()
        await self.control.start(sockets)
        await self.cache.start()
        await self.presence.start()
        await self.process.spawn("streams: append", self.streams.appender.run)
        await self.process.spawn("streams: head check", self.streams.delivery.run_head_check)
        await self.process.spawn("the shared clock", self.shared.run)
        await self.process.spawn("watch parties: keep", self.parties.keeper.run)
        await self.process.spawn("watch parties: react", self.parties.reactions.run)
        await self.process.spawn("watch parties: measure", self.parties.telemetry.run)
        await self.process.spawn("measure the loop", self._measure_loop)
        await self.jobs.start(self.process)
        if self.settings.works:
            await self.schedules.start(self.process)

    async def _measure_loop(self) -> None:
        """How late a timer runs is how late everything runs."""
        every, counted_at = self.settings.loop_look, -math.inf
        while True:
            due = self.clock.monotonic() + every
            await asyncio.sleep(every)
            now = self.clock.monotonic()
            self.metrics.loop_lag_seconds.observe(max(0.0, now - due))
            if now - counted_at >= TASKS_EVERY:
                counted_at = now
                self.metrics.loop_tasks.set(len(asyncio.all_tasks()))

    async def close(self) -> None:
        """Stop in the opposite order: first what asks, then what writes, then what carries. A step that fails keeps
        none of the others from being done."""
        async with AsyncExitStack() as undo:  # runs from the last to the first
            if self.redis:
                undo.push_async_callback(self.redis.close)
            undo.callback(self.passwords.close)
            for platform in self.platforms.values():
                undo.push_async_callback(platform.aclose)
            undo.push_async_callback(self.bus.close)
            undo.push_async_callback(self.cache.close)
            undo.push_async_callback(self.presence.close)
            undo.push_async_callback(self.room_presence.close)
            undo.push_async_callback(self.streams.delivery.close)
            undo.push_async_callback(self.parties.keeper.close)
            undo.push_async_callback(self.process.close)
            undo.push_async_callback(self.streams.appender.written, WRITE_OUT)
            undo.callback(self.streams.appender.close)
            undo.push_async_callback(self.jobs.close)
            if self.settings.works:
                undo.push_async_callback(self.schedules.close)
