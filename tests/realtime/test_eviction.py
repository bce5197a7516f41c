"""Who is put out of a stream, out of everything, or told something: on whichever node their sockets are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from mypick.bus import MemoryExchange, RedisBus
from mypick.clock import SystemClock
from mypick.control import Eviction
from mypick.db import Database
from mypick.errors import Code
from tests.fakes import FakeClock
from tests.realtime.clients import Client
from tests.realtime.conftest import OpenClient, OpenPolling, StartNode
from tests.realtime.node import Fan, Node, running, until
from tests.realtime.rooms import Bans

ROOMS = "/rooms"
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def bans() -> Bans:
    return Bans()


@pytest.fixture(params=["memory", "redis"])
async def two_nodes(
    request: pytest.FixtureRequest,
    sqlite_database: Database,
    clock: FakeClock,
    exchange: MemoryExchange,
    bans: Bans,
) -> AsyncIterator[tuple[Node, Node]]:
    """Two processes, as they stand over a memory exchange and over a real Redis."""
    async with AsyncExitStack() as stack:
        buses = [None, None] if request.param == "memory" else [
            RedisBus(request.getfixturevalue("redis_url"), canary_every=0.2, canary_within=0.5) for _ in range(2)
        ]
        nodes = [
            await stack.enter_async_context(running(clock, exchange, f"node-{number}", bus=bus, bans=bans))
            for number, bus in enumerate(buses)
        ]
        yield nodes[0], nodes[1]


async def in_room(client: OpenClient, node: Node, fan: Fan, room: int = 1) -> Client:
    one = await client(node, fan, space=ROOMS)
    assert (await one.ask("join-room", {"room_id": room}))["ok"]
    return one


async def assert_hears_pokes(one: Client, *, room: int = 1) -> None:
    before = len(one.all("poke"))
    assert (await one.ask("talk", {"room_id": room}))["ok"]
    await one.event("poke", before + 1)


async def test_who_is_evicted_is_out_of_the_room_on_every_node_and_told_and_stays_connected(
    two_nodes: tuple[Node, Node], client: OpenClient, bans: Bans
) -> None:
    first, second = two_nodes
    alice, bob = await first.register("alice"), await first.register("bob")
    hers = [await in_room(client, node, alice) for node in (first, second, second)]
    his = await in_room(client, second, bob)
    began = asyncio.get_running_loop().time()
    await first.control.evict(bans.add(Eviction("room:1", alice.id, Code.BANNED, "spam", MIDNIGHT)))
    for one in hers:
        assert await one.event("evicted") == {
            "stream": "room:1", "code": "BANNED", "until": "2026-02-01T00:00:00.000Z", "reason": "spam",
        }
    assert asyncio.get_running_loop().time() - began < 1
    await assert_hears_pokes(his)
    for one in hers:
        assert one.all("poke") == []
        assert (await one.ask("talk", {"room_id": 1}))["error"]["code"] == "NOT_MEMBER"
        assert (await one.ask("join-room", {"room_id": 1}))["error"]["code"] == "BANNED"
        assert len(one.all("evicted")) == 1
    for one in [*hers, his]:
        await one.close()
    for node in two_nodes:
        await node.assert_nobody_left()


async def test_an_eviction_from_one_room_leaves_the_person_in_others_and_others_in_it(
    two_nodes: tuple[Node, Node], client: OpenClient
) -> None:
    first, second = two_nodes
    alice, bob = await first.register("alice"), await first.register("bob")
    hers, his = await in_room(client, second, alice), await in_room(client, second, bob)
    assert (await hers.ask("join-room", {"room_id": 2}))["ok"]
    await first.control.evict(Eviction("room:1", alice.id, Code.NOT_MEMBER))
    assert await hers.event("evicted") == {"stream": "room:1", "code": "NOT_MEMBER"}
    await assert_hears_pokes(hers, room=2)
    await assert_hears_pokes(his)
    assert his.all("evicted") == []
    assert (await hers.ask("join-room", {"room_id": 1}))["ok"]  # nothing in the database keeps her out
    await assert_hears_pokes(hers)


async def test_who_is_being_let_in_at_that_moment_is_refused(
    two_nodes: tuple[Node, Node], client: OpenClient, bans: Bans
) -> None:
    first, second = two_nodes
    alice = await first.register("alice")
    one = await client(second, alice, space=ROOMS)
    bans.go_on.clear()
    joining = asyncio.create_task(one.ask("join-room", {"room_id": 1}))
    await bans.looked.wait()  # the policy has let her in
    (conn,) = second.connections
    await first.control.evict(bans.add(Eviction("room:1", alice.id, Code.BANNED, "spam", MIDNIGHT)))
    await until(lambda: conn.entry is not None and conn.entry.refusal is not None)
    bans.go_on.set()
    assert (await joining)["error"] == {
        "code": "BANNED", "message": "spam", "details": {"until": "2026-02-01T00:00:00.000Z"}, "retryable": False,
    }
    assert (await one.ask("talk", {"room_id": 1}))["error"]["code"] == "NOT_MEMBER"
    assert second.streams.delivery.streams == 0


async def test_who_leaves_and_who_joins_again_are_members_once(
    two_nodes: tuple[Node, Node], client: OpenClient
) -> None:
    first, _ = two_nodes
    one = await in_room(client, first, await first.register("alice"))
    assert (await one.ask("join-room", {"room_id": 1}))["ok"]
    await assert_hears_pokes(one)
    assert len(one.all("poke")) == 1
    assert (await one.ask("leave-room", {"room_id": 1}))["data"] == {"streams": []}
    assert (await one.ask("leave-room", {"room_id": 1}))["data"] == {"streams": []}
    assert first.streams.delivery.streams == 0


async def test_an_event_for_a_person_reaches_all_their_sockets_of_that_namespace_and_nobody_elses(
    two_nodes: tuple[Node, Node], client: OpenClient
) -> None:
    first, second = two_nodes
    alice, bob = await first.register("alice"), await first.register("bob")
    hers = [await client(node, alice, space=ROOMS) for node in (first, second, second)]
    others = [await client(second, alice), await client(second, bob, space=ROOMS)]
    await first.control.tell(alice.id, ROOMS, "poke", {"text": "hello"})
    await first.control.tell(alice.id, "/nowhere", "poke", {"text": "hello"})
    await first.control.tell(alice.id, ROOMS, "poke", {"text": "안녕"})
    for one in hers:
        await one.event("poke", 2)
        assert one.all("poke") == [{"text": "hello"}, {"text": "안녕"}]
    for one in others:
        assert (await one.ask("clock", {"t0": 1}))["ok"]
        assert one.all("poke") == []


async def test_who_is_disconnected_is_out_of_every_namespace_on_every_node(
    two_nodes: tuple[Node, Node], client: OpenClient
) -> None:
    first, second = two_nodes
    alice, bob = await first.register("alice"), await first.register("bob")
    hers = [await in_room(client, first, alice), await client(second, alice), await in_room(client, second, alice)]
    his = await in_room(client, second, bob)
    await first.control.disconnect(alice.id, Code.BANNED, "the account is closed")
    for one in hers:
        evicted = await one.event("evicted")
        assert (evicted["code"], evicted["reason"]) == ("BANNED", "the account is closed")
        await asyncio.wait_for(one.gone.wait(), 10)
    await assert_hears_pokes(his)


@pytest.mark.parametrize("ends", ["the session", "the person"])
async def test_who_is_put_out_while_a_socket_is_let_in_does_not_come_in(
    start_node: StartNode, polling: OpenPolling, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    first, second = await start_node(), await start_node()
    alice = await first.register("alice")
    looked, go_on = asyncio.Event(), asyncio.Event()
    stock = second.accounts.authenticate

    async def slowly(token: str, *, kept: bool = True) -> object:
        actor = await stock(token, kept=kept)
        looked.set()
        await go_on.wait()
        return actor

    monkeypatch.setattr(second.accounts, "authenticate", slowly)
    one = await polling(second)
    await one.post(f'40{ROOMS},{{"token":"{alice.token}"}}')
    await looked.wait()
    actor = await first.accounts.authenticate(alice.token)
    if ends == "the session":
        await first.accounts.log_out(actor)
        await until(lambda: second.connections.has_ended(actor.session_id))
    else:
        await first.control.disconnect(alice.id, Code.UNAUTHENTICATED, "the account was erased")
        await until(lambda: second.connections.was_put_out(alice.id, 0))
    go_on.set()
    (answer,) = await one.packets(1)
    assert answer.startswith(f"44{ROOMS},")
    assert "UNAUTHENTICATED" in answer
    await until(lambda: len(second.connections) == 0)


async def test_when_the_bus_loses_the_eviction_the_periodic_look_finds_who_may_not_be_there(
    two_nodes: tuple[Node, Node], client: OpenClient, bans: Bans
) -> None:
    first, second = two_nodes
    alice, bob = await first.register("alice"), await first.register("bob")
    hers, his = await in_room(client, second, alice), await in_room(client, second, bob)
    bans.add(Eviction("room:1", alice.id, Code.BANNED))  # and no message came
    await second.door.check_members()
    assert (await hers.event("evicted"))["code"] == "BANNED"
    await assert_hears_pokes(his)
    assert his.all("evicted") == []
    assert bans.asked == [2]


async def test_the_look_comes_at_once_when_the_bus_was_interrupted(
    start_node: StartNode, exchange: MemoryExchange, client: OpenClient, bans: Bans
) -> None:
    first, second = await start_node(bans=bans), await start_node(bans=bans)
    alice = await first.register("alice")
    one = await in_room(client, second, alice)
    checking = asyncio.create_task(second.door.run_member_check())
    began = asyncio.get_running_loop().time()
    exchange.interrupt()
    await first.control.evict(bans.add(Eviction("room:1", alice.id, Code.BANNED)))
    exchange.mend()
    await one.event("evicted")
    assert asyncio.get_running_loop().time() - began < 3  # and not after 5 s
    checking.cancel()


async def test_members_are_looked_up_a_thousand_at_a_time(
    start_node: StartNode, client: OpenClient, bans: Bans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.server.MEMBERS_IN_A_QUERY", 10)
    node = await start_node(bans=bans)
    fans = [await node.register(f"fan{number}") for number in range(4)]
    for fan in fans:
        one = await client(node, fan, space=ROOMS)
        for room in range(1, 7):
            assert (await one.ask("join-room", {"room_id": room}))["ok"]
    await node.door.check_members()
    assert sum(bans.asked) == 24
    assert max(bans.asked) == 10


async def test_a_check_that_fails_is_tried_again(
    start_node: StartNode, client: OpenClient, bans: Bans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.server.MEMBER_CHECK_EVERY", 0.01)
    monkeypatch.setattr("realtime.server.CALMING", 0.01)
    node = await start_node(bans=bans)
    alice = await node.register("alice")
    one = await in_room(client, node, alice)
    stock, failed = bans.banned, asyncio.Event()

    class Broken(dict[tuple[str, int], Eviction]):
        def __contains__(self, key: object) -> bool:
            failed.set()
            raise ConnectionError("the database is away")

    bans.banned = Broken()
    checking = asyncio.create_task(node.door.run_member_check())
    await failed.wait()
    bans.banned = stock
    bans.add(Eviction("room:1", alice.id, Code.BANNED))
    await one.event("evicted")
    checking.cancel()


async def test_a_message_that_nobody_understands_is_passed_over(
    two_nodes: tuple[Node, Node], client: OpenClient
) -> None:
    first, second = two_nodes
    one = await in_room(client, second, await first.register("alice"))
    (conn,) = second.connections
    bodies = [b"", b"[]", b"17", b'["x","evict"]', b'["x","dance",1]', b'["x","tell",1,"/rooms","poke",7]']
    bodies.append(b'["x","evict","room:1",%d,"NO SUCH CODE",null,null]' % conn.actor.user_id)
    await first.bus.publish([("c:sockets", body) for body in bodies])
    await assert_hears_pokes(one)
    assert one.all("evicted") == []


async def test_a_process_without_sockets_can_evict(
    exchange: MemoryExchange, start_node: StartNode, client: OpenClient
) -> None:
    node = await start_node()
    alice = await node.register("alice")
    one = await in_room(client, node, alice)
    worker = Node(SystemClock(), exchange, "worker")
    await worker.control.start()
    await worker.control.evict(Eviction("room:1", alice.id, Code.BANNED))
    assert (await one.event("evicted"))["code"] == "BANNED"
    await worker.bus.close()
    worker.passwords.close()
