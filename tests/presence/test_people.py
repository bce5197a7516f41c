"""Who is online, on one node and on many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.bounded_redis import BoundedRedis
from mypick.clock import SystemClock
from mypick.metrics import Metrics
from mypick.presence import MemoryPresence, Presence, RedisPresence
from tests.servers import RedisServer

PATIENCE = 10.0
LIFE = 0.9

MakeNode = Callable[[], Awaitable[RedisPresence]]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """What one node tells reaches the other on its own time."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.01)


async def everybody(presence: Presence) -> set[int]:
    users: list[int] = []
    async for chunk in presence.online_in_chunks():
        users += chunk
    assert len(users) == len(set(users)), "each in one chunk"
    return set(users)


@pytest.fixture
async def node(bounded_redis: BoundedRedis) -> AsyncIterator[MakeNode]:
    """Makes nodes that hurry: a tenth of the real times."""
    async with AsyncExitStack() as stack:

        async def make() -> RedisPresence:
            presence = RedisPresence(bounded_redis, clock=SystemClock(), heartbeat=0.3, life=LIFE, gather=0.01)
            stack.push_async_callback(presence.close)
            await presence.start()
            return presence

        yield make


@pytest.fixture
async def memory_presence() -> AsyncIterator[Presence]:
    presence = MemoryPresence()
    await presence.start()
    yield presence
    await presence.close()


@pytest.fixture
async def redis_presence(node: MakeNode) -> Presence:
    return await node()


@pytest.fixture(params=["memory", "redis"])
def presence(request: pytest.FixtureRequest) -> Presence:
    chosen: Presence = request.getfixturevalue(f"{request.param}_presence")
    return chosen


async def test_who_arrived_is_online_at_once_for_this_node(presence: Presence) -> None:
    await presence.arrived(1)
    await presence.arrived(2)
    assert await presence.online_among([1, 2, 3]) == {1, 2}
    assert await everybody(presence) == {1, 2}
    assert await presence.online_among([]) == set()


async def test_a_person_is_online_until_the_last_socket_closes(presence: Presence) -> None:
    await presence.arrived(1)
    await presence.arrived(1)
    await presence.left(1)
    assert await presence.online_among([1]) == {1}
    await presence.left(1)
    await eventually(lambda: is_offline(presence, 1))
    await presence.left(1)  # no error, and no debt:
    await presence.arrived(1)
    assert await presence.online_among([1]) == {1}


async def is_offline(presence: Presence, user_id: int) -> bool:
    return await presence.online_among([user_id]) == set()


async def test_many_people_are_counted_and_listed(presence: Presence) -> None:
    for user_id in range(12_000):
        await presence.arrived(user_id)
    await eventually(lambda: counts(presence, 12_000))
    assert await everybody(presence) == set(range(12_000))
    assert await presence.online_among(range(11_000, 13_000)) == set(range(11_000, 12_000))


async def counts(presence: Presence, expected: int) -> bool:
    return await presence.online_count() == expected


async def test_every_node_sees_the_people_of_all_each_once(node: MakeNode) -> None:
    one, other = await node(), await node()
    for user_id in (1, 2, 65):
        await one.arrived(user_id)
    for user_id in (2, 3, 129):
        await other.arrived(user_id)
    for presence in (one, other):
        await eventually(lambda seen=presence: counts(seen, 5))  # type: ignore[misc]  # bound, not captured
        assert await presence.online_among(range(200)) == {1, 2, 3, 65, 129}
        assert await everybody(presence) == {1, 2, 3, 65, 129}
    await one.left(2)
    await one.left(1)
    await eventually(lambda: counts(other, 4))
    assert await one.online_among([1, 2]) == {2}  # still on the other


async def test_the_people_of_a_closed_node_are_gone_at_once(node: MakeNode) -> None:
    one, other = await node(), await node()
    await one.arrived(1)
    await eventually(lambda: counts(other, 1))
    await one.close()
    assert await other.online_count() == 0


async def test_the_people_of_a_dead_node_are_gone_after_its_life_and_those_of_a_living_stay(node: MakeNode) -> None:
    dead, living = await node(), await node()
    await dead.arrived(1)
    await living.arrived(2)
    await eventually(lambda: counts(living, 2))
    assert dead._task is not None
    dead._task.cancel()  # as a killed process: it says nothing
    loop = asyncio.get_running_loop()
    died = loop.time()
    await eventually(lambda: counts(living, 1))
    assert loop.time() - died > 0.2  # a heartbeat that is late is not a death
    await asyncio.sleep(2 * LIFE)  # the promise is that nothing happens in this time
    assert await everybody(living) == {2}


async def test_while_redis_is_away_a_node_knows_its_own_and_tells_them_when_it_is_back(
    redis_server: RedisServer, node: MakeNode
) -> None:
    one, other = await node(), await node()
    await one.arrived(1)
    await other.arrived(2)
    await eventually(lambda: counts(one, 2))
    redis_server.kill()
    await one.arrived(3)
    assert await one.online_among([1, 2, 3]) == {1, 3}
    assert await one.online_count() == 2
    assert await everybody(one) == {1, 3}
    await other.left(2)
    await other.arrived(4)
    redis_server.start()
    for presence in (one, other):
        await eventually(lambda seen=presence: counts(seen, 3))  # type: ignore[misc]  # bound, not captured
        assert await everybody(presence) == {1, 3, 4}


async def test_a_hanging_redis_holds_nobody_up(redis_server: RedisServer, node: MakeNode) -> None:
    one = await node()
    redis_server.pause()
    try:
        async with asyncio.timeout(2):
            for user_id in range(1_000):
                await one.arrived(user_id)
                assert await one.online_among([user_id]) == {user_id}
    finally:
        redis_server.resume()


async def test_the_people_of_this_node_are_measured() -> None:
    metrics = Metrics.unread()
    presence = MemoryPresence(metrics=metrics)
    await presence.arrived(1)
    await presence.arrived(1)
    await presence.arrived(2)
    await presence.left(1)
    assert metrics.registry.get_sample_value("mypick_users_online") == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=50))
def test_sockets_are_counted_for_each_person(steps: list[tuple[bool, int]]) -> None:
    async def check() -> None:
        presence, sockets = MemoryPresence(), dict.fromkeys(range(1, 5), 0)
        for arrives, user_id in steps:
            if arrives:
                sockets[user_id] += 1
                await presence.arrived(user_id)
            else:
                sockets[user_id] = max(0, sockets[user_id] - 1)
                await presence.left(user_id)
        expected = {user_id for user_id, count in sockets.items() if count}
        assert await presence.online_among([1, 2, 3, 4]) == expected
        assert await presence.online_count() == len(expected)

    asyncio.run(check())
