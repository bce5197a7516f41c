"""The bus of many processes: Redis pub/sub.

Two connections a node: one listens, one publishes. One task owns both and replaces both when either fails, with a
jittered back-off. While there is no link, nobody waits: publishing drops, subscribing is noted and applied later.

A link that is open but deaf (a half-dead peer, a paused server, a lost subscription) is noticed by the canary: the
node publishes to a channel of its own and must hear itself.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mypick.bus.protocol import MessageHandler
from mypick.bus.redis_link import Link, LinkError, Speaker, batches
from mypick.clock import SystemClock
from mypick.endings import end
from mypick.metrics import Metrics
from mypick.outages import Outage

log = structlog.get_logger(__name__)

BACKOFF_FIRST = 0.05  # seconds; doubled for each failure, with a random half taken off
BACKOFF_CAP = 2.0
SUBSCRIBE_BATCH = 500  # channels in one command: about 1 ms of Redis
CONNECT_TIMEOUT = 1.0


class RedisBus:
    """Redis pub/sub. Pub/sub knows no database numbers: installations that share a Redis need their own ``prefix``.

    ``patience`` is the longest wait for one round trip, in seconds. ``canary_every`` and ``canary_within`` bound how
    long a deaf link stays unnoticed: their sum, 3 s.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "mypick:",
        metrics: Metrics | None = None,
        patience: float = 0.25,
        canary_every: float = 2.0,
        canary_within: float = 1.0,
        randomness: random.Random | None = None,
        outage: Outage | None = None,
    ) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,  # confirmations and messages come as plain replies, in order
            retry=Retry(NoBackoff(), 0),  # we retry ourselves
            socket_timeout=CONNECT_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
        )
        self._prefix = prefix.encode()
        self._metrics = metrics or Metrics.unread()
        self._outage = outage or Outage("redis", SystemClock())
        self._patience = patience
        self._canary_every, self._canary_within = canary_every, canary_within
        self._random = randomness or random.Random()  # noqa: S311 - jitter
        self._channels: dict[bytes, str] = {}  # bound: the caller's, one for each stream with a local member
        self._canary = self._prefix + b"canary:" + secrets.token_hex(8).encode()
        self._canary_heard = asyncio.Event()
        self._handler: MessageHandler = lambda _channel, _payload: None
        self._on_gap: Callable[[], None] = lambda: None
        self._link: Link | None = None
        self._last_speaker: Speaker | None = None
        self._up = False
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        return self._up

    async def start(self, handler: MessageHandler, on_gap: Callable[[], None]) -> None:
        if self._task is not None:
            raise RuntimeError("the bus was started before")
        self._handler, self._on_gap = handler, on_gap
        self._task = asyncio.create_task(self._stay_linked(), name="bus")
        await self._tried.wait()

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)
        self._set_up(False)

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if not messages:
            return
        link = self._link
        commands = [("PUBLISH", self._name(channel), payload) for channel, payload in messages]
        if self._up and link is not None and await link.command(commands):
            self._metrics.bus_published.inc(len(messages))
        else:
            self._metrics.bus_dropped.inc(len(messages))

    async def subscribe(self, channels: Iterable[str]) -> None:
        wanted = {self._name(channel): channel for channel in channels}
        self._channels.update(wanted)
        link = self._link
        if link is None:
            return  # noted; the next link subscribes to all
        for batch in batches(wanted, SUBSCRIBE_BATCH):
            if not await self._subscribe_batch(link, batch):
                return  # noted; the link has failed

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        unwanted = [self._name(channel) for channel in channels]
        for name in unwanted:
            self._channels.pop(name, None)
        link = self._link
        if link is None:
            return
        for batch in batches(unwanted, SUBSCRIBE_BATCH):
            await self._unsubscribe_batch(link, batch)

    async def ping(self) -> float:
        link, started = self._link, time.perf_counter()
        if not self._up or link is None or not await link.command([("PING",)]):
            raise ConnectionError("the bus is away: Redis does not answer")
        return time.perf_counter() - started

    def _name(self, channel: str) -> bytes:
        return self._prefix + channel.encode()

    async def _subscribe_batch(self, link: Link, batch: Sequence[bytes]) -> bool:
        return await link.subscribe(lambda: [name for name in batch if name in self._channels])

    async def _unsubscribe_batch(self, link: Link, batch: Sequence[bytes]) -> bool:
        return await link.unsubscribe(lambda: [name for name in batch if name not in self._channels])

    async def _stay_linked(self) -> None:
        """One link after another until cancelled."""
        loop = asyncio.get_running_loop()
        pause, first = BACKOFF_FIRST, True
        while True:
            began = loop.time()
            try:
                await self._run_link(gap=not first)
            except (RedisError, OSError, TimeoutError) as failure:
                self._outage.away("bus", failure)
            except Exception:
                log.exception("the bus failed unexpectedly, and tries again")
            self._set_up(False)
            self._tried.set()
            if loop.time() - began > BACKOFF_CAP:
                pause = BACKOFF_FIRST  # it had stood for a while; one that dies at once must not be tried in haste
            first = False
            await asyncio.sleep(pause * self._random.uniform(0.5, 1))
            pause = min(2 * pause, BACKOFF_CAP)

    async def _run_link(self, *, gap: bool) -> None:
        """Connect, subscribe to everything, and keep the link until it fails. Always raises."""
        link = await Link.connect(self._pool, patience=self._patience, predecessor=self._last_speaker)
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
        if not await link.subscribe(lambda: [self._canary]):
            return  # the link has failed; its owner sees to it
        for batch in batches(self._channels, SUBSCRIBE_BATCH):
            if not await self._subscribe_batch(link, batch):
                return
        self._set_up(True)
        self._outage.back("bus")
        self._tried.set()
        if gap:
            self._metrics.bus_reconnects.inc()
            self._guarded(self._on_gap, "the listener failed on a gap")
        while True:
            self._canary_heard.clear()
            await link.command([("PUBLISH", self._canary, b"")])
            try:
                async with asyncio.timeout(self._canary_within):
                    await self._canary_heard.wait()
            except TimeoutError as deaf:
                raise LinkError(f"its own message did not come back within {self._canary_within} s") from deaf
            await asyncio.sleep(self._canary_every)

    def _hear(self, name: bytes, payload: bytes) -> None:
        channel = self._channels.get(name)
        if channel is not None:
            self._metrics.bus_received.inc()
            self._guarded(lambda: self._handler(channel, payload), "the listener failed on a message")
        elif name == self._canary:
            self._canary_heard.set()

    def _guarded(self, call: Callable[[], None], event: str) -> None:
        try:
            call()
        except Exception:
            log.exception(event)

    def _set_up(self, up: bool) -> None:
        self._up = up
        self._metrics.bus_up.set(up)
