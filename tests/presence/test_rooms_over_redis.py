"""Rooms counted over nodes that share a real Redis: killed, closed, emptied and away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack

import pytest

from mypick.bounded_redis import BoundedRedis
from mypick.clock import SystemClock
from mypick.presence import RedisBoard, RoomPresence, rooms
from tests.presence.test_rooms import NAMED, WITHIN
from tests.servers import RedisServer


class Running:
    """A node in a loop of its own, with what it told last."""

    def __init__(self, redis: BoundedRedis, name: str) -> None:
        self.told: dict[str, int] = {}
        self.others: list[RoomPresence] = []
        self.presence = RoomPresence(RedisBoard(redis), SystemClock(), node=name, announce=self._announce, named=NAMED)
        self.task = asyncio.create_task(self.presence.run(self._tell))

    async def _announce(self, moved: Collection[str]) -> None:
        for other in self.others:
            for room in moved:
                other.moved(room)

    async def _tell(self, room: str, online: int) -> None:
        self.told[room] = online

    async def until_told(self, room: str, online: int) -> float:
        """Seconds that it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(2 * WITHIN):
            while self.told.get(room) != online:
                await asyncio.sleep(0.02)
        return loop.time() - began


@pytest.fixture
async def nodes(bounded_redis: BoundedRedis) -> AsyncIterator[tuple[Running, Running]]:
    async with AsyncExitStack() as stack:
        pair = Running(bounded_redis, "one"), Running(bounded_redis, "other")
        for node, other in (pair, pair[::-1]):
            node.others.append(other.presence)
            stack.push_async_callback(node.presence.close)
            stack.callback(node.task.cancel)
        yield pair


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the real times, but for the life of a node."""
    monkeypatch.setattr(rooms, "EVERY", 0.2)
    monkeypatch.setattr(rooms, "BEAT", 0.15)


async def test_the_people_of_a_killed_node_are_gone_within_ten_seconds(
    nodes: tuple[Running, Running], bounded_redis: BoundedRedis
) -> None:
    one, other = nodes
    for user_id in (1, 2, 3):
        one.presence.joined("room:1", user_id)
    for user_id in (3, 4, 5, 6):
        other.presence.joined("room:1", user_id)
    await one.until_told("room:1", 7)  # the other names nobody: 3 counts twice
    other.presence.left("room:1", 6)
    await one.until_told("room:1", 5)
    await other.until_told("room:1", 5)
    assert await one.presence.count("room:1") == 5
    other.task.cancel()  # as a killed process: it says nothing
    assert await one.until_told("room:1", 3) < WITHIN
    third = Running(bounded_redis, "third")
    assert await third.presence.count("room:1") == 3
    third.task.cancel()


@pytest.mark.usefixtures("hurry")
async def test_the_people_of_a_closed_node_are_gone_with_the_next_beat(nodes: tuple[Running, Running]) -> None:
    one, other = nodes
    one.presence.joined("room:1", 1)
    other.presence.joined("room:1", 2)
    await one.until_told("room:1", 2)
    other.task.cancel()
    await other.presence.close()
    assert await one.until_told("room:1", 1) < 5  # and not after its life


@pytest.mark.usefixtures("hurry")
async def test_a_redis_that_lost_everything_is_told_anew(
    nodes: tuple[Running, Running], redis_server: RedisServer
) -> None:
    one, other = nodes
    one.presence.joined("room:1", 1)
    other.presence.joined("room:1", 2)
    await one.until_told("room:1", 2)
    redis_server.restart()
    one.presence.joined("room:1", 3)
    other.presence.left("room:1", 2)
    other.presence.joined("room:1", 4)
    other.presence.joined("room:1", 5)
    for node in nodes:
        await node.until_told("room:1", 4)


@pytest.mark.usefixtures("hurry")
async def test_while_redis_is_away_a_node_tells_what_it_knows(
    nodes: tuple[Running, Running], redis_server: RedisServer
) -> None:
    one, other = nodes
    one.presence.joined("room:1", 1)
    other.presence.joined("room:1", 2)
    await one.until_told("room:1", 2)
    redis_server.kill()
    try:
        one.presence.joined("room:1", 3)
        one.presence.joined("room:2", 3)
        await one.until_told("room:1", 3)
        assert await one.presence.count("room:2") == 1
    finally:
        redis_server.start()
    await other.until_told("room:1", 3)
