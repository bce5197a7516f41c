"""What one turn of the loop gives to those who come, go or send much; counted in turns and steps, never in seconds."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from realtime.engine.entry import Entry
from realtime.engine.front import Front
from realtime.engine.member import AT_ONCE
from realtime.engine.turns import REQUEST, Turns
from tests.realtime.conftest import Logs, StartNode
from tests.realtime.engine.conftest import Tls
from tests.realtime.engine.frames import CLOSE, PING, PONG, ClientFrame, text
from tests.realtime.engine.wire import HANDSHAKE, Wire, clock, joining
from tests.realtime.node import Node, until

GOODBYE = ClientFrame(CLOSE, b"\x03\xe8")
STEPS, PACKETS = 4, 5  # of one turn, where a test lowers them
SECURE = pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])


class Turn:
    """Which turn of the loop it is."""

    def __init__(self) -> None:
        self.number = 0
        self._next: asyncio.Handle | None = None

    def begin(self) -> None:
        self.number += 1
        self._next = asyncio.get_running_loop().call_soon(self.begin)

    def end(self) -> None:
        if self._next:
            self._next.cancel()


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    turn = Turn()
    turn.begin()
    yield turn
    turn.end()


def counted(turn: Turn, function: Callable[..., Any]) -> tuple[Callable[..., Any], Counter[int]]:
    """``function``, and how often it was called in which turn."""
    calls: Counter[int] = Counter()

    def call(*arguments: Any, **named: Any) -> Any:
        calls[turn.number] += 1
        return function(*arguments, **named)

    return call, calls


async def leave(wire: Wire) -> None:
    wire.send(GOODBYE)
    await wire.ended()


# the queue itself


async def test_steps_are_done_in_their_order_and_a_turn_has_no_more_than_its_share(turn: Turn) -> None:
    turns, done = Turns(3), []
    for number in range(10):
        turns.soon(partial(lambda number: done.append((turn.number, number)), number))
    assert len(turns) == 7, "those for whom there is room are done at once"
    await until(lambda: len(done) == 10)
    assert [number for _, number in done] == list(range(10))
    assert max(Counter(at for at, _ in done).values()) == 3
    assert len({at for at, _ in done}) == 4
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    turns.soon(lambda: done.append((turn.number, 10)))
    assert len(done) == 11, "a later turn has room again"


async def test_a_dear_step_takes_the_room_of_several_and_is_done_where_it_has_less(turn: Turn) -> None:
    turns, done = Turns(REQUEST + 1), []
    for _ in range(6):
        turns.soon(lambda: done.append(turn.number), REQUEST)
    await until(lambda: len(done) == 6)
    assert set(Counter(done).values()) == {2}, "the second begins with one step left"


async def test_a_step_that_asks_for_another_turn_gets_another_turn(turn: Turn) -> None:
    turns, done = Turns(8), []

    def again() -> None:
        done.append(turn.number)
        if len(done) < 4:
            turns.later(again)

    turns.soon(again)
    await until(lambda: len(done) == 4)
    assert len(set(done)) == 4


async def test_a_step_that_fails_stops_nobody_else(logs: Logs) -> None:
    turns, done = Turns(1), []
    turns.soon(lambda: None)
    turns.soon(lambda: 1 // 0)
    turns.soon(lambda: done.append(1))
    await until(lambda: done)
    assert [line["event"] for line in logs.lines if line["log_level"] == "error"] == ["a step of a connection failed"]
    logs.lines.clear()


# who comes


async def test_a_turn_has_a_connection_from_the_listener_and_no_more(turn: Turn) -> None:
    """What a flood can ask of one turn hangs on it. libuv takes one since 1.45; asyncio's own loop as many as there
    are, and serves no production."""
    loop = asyncio.get_running_loop()
    made: list[int] = []

    class Counting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(turn.number)

    listener = await loop.create_server(Counting, "127.0.0.1", 0, backlog=100)
    clients = [socket.socket() for _ in range(20)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(listener.sockets[0].getsockname())
    await until(lambda: len(made) == len(clients))
    for client in clients:
        client.close()
    listener.close()
    if type(loop).__module__.startswith("uvloop"):
        assert max(Counter(made).values()) == 1, (
            "uvloop takes several connections in one turn again: a flood holds the loop for as long as it lasts. Take "
            "them in config/ports.py with a bound, or stay with the uvloop before."
        )


@SECURE
async def test_handshakes_that_come_together_share_turns(
    start_node: StartNode, tls: Tls, turn: Turn, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None, steps_per_turn=STEPS)
    greet, greeted = counted(turn, Entry.greet)
    monkeypatch.setattr(Entry, "greet", greet)
    wires = [await Wire().open(node, tls=tls.client if secure else None) for _ in range(30)]
    await asyncio.gather(*(wire.greet() for wire in wires))
    assert sum(greeted.values()) == 30
    assert max(greeted.values()) <= STEPS
    for wire in wires:
        await leave(wire)
    await node.assert_nobody_left()


async def test_who_joins_together_is_let_in_over_turns_and_leaves_over_turns(
    start_node: StartNode, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await start_node(steps_per_turn=STEPS, connections_per_user=100)
    alice = await node.register("alice")
    admit, admitted = counted(turn, node.namespace.admit)
    ended, ends = counted(turn, node.namespace.ended)
    monkeypatch.setattr(node.namespace, "admit", admit)
    monkeypatch.setattr(node.namespace, "ended", ended)
    wires = [await (await Wire().open(node)).greet() for _ in range(30)]
    for wire in wires:
        wire.send(joining(alice))
    for wire in wires:
        while "unread-notifications" not in await wire.packet():
            pass
    assert (sum(admitted.values()), max(admitted.values())) == (30, STEPS)
    for wire in wires:
        wire.writer.transport.abort()
    await node.assert_nobody_left()
    await until(lambda: sum(ends.values()) == 30)
    assert max(ends.values()) <= STEPS


async def test_requests_of_the_long_way_take_more_of_a_turn(
    start_node: StartNode, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await start_node(steps_per_turn=STEPS)
    speak, spoken = counted(turn, Front._speak_http)
    monkeypatch.setattr(Front, "_speak_http", speak)
    wires = [await Wire().open(node) for _ in range(12)]
    for wire in wires:
        wire.writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for wire in wires:
        assert b" 404 " in await wire.ended()
    assert (sum(spoken.values()), max(spoken.values())) == (12, 1)


async def test_who_leaves_before_its_turn_leaves_nothing(start_node: StartNode) -> None:
    node = await start_node(steps_per_turn=1)
    wires = [await Wire().open(node) for _ in range(20)]
    for number, wire in enumerate(wires):
        wire.writer.write(HANDSHAKE if number % 2 else b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.writer.transport.abort()
    wire = await (await Wire().open(node)).greet()
    await leave(wire)
    await until(lambda: not node.engine.turns)
    await node.assert_nobody_left()


async def test_a_request_in_pieces_waits_for_its_turn_as_a_whole(start_node: StartNode) -> None:
    node = await start_node(steps_per_turn=1)
    wires = [await Wire().open(node) for _ in range(20)]
    for wire in wires:
        wire.writer.write(HANDSHAKE)
    large = await Wire().open(node)
    large.writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n")
    for _ in range(20):
        large.writer.write(b"x" * 10_000)
        await asyncio.sleep(0)
    assert b" 404 " in await large.ended()
    for wire in wires:
        assert b" 101 " in await wire.reader.readuntil(b"\r\n\r\n")
        wire.writer.transport.abort()
    await node.assert_nobody_left()


async def test_who_comes_too_often_is_told_so_before_anything_is_parsed(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await start_node(limits={"socket.handshake": "1/2s"})
    monkeypatch.setattr(Front, "_speak_http", None)
    await leave(await (await Wire().open(node)).greet())
    wire = await Wire().open(node)
    wire.writer.write(HANDSHAKE)
    answer = await wire.ended()
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nRetry-After: 2\r\n" in answer
    assert answer.endswith(b"\r\n\r\ntoo many connections from your address: wait 2 s")
    assert node.metrics.socket_handshakes.labels("too many").value == 1


# who sends much


@SECURE
async def test_others_come_between_the_packets_of_one_read(
    start_node: StartNode, tls: Tls, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None, packets_per_turn=PACKETS)
    fans = [await node.register(name) for name in ("alice", "bob")]
    alice, bob = [
        await (await (await Wire().open(node, tls=tls.client if secure else None)).greet()).join(fan) for fan in fans
    ]
    order: list[int] = []
    receive = node.namespace.receive

    def recorded(member: Any, arguments: Any) -> Any:
        order.append(member.context.actor.user_id)
        return receive(member, arguments)

    monkeypatch.setattr(node.namespace, "receive", recorded)
    alice.send(*(clock(number) for number in range(100)))
    await asyncio.sleep(0)
    bob.send(clock(7))
    assert (await bob.packet()).startswith("43/notifications,7[")
    assert order.index(fans[1].id) <= 4 * PACKETS, "the turn in which it came, and those that TLS needs"
    for number in range(100):
        assert (await alice.packet()).startswith(f"43/notifications,{number}[")
    alice.send(clock(100))
    assert (await alice.packet()).startswith("43/notifications,100["), "it is read again"
    await leave(alice)
    await leave(bob)


@SECURE
async def test_what_comes_in_halves_between_the_turns_is_put_together(
    start_node: StartNode, tls: Tls, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None, packets_per_turn=PACKETS)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node, tls=tls.client if secure else None)).greet()).join(alice)
    data = b"".join(clock(number) for number in range(200))
    for start in range(0, len(data), 777):
        wire.writer.write(data[start : start + 777])
        await asyncio.sleep(0)
    for number in range(200):
        assert (await wire.packet()).startswith(f"43/notifications,{number}[")
    await leave(wire)


async def test_a_goodbye_behind_many_packets_is_heard_and_nothing_behind_it(start_node: StartNode) -> None:
    node = await start_node(packets_per_turn=PACKETS)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(*(ClientFrame(PING, b"%d" % n) for n in range(50)), GOODBYE, text("nonsense"))
    for number in range(50):
        assert await wire.frame() == (PONG, b"%d" % number)
    assert await wire.frame() == (CLOSE, b"\x03\xe8")
    await wire.ended()
    await node.assert_nobody_left()


async def test_who_goes_between_its_packets_leaves_nothing(start_node: StartNode) -> None:
    node = await start_node(packets_per_turn=1)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(*(clock(number) for number in range(500)))
    await wire.packet()
    wire.writer.transport.abort()
    await node.assert_nobody_left()


async def test_who_breaks_the_protocol_behind_many_packets_is_told_so(start_node: StartNode) -> None:
    node = await start_node(packets_per_turn=PACKETS)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(*(clock(number) for number in range(30)), b"\x89\x05hello")
    texts, code, _ = await wire.rest()
    assert code == 1002
    assert sum(packet.startswith("43/notifications,") for packet in texts) == 30


async def test_commands_that_wait_for_nothing_leave_turns_to_others(
    node: Node, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    receive, received = counted(turn, node.namespace.receive)
    monkeypatch.setattr(node.namespace, "receive", receive)
    wire.send(*(text(f'42/notifications,{number}["nonsense"]') for number in range(16)))
    for number in range(16):
        assert (await wire.packet()).startswith(f"43/notifications,{number}[")
    await leave(wire)
    assert sum(received.values()) == 16
    assert max(received.values()) <= AT_ONCE
