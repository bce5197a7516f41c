"""A Redis that is away costs little."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection

from mypick.bounded_redis import BoundedRedis, RedisAwayError
from mypick.clock import SystemClock
from tests.fakes import FakeClock
from tests.servers import RedisServer


async def ping(redis: Redis) -> bool:
    return bool(await redis.ping())


async def test_a_hanging_redis_costs_one_caller_a_moment_and_the_others_nothing(
    redis_server: RedisServer, redis_url: str, clock: FakeClock
) -> None:
    node = BoundedRedis(redis_url, clock=clock, patience=0.1, retry_every=1)
    try:
        assert await node.ask(ping)
        redis_server.pause()
        began = time.monotonic()
        with pytest.raises(RedisAwayError):
            await node.ask(ping)
        assert 0.1 <= time.monotonic() - began < 1
        began = time.monotonic()
        for _ in range(1_000):
            with pytest.raises(RedisAwayError):
                await node.ask(ping)
        assert time.monotonic() - began < 1  # 1,000 waits would be 100 s
        clock.advance(1)
        answers = await asyncio.gather(*(node.ask(ping) for _ in range(10)), return_exceptions=True)
        waited = [answer for answer in answers if isinstance(answer, RedisAwayError) and answer.__cause__]
        assert len(waited) == 1  # one tries, the others are refused at once
        redis_server.resume()
        assert node.away
        with pytest.raises(RedisAwayError):
            await node.ask(ping)
        clock.advance(1)
        assert await node.ask(ping)
        assert not node.away
    finally:
        redis_server.resume()
        await node.close()


async def test_it_comes_back_after_a_restart(redis_server: RedisServer, bounded_redis: BoundedRedis) -> None:
    assert await bounded_redis.ask(ping)
    redis_server.kill()
    with pytest.raises(RedisAwayError):
        await bounded_redis.ask(ping)
    redis_server.start()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await bounded_redis.ask(ping)
                break
            except RedisAwayError:
                await asyncio.sleep(0.01)
    assert not bounded_redis.away


async def test_connections_are_bounded(redis_url: str) -> None:
    node = BoundedRedis(redis_url, clock=SystemClock(), connections=3, patience=5)
    try:
        await asyncio.gather(*(node.ask(ping) for _ in range(50)))
        clients = await node.ask(lambda redis: redis.client_list())
        assert len(clients) == 3
    finally:
        await node.close()
        await node.close()


async def test_a_connection_that_closes_while_it_is_written_to_is_an_outage(
    bounded_redis: BoundedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object, **__: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")  # uvloop

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "send_packed_command", closed)
        with pytest.raises(RedisAwayError):
            await bounded_redis.ask(ping)
    assert bounded_redis.away
