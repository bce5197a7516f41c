"""What Redis keeps by its own clock, after that was set back: what was written before bears times that are to come."""

from __future__ import annotations

import time

import pytest
from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis
from mypick.clock import SystemClock
from mypick.limits import GENERAL, Limit, Limits, Per, Rate
from mypick.presence import RedisBoard, RedisPresence

HOUR = 3_600


@pytest.fixture
def ahead() -> float:
    """Unix seconds of a Redis that was an hour ahead."""
    return time.time() + HOUR


async def test_who_died_before_it_is_in_no_room(redis_url: str, bounded_redis: BoundedRedis, ahead: float) -> None:
    board = RedisBoard(bounded_redis)
    for node in ("dead", "alive"):
        await board.beat(node)
        await board.write(node, {"room:1": 3})
    async with Redis.from_url(redis_url) as redis:
        await redis.zadd("mypick:rooms:nodes", dict.fromkeys(("dead", "alive"), (ahead + 6) * 1000))
    assert await board.read(["room:1"]) == {"room:1": {}}
    beat = await board.beat("alive")
    assert (beat.known, beat.living) == (False, frozenset({"alive"})), "it is to write anew"
    await board.write("alive", {"room:1": 3})
    assert await board.read(["room:1"]) == {"room:1": {"alive": 3}}


async def test_who_died_before_it_is_not_online(redis_url: str, bounded_redis: BoundedRedis, ahead: float) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.sadd("mypick:presence:dead:1", 1)  # it ends an hour late too
        await redis.zadd("mypick:presence:nodes", {"dead": ahead})
        presence = RedisPresence(bounded_redis, clock=SystemClock())
        await presence.start()
        assert await presence.online_among([1]) == set()
        assert await redis.zrange("mypick:presence:nodes", 0, -1) != []
        await presence.close()


async def test_a_bucket_that_seems_emptier_than_empty_is_a_new_one(
    redis_url: str, bounded_redis: BoundedRedis, ahead: float
) -> None:
    table = {GENERAL: Limit(Rate(3, HOUR // 2), Per.USER, "three in half an hour")}
    limits = Limits(clock=SystemClock(), redis=bounded_redis, limits=table)
    async with Redis.from_url(redis_url) as redis:
        await redis.set(f"mypick:limit:{GENERAL}:u1", str(round(ahead * 1e6)))
    left = [(await limits.spend(GENERAL, user_id=1, address=None)).remaining for _ in range(3)]
    assert left == [2, 1, 0]
