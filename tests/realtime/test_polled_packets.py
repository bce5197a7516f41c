"""Long polling that is wrong: posts, queries and upgrades that nobody can read are refused and leave nothing."""

from __future__ import annotations

import asyncio
import base64
import gzip

import aiohttp
import pytest

from tests.realtime.clients import SPACE, Frame
from tests.realtime.conftest import OpenPolling, StartNode
from tests.realtime.node import MAX_PACKET, Fan, Node
from tests.realtime.test_packets import CLOSING

POSTS: dict[str, tuple[str | bytes, int]] = {
    "nothing to decode": (b"\xff\xfe", 400),
    "no packet": ("x", 400),
    "a type too high": ("9", 400),
    "a type of another script": ("²", 400),
    "an open packet": ("0{}", 400),
    "a ping": ("2", 400),
    "an upgrade": ("5", 400),
    "nothing to do": ("6", 400),
    "an empty packet between two": ("3\x1e\x1e3", 400),
    "wrong base64": ("bA", 400),
    "a script's form without data": ("d=", 400),
    "too much": ("4" + "x" * MAX_PACKET, 413),
}


@pytest.mark.parametrize(("body", "status"), POSTS.values(), ids=POSTS.keys())
async def test_a_malformed_post_is_refused_and_closes_its_sender(
    node: Node, alice: Fan, polling: OpenPolling, body: str | bytes, status: int
) -> None:
    one = await polling(node, alice)
    answer, text = await one.post(body)
    assert answer == status
    assert text
    assert (await one.get())[0] == 400
    await node.assert_nobody_left()


@pytest.mark.parametrize("frames", CLOSING.values(), ids=CLOSING.keys())
async def test_the_same_packets_close_over_polling(
    node: Node, alice: Fan, polling: OpenPolling, frames: list[Frame]
) -> None:
    one = await polling(node, alice)
    if frames == [""]:
        assert (await one.post(""))[0] == 200  # a POST of no packets
        await one.post("1")
    elif frames == ["bAQ=="]:  # which is how polling writes an attachment
        assert (await one.post("bAQ=="))[0] in (200, 400)
    else:
        for frame in frames:
            text = frame if isinstance(frame, str) else "b" + base64.b64encode(frame).decode()
            assert (await one.post(text))[0] in (200, 400)
    await node.assert_nobody_left()


async def test_a_malformed_post_is_answered_though_nobody_polls_and_one_who_polls_is_let_go(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one, waiting = await polling(node, alice), await polling(node, alice)
    assert (await one.post("4x"))[0] == 200
    poll = asyncio.create_task(waiting.get())
    await asyncio.sleep(0.02)
    assert (await waiting.post("4x"))[0] == 200
    status, text = await poll
    assert status == 200
    told, goodbye = text.split("\x1e")
    assert told.startswith(f'42{SPACE},["evicted",{{"stream":"","code":"INVALID","reason":"')
    assert goodbye == "1"
    await node.assert_nobody_left()


async def test_compressed_and_slow_and_unknown_posts_are_refused(
    start_node: StartNode, polling: OpenPolling
) -> None:
    node = await start_node(body=0.2)
    alice = await node.register("alice")
    one = await polling(node, alice)
    bomb = gzip.compress(b"3" * 10_000_000)
    assert (await one.post(bomb, **{"Content-Encoding": "gzip"}))[0] == 400
    one.sid = "no-such-session"
    assert (await one.post("3"))[0] == 400
    assert (await one.get())[0] == 400
    slow = await polling(node, alice)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
    writer.write(
        f"POST /socket.io/?EIO=4&transport=polling&sid={slow.sid} HTTP/1.1\r\n"
        "Host: localhost\r\nContent-Length: 10\r\n\r\n4".encode()
    )
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    await node.assert_nobody_left()


QUERIES = [
    "",
    "EIO=3&transport=polling",
    "EIO=4&transport=flash",
    "EIO=4&transport=websocket",
    "EIO=4&transport=polling&sid=nobody",
    "EIO=4&transport=polling&sid=%00%ff",
    "EIO=4&transport=polling&j=x",
    "EIO=4&EIO=4",
    "EIO=4&transport=polling&sid=" + "x" * 5_000,
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda text: text[:40])
async def test_a_wrong_query_is_refused_without_an_error_of_ours(
    node: Node, http: aiohttp.ClientSession, query: str
) -> None:
    for method in ("GET", "POST"):
        async with http.request(method, f"{node.url}/socket.io/?{query}") as response:
            assert response.status == 400
            assert await response.text()
    assert node.engine.sessions == {}


async def test_half_an_upgrade_is_refused(node: Node) -> None:
    for headers in (
        b"Upgrade: websocket\r\n",
        b"Upgrade: websocket\r\nConnection: keep-alive\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
        writer.write(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 10), headers
        writer.close()


async def test_an_upgrade_that_is_not_finished_leaves_the_client_where_it_was(
    node: Node, alice: Fan, polling: OpenPolling, http: aiohttp.ClientSession
) -> None:
    for frames in (["x"], ["2nonsense"], ["2probe", "2"], ["2probe", "x"], [b"bytes"]):
        one = await polling(node, alice)
        url = f"{node.url}/socket.io/?EIO=4&transport=websocket&sid={one.sid}"
        async with http.ws_connect(url) as ws:
            for frame in frames:
                await (ws.send_bytes(frame) if isinstance(frame, bytes) else ws.send_str(frame))
            async for _ in ws:
                pass
        assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


async def test_an_upgrade_that_never_goes_on_is_given_up(
    start_node: StartNode, polling: OpenPolling, http: aiohttp.ClientSession
) -> None:
    node = await start_node(alone=0.1)
    one = await polling(node)
    async with http.ws_connect(f"{node.url}/socket.io/?EIO=4&transport=websocket&sid={one.sid}") as ws:
        message = await asyncio.wait_for(ws.receive(), 10)
        assert message.type is aiohttp.WSMsgType.CLOSE
