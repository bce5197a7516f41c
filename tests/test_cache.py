"""What the cache may serve, and what it may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mypick.bounded_redis import BoundedRedis
from mypick.bus import MemoryBus, RedisBus
from mypick.cache import Cache, Warmth
from mypick.clock import SystemClock
from mypick.metrics import Metrics
from tests.fakes import FakeClock
from tests.servers import RedisServer

PATIENCE = 10.0


class Source:
    """What is cached: a value that changes, and how often it was read. A closed ``gate`` holds readers."""

    def __init__(self, value: Any = 1) -> None:
        self.value, self.reads = value, 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reading = asyncio.Event()

    async def __call__(self) -> Any:
        self.reads += 1
        value = self.value
        self.reading.set()
        await self.gate.wait()
        return value


def counted(cache: Cache, result: str) -> float:
    registry = cache._metrics.registry  # the test made it
    return registry.get_sample_value("mypick_cache_reads_total", {"result": result}) or 0.0


MakeCache = Callable[..., Awaitable[Cache]]


@pytest.fixture
async def shared(redis_url: str, bounded_redis: BoundedRedis) -> AsyncIterator[MakeCache]:
    """Makes the caches of nodes that share one Redis."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Cache:
            bus = RedisBus(redis_url, prefix="mypick:cache:", canary_every=0.2, canary_within=0.3)
            cache = Cache(clock=SystemClock(), redis=bounded_redis, bus=bus, metrics=Metrics.unread(), **options)
            stack.push_async_callback(cache.close)
            await cache.start()
            return cache

        yield make


@pytest.fixture
async def memory(clock: FakeClock) -> AsyncIterator[Cache]:
    cache = Cache(clock=clock, ttl=60, max_size=3, max_value_bytes=100, metrics=Metrics.unread())
    await cache.start()
    yield cache
    await cache.close()


@pytest.fixture
async def memory_cache(clock: FakeClock) -> AsyncIterator[Cache]:
    alone = Cache(clock=clock, metrics=Metrics.unread())
    await alone.start()
    yield alone
    await alone.close()


@pytest.fixture
async def redis_cache(shared: MakeCache) -> Cache:
    return await shared()


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Cache:
    chosen: Cache = request.getfixturevalue(f"{request.param}_cache")
    return chosen


@pytest.fixture
def source() -> Source:
    return Source()


async def until_served(cache: Cache, source: Source, value: Any) -> None:
    """For a message on its way to another node."""
    async with asyncio.timeout(PATIENCE):
        while await cache.get_or_load("k", source, tags=["t"]) != value:
            await asyncio.sleep(0.005)


async def test_a_value_is_loaded_once(cache: Cache, source: Source) -> None:
    for _ in range(5):
        assert await cache.get_or_load("k", source, tags=["t"]) == 1
    assert source.reads == 1


async def test_a_herd_causes_one_load(cache: Cache, source: Source) -> None:
    source.gate.clear()
    herd = [asyncio.create_task(cache.get_or_load("k", source)) for _ in range(100)]
    await source.reading.wait()
    source.gate.set()
    assert await asyncio.gather(*herd) == [1] * 100
    assert source.reads == 1
    assert counted(cache, "joined") == 99


async def test_none_is_a_value(cache: Cache) -> None:
    source = Source(None)
    assert await cache.get_or_load("k", source) is None
    assert await cache.get_or_load("k", source) is None
    assert source.reads == 1


async def test_each_caller_gets_a_copy_in_the_shape_of_json(cache: Cache) -> None:
    source = Source({"list": (1, 2), "text": "방\n"})
    first = await cache.get_or_load("k", source)
    assert first == {"list": [1, 2], "text": "방\n"}
    first["list"].append(3)
    assert await cache.get_or_load("k", source) == {"list": [1, 2], "text": "방\n"}


async def test_a_failed_load_is_told_to_all_who_share_it_and_not_kept(cache: Cache) -> None:
    attempts = []

    async def fails() -> int:
        attempts.append(1)
        await asyncio.sleep(0)
        if len(attempts) == 1:
            raise LookupError("no such thing")
        return 7

    results = await asyncio.gather(*(cache.get_or_load("k", fails) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert await cache.get_or_load("k", fails) == 7


async def test_a_caller_who_leaves_does_not_take_the_load_from_the_others(cache: Cache, source: Source) -> None:
    source.gate.clear()
    leaver = asyncio.create_task(cache.get_or_load("k", source))
    await source.reading.wait()
    stayer = asyncio.create_task(cache.get_or_load("k", source))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    source.gate.set()
    assert await stayer == 1
    assert source.reads == 1


async def test_invalidation_forgets_what_carries_the_tag_and_nothing_else(cache: Cache, source: Source) -> None:
    other = Source("other")
    await cache.get_or_load("k", source, tags=["creator:1", "list"])
    await cache.get_or_load("o", other, tags=["creator:2"])
    source.value = other.value = 2
    await cache.invalidate("creator:1", "creator:9")
    assert await cache.get_or_load("k", source, tags=["creator:1", "list"]) == 2
    assert await cache.get_or_load("o", other, tags=["creator:2"]) == "other"


async def test_who_asks_after_an_invalidation_does_not_share_a_load_from_before(cache: Cache, source: Source) -> None:
    source.gate.clear()
    early = asyncio.create_task(cache.get_or_load("k", source, tags=["t"]))
    await source.reading.wait()  # it has read 1
    source.value = 2
    await cache.invalidate("t")
    source.gate.set()
    assert await cache.get_or_load("k", source, tags=["t"]) == 2
    assert await early == 1
    assert await cache.get_or_load("k", source, tags=["t"]) == 2  # the old load has not overwritten the new
    assert source.reads == 2


async def test_warming_loads_ahead_and_survives_failures(cache: Cache, source: Source) -> None:
    async def fails() -> int:
        raise LookupError("no such thing")

    warm = [Warmth("k", source, tags=("t",)), Warmth("broken", fails), Warmth("o", Source("other"))]
    assert await cache.warm(warm) == 2
    assert await cache.get_or_load("k", source, tags=["t"]) == 1
    assert source.reads == 1


async def test_a_value_ends_with_its_time(memory: Cache, clock: FakeClock, source: Source) -> None:
    await memory.get_or_load("k", source, ttl=10)
    source.value = 2
    clock.advance(9.9)
    assert await memory.get_or_load("k", source, ttl=10) == 1
    clock.advance(0.2)
    assert await memory.get_or_load("k", source, ttl=10) == 2


async def test_time_counts_from_the_start_of_the_load(memory: Cache, clock: FakeClock, source: Source) -> None:
    source.gate.clear()
    load = asyncio.create_task(memory.get_or_load("k", source, ttl=10))
    await source.reading.wait()
    clock.advance(11)
    source.gate.set()
    assert await load == 1
    source.value = 2
    assert await memory.get_or_load("k", source, ttl=10) == 2


async def test_memory_keeps_the_last_used_up_to_its_size(memory: Cache) -> None:
    sources = {name: Source(name) for name in "abcd"}
    for name in "abcacd":  # b is the longest unused when d comes
        await memory.get_or_load(name, sources[name])
    for name in "acdb":
        await memory.get_or_load(name, sources[name])
    assert {name: source.reads for name, source in sources.items()} == {"a": 1, "b": 2, "c": 1, "d": 1}


async def test_a_value_that_is_too_large_is_returned_and_not_kept(memory: Cache) -> None:
    source = Source("x" * 200)
    for _ in range(2):
        assert await memory.get_or_load("k", source) == "x" * 200
    assert source.reads == 2


def test_half_a_shared_cache_is_refused(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="needs redis and bus"):
        Cache(clock=clock, redis=BoundedRedis("redis://127.0.0.1:1", clock=clock))


async def test_another_node_reads_what_one_has_loaded(shared: MakeCache, source: Source) -> None:
    one, other = await shared(), await shared()
    await one.get_or_load("k", source, tags=["t"])
    assert await other.get_or_load("k", source, tags=["t"]) == 1
    assert source.reads == 1
    assert counted(other, "shared") == 1


async def test_an_invalidation_reaches_the_memory_of_other_nodes(shared: MakeCache, source: Source) -> None:
    one, other = await shared(), await shared()
    for version in range(2, 30):
        await one.get_or_load("k", source, tags=["t"])
        await other.get_or_load("k", source, tags=["t"])
        source.value = version
        await one.invalidate("t")
        assert await one.get_or_load("k", source, tags=["t"]) == version
        await until_served(other, source, version)


async def test_a_slow_load_from_before_an_invalidation_is_never_served_elsewhere(
    shared: MakeCache, source: Source
) -> None:
    one, other = await shared(), await shared()
    source.gate.clear()
    slow = asyncio.create_task(other.get_or_load("k", source, tags=["t"]))
    await source.reading.wait()  # it has read 1
    source.value = 2
    await one.invalidate("t")
    source.gate.set()
    assert await slow == 1  # it asked before
    third = await shared()
    assert await third.get_or_load("k", source, tags=["t"]) == 2
    await until_served(other, source, 2)


async def test_a_shared_value_ends_with_its_time(shared: MakeCache, source: Source) -> None:
    one, other = await shared(), await shared()
    await one.get_or_load("k", source, ttl=0.3, tags=["t"])
    source.value = 2
    assert await other.get_or_load("k", source, ttl=60, tags=["t"]) == 1
    await until_served(other, source, 2)  # not 60 s later: the life of the shared value counts


async def test_redis_killed_and_restarted_is_never_an_error_nor_an_old_value(
    redis_server: RedisServer, shared: MakeCache, source: Source
) -> None:
    one, other = await shared(), await shared()
    await one.get_or_load("k", source, tags=["t"])
    await other.get_or_load("k", source, tags=["t"])
    redis_server.kill()
    source.value = 2
    await one.invalidate("t")
    assert await one.get_or_load("k", source, tags=["t"]) == 2
    assert await other.get_or_load("new", Source("new")) == "new"
    redis_server.start()
    await until_served(other, source, 2)  # the gap tells it
    source.value = 3
    async with asyncio.timeout(PATIENCE):  # until both are back, messages may be lost
        while await other.get_or_load("k", source, tags=["t"]) != 3:
            await one.invalidate("t")
            await asyncio.sleep(0.01)


async def test_what_was_invalidated_while_redis_was_away_is_not_read_from_it_after(
    redis_server: RedisServer, redis_url: str, clock: FakeClock, source: Source
) -> None:
    redis = BoundedRedis(redis_url, clock=clock, retry_every=1)
    cache = Cache(clock=clock, redis=redis, bus=MemoryBus())
    try:
        await cache.get_or_load("k", source, tags=["t"])
        redis_server.pause()
        await cache.get_or_load("other", source)  # finds that Redis is away
        source.value = 2
        async with asyncio.timeout(PATIENCE):
            await cache.invalidate("t")  # Redis is not even asked
        redis_server.resume()
        clock.advance(1)
        assert await cache.get_or_load("k", source, tags=["t"]) == 2  # Redis still held 1
        assert not redis.away
    finally:
        redis_server.resume()
        await cache.close()
        await redis.close()


async def test_too_many_unsaid_invalidations_invalidate_everything(
    redis_server: RedisServer, redis_url: str, clock: FakeClock, source: Source
) -> None:
    redis = BoundedRedis(redis_url, clock=clock, retry_every=1)
    cache = Cache(clock=clock, redis=redis, bus=MemoryBus())
    twin = Cache(clock=clock, redis=redis, bus=MemoryBus())
    try:
        await cache.get_or_load("k", source, tags=["untouched"])
        redis_server.pause()
        await cache.get_or_load("other", source)
        for start in range(0, 20_000, 5_000):
            await cache.invalidate(*(f"tag:{number}" for number in range(start, start + 5_000)))
        redis_server.resume()
        clock.advance(1)
        await cache.get_or_load("third", source)  # says it
        assert await twin.get_or_load("k", source, tags=["untouched"]) == 1
        assert source.reads == 4  # k, other, third, and k again
    finally:
        redis_server.resume()
        await cache.close()
        await twin.close()
        await redis.close()
