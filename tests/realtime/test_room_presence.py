"""How many are in a room, as its members hear of it through real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from random import Random

import aiohttp
import orjson
import pytest

from mypick.bounded_redis import BoundedRedis
from mypick.bus import MemoryExchange, RedisBus
from mypick.control import Eviction
from mypick.db import Database
from mypick.errors import Code
from mypick.presence import RedisBoard
from mypick.presence.rooms import EVERY
from tests.fakes import FakeClock
from tests.realtime.clients import Client, Raw
from tests.realtime.conftest import OpenClient, StartNode
from tests.realtime.node import WAIT, Fan, Node, running

ROOMS = "/rooms"
STEP = 0.1  # seconds of the clock between two looks at what is due
LIFE = 0.5  # seconds after which a node that is silent is dead


async def pass_time(clock: FakeClock, seconds: float, *nodes: Node) -> None:
    """The clock moves, and nodes do what is due."""
    for _ in range(round(seconds / STEP)):
        clock.advance(STEP)
        for node in nodes:
            await node.room_presence.tick(node.door.tell_presence)


async def heard(one: Client) -> list[dict[str, int]]:
    """The presence events that it was sent until now: what was sent before an ack has come before it."""
    assert (await one.ask("clock", {"t0": 1}))["ok"]
    return one.all("presence")


async def join(client: OpenClient, node: Node, fan: Fan, room: int = 1) -> tuple[Client, int]:
    """The client, and how many it was told are there."""
    one = await client(node, fan, space=ROOMS)
    reply = await one.ask("join-room", {"room_id": room})
    return one, reply["data"]["online"]


class Guest:
    """A raw socket that goes in and out of a room."""

    def __init__(self, raw: Raw, room: int) -> None:
        self._raw, self._room = raw, room

    async def open(self, fan: Fan) -> None:
        await self._raw.open()
        await self._raw.send(f'40{ROOMS},{{"token":"{fan.token}"}}')
        assert str(await self._raw.receive()).startswith(f"40{ROOMS},")

    async def ask(self, name: str) -> None:
        await self._raw.send(f'42{ROOMS},1["{name}",{{"room_id":{self._room}}}]')
        while not (frame := str(await self._raw.receive())).startswith(f"43{ROOMS},1"):
            assert '"presence"' in frame or frame == "2"  # a ping: on a busy machine it takes longer than the interval
        assert orjson.loads(frame.split(",1", 1)[1])[0]["ok"]


async def test_members_hear_how_many_they_are_and_who_joins_is_told_at_once(
    start_node: StartNode, clock: FakeClock, client: OpenClient
) -> None:
    node = await start_node()
    alice, bob = await node.register("alice"), await node.register("bob")
    hers, online = await join(client, node, alice)
    assert online == 1
    _, online = await join(client, node, alice)
    assert online == 1  # people, not sockets
    await pass_time(clock, 1, node)
    assert await heard(hers) == [{"room_id": 1, "online": 1}]
    his, online = await join(client, node, bob)
    assert online == 2
    outside = await client(node, bob, space=ROOMS)
    await pass_time(clock, 2, node)
    assert (await heard(hers))[1:] == [{"room_id": 1, "online": 2}]
    await node.control.evict(Eviction("room:1", bob.id, Code.BANNED))
    await pass_time(clock, 2, node)
    assert (await heard(hers))[2:] == [{"room_id": 1, "online": 1}]
    assert await heard(his) == [{"room_id": 1, "online": 2}]
    assert await heard(outside) == []


async def test_a_storm_of_two_thousand_joins_makes_at_most_one_event_in_two_seconds_for_each_room(
    start_node: StartNode, clock: FakeClock, client: OpenClient, http: aiohttp.ClientSession
) -> None:
    node, rooms = await start_node(), (1, 2, 3, 4)
    watching, _ = await join(client, node, await node.register("alice"))
    for room in rooms[1:]:
        assert (await watching.ask("join-room", {"room_id": room}))["ok"]
    guests = [Guest(Raw(http, node), rooms[number % 4]) for number in range(100)]
    for number, guest in enumerate(guests):
        await guest.open(await node.register(f"guest{number}"))
    await pass_time(clock, 3, node)
    seen = len(await heard(watching))
    told: dict[int, list[float]] = {room: [] for room in rooms}

    async def storm(command: str, seconds: float) -> None:
        """All at once, and then for some seconds nothing."""
        nonlocal seen
        await asyncio.gather(*(guest.ask(command) for guest in guests))
        for _ in range(round(seconds / STEP)):
            await pass_time(clock, STEP, node)
            events = await heard(watching)
            for event in events[seen:]:
                told[event["room_id"]].append(clock.monotonic())
            seen = len(events)

    random = Random(1)
    for _ in range(20):  # 2,000 joins in about 20 s
        await storm("leave-room", random.uniform(0.2, 0.8))
        await storm("join-room", random.uniform(0.2, 0.8))
    for times in told.values():
        assert all(later - earlier >= EVERY - STEP / 2 for earlier, later in pairwise(times))
        assert len(times) >= 3  # and not only the first and the last
    await pass_time(clock, EVERY, node)
    last = {event["room_id"]: event["online"] for event in await heard(watching)}
    assert last == dict.fromkeys(rooms, 26)


@pytest.fixture
async def two_nodes(
    sqlite_database: Database, clock: FakeClock, exchange: MemoryExchange, redis_url: str, bounded_redis: BoundedRedis
) -> AsyncIterator[tuple[Node, Node]]:
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(
                running(
                    clock,
                    exchange,
                    f"node-{number}",
                    bus=RedisBus(redis_url, canary_every=0.2, canary_within=0.5),
                    board=RedisBoard(bounded_redis, life=LIFE),
                )
            )
            for number in range(2)
        ]
        yield nodes[0], nodes[1]


async def until_heard(one: Client, online: int, clock: FakeClock, *nodes: Node) -> None:
    """Nodes do what is due until the newest event says so; what goes over Redis takes its own time."""
    async with asyncio.timeout(WAIT):
        while not (events := await heard(one)) or events[-1]["online"] != online:
            await pass_time(clock, 0.5, *nodes)


async def test_members_on_two_nodes_hear_of_all_and_a_dead_nodes_people_are_gone(
    two_nodes: tuple[Node, Node], clock: FakeClock, client: OpenClient
) -> None:
    first, second = two_nodes
    alice, bob, carol = [await first.register(name) for name in ("alice", "bob", "carol")]
    hers, _ = await join(client, first, alice)
    await pass_time(clock, 1, *two_nodes)
    his, online = await join(client, second, bob)
    assert online == 2
    also_hers, online = await join(client, second, alice)
    assert online == 2  # on two nodes, and once
    carols, online = await join(client, second, carol)
    assert online == 3
    for one in (hers, his, also_hers, carols):
        await until_heard(one, 3, clock, *two_nodes)
    await carols.close()
    for one in (hers, his):
        await until_heard(one, 2, clock, *two_nodes)
    await until_heard(hers, 1, clock, first)  # the second is silent from now on
    assert await first.room_presence.count("room:1") == 1
