"""Clients that do not read: what is dropped for them, what they are told of it, and when they are closed."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from functools import partial
from typing import Any

import orjson
import pytest

from mypick.notifications.streams import inbox_of
from realtime.connection import Connection
from realtime.engine.member import Member
from realtime.engine.messages import Kind, Message, durable, event
from realtime.engine.reasons import SERVER_DISCONNECT, TOO_SLOW
from realtime.engine.session import Session
from realtime.engine.websocket import WebSocket
from tests.realtime.clients import SPACE, Client
from tests.realtime.conftest import Logs, OpenClient, OpenPolling, StartNode
from tests.realtime.engine.conftest import Tls
from tests.realtime.engine.wire import Wire, clock
from tests.realtime.node import WAIT, Fan, Node, until

KB = 1024
BODY = orjson.dumps({"filling": "x" * 30 * KB})
PAIR = pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])


class Writer:
    """Writes to a fan's room, and knows how much of it its client has not taken."""

    def __init__(self, node: Node, fan: Fan) -> None:
        self._node = node
        self._room = inbox_of(fan.id)
        (self.session,) = node.engine.sessions.values()
        self.seq = 0

    async def send(self, message: Message) -> None:
        await self._node.engine.rooms.broadcast(SPACE, self._room, [message])

    async def needed(self) -> None:
        await self.send(event(SPACE, "needed", BODY))

    async def droppable(self) -> None:
        await self.send(event(SPACE, "droppable", b"{}", Kind.DROPPABLE))

    async def durable(self, stream: str) -> int:
        self.seq += 1
        await self.send(durable(SPACE, "durable", b'{"seq":%d}' % self.seq, stream, self.seq))
        return self.seq

    async def fill(self, size: int) -> None:
        """Until over ``size`` bytes wait in this process."""
        while self.session.unsent <= size:
            await self.needed()
            await asyncio.sleep(0)

    def dropped(self, kind: Kind) -> float:
        return self._node.metrics.socket_dropped.labels(kind.value).value


async def hear_all(wire: Wire, last: str) -> list[tuple[str, Any]]:
    """All events up to the first named ``last``."""
    heard: list[tuple[str, Any]] = []
    while not heard or heard[-1][0] != last:
        packet = await wire.packet()
        name, body = orjson.loads(packet.removeprefix(f"42{SPACE},"))
        heard.append((name, body))
    return heard


@PAIR
async def test_first_what_may_be_dropped_is_then_streams_and_the_client_is_told(
    start_node: StartNode, tls: Tls, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node, tls=tls.client if secure else None, small=True)).greet()).join(alice)
    writer, bounds = Writer(node, alice), node.engine.bounds

    await writer.droppable()
    await writer.durable("inbox:1")
    await writer.fill(bounds.dropping_bytes)
    await writer.droppable()
    await writer.durable("inbox:1")
    assert (writer.dropped(Kind.DROPPABLE), writer.dropped(Kind.DURABLE)) == (1, 0)
    await writer.fill(bounds.lagging_bytes)
    await writer.droppable()
    for stream in ("inbox:1", "inbox:2", "inbox:1"):
        head = await writer.durable(stream)
    assert (writer.dropped(Kind.DROPPABLE), writer.dropped(Kind.DURABLE)) == (2, 3)
    assert head == 5
    assert not writer.session.closed
    assert writer.session.unsent < bounds.unsent_bytes

    heard = await hear_all(wire, "lagged")
    heard += await hear_all(wire, "lagged")
    assert [body for name, body in heard if name == "lagged"] == [
        {"stream": "inbox:1", "head_seq": 5},
        {"stream": "inbox:2", "head_seq": 4},
    ]
    assert [body["seq"] for name, body in heard if name == "durable"] == [1, 2]
    await until(lambda: writer.session.write is not None)  # nothing stands before it any more
    await writer.droppable()
    await writer.durable("inbox:1")
    assert [name for name, _ in await hear_all(wire, "durable")] == ["droppable", "durable"]
    wire.writer.close()
    await node.assert_nobody_left()


async def test_of_what_goes_together_each_is_weighed_alone(start_node: StartNode) -> None:
    node = await start_node()
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node, small=True)).greet()).join(alice)
    writer, bounds = Writer(node, alice), node.engine.bounds
    needed, droppable = event(SPACE, "needed", BODY), event(SPACE, "droppable", b"{}", Kind.DROPPABLE)
    kept, lost = (durable(SPACE, "durable", b'{"seq":%d}' % seq, "inbox:1", seq) for seq in (1, 2))

    await writer.fill(bounds.lagging_bytes - 3 * len(BODY))
    await node.engine.rooms.broadcast(SPACE, inbox_of(alice.id), [droppable, kept, *[needed] * 5, lost, droppable])
    assert (writer.dropped(Kind.DROPPABLE), writer.dropped(Kind.DURABLE)) == (2, 1)
    heard = await hear_all(wire, "lagged")
    assert [body["seq"] for name, body in heard if name == "durable"] == [1]
    assert heard[-1] == ("lagged", {"stream": "inbox:1", "head_seq": 2})

    await until(lambda: writer.session.write is not None)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while writer.session.unsent + 4 * len(BODY) < bounds.unsent_bytes:
        await writer.needed()
        await asyncio.sleep(0)
    frames = writer.session.unsent
    await node.engine.rooms.broadcast(SPACE, inbox_of(alice.id), [needed] * 2)
    assert not writer.session.closed
    assert frames < writer.session.unsent <= bounds.unsent_bytes
    await node.engine.rooms.broadcast(SPACE, inbox_of(alice.id), [needed] * 4)  # of which one would have its place
    assert writer.session.closed
    wire.writer.close()
    await node.assert_nobody_left()


async def test_small_bounds_are_seen_before_they_are_passed(start_node: StartNode) -> None:
    """Several events that go together may be half of the smallest bound that there is."""
    node = await start_node(unsent_bytes=64 * KB)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node, small=True)).greet()).join(alice)
    writer, bounds = Writer(node, alice), node.engine.bounds
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    small = event(SPACE, "droppable", orjson.dumps("x" * KB), Kind.DROPPABLE)
    most = 0
    for _ in range(10_000):
        await node.engine.rooms.broadcast(SPACE, inbox_of(alice.id), [small] * 8)
        most = max(most, writer.session.unsent)
        if writer.dropped(Kind.DROPPABLE) > 100:
            break
        await asyncio.sleep(0)
    assert not writer.session.closed
    assert bounds.dropping_bytes < most <= bounds.dropping_bytes + 9 * KB
    wire.writer.close()
    await node.assert_nobody_left()


@PAIR
async def test_a_client_that_does_not_read_is_cut_off_and_others_are_not(
    start_node: StartNode, tls: Tls, secure: bool, logs: Logs
) -> None:
    node = await start_node(tls=tls.server if secure else None)
    alice, bob = await node.register("alice"), await node.register("bob")
    wire = await (await (await Wire().open(node, tls=tls.client if secure else None, small=True)).greet()).join(alice)
    writer = Writer(node, alice)
    beside = await (await (await Wire().open(node, tls=tls.client if secure else None)).greet()).join(bob)
    most = 0
    while not writer.session.closed:
        most = max(most, writer.session.unsent)
        await writer.needed()
        await asyncio.sleep(0)
    bound = node.engine.bounds.unsent_bytes
    assert bound - 2 * len(BODY) < most <= bound
    beside.send(clock(3))
    assert (await beside.packet()).startswith(f"43{SPACE},3")
    (line,) = [line for line in logs.lines if line["event"] == "cutting a connection"]
    assert line["reason"] == "too slow"
    await until(lambda: len(node.engine.sessions) == 1)
    beside.writer.close()
    wire.writer.close()
    await node.assert_nobody_left()


async def test_a_client_that_polls_is_told_what_it_missed_too(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node, alice)
    writer, bounds = Writer(node, alice), node.engine.bounds
    await writer.durable("inbox:1")
    await writer.fill(bounds.dropping_bytes)
    await writer.droppable()
    await writer.durable("inbox:1")
    await writer.fill(bounds.lagging_bytes)
    await writer.durable("inbox:1")
    await writer.durable("inbox:1")
    assert (writer.dropped(Kind.DROPPABLE), writer.dropped(Kind.DURABLE)) == (1, 2)
    told: list[str] = []
    while not told or '"lagged"' not in told[-1]:
        told += [packet for packet in await one.packets(1) if '"needed"' not in packet]
    assert told == [
        *(f'42{SPACE},["durable",{{"seq":{seq}}}]' for seq in (1, 2)),
        f'42{SPACE},["lagged",{{"stream":"inbox:1","head_seq":4}}]',
    ]
    await writer.durable("inbox:1")
    assert await one.get() == (200, f'42{SPACE},["durable",{{"seq":5}}]')
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


async def test_a_client_that_polls_no_more_is_cut_off(node: Node, alice: Fan, polling: OpenPolling) -> None:
    await polling(node, alice)
    writer, most = Writer(node, alice), 0
    while not writer.session.closed:
        most = max(most, writer.session.unsent)
        await writer.needed()
    bound = node.engine.bounds.unsent_bytes
    assert bound - 2 * len(BODY) < most <= bound
    await node.assert_nobody_left()


async def test_polls_that_are_not_read_hold_no_more_than_one_client_may(
    start_node: StartNode, polling: OpenPolling
) -> None:
    bound = 16 * KB * KB  # more than the kernel takes of an answer that nobody reads
    large = event(SPACE, "needed", orjson.dumps("x" * KB * KB))  # so that one poll has most of it
    node = await start_node(unsent_bytes=bound)
    alice = await node.register("alice")
    one = await polling(node, alice)
    writer = Writer(node, alice)
    wire = await Wire().open(node, small=True)
    wire.writer.write(poll_of(one.sid))
    await asyncio.sleep(0)
    while writer.session.unsent + 2 * len(large) < bound:
        await writer.send(large)
    mailbox = writer.session.mailbox
    assert mailbox is not None
    await until(lambda: mailbox._size == 0 and writer.session.unsent, "the poll took nothing")
    assert bound / 4 < writer.session.unsent <= bound
    await writer.fill(bound - 2 * len(BODY))
    assert not writer.session.closed  # both count together, and are not over the bound
    assert (await one.get())[0] == 400
    assert writer.session.closed
    wire.writer.close()
    await node.assert_nobody_left()


@pytest.mark.parametrize("way", ["ping timeout", "closed"])
async def test_a_poll_that_is_not_read_goes_with_its_client(
    start_node: StartNode, polling: OpenPolling, way: str
) -> None:
    times = {"ping_interval": 0.2, "ping_timeout": 0.2} if way == "ping timeout" else {"goodbye": 0.2}
    node = await start_node(unsent_bytes=16 * KB * KB, **times)
    alice = await node.register("alice")
    one = await polling(node, alice)
    writer = Writer(node, alice)
    wire = await Wire().open(node, small=True)
    wire.writer.write(poll_of(one.sid))
    await asyncio.sleep(0)
    large = event(SPACE, "needed", orjson.dumps("x" * KB * KB))
    for _ in range(12):
        await writer.send(large)
    session = writer.session
    mailbox = session.mailbox
    assert mailbox is not None
    await until(lambda: mailbox._size == 0 and session.unsent, "the poll took nothing")
    if way == "closed":
        session.close(SERVER_DISCONNECT)
    await until(lambda: session.closed)
    await until(lambda: session.unsent < KB, "its poll was kept")  # a ping or a goodbye that nobody fetched
    with pytest.raises(ConnectionError):  # behind what the kernel of this side had taken: it was reset
        await asyncio.wait_for(wire.reader.readexactly(16 * KB * KB), WAIT)
    wire.writer.close()
    await node.assert_nobody_left()


async def test_a_connection_that_a_proxy_shares_out_is_of_each_client_in_its_turn(
    start_node: StartNode, polling: OpenPolling
) -> None:
    node = await start_node(unsent_bytes=16 * KB * KB)
    alice, bob = await node.register("alice"), await node.register("bob")
    one = await polling(node, alice)
    writer = Writer(node, alice)
    shared = await Wire().open(node, small=True)
    await writer.droppable()
    shared.writer.write(poll_of(one.sid))
    head = await shared.reader.readuntil(b"\r\n\r\n")
    await shared.reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))

    other = await polling(node, bob)
    session = node.engine.sessions[other.sid]
    for _ in range(12):
        session.send(event(SPACE, "needed", orjson.dumps("x" * KB * KB)))
    shared.writer.write(poll_of(other.sid))
    await until(lambda: session.mailbox is not None and session.mailbox._size == 0 and session.unsent)
    assert writer.session.unsent == 0
    await writer.droppable()
    assert (await one.get())[0] == 200
    session.cut(TOO_SLOW)
    shared.writer.close()
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


def poll_of(sid: str) -> bytes:
    return f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_what_was_missed_while_polling_is_told_after_an_upgrade(
    node: Node, alice: Fan, polling: OpenPolling, http: Any
) -> None:
    one = await polling(node, alice)
    writer = Writer(node, alice)
    async with http.ws_connect(f"{node.url}/socket.io/?EIO=4&transport=websocket&sid={one.sid}") as ws:
        await ws.send_str("2probe")
        assert await ws.receive_str() == "3probe"
        await writer.fill(node.engine.bounds.lagging_bytes)
        await writer.durable("inbox:1")
        await ws.send_str("5")
        heard = [await ws.receive_str()]
        while not heard[-1].startswith(f'42{SPACE},["lagged"'):
            heard.append(await ws.receive_str())
        assert all(text.startswith(f'42{SPACE},["needed"') for text in heard[:-1])
    await node.assert_nobody_left()


async def test_a_burst_during_an_upgrade_comes_whole_and_in_order(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    """With python-socketio's own client, from polling to its WebSocket."""
    running = True

    async def burst() -> None:
        number = 0
        while running:
            number += 1
            await node.tell(alice, {"stream": "x", "head_seq": number})
            await asyncio.sleep(0)

    for _ in range(5):
        writing = asyncio.create_task(burst())
        one: Client = await client(node, alice, transports=["polling", "websocket"])
        await until(partial(carried_by_websocket, one))
        await one.event("lagged", 200)
        running = False
        await writing
        running = True
        numbers = [body["head_seq"] for body in one.all("lagged")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        await one.close()
    await node.assert_nobody_left()


def carried_by_websocket(one: Client) -> bool:
    return bool(one.socket.transport() == "websocket")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd" if os.path.exists("/proc/self/fd") else "/dev/fd"))


def alive() -> list[object]:
    """Whatever of a connection is still held by anybody."""
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, (Member, Connection, WebSocket))]


async def test_a_client_with_a_zero_window_is_gone_soon_after_its_ping_timeout_and_frees_everything(
    start_node: StartNode,
) -> None:
    node = await start_node(ping_interval=0.3, ping_timeout=0.3, alone=0.5)
    fans = [await node.register(f"fan{number}") for number in range(5)]
    gc.collect()
    before, descriptors = len(alive()), open_files()
    tasks = len(asyncio.all_tasks())
    wires = [await (await Wire().open(node, small=True)).greet() for _ in fans]
    for wire, fan in zip(wires, fans, strict=True):
        await wire.join(fan)
    sessions = list(node.engine.sessions.values())
    for wire in wires:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for fan in fans:
        for _ in range(200):  # 6 MB: over what the kernel takes of both sides
            await node.engine.rooms.broadcast(SPACE, inbox_of(fan.id), [event(SPACE, "x", BODY, Kind.DROPPABLE)])
            await asyncio.sleep(0)
    assert all(session.unsent > 64 * KB for session in sessions if not session.closed)
    began = time.monotonic()
    await node.assert_nobody_left()
    assert time.monotonic() - began < 0.3 + 0.3 + 5
    assert all(session.closed and session.unsent == 0 for session in sessions)
    sessions.clear()
    for wire in wires:
        wire.writer.close()
    wires.clear()
    await until(lambda: open_files() <= descriptors, "file descriptors are left")
    await until(lambda: len(asyncio.all_tasks()) <= tasks, "tasks are left")
    await until(lambda: len(alive()) <= before, "objects are left")
    await until(
        lambda: not any(isinstance(found, Session) for slot in node.engine.wheel._slots.values() for found in slot),
        "the wheel still knows them",
    )
