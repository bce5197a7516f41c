"""One server of the bus: a link to it, replaced whenever it fails, with a jittered back-off.

While there is no link, nobody waits: publishing drops, subscribing is noted and applied later. A link that is open
but deaf (a half-dead peer, a paused server, a lost subscription) is noticed by the canary: the node publishes to a
channel of its own on this server and must hear itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from mypick.bus.redis_dialects import Dialect, LinkError, Speaker
from mypick.bus.redis_link import Link, batches
from mypick.endings import end
from mypick.outages import Outage

log = structlog.get_logger(__name__)

BACKOFF_FIRST = 0.05  # seconds; doubled for each failure, with a random half taken off
BACKOFF_CAP = 2.0
SUBSCRIBE_BATCH = 500  # channels written at once: about 1 ms of Redis


@dataclass(frozen=True, slots=True)
class Manners:
    """How all keepers of a bus behave. Times in seconds, as ``RedisBus`` explains them."""

    dialect: Dialect
    patience: float
    canary_every: float
    canary_within: float
    randomness: random.Random
    outage: Outage


class Owner(Protocol):
    """What a keeper asks of its bus, and tells it. None of these may wait or raise."""

    def wanted(self, keeper: Keeper) -> Collection[bytes]:
        """The channels that are subscribed to at that server."""

    def is_wanted(self, name: bytes) -> bool: ...

    def canary(self, keeper: Keeper) -> bytes:
        """A channel of that server which nobody else has."""

    def hear(self, name: bytes, payload: bytes) -> None:
        """A message came."""

    def turned(self, keeper: Keeper, *, gap: bool) -> None:
        """It is up, or it is not; ``gap`` if it is up again after it was not."""

    def moved(self, channel: bytes | None) -> None:
        """A channel is another server's now, perhaps one that is subscribed to."""


class Keeper:
    """Use: ``start`` once, ``tried`` is set when the first try has ended, ``close``."""

    def __init__(self, pool: ConnectionPool, owner: Owner, manners: Manners) -> None:
        self._pool, self._owner, self._manners = pool, owner, manners
        self._link: Link | None = None
        self._last_speaker: Speaker | None = None
        self._canary = b""
        self._canary_heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = False
        self.tried = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._stay_linked(), name="bus")

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)
        self._turn(False)

    async def command(self, commands: Sequence[tuple[Any, ...]]) -> bool:
        """Have ``commands`` done in one round trip. False if some were lost: at once while the server is away."""
        link = self._link
        return self.up and link is not None and await link.command(commands)

    async def subscribe(self, names: Collection[bytes]) -> None:
        """Returns when those of ``names`` that are wanted are subscribed to, or while away at once."""
        link = self._link
        if link is None:
            return  # the next link subscribes to all
        for batch in batches(names, SUBSCRIBE_BATCH):
            if not await self._subscribe_batch(link, batch) and link.failed.done():
                return

    async def unsubscribe(self, names: Collection[bytes]) -> None:
        link = self._link
        if link is None:
            return
        for batch in batches(names, SUBSCRIBE_BATCH):
            await self._unsubscribe_batch(link, batch)

    async def _subscribe_batch(self, link: Link, batch: Sequence[bytes]) -> bool:
        return await link.subscribe(lambda: [name for name in batch if self._owner.is_wanted(name)])

    async def _unsubscribe_batch(self, link: Link, batch: Sequence[bytes]) -> bool:
        return await link.unsubscribe(lambda: [name for name in batch if not self._owner.is_wanted(name)])

    async def _stay_linked(self) -> None:
        """One link after another until cancelled."""
        loop = asyncio.get_running_loop()
        pause, first = BACKOFF_FIRST, True
        while True:
            began = loop.time()
            try:
                await self._run_link(gap=not first)
            except (RedisError, OSError, TimeoutError) as failure:
                self._manners.outage.away("bus", failure)
            except Exception:
                log.exception("the bus failed unexpectedly, and tries again")
            self._turn(False)
            self.tried.set()
            if loop.time() - began > BACKOFF_CAP:
                pause = BACKOFF_FIRST  # it had stood for a while; one that dies at once must not be tried in haste
            first = False
            await asyncio.sleep(pause * self._manners.randomness.uniform(0.5, 1))
            pause = min(2 * pause, BACKOFF_CAP)

    async def _run_link(self, *, gap: bool) -> None:
        """Connect, subscribe to everything, and keep the link until it fails. Always raises."""
        link = await Link.connect(
            self._pool,
            patience=self._manners.patience,
            dialect=self._manners.dialect,
            on_moved=self._owner.moved,
            predecessor=self._last_speaker,
        )
        self._last_speaker = link.speaker
        tasks = [
            asyncio.create_task(link.listen(self._hear), name="bus-listen"),
            asyncio.create_task(link.send(), name="bus-send"),
            asyncio.create_task(self._keep(link, gap=gap), name="bus-keep"),
        ]
        self._link = link  # from here on callers write to it themselves, in order with the batches of _keep
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, link.failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            raise LinkError(link.failed.result())
        finally:
            self._link = None
            for task in tasks:
                task.cancel()
            await link.close()
            await end(*tasks)

    async def _keep(self, link: Link, *, gap: bool) -> None:
        """Subscribe to everything, announce the link, then watch the canary."""
        manners = self._manners
        canary = self._canary = self._owner.canary(self)
        if not await link.subscribe(lambda: [canary]):
            raise LinkError("its canary was not taken")
        for batch in batches(self._owner.wanted(self), SUBSCRIBE_BATCH):
            if not await self._subscribe_batch(link, batch) and link.failed.done():
                return  # its owner sees to it
        self._turn(True, gap=gap)
        manners.outage.back("bus")
        self.tried.set()
        while True:
            self._canary_heard.clear()
            await link.command([(manners.dialect.publish, canary, b"")])
            try:
                async with asyncio.timeout(manners.canary_within):
                    await self._canary_heard.wait()
            except TimeoutError as deaf:
                raise LinkError(f"its own message did not come back within {manners.canary_within} s") from deaf
            await asyncio.sleep(manners.canary_every)

    def _hear(self, name: bytes, payload: bytes) -> None:
        if name == self._canary:
            self._canary_heard.set()
        else:
            self._owner.hear(name, payload)

    def _turn(self, up: bool, *, gap: bool = False) -> None:
        self.up = up
        self._owner.turned(self, gap=gap)
