"""What a client sends is counted, whatever it is; and once it is closed, nothing of it is acted upon."""

from __future__ import annotations

import asyncio

import pytest

from tests.realtime.clients import SPACE
from tests.realtime.conftest import Logs, OpenClient, OpenPolling, StartNode
from tests.realtime.engine.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, ClientFrame, text
from tests.realtime.engine.wire import HANDSHAKE, Wire, clock
from tests.realtime.node import MAX_PACKET, Fan, Node, until

FLOODS = {
    "pings": [ClientFrame(PING)] * 101,
    "pongs": [ClientFrame(PONG, b"x" * 125)] * 101,
    "empty fragments": [ClientFrame(BINARY).part(), *[ClientFrame(CONTINUATION).part()] * 100],
    "fragments of one byte": [ClientFrame(TEXT, b"4").part(), *[ClientFrame(CONTINUATION, b"x").part()] * 100],
    "packets that mean nothing": [ClientFrame(TEXT, b"6")] * 101,
    "events": [ClientFrame(TEXT, f'42{SPACE},["clock",{{"t0":1}}]'.encode())] * 101,
    "goodbyes to namespaces that it is not in": [ClientFrame(TEXT, b"41/other,")] * 101,
}


@pytest.mark.parametrize("frames", FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_of_whatever_kind_is_ended_with_a_reason(
    start_node: StartNode, frames: list[ClientFrame], logs: Logs
) -> None:
    node = await start_node(packets_per_second=100)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(*frames, *frames)  # one second may be over between the two
    texts, code, reason = await wire.rest()
    assert texts[-2:] == [
        f'42{SPACE},["evicted",{{"stream":"","code":"RATE_LIMITED","reason":"{reason}"}}]',
        "1",
    ]
    assert (code, reason) == (1008, "a client sends at most 100 packets in a second")
    assert [line["reason"] for line in logs.lines if line["event"] == "closing a client"] == ["too many packets"]
    await node.assert_nobody_left()


async def test_a_flood_through_a_probe_is_ended_too(start_node: StartNode, polling: OpenPolling) -> None:
    node = await start_node(packets_per_second=100)
    alice = await node.register("alice")
    one = await polling(node, alice)
    wire = await Wire().open(node)
    assert await asked_to_upgrade(wire, one.sid) == 101
    wire.send(*[ClientFrame(PING)] * 300)
    assert (await wire.rest())[1:] == (1008, "a client sends at most 100 packets in a second")
    await node.assert_nobody_left()


async def asked_to_upgrade(wire: Wire, sid: str) -> int:
    """The status of the answer."""
    wire.writer.write(HANDSHAKE.replace(b"websocket HTTP", f"websocket&sid={sid} HTTP".encode()))
    return int((await wire.reader.readuntil(b"\r\n\r\n")).split(b" ")[1])


async def test_polls_beside_a_probe_are_counted_since_each_is_answered_at_once(
    start_node: StartNode, polling: OpenPolling
) -> None:
    node = await start_node(packets_per_second=30)
    alice = await node.register("alice")
    one = await polling(node, alice)
    wire = await Wire().open(node)
    assert await asked_to_upgrade(wire, one.sid) == 101
    wire.send(text("2probe"))
    assert await wire.packet() == "3probe"
    told = ""
    for _ in range(100):  # of a burst at the border of two seconds twice as many may pass
        status, told = await one.get()
        if (status, told) != (200, "6"):
            break
    evicted, goodbye = told.split("\x1e")
    assert '"RATE_LIMITED"' in evicted
    assert goodbye == "1"
    assert (await wire.rest())[1:] == (1008, "a client sends at most 30 packets in a second")
    await node.assert_nobody_left()


async def test_upgrades_that_come_to_nothing_are_counted(start_node: StartNode, polling: OpenPolling) -> None:
    node = await start_node(packets_per_second=30)
    one = await polling(node, await node.register("alice"))
    status = 101
    for _ in range(100):
        wire = await Wire().open(node)
        status = await asked_to_upgrade(wire, one.sid)
        wire.writer.transport.abort()
        if status != 101:
            break
        await until(lambda: all(session.link is None for session in node.engine.sessions.values()))
    assert status == 429
    await node.assert_nobody_left()


async def test_a_flood_by_polling_is_ended(start_node: StartNode, polling: OpenPolling) -> None:
    node = await start_node(packets_per_second=30)
    alice = await node.register("alice")
    for body in ("3\x1e3\x1e3\x1e3\x1e3\x1e3\x1e3\x1e3", ""):
        one = await polling(node, alice)
        for _ in range(100):
            if (await one.post(body))[0] == 400:
                break
        assert (await one.post(body))[0] == 400
    await node.assert_nobody_left()


async def test_what_a_client_was_given_in_one_turn_comes_in_one_body(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node, alice)
    asked = [f'42{SPACE},{number}["clock",{{"t0":1}}]' for number in range(30)]
    assert (await one.post("\x1e".join(asked)))[0] == 200
    acks = await one.packets(30)
    assert [ack.partition("[")[0] for ack in acks] == [f"43{SPACE},{number}" for number in range(30)]


async def test_much_at_once_reaches_a_client_that_reads_16_packets_of_a_poll(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    one = await client(node, alice, transports=["polling"])
    acks = await asyncio.gather(*(one.ask("clock", {"t0": number}) for number in range(30)))
    assert [ack["data"]["t0"] for ack in acks] == list(range(30))


async def test_a_body_with_more_packets_than_a_second_may_have_is_a_flood(
    start_node: StartNode, polling: OpenPolling, logs: Logs
) -> None:
    node = await start_node(packets_per_second=30)
    one = await polling(node, await node.register("alice"))
    assert await one.post("\x1e".join(["3"] * 31)) == (429, "a client sends at most 30 packets in a second")
    assert [line["reason"] for line in logs.lines if line["event"] == "closing a client"] == ["too many packets"]
    await node.assert_nobody_left()


async def test_what_lies_behind_a_mistake_in_the_same_read_is_not_acted_upon(start_node: StartNode) -> None:
    node = await start_node(goodbye=0.2)  # seconds, since the goodbye of this client is not looked for either
    alice = await node.register("alice")
    hold = text(f'42{SPACE},9["hold",{{"gate":"never"}}]')
    for mistake in (text("x"), bytes(ClientFrame(3)), text("1"), bytes(ClientFrame(CLOSE)), text(f"41{SPACE},")):
        wire = await (await (await Wire().open(node)).greet()).join(alice)
        wire.send(clock(), mistake, hold, hold, ClientFrame(CLOSE))
        assert (await wire.packet()).startswith(f"43{SPACE},1")
        await wire.ended()
        await node.assert_nobody_left()
    assert node.namespace.ran == []


async def test_nothing_behind_the_clients_close_is_a_mistake_or_a_second_goodbye(
    node: Node, alice: Fan, logs: Logs
) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(ClientFrame(CLOSE, b"\x03\xe8"), ClientFrame(CLOSE, b"\x03\xe8"), ClientFrame(3), b"nonsense")
    assert await wire.frame() == (CLOSE, b"\x03\xe8")
    assert await wire.ended() == b""
    assert [line for line in logs.lines if line["event"] == "closing a client"] == []
    await node.assert_nobody_left()


async def test_a_mistake_is_logged_once_however_much_follows(node: Node, alice: Fan, logs: Logs) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(ClientFrame(3))
    while (await wire.frame())[0] != CLOSE:
        pass
    for _ in range(20):
        wire.send(ClientFrame(3), b"nonsense" * 100)
        await wire.writer.drain()
    wire.writer.close()
    await node.assert_nobody_left()
    assert [line["reason"] for line in logs.lines if line["event"] == "closing a client"] == ["transport error"]


@pytest.mark.parametrize("cut", [1, 3])
async def test_a_packet_over_the_bound_closes_with_a_reason_that_can_be_read(
    start_node: StartNode, logs: Logs, cut: int
) -> None:
    node = await start_node(goodbye=0.2)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    body = b"4" + b"x" * MAX_PACKET * 4
    parts = [body[start :: cut] for start in range(cut)]
    frames = [
        ClientFrame(TEXT if number == 0 else CONTINUATION, part, final=number == cut - 1)
        for number, part in enumerate(parts)
    ]
    wire.send(*frames, clock())
    texts, code, reason = await wire.rest()
    assert (code, reason) == (1009, f"messages have at most {MAX_PACKET} bytes")
    assert texts == [f'42{SPACE},["evicted",{{"stream":"","code":"TOO_LARGE","reason":"{reason}"}}]', "1"]
    assert [line["reason"] for line in logs.lines if line["event"] == "closing a client"] == ["packet too large"]
    await node.assert_nobody_left()


async def test_a_body_over_the_bound_is_refused_with_its_reason_to_the_post_and_the_poll(
    node: Node, alice: Fan, polling: OpenPolling, logs: Logs
) -> None:
    one = await polling(node, alice)
    status, told = await one.post("4" + "x" * MAX_PACKET)
    assert (status, told) == (413, f"a body has at most {MAX_PACKET} bytes")
    await node.assert_nobody_left()
    assert [line["reason"] for line in logs.lines if line["event"] == "closing a client"] == ["packet too large"]


async def test_a_packet_as_large_as_may_be_is_read(node: Node, alice: Fan) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    head, tail = f'42{SPACE},5["clock",{{"t0":1,"x":"', '"}]'
    wire.send(text(head + "x" * (MAX_PACKET - len(head) - len(tail)) + tail))
    assert (await wire.packet()).startswith(f"43{SPACE},5")
    wire.writer.close()
    await node.assert_nobody_left()


async def test_an_upgrade_that_was_given_up_cannot_go_on(node: Node, alice: Fan, polling: OpenPolling) -> None:
    one = await polling(node, alice)
    wire = await Wire().open(node)
    upgrade = f"GET /socket.io/?EIO=4&transport=websocket&sid={one.sid} HTTP/1.1\r\nHost: localhost\r\n"
    wire.writer.write(
        upgrade.encode() + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b" 101 " in await wire.reader.readuntil(b"\r\n\r\n")
    wire.send(text("2probe"))
    assert await wire.packet() == "3probe"
    wire.send(text("nonsense"))
    assert (await wire.frame())[0] == CLOSE
    wire.send(text("5"))  # by itself: the shortest way through the reader
    await wire.writer.drain()
    wire.writer.close()
    await until(lambda: all(session.link is None for session in node.engine.sessions.values()))
    (session,) = node.engine.sessions.values()
    assert session.mailbox is not None
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()
