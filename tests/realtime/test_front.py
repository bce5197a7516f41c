"""The first look at a connection: what is taken at once, and that all else is answered as it was before."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engine.front import read_handshake
from tests.realtime.conftest import StartNode
from tests.realtime.node import ORIGIN, Node, until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of the RFC's own example
PLAIN = [
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {KEY}",
]


def request(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def changed(number: int, line: str) -> bytes:
    return request(*PLAIN[:number], line, *PLAIN[number + 1 :])


async def spoken(node: Node, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
    for part in parts:
        writer.write(part)
        await writer.drain()
    return reader, writer


async def head(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)


def test_a_plain_handshake_is_read_with_what_came_behind_it() -> None:
    found = read_handshake(request(*PLAIN, f"Origin: {ORIGIN}", "X-Forwarded-For: 6.6.6.6, 203.0.113.7") + b"early")
    assert found is not None
    assert ACCEPT in found.answer
    assert (found.origin, found.host, found.early) == (ORIGIN, "localhost", b"early")
    assert found.forwarded_for == ("6.6.6.6, 203.0.113.7",)


ODD = {
    "a body": request(*PLAIN, "Content-Length: 5") + b"hello",
    "chunks": request(*PLAIN, "Transfer-Encoding: chunked"),
    "a header twice": request(*PLAIN, "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"),
    "a folded header": request(*PLAIN[:2], "X-A: b\r\n  c", *PLAIN[2:]),
    "a space before the colon": changed(1, "Host : localhost"),
    "a bare line feed": request(*PLAIN).replace(b"\r\nUpgrade", b"\nUpgrade"),
    "an upgrade of a session": changed(0, "GET /socket.io/?EIO=4&transport=websocket&sid=x HTTP/1.1"),
    "an escape in the query": changed(0, "GET /socket.io/?EIO=4&transport=web%73ocket HTTP/1.1"),
    "a name twice in the query": changed(0, "GET /socket.io/?EIO=4&EIO=4&transport=websocket HTTP/1.1"),
    "another version of the protocol": changed(0, "GET /socket.io/?EIO=3&transport=websocket HTTP/1.1"),
    "polling": changed(0, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1"),
    "HTTP/1.0": changed(0, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.0"),
    "another path": changed(0, "GET /socket.io/x?EIO=4&transport=websocket HTTP/1.1"),
    "POST": changed(0, "POST /socket.io/?EIO=4&transport=websocket HTTP/1.1"),
    "another version of WebSockets": changed(4, "Sec-WebSocket-Version: 8"),
    "a short key": changed(5, "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="),
    "a key that is none": changed(5, "Sec-WebSocket-Key: " + "!" * 24),
    "no upgrade": changed(2, "Connection: keep-alive"),
    "a byte beyond ASCII": changed(1, "Host: löcalhost"),
    "too many headers": request(*PLAIN, *(f"X-{number}: x" for number in range(80))),
    "too large": request(*PLAIN, *(f"X-{number}: {'x' * 3_000}" for number in range(4))),
    "half of it": request(*PLAIN)[:-2],
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_whatever_is_written_in_another_way_is_not_taken(data: bytes) -> None:
    assert read_handshake(data) is None


@given(st.integers(0, len(request(*PLAIN)) - 1), st.binary(max_size=3))
def test_no_change_of_a_byte_makes_a_crash_or_another_key(position: int, put: bytes) -> None:
    plain = request(*PLAIN)
    found = read_handshake(plain[:position] + put + plain[position + 1 :])
    assert found is None or b"Sec-WebSocket-Accept: " in found.answer


async def test_a_handshake_in_pieces_is_answered_too(node: Node) -> None:
    plain = request(*PLAIN)
    for cut in (1, 20, len(plain) - 2):
        reader, writer = await spoken(node, plain[:cut], plain[cut:])
        assert ACCEPT in await head(reader)
        writer.close()
    await node.assert_nobody_left()


async def test_other_requests_of_the_same_port_are_answered(node: Node) -> None:
    for asked, status in ((b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"404"), (b"nonsense\r\n\r\n", b"400")):
        reader, writer = await spoken(node, asked)
        assert b" " + status + b" " in await head(reader)
        writer.close()


async def test_who_may_not_come_in_is_told_why(start_node: StartNode) -> None:
    node = await start_node(limits={"socket.handshake": "2/1m"})
    foreign, fine = request(*PLAIN, "Origin: https://evil.example"), request(*PLAIN)
    for asked, status in ((foreign, b" 400 "), (fine, b" 101 "), (fine, b" 429 ")):
        reader, writer = await spoken(node, asked)
        assert status in await head(reader)
        writer.close()
    node.engine.refuse_new()
    reader, writer = await spoken(node, fine)
    assert b" 503 " in await head(reader)
    writer.close()


async def test_a_connection_that_says_nothing_is_closed(start_node: StartNode) -> None:
    node = await start_node(silent=0.05)
    reader, writer = await spoken(node)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await head(reader)
    writer.close()
    talking, other = await spoken(node, request(*PLAIN))
    assert ACCEPT in await head(talking)
    await until(lambda: len(node.engine.sessions) == 1)
    other.close()
    await node.assert_nobody_left()
