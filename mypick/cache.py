"""Reads that may be a little old: memory first, then Redis, then the loader.

Entries carry tags. A tag has a token in Redis, and an entry in Redis is good only while it carries the tokens of now:
``invalidate`` replaces the token, so every older entry is dead at once, also one that a slow loader writes later.
Memory entries are dropped by a message on a bus of the cache's own; after a gap in that bus all of them are.

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
from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis, RedisAwayError
from mypick.bus.protocol import Bus
from mypick.clock import Clock
from mypick.metrics import Metrics

log = structlog.get_logger(__name__)

Loader = Callable[[], Awaitable[Any]]

CHANNEL = "invalidate"
EVERYTHING = "*"  # a tag that every entry has
TOKEN_LIFE_MS = 86_400_000  # a token that has gone kills its entries; it can never bring one back to life
UNSAID_TAGS = 10_000  # invalidations kept while Redis is away; beyond it everything is invalidated on its return
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
        self._clock, self._redis, self._bus = clock, redis, bus
        self._ttl, self._max_size, self._max_value_bytes = ttl, max_size, max_value_bytes
        self._metrics = metrics or Metrics.unread()
        self._node = secrets.token_hex(8)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._keys_of: defaultdict[str, set[str]] = defaultdict(set)
        self._newest: dict[str, _Load] = {}  # bound: one for each caller who waits
        self._loads: set[_Load] = set()
        self._unsaid: dict[str, str] = {}  # tag: the token that Redis shall have for it

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
        if self._redis is None or self._bus is None:
            return
        self._unsaid.update((tag, secrets.token_hex(8)) for tag in tags)
        if len(self._unsaid) > UNSAID_TAGS:
            self._unsaid = {EVERYTHING: secrets.token_hex(8)}
        await self._say(self._redis)
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
        found, tokens, life = await self._read_shared(key, load)
        if found is not None:
            self._metrics.cache_reads.labels("shared").inc()
            load.ttl = min(load.ttl, life)
            self._keep(key, found, load)
            return found
        payload = orjson.dumps(await loader())
        self._metrics.cache_reads.labels("loaded").inc()
        self._keep(key, payload, load)
        if tokens is not None:
            await self._write_shared(key, payload, tokens, load)
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

    async def _say(self, redis: BoundedRedis) -> bool:
        """Give new tokens to the tags of ``_unsaid``. False while Redis is away; they stay unsaid."""
        unsaid = dict(self._unsaid)

        async def replace(client: Redis) -> None:
            async with client.pipeline(transaction=False) as pipe:
                for tag, token in unsaid.items():
                    pipe.set(_tag_key(tag), token, px=TOKEN_LIFE_MS)
                await pipe.execute()

        if unsaid:
            try:
                await redis.ask(replace)
            except RedisAwayError:
                return False
            for tag, token in unsaid.items():
                if self._unsaid.get(tag) == token:  # else it was invalidated again in the meantime
                    del self._unsaid[tag]
        return True

    async def _read_shared(self, key: str, load: _Load) -> tuple[bytes | None, list[str] | None, float]:
        """Payload and its seconds to live, or the tokens to write a new one under; nothing while Redis is away."""
        # An entry in Redis may be one that we invalidated while it was away.
        if self._redis is None or not load.shared or not await self._say(self._redis):
            return None, None, 0
        names = [_tag_key(tag) for tag in load.tags]

        async def read(client: Redis) -> tuple[list[bytes | None], int]:
            async with client.pipeline(transaction=False) as pipe:
                pipe.mget(_value_key(key), *names)
                pipe.pttl(_value_key(key))
                values, life_ms = await pipe.execute()
                return values, life_ms

        async def make_tokens(client: Redis) -> list[bytes]:
            async with client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.set(name, secrets.token_hex(8), nx=True, px=TOKEN_LIFE_MS)
                pipe.mget(*names)
                made: list[bytes] = (await pipe.execute())[-1]
                return made

        try:
            (stored, *found), life_ms = await self._redis.ask(read)
            tokens = [token.decode() for token in found if token is not None]
            if len(tokens) < len(names):
                tokens = [token.decode() for token in await self._redis.ask(make_tokens)]
        except RedisAwayError:
            return None, None, 0
        if stored is not None and life_ms > 0:
            head, _, payload = stored.partition(b"\n")
            if head.decode() == " ".join(tokens):
                return payload, None, life_ms / 1_000
        return None, tokens, 0

    async def _write_shared(self, key: str, payload: bytes, tokens: list[str], load: _Load) -> None:
        life_ms = round((load.started + load.ttl - self._clock.monotonic()) * 1_000)
        if self._redis is None or load.stale or life_ms <= 0 or len(payload) > self._max_value_bytes:
            return
        value = " ".join(tokens).encode() + b"\n" + payload
        try:
            await self._redis.ask(lambda client: client.set(_value_key(key), value, px=life_ms))
        except RedisAwayError:
            return


def _value_key(key: str) -> str:
    return f"mypick:cache:value:{key}"


def _tag_key(tag: str) -> str:
    return f"mypick:cache:tag:{tag}"
