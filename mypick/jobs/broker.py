"""Brokers: how a wake reaches a process that works. One for each lane, in memory or in Redis Streams.

A message says no more than "this lane has work"; the rows of the table ``job`` say which. So a message may be lost,
repeated or come late, and nothing is: the sweep of every worker finds the rows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import AckableMessage, AsyncBroker, InMemoryBroker
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from mypick.clock import SystemClock
from mypick.jobs.backoff import BackOff
from mypick.jobs.lanes import Lane
from mypick.outages import Outage

log = structlog.get_logger(__name__)

_BACK_OFF = BackOff(0.1, 5.0)  # seconds between two tries

# What a Redis that is away, restarting, emptied or out of memory raises.
REDIS_AWAY = (
    RedisError,
    OSError,
    asyncio.TimeoutError,
    RuntimeError,  # of uvloop: redis-py writes to a connection that was closed in this moment
)

STREAM_LENGTH = 1_000  # wakes kept in one lane's stream, about; older ones are dropped and the sweep makes up for it
BLOCK_MS = 1_000  # how long one read waits for a message
SOCKET_TIMEOUT_S = 5.0  # of every command, longer than BLOCK_MS: a Redis that hangs is noticed
CONNECTIONS = 32  # of one lane's pool: one reads, the others send and acknowledge
RECLAIM_IDLE_MS = 60_000  # a message that nobody acknowledged for so long belongs to a dead worker
RECLAIM_EVERY_S = 15.0  # between two looks for such messages
RECLAIM_COUNT = 10  # taken over at one look
CONSUMER_IDLE_MS = 3_600_000  # a consumer that has not asked for so long, with nothing unacknowledged, is gone


class LaneBroker(RedisStreamBroker):
    """taskiq's stream broker, with a ``listen()`` that outlives Redis.

    The stock ``listen()`` ends with an exception when Redis restarts or was emptied (``NOGROUP``), looks for
    messages of dead workers only after a new one came, and wraps that look in a lock that ``XAUTOCLAIM``, one atomic
    command, does not need and that a killed holder would keep. This one declares its group again after every
    failure, waits with jitter in between, and looks on time.
    """

    def __init__(
        self,
        url: str,
        stream: str,
        consumer: str,
        *,
        rng: random.Random,
        finish: asyncio.Event,
        outage: Outage | None = None,
        back_off: BackOff = _BACK_OFF,
        reclaim_idle_ms: int = RECLAIM_IDLE_MS,
        reclaim_every_s: float = RECLAIM_EVERY_S,
    ) -> None:
        super().__init__(
            url,
            queue_name=stream,
            consumer_group_name="workers",
            consumer_name=consumer,
            consumer_id="0",  # a group declared anew reads what is in the stream: wakes sent while it was gone
            xread_block=BLOCK_MS,
            xread_count=1,  # a process takes a message when it has a free place, so that others get the rest
            maxlen=STREAM_LENGTH,
            idle_timeout=reclaim_idle_ms,
            unacknowledged_batch_size=RECLAIM_COUNT,
            # The stock default holds this lock for ever. Ours is never taken; the bound stands in case it is.
            unacknowledged_lock_timeout=reclaim_idle_ms / 1000,
            max_connection_pool_size=CONNECTIONS,
            timeout=SOCKET_TIMEOUT_S,  # seconds to wait for a free connection
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=1.0,
        )
        self._rng = rng
        self._finish = finish
        self._outage = outage or Outage("redis", SystemClock())
        self._back_off = back_off
        self._reclaim_every_s = reclaim_every_s

    async def startup(self) -> None:
        """Begin, also while Redis is away: the group is declared when ``listen()`` reaches it."""
        try:
            await super().startup()
        except REDIS_AWAY as failure:
            self._outage.away(self.queue_name, failure)

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Messages of this lane, new ones and those of dead workers, until ``finish`` is set.

        Being cancelled is not enough: redis-py sends inside ``asyncio.wait_for``, which on Python 3.11 may swallow
        a cancellation, and taskiq waits for the end of this without a bound.
        """
        failures = 0
        while not self._finish.is_set():
            try:
                await self._declare_consumer_group()
                reclaim_at = 0.0
                async with Redis(connection_pool=self.connection_pool) as redis:
                    await self._forget_dead_consumers(redis)
                    while not self._finish.is_set():
                        if (now := asyncio.get_running_loop().time()) >= reclaim_at:
                            reclaim_at = now + self._reclaim_every_s * self._rng.uniform(0.8, 1.2)
                            for message in await self._reclaim(redis):
                                yield message
                        for message in await self._read(redis):
                            yield message
                        if failures:
                            self._outage.back(self.queue_name)
                            failures = 0
            except REDIS_AWAY as failure:
                failures += 1
                delay = self._back_off.delay(failures, self._rng)
                self._outage.away(self.queue_name, failure)
                log.debug(
                    "the stream of a lane cannot be read",
                    stream=self.queue_name,
                    error=type(failure).__name__,
                    again_in_s=round(delay, 3),
                )
                await asyncio.sleep(delay)

    async def _read(self, redis: Redis) -> list[AckableMessage]:
        fetched: Any = await redis.xreadgroup(
            self.consumer_group_name,
            self.consumer_name,
            {self.queue_name: ">"},
            block=self.block,
            count=self.count,
        )
        # redis-py answers a list of pairs with RESP2 and a mapping with RESP3
        streams = fetched.items() if isinstance(fetched, dict) else fetched or []
        return [self._message(entry) for _, entries in streams for entry in entries]

    async def _reclaim(self, redis: Redis) -> list[AckableMessage]:
        answer: Any = await redis.xautoclaim(
            self.queue_name,
            self.consumer_group_name,
            self.consumer_name,
            min_idle_time=self.idle_timeout,
            count=self.unacknowledged_batch_size,
        )
        # an entry that the stream's bound has dropped comes without fields
        return [self._message(entry) for entry in answer[1] if entry[1]]

    async def _forget_dead_consumers(self, redis: Redis) -> None:
        """Every start of a process makes a consumer; without this the group would grow with each of them."""
        consumers: Any = await redis.xinfo_consumers(self.queue_name, self.consumer_group_name)
        for consumer in consumers:
            if consumer["idle"] > CONSUMER_IDLE_MS and not consumer["pending"]:
                await redis.xgroup_delconsumer(self.queue_name, self.consumer_group_name, consumer["name"])

    def _message(self, entry: tuple[bytes, dict[bytes, bytes]]) -> AckableMessage:
        message_id, fields = entry

        async def acknowledge() -> None:
            try:
                async with Redis(connection_pool=self.connection_pool) as redis:
                    await redis.xack(self.queue_name, self.consumer_group_name, message_id)
                    await redis.xdel(self.queue_name, message_id)
            except REDIS_AWAY as failure:
                # It comes again after RECLAIM_IDLE_MS and finds nothing to do.
                log.info("a wake was not acknowledged", stream=self.queue_name, error=type(failure).__name__)

        return AckableMessage(data=fields[b"data"], ack=acknowledge)


def make_broker(
    lane: Lane,
    work: Callable[[], Awaitable[None]],
    *,
    redis_url: str,
    prefix: str,
    consumer: str,
    rng: random.Random,
    finish: asyncio.Event,
    outage: Outage,
) -> AsyncBroker:
    """The broker of ``lane``: Redis Streams at ``redis_url``, or in memory where that is empty.

    ``work()`` is what its one task does, named after the lane. ``consumer`` is unique to the process. ``finish`` ends
    its listening.
    """
    broker: AsyncBroker
    if redis_url:
        broker = LaneBroker(redis_url, f"{prefix}:{lane.name}", consumer, rng=rng, finish=finish, outage=outage)
    else:
        broker = InMemoryBroker(max_stored_results=1)

    # A closure of its own for each broker: taskiq renames the function that it registers.
    async def work_lane() -> None:
        await work()

    broker.register_task(work_lane, task_name=task_name(lane))
    return broker


def task_name(lane: Lane) -> str:
    return f"work-{lane.name}"


async def kick(broker: AsyncBroker, lane: Lane) -> None:
    """Send one wake; raises what the broker raises."""
    await AsyncKicker(task_name(lane), broker, {}).kiq()


async def receive(broker: AsyncBroker, lane: Lane, finish: asyncio.Event) -> None:
    """Take messages, at most the lane's concurrency at once, until ``finish``; then wait for those under way.

    ``finish`` is the one that the broker was made with.
    """
    receiver = Receiver(broker, max_async_tasks=lane.concurrency, run_startup=False)
    await receiver.listen(finish)
