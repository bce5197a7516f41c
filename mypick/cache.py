"""Reads that may be a little old: memory first, then Redis, then the loader.

Entries carry tags, and ``invalidate`` kills what carries one: in Redis at once (``shared_entries.py``), in memory by a
message on a bus of the cache's own; after a gap in that bus all memory entries go.

What holds: after an invalidation arrived at a node, that node never serves an older value. Where it cannot arrive,
an old value lives at most ``ttl`` after it was loaded. Redis away is never an error, and costs one bounded wait.

Why not cashews' client-side cache (7.6): it keeps in memory without a time to live what it reads from Redis, so an
invalidation that comes between its read and its write leaves the old value there; it swallows an invalidation by
another node that Redis folds into the echo of its own write; it stays away 10 s after a lost connection; and a
connection that is open but dead is never noticed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from mypick.bounded_redis import BoundedRedis
from mypick.bus.protocol import Bus
from mypick.clock import Clock
from mypick.metrics import Metrics
from mypick.shared_entries import EVERYTHING, SharedEntries

log = structlog.get_logger(__name__)

Loader = Callable[[], Awaitable[Any]]

CHANNEL = "invalidate"
WARMING_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Warmth:
    """One entry to load before it is asked for; as the arguments of ``get_or_load``."""

    key: str
    loader: Loader
    ttl: float | None = None
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    payload: bytes
    until: float
    tags: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Load:
    """A load on its way, which all who ask for the key share until it is stale."""

    tags: tuple[str, ...]
    started: float
    ttl: float
    shared: bool
    stale: bool = False  # invalidated since it began: who asks from now on needs a newer one
    task: asyncio.Task[bytes] = field(init=False)


class Cache:
    """Values are JSON: what comes out is a fresh copy with lists for tuples, wherever it came from.

    ``ttl``: seconds, if the call names none. ``max_size``: entries in memory; beyond it the longest unused goes.
    ``max_value_bytes``: larger values are returned and not kept. ``bus``: one of the cache's own, which it starts and
    closes; needed with ``redis``, which is shared and stays open.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        redis: BoundedRedis | None = None,
        bus: Bus | None = None,
        ttl: float = 60,
        max_size: int = 10_000,
        max_value_bytes: int = 64 * 1024,
        metrics: Metrics | None = None,
    ) -> None:
        if (redis is None) != (bus is None):
            raise ValueError("a shared cache needs redis and bus: without the bus, memory hears of no change")
        self._clock, self._bus = clock, bus
        self._shared = SharedEntries(redis) if redis else None
        self._ttl, self._max_size, self._max_value_bytes = ttl, max_size, max_value_bytes
        self._metrics = metrics or Metrics.unread()
        self._node = secrets.token_hex(8)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._keys_of: defaultdict[str, set[str]] = defaultdict(set)
        self._newest: dict[str, _Load] = {}  # bound: one for each caller who waits
        self._loads: set[_Load] = set()

    async def start(self) -> None:
        if self._bus is not None:
            await self._bus.subscribe([CHANNEL])
            await self._bus.start(self._heard, self._missed)

    async def close(self) -> None:
        """Stop listening and give up what is loading. May be called twice."""
        if self._bus is not None:
            await self._bus.close()
        tasks = [load.task for load in self._loads]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def get_or_load(
        self,
        key: str,
        loader: Loader,
        *,
        ttl: float | None = None,
        tags: Iterable[str] = (),
        shared: bool = True,
    ) -> Any:
        """The value of ``key``, from ``loader`` if nobody has it. Those who ask at once share one load.

        ``tags`` are the same at every call for a key. What the loader raises goes to all who share the load and is
        not kept. What is not ``shared`` is kept in memory alone, where it is cheaper to load than to ask Redis for; it
        is invalidated on every node all the same. The loader outlives a caller who is cancelled, so never call this
        inside a transaction: the loader would read within it.
        """
        entry = self._entries.get(key)
        if entry is not None and entry.until > self._clock.monotonic():
            self._entries.move_to_end(key)
            self._metrics.cache_reads.labels("memory").inc()
            return orjson.loads(entry.payload)
        load = self._newest.get(key)
        if load is None or load.stale:
            load = _Load(
                tags=(EVERYTHING, *sorted(set(tags))),
                started=self._clock.monotonic(),
                ttl=self._ttl if ttl is None else ttl,
                shared=shared,
            )
            self._begin(key, loader, load)
        else:
            self._metrics.cache_reads.labels("joined").inc()
        return orjson.loads(await asyncio.shield(load.task))

    async def invalidate(self, *tags: str) -> None:
        """Forget, on every node, what carries one of ``tags``. Call it after the commit that changed it."""
        if not tags:
            return
        self._metrics.cache_invalidations.labels("here").inc(len(tags))
        self._drop(tags)
        if self._shared is None or self._bus is None:
            return
        await self._shared.renew(tags)
        # A load that began during the wait may have read the old entry from Redis.
        self._drop(tags)
        await self._bus.publish([(CHANNEL, orjson.dumps([self._node, tags]))])

    async def warm(self, entries: Iterable[Warmth]) -> int:
        """Load ``entries``, a few at a time. Failures are logged: warmth is no duty. How many are warm now."""
        slots = asyncio.Semaphore(WARMING_AT_ONCE)

        async def warm_one(entry: Warmth) -> bool:
            async with slots:
                try:
                    await self.get_or_load(entry.key, entry.loader, ttl=entry.ttl, tags=entry.tags)
                except Exception:
                    log.exception("an entry could not be warmed", key=entry.key)
                    return False
                return True

        return sum(await asyncio.gather(*(warm_one(entry) for entry in entries)))

    # loading

    def _begin(self, key: str, loader: Loader, load: _Load) -> None:
        load.task = asyncio.create_task(self._load(key, loader, load), name="cache-load")
        self._newest[key] = load
        self._loads.add(load)
        load.task.add_done_callback(lambda task: self._end(key, load, task))

    def _end(self, key: str, load: _Load, task: asyncio.Task[bytes]) -> None:
        self._loads.discard(load)
        if self._newest.get(key) is load:
            del self._newest[key]
        if not task.cancelled():
            task.exception()  # seen, even if every caller has gone

    async def _load(self, key: str, loader: Loader, load: _Load) -> bytes:
        found, tokens, life = None, None, 0.0
        if self._shared is not None and load.shared:
            found, tokens, life = await self._shared.read(key, load.tags)
        if found is not None:
            self._metrics.cache_reads.labels("shared").inc()
            load.ttl = min(load.ttl, life)
            self._keep(key, found, load)
            return found
        payload = orjson.dumps(await loader())
        self._metrics.cache_reads.labels("loaded").inc()
        self._keep(key, payload, load)
        life_ms = round((load.started + load.ttl - self._clock.monotonic()) * 1_000)
        kept = not load.stale and life_ms > 0 and len(payload) <= self._max_value_bytes
        if kept and self._shared is not None and tokens is not None:
            await self._shared.write(key, payload, tokens, life_ms)
        return payload

    def _keep(self, key: str, payload: bytes, load: _Load) -> None:
        until = load.started + load.ttl
        if load.stale or until <= self._clock.monotonic() or len(payload) > self._max_value_bytes:
            return
        self._remove(key)
        self._entries[key] = _Entry(payload, until, load.tags)
        for tag in load.tags:
            self._keys_of[tag].add(key)
        if len(self._entries) > self._max_size:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        for tag in entry.tags if entry else ():
            self._keys_of[tag].discard(key)
            if not self._keys_of[tag]:
                del self._keys_of[tag]

    def _drop(self, tags: Iterable[str]) -> None:
        """Forget here what carries ``tags``, and keep nothing that is on its way."""
        gone = set(tags)
        for tag in gone:
            for key in tuple(self._keys_of.get(tag, ())):
                self._remove(key)
        for load in self._loads:
            load.stale = load.stale or not gone.isdisjoint(load.tags)

    # other nodes

    def _heard(self, _channel: str, message: bytes) -> None:
        node, tags = orjson.loads(message)
        if node != self._node:
            self._metrics.cache_invalidations.labels("elsewhere").inc(len(tags))
            self._drop(tags)

    def _missed(self) -> None:
        self._metrics.cache_invalidations.labels("gap").inc()
        self._drop([EVERYTHING])
