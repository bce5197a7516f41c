"""What no client of ours sends: malformed packets over both transports, clients that close oddly.

Each is answered or closed, leaves nothing, and is felt by nobody else. That nothing unexpected is logged is looked at
after every test of this folder.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
import pytest

from realtime.engine.bounds import Bounds
from tests.realtime.clients import SPACE, Client, Frame
from tests.realtime.conftest import OpenClient, OpenPolling, OpenRaw, StartNode
from tests.realtime.node import Fan, Node, until

ATTACHMENTS = Bounds().attachments
EVENT = f"42{SPACE},"
DEEP = "[" * 900 + "]" * 900

CLOSING: dict[str, list[Frame]] = {
    "an empty frame": [""],
    "an empty attachment": [b""],
    "no engine packet": ["x"],
    "an engine type too high": ["7"],
    "base64 over a websocket": ["bAQ=="],
    "a letter for a socket type": ["4x"],
    "a socket type too high": ["47"],
    "a socket type far too high": ["49" + SPACE],
    "an object for a socket packet": ['4{"a":1}'],
    "a list for a socket packet": ["4[2]"],
    "a negative number": ["4-1"],
    "a truth": ["4true"],
    "nothing, in words": ["4null"],
    "an empty text": ['4""'],
    "a server's packet": [f'44{SPACE},{{"message":"no"}}'],
    "an event that is no JSON": [EVENT + "[nonsense"],
    "an event with NaN": [EVENT + '["clock",{"t0":NaN}]'],
    "an event with Infinity": [EVENT + '["clock",{"t0":-Infinity}]'],
    "an event with half a surrogate pair": [EVENT + '["clock",{"t0":"\\ud800"}]'],
    "an event nested 2,000 deep": [EVENT + '["clock",' + "[" * 2_000 + "]" * 2_000 + "]"],
    "an event with a comma too many": [EVENT + '["clock",]'],
    "an event with single quotes": [EVENT + "['clock']"],
    "an ack number of 101 digits": [EVENT + "1" * 101 + '["clock",{"t0":1}]'],
    "an ack number of another script": [EVENT + '²["clock",{"t0":1}]'],
    "a billion attachments": [f'451000000000-{SPACE},["clock",{{"_placeholder":true,"num":0}}]'],
    "more attachments than there may be": [f'45{ATTACHMENTS + 1}-{SPACE},["clock"]'],
    "a binary event without attachments": [f'450-{SPACE},["clock",{{"t0":1}}]'],
    "a binary event without their number": [f'45{SPACE},["clock",{{"t0":1}}]'],
    "attachments of an ordinary event": [f'421-{SPACE},["clock",{{"t0":1}}]'],
    "an attachment that nobody announced": [b"bytes"],
    "an attachment that looks like an event": [b'2["clock"]'],
    "a placeholder of no attachment": [f'451-{SPACE},1["clock",{{"_placeholder":true,"num":5}}]', b"x"],
    "a placeholder with a name": [f'451-{SPACE},1["clock",{{"_placeholder":true,"num":"a"}}]', b"x"],
    "a placeholder with nothing": [f'451-{SPACE},1["clock",{{"_placeholder":true,"num":null}}]', b"x"],
    "attachments of what is nested deep": [f'451-{SPACE},1["clock",{DEEP}]', b"x"],
    "an attachment for another namespace": ['451-/other,["clock",{"_placeholder":true,"num":0}]'],
    "the client's goodbye": ["1"],
}
PASSED: dict[str, list[Frame]] = {
    "an open packet": ["0"],
    "a ping": ["2"],
    "a ping with text": ["2probe"],
    "a pong that nobody asked for": ["3", "3", "3x"],
    "an upgrade": ["5"],
    "nothing to do": ["6"],
    "an empty message": ["4"],
    "an ack that nobody asked for": [f"43{SPACE},{body}" for body in ("1[]", "[1]", "1", "", '99{"a":1}')],
    "a second connect": [f"40{SPACE},{{}}", f"40{SPACE},"],
    "goodbye to the main namespace": ["41", "41/other,"],
    "an event without an ack": [EVENT + '["clock",{"t0":1}]'],
    "an event of the main namespace": ['42["clock",{"t0":1}]'],
    "a query in the namespace": [f'42{SPACE}?a=b,["clock",{{"t0":1}}]'],
    "an event that is no list": [EVENT + '{"a":1}', EVENT + "null", EVENT + '"clock"', EVENT],
}


@pytest.mark.parametrize("frames", CLOSING.values(), ids=CLOSING.keys())
async def test_what_is_no_packet_closes_its_sender_alone(
    node: Node, alice: Fan, bob: Fan, client: OpenClient, raw: OpenRaw, frames: list[Frame]
) -> None:
    beside: Client = await client(node, bob)
    one = await raw(node, alice)
    for frame in frames:
        await one.send(frame)
    await one.rest()  # it ends
    await until(lambda: len(node.connections) == 1)
    assert (await beside.ask("clock", {"t0": 1}))["ok"]
    await beside.close()
    await node.assert_nobody_left()


@pytest.mark.parametrize("frames", PASSED.values(), ids=PASSED.keys())
async def test_what_means_nothing_changes_nothing(
    node: Node, alice: Fan, raw: OpenRaw, frames: list[Frame]
) -> None:
    one = await raw(node, alice)
    for frame in frames:
        await one.send(frame)
    assert (await one.ask('["clock",{"t0":1}]', 77))["ok"]
    assert len(node.connections) == 1
    await node.notify(alice, "once")
    assert "new-notification" in str(await one.receive())
    await one.send(f'42{SPACE},78["clock",{{"t0":1}}]')
    assert str(await one.receive()).startswith(f"43{SPACE},78")  # and it came only once
    await one.close()
    await node.assert_nobody_left()


async def test_events_before_connect_are_told_to_connect_first(node: Node, raw: OpenRaw) -> None:
    one = await raw(node)
    for name in ("clock", "mark-read", "connect"):
        reply = await one.ask(f'["{name}",{{}}]')
        assert reply["error"]["code"] == "UNAUTHENTICATED"
        assert "connect" in reply["error"]["message"]
    await one.send(f'451-{SPACE},["clock",{{"_placeholder":true,"num":0}}]')
    assert await one.rest() == ["1"]
    await node.assert_nobody_left()


async def test_a_binary_payload_is_invalid_and_the_socket_stays(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    for payload, attachments in (
        ('{"_placeholder":true,"num":0}', [b"x"]),
        ('{"t0":{"_placeholder":true,"num":0}}', [b"x" * 30_000]),
        ('{"t0":[' + ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(8)) + "]}", [b"x"] * 8),
    ):
        await one.send(f'45{len(attachments)}-{SPACE},7["clock",{payload}]')
        for attachment in attachments:
            await one.send(attachment)
        reply = await one.ack(7)
        assert reply is not None
        assert reply["error"]["code"] == "INVALID"
    assert (await one.ask('["clock",{"t0":1}]'))["ok"]


async def test_whoever_announces_attachments_and_leaves_leaves_nothing(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    await one.send(f'455-{SPACE},7["clock",{{"_placeholder":true,"num":0}}]')
    await one.send(b"x")
    await one.close()
    await node.assert_nobody_left()


async def test_text_that_is_no_utf8_closes_its_sender(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    await one.ws._writer.send_frame(b'42["\xff\xfe"]', aiohttp.WSMsgType.TEXT)
    await one.rest()
    assert one.ws.close_code == 1007
    await node.assert_nobody_left()


async def test_a_connection_that_is_cut_leaves_nothing(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    transport = one.ws._conn.transport if one.ws._conn else None
    assert transport is not None
    transport.abort()
    await node.assert_nobody_left()


async def test_a_closed_client_that_does_not_leave_is_cut(start_node: StartNode) -> None:
    """It neither answers the close nor reads; what it is sent fills the buffers of both sides."""
    node = await start_node(goodbye=0.1, unsent_bytes=100_000_000)
    alice = await node.register("alice")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]), limit=1024)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(frame_of(f'40{SPACE},{{"token":"{alice.token}"}}'))
    await until(lambda: len(node.connections) == 1)
    for _ in range(30):
        await node.tell(alice, {"filling": "x" * 500_000})
    (conn,) = list(node.connections)
    assert conn.actor.session_id is not None
    node.door.end_session(conn.actor.session_id)
    writer.write(frame_of("x"))  # and then it breaks the protocol
    await node.assert_nobody_left()
    with suppress(ConnectionError):  # a reset, unless what was in the buffers came to its end before it
        await asyncio.wait_for(reader.read(-1), 10)
    writer.close()


async def test_a_client_that_does_not_read_is_closed_before_it_holds_much(
    node: Node, alice: Fan, bob: Fan, polling: OpenPolling, client: OpenClient
) -> None:
    beside = await client(node, bob)
    await polling(node, alice)  # it polls no more
    for number in range(1_100):
        await node.tell(alice, {"number": number, "filling": "x" * 1_000})
        if len(node.connections) == 1:
            break
    await until(lambda: len(node.connections) == 1)
    assert (await beside.ask("clock", {"t0": 1}))["ok"]
    await beside.close()
    await node.assert_nobody_left()


def frame_of(text: str) -> bytes:
    """A masked text frame of a client, with the mask 0."""
    body = text.encode()
    length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + body
