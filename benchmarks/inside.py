"""The domain without its doors, for what is measured in one process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from mypick.accounts import queries as people
from mypick.bus.memory import MemoryBus
from mypick.clock import SystemClock
from mypick.community.service import Communities
from mypick.control import Eviction
from mypick.creators.proofs import ChannelProofs
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.streams import Streams

CLOSING = 30.0  # seconds that the appender has to write what still waits


@asynccontextmanager
async def streams_alone(kind: type[Streams] = Streams) -> AsyncIterator[Streams]:
    """Streams that write and publish; no client listens."""
    metrics = Metrics.on(CollectorRegistry())
    bus = MemoryBus(metrics=metrics)
    streams = kind(
        bus=bus,
        ids=Ids(),
        clock=SystemClock(),
        people=people.people,
        node="bench",
        rng=random.Random(1),  # spreads retries
        metrics=metrics,
    )
    await bus.start(streams.delivery.on_message, streams.delivery.look_now)
    appending = asyncio.create_task(streams.appender.run())
    try:
        yield streams
    finally:
        streams.appender.close()
        await streams.appender.written(CLOSING)
        appending.cancel()
        await streams.delivery.close()
        await bus.close()


def communities_on(streams: Streams) -> Communities:
    """Communities in which nobody is told to say less; evictions reach nobody."""
    clock = SystemClock()

    async def evict(_: Eviction) -> None:
        return

    async def look() -> None:
        return

    return Communities(
        streams,
        people.people,
        clock=clock,
        ids=Ids(),
        jobs=Jobs(clock, work=False),
        meter=Limits(clock=clock, overrides={"community.send": "1000000/1s"}).meter("community.send"),
        evict=evict,
        look=look,
        proofs=ChannelProofs({}, clock),
    )
