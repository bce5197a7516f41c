"""Sockets live as long as what they were opened with: a token, a session."""

from __future__ import annotations

import asyncio

import pytest

from mypick.accounts.actor import Actor
from mypick.accounts.commands import EndSession
from mypick.bus.memory import MemoryExchange
from mypick.clock import SystemClock
from mypick.db import Database
from mypick.notifications.arrivals import Arrival
from realtime.connection import Connection
from realtime.engine.wheel import TICK
from tests.fakes import FakeClock
from tests.realtime.clients import SPACE
from tests.realtime.conftest import OpenClient, OpenPolling, OpenRaw, StartNode
from tests.realtime.node import Fan, Node, running, until


async def test_auth_expiring_is_due_sixty_seconds_before_the_end(node: Node, alice: Fan, client: OpenClient) -> None:
    asked = asyncio.get_running_loop().time()
    one = await client(node, alice)  # whose token lives 3,600 s
    (conn,) = list(node.connections)
    due = conn.deadline * TICK
    assert 3540 <= due - asked <= 3540 + (asyncio.get_running_loop().time() - asked) + TICK
    assert one.all("auth-expiring") == []


async def test_auth_expiring_says_how_long_is_left(
    start_node: StartNode, clock: FakeClock, client: OpenClient
) -> None:
    node = await start_node(access_life=61)
    fan = await node.register("alice")
    clock.advance(1)
    one = await client(node, fan)
    assert await one.event("auth-expiring") == {"expires_in": 60}
    assert one.all("evicted") == []


async def test_a_socket_whose_token_ends_is_told_and_closed(
    sqlite_database: Database, exchange: MemoryExchange, client: OpenClient
) -> None:
    async with running(SystemClock(), exchange, access_life=1) as node:
        one = await client(node, await node.register("alice"))
        assert (await one.event("auth-expiring"))["expires_in"] <= 1
        evicted = await one.event("evicted")
        assert evicted["code"] == "UNAUTHENTICATED"
        assert "expired" in evicted["reason"]
        await asyncio.wait_for(one.gone.wait(), 10)
        await node.assert_nobody_left()


async def test_refresh_auth_keeps_the_socket_beyond_the_end_of_its_first_token(
    sqlite_database: Database, exchange: MemoryExchange, client: OpenClient
) -> None:
    async with running(SystemClock(), exchange, access_life=2) as node:
        fan = await node.register("alice")
        kept, left = await client(node, fan), await client(node, fan)
        ends = next(iter(node.connections)).actor.expires_at
        assert ends is not None
        await until(lambda: node.clock.now().timestamp() > ends.timestamp() - 0.9)
        later = await node.log_in("alice")
        reply = await kept.ask("refresh-auth", {"token": later.token})
        assert reply["ok"]
        assert 1 <= reply["data"]["expires_in"] <= 2
        await asyncio.wait_for(left.gone.wait(), 10)
        assert (await kept.ask("clock", {"t0": 1}))["ok"]
        assert kept.all("evicted") == []
        await kept.event("auth-expiring", 2)


async def test_refresh_auth_refuses_another_users_token_and_what_is_none(
    node: Node, alice: Fan, bob: Fan, client: OpenClient
) -> None:
    one = await client(node, alice)
    before = next(iter(node.connections)).actor
    assert (await one.ask("refresh-auth", {"token": bob.token}))["error"]["code"] == "FORBIDDEN"
    for token in ("nonsense", alice.refresh_token, alice.token + "x"):
        assert (await one.ask("refresh-auth", {"token": token}))["error"]["code"] == "UNAUTHENTICATED"
    assert next(iter(node.connections)).actor is before
    assert (await one.ask("clock", {"t0": 1}))["ok"]


async def test_a_socket_follows_the_session_of_its_newest_token(node: Node, alice: Fan, client: OpenClient) -> None:
    one = await client(node, alice)
    first = await node.accounts.authenticate(alice.token)
    later = await node.log_in("alice")
    assert (await one.ask("refresh-auth", {"token": later.token}))["ok"]
    await node.accounts.log_out(first)
    await asyncio.sleep(0)
    assert (await one.ask("clock", {"t0": 1}))["ok"]
    assert not one.gone.is_set()
    await node.accounts.log_out(await node.accounts.authenticate(later.token))
    await asyncio.wait_for(one.gone.wait(), 10)


async def test_refreshing_while_the_socket_closes_brings_nothing_back(
    node: Node, alice: Fan, polling: OpenPolling, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await polling(node, alice)
    entered, gate = asyncio.Event(), asyncio.Event()
    stock = node.accounts.authenticate

    async def slowly(token: object, *, kept: bool = True) -> object:
        entered.set()
        await gate.wait()
        return await stock(token, kept=kept)

    monkeypatch.setattr(node.accounts, "authenticate", slowly)
    refreshing = asyncio.create_task(one.post(f'42{SPACE},1["refresh-auth",{{"token":"{alice.token}"}}]'))
    await entered.wait()
    (conn,) = list(node.connections)
    closing = asyncio.create_task(one.post("1"))
    await until(lambda: conn.closed)
    gate.set()
    await asyncio.gather(refreshing, closing)
    await node.assert_nobody_left()
    assert conn.closed


async def test_a_client_that_leaves_while_its_token_is_looked_at_leaves_nothing(
    node: Node, alice: Fan, bob: Fan, polling: OpenPolling, client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = await client(node, alice)
    entered, gate = asyncio.Event(), asyncio.Event()
    stock = node.accounts.authenticate

    async def slowly(token: object, *, kept: bool = True) -> object:
        entered.set()
        await gate.wait()
        return await stock(token, kept=kept)

    monkeypatch.setattr(node.accounts, "authenticate", slowly)
    one = await polling(node)
    joining = asyncio.create_task(one.post(f'40{SPACE},{{"token":"{alice.token}"}}'))
    await entered.wait()
    assert (await one.post("1"))[0] == 200
    gate.set()
    await joining
    await until(lambda: len(node.connections) == 1)
    assert await node.presence.online_count() == 1  # she is, with the other socket
    await beside.close()
    await node.assert_nobody_left()


async def test_a_packet_behind_the_clients_own_goodbye_is_nobodys(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node)
    assert (await one.post(f'1\x1e40{SPACE},{{"token":"{alice.token}"}}'))[0] == 200
    assert (await one.post(f'40{SPACE},{{"token":"{alice.token}"}}'))[0] == 400
    await node.assert_nobody_left()


async def test_the_end_of_a_session_closes_its_sockets_on_every_node_and_no_others(
    start_node: StartNode, client: OpenClient
) -> None:
    first, second = await start_node(), await start_node()
    alice, bob = await first.register("alice"), await first.register("bob")
    elsewhere = await first.log_in("alice")
    ended = [await client(node, alice) for node in (first, second, second)]
    kept = [await client(second, elsewhere), await client(first, bob)]
    await first.accounts.log_out(await first.accounts.authenticate(alice.token))
    for one in ended:
        assert (await one.event("evicted"))["code"] == "UNAUTHENTICATED"
        await asyncio.wait_for(one.gone.wait(), 10)
    for one in kept:
        assert (await one.ask("clock", {"t0": 1}))["ok"]
        assert one.all("evicted") == []


async def test_when_the_bus_loses_the_message_the_periodic_look_finds_the_ended_session(
    start_node: StartNode, exchange: MemoryExchange, client: OpenClient
) -> None:
    first, second = await start_node(), await start_node()
    alice = await first.register("alice")
    kept = await first.log_in("alice")
    one, other = await client(second, alice), await client(second, kept)
    exchange.interrupt()
    current = await first.accounts.authenticate(kept.token)
    old = await first.accounts.authenticate(alice.token)
    assert old.session_id is not None
    await first.accounts.sessions.end(current, EndSession(session_id=old.session_id))
    exchange.mend()
    assert (await one.ask("clock", {"t0": 1}))["ok"]
    await second.door.check_sessions()
    await asyncio.wait_for(one.gone.wait(), 10)
    assert one.all("evicted")[0]["code"] == "UNAUTHENTICATED"
    assert (await other.ask("clock", {"t0": 1}))["ok"]
    await second.door.check_sessions()
    assert len(second.connections) == 1


async def test_a_client_is_told_once_although_two_find_its_session_ended(
    node: Node, alice: Fan, raw: OpenRaw
) -> None:
    one = await raw(node, alice)
    (conn,) = list(node.connections)
    assert conn.actor.session_id is not None
    for _ in range(3):
        node.door.end_session(conn.actor.session_id)
    frames = [await one.receive(), await one.receive()]
    assert "evicted" in str(frames[0])
    assert frames[1] == f"41{SPACE},"


async def test_a_client_that_leaves_while_its_inbox_is_read_is_no_failure(
    node: Node, alice: Fan, polling: OpenPolling, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()
    stock = node.notifications.arrival

    async def slowly(actor: Actor) -> Arrival:
        entered.set()
        await gate.wait()
        return await stock(actor)

    monkeypatch.setattr(node.notifications, "arrival", slowly)
    one = await polling(node)
    joining = asyncio.create_task(one.post(f'40{SPACE},{{"token":"{alice.token}"}}'))
    await entered.wait()
    assert (await one.post("1"))[0] == 200
    gate.set()
    await joining
    await node.assert_nobody_left()


async def test_a_client_that_is_gone_does_not_wait_for_the_end_of_its_token(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    await (await client(node, alice)).close()
    await node.assert_nobody_left()
    left = [item for slot in node.engine.wheel._slots.values() for item in slot]
    assert not any(isinstance(item, Connection) for item in left)
