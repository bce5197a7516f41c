"""What one address, user and connection may have. Each bound is reached, and one more is refused with its reason.

Elsewhere: packets a second and their size in ``test_reading``, attachments and nesting in ``test_packets``, rooms in
``test_rooms``, slow handshakes in ``test_hand_over``, connections without a namespace in ``test_alone``, unsent bytes
in ``test_backpressure``, events that wait in ``test_commands``, foreign origins in ``test_origin``.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from realtime.engine.member import Member
from tests.realtime.clients import SPACE
from tests.realtime.conftest import OpenClient, OpenPolling, OpenRaw, StartNode
from tests.realtime.engine.frames import BINARY, ClientFrame, text
from tests.realtime.engine.wire import HANDSHAKE, LONG_WAY, Wire, joining
from tests.realtime.node import ORIGIN, Fan, Node, until

POLL = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Quiet:
    """A namespace that lets everybody in."""

    async def admit(self, member: Member, auth: Any) -> None: ...

    async def opened(self, member: Member) -> None: ...

    def receive(self, member: Member, arguments: Any) -> bytes:
        return orjson.dumps({"ok": True})

    def closed(self, member: Member, reason: str) -> None: ...

    async def ended(self, member: Member) -> None: ...


async def answer(node: Node, request: bytes) -> tuple[int, bytes]:
    """Status and the whole answer, and then the connection is given up."""
    wire = await Wire().open(node)
    wire.writer.write(request)
    head = await wire.reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    body = await wire.ended() if b"Connection: close" in request else b""
    wire.writer.close()
    return status, head + body


async def test_handshakes_of_one_address_are_counted_over_all_ways_in(start_node: StartNode) -> None:
    node = await start_node(limits={"socket.handshake": "3/1m"}, trusted_proxies=1)
    seen = b"X-Forwarded-For: 203.0.113.7\r\nHost:"
    requests = [request.replace(b"Host:", seen) for request in (POLL, HANDSHAKE, LONG_WAY)]
    assert [(await answer(node, request))[0] for request in requests] == [200, 101, 101]
    for request in requests:
        status, told = await answer(node, request)
        assert status == 429
        assert b"Retry-After: " in told
    other = [request.replace(b"203.0.113.7", b"203.0.113.8") for request in requests]
    assert [(await answer(node, request))[0] for request in other] == [200, 101, 101]


async def test_a_process_has_at_most_so_many_connections(start_node: StartNode, raw: OpenRaw) -> None:
    node = await start_node(connections=2)
    first, second = await raw(node), await raw(node)
    for request in (POLL, HANDSHAKE, LONG_WAY):
        status, told = await answer(node, request)
        assert status == 503
        assert b"Retry-After: 5" in told
    await first.close()
    await until(lambda: len(node.engine.sessions) == 1)
    assert (await answer(node, HANDSHAKE))[0] == 101
    await second.close()


async def test_a_user_has_at_most_so_many_connections_over_both_transports(
    start_node: StartNode, raw: OpenRaw, polling: OpenPolling
) -> None:
    node = await start_node(connections_per_user=2)
    alice, bob = await node.register("alice"), await node.register("bob")
    first = await raw(node, alice)
    polled = await polling(node, alice)
    again = await node.log_in("alice")  # in another session: it is the person that counts
    wire = await (await Wire().open(node)).greet()
    wire.send(joining(again))
    refused = await wire.packet()
    assert refused.startswith(f"44{SPACE},")
    assert orjson.loads(refused.removeprefix(f"44{SPACE},"))["data"]["code"] == "FULL"
    other = await raw(node, bob)
    await first.close()
    await until(lambda: len(node.connections) == 2)
    wire.send(joining(again))
    assert (await wire.packet()).startswith(f"40{SPACE},")
    wire.writer.close()
    await other.close()
    assert (await polled.post("1"))[0] == 200
    await node.assert_nobody_left()


async def test_a_connection_is_in_at_most_so_many_namespaces(start_node: StartNode) -> None:
    node = await start_node(namespaces=2)
    for name in ("/a", "/b", "/c"):
        node.engine.add(name, Quiet())
    wire = await (await Wire().open(node)).greet()
    wire.send(text("40/a,"), text("40/a,"), text("40/b,"), text("40/c,"))  # twice the same is one
    told = [await wire.packet() for _ in range(3)]
    refused = next(packet for packet in told if packet.startswith("44"))
    assert [packet[:4] for packet in sorted(told)] == ["40/a", "40/b", "44/c"]
    assert orjson.loads(refused.removeprefix("44/c,"))["data"]["code"] == "FULL"
    wire.send(text("41/a,"), text("40/c,"))
    assert (await wire.packet()).startswith("40/c,")
    assert len(node.engine.rooms.spaces["/a"].members) == 0
    wire.writer.close()
    await until(lambda: not node.engine.sessions)
    assert all(not space.members for space in node.engine.rooms.spaces.values())


RESERVED = ["connect", "disconnect", "connect_error", "disconnecting", "newListener", "message", "*", "", "__class__"]
FORMS = {
    "an event": '42{ns},7["{name}",{{}}]',
    "in an unusual form": '42{ns},7 ["{name}",{{}}]',
    "with a query": '42{ns}?a=b,7["{name}",{{}}]',
    "without arguments": '42{ns},7["{name}"]',
    "with too many": '42{ns},7["{name}","{name}",1,2,3]',
}


@pytest.mark.parametrize("name", RESERVED)
async def test_names_of_the_lifecycle_and_unknown_ones_are_invalid_in_every_form(
    node: Node, alice: Fan, polling: OpenPolling, name: str
) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    one = await polling(node, alice)
    for form in FORMS.values():
        packet = form.format(ns=SPACE, name=name)
        wire.send(text(packet))
        assert (await one.post(packet))[0] == 200
        for told in (await wire.packet(), (await one.packets(1))[0]):
            assert told.startswith(f"43{SPACE},7[")
            assert orjson.loads(told.removeprefix(f"43{SPACE},7"))[0]["error"]["code"] == "INVALID"
    wire.send(text(f'451-{SPACE},7["{name}",{{"_placeholder":true,"num":0}}]'), ClientFrame(BINARY, b"x"))
    assert '"INVALID"' in await wire.packet()
    assert len(node.connections) == 2
    assert node.namespace.ran == []
    wire.writer.close()
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


@pytest.mark.parametrize("packet", [f"42{SPACE},7[]", f"42{SPACE},7[7]", f"42{SPACE},7[null]", f"42{SPACE},7[[1]]"])
async def test_events_without_a_name_are_invalid(node: Node, alice: Fan, packet: str) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    wire.send(text(packet))
    assert '"INVALID"' in await wire.packet()
    wire.writer.close()
    await node.assert_nobody_left()


async def test_binary_is_refused_in_words_that_say_so(node: Node, alice: Fan, client: OpenClient) -> None:
    one = await client(node, alice)
    for name, data in (("clock", {"t0": b"bytes"}), ("refresh-auth", {"token": alice.token.encode()}), ("no", b"x")):
        error = (await one.ask(name, data))["error"]
        assert (error["code"], error["message"]) == ("INVALID", "commands take JSON, not binary data")
    assert (await one.ask("clock", {"t0": 1}))["ok"]


async def test_a_foreign_page_is_refused_by_every_way_in(node: Node, http: aiohttp.ClientSession) -> None:
    for origin, wanted in ((b"https://evil.example", [400, 400, 400]), (ORIGIN.encode(), [200, 101, 101])):
        header = b"Origin: " + origin + b"\r\nHost:"
        requests = [request.replace(b"Host:", header) for request in (POLL, HANDSHAKE, LONG_WAY)]
        assert [(await answer(node, request))[0] for request in requests] == wanted
