"""A connection becomes a WebSocket, by either of the two ways, and nothing of the HTTP request lives on."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from realtime.engine.front import Front
from realtime.engine.private import hand_over
from realtime.engine.session import Session
from tests.realtime.clients import SPACE
from tests.realtime.conftest import Logs, OpenPolling, StartNode
from tests.realtime.engine.conftest import Tls
from tests.realtime.engine.frames import CLOSE, PING, PONG, ClientFrame, text
from tests.realtime.engine.wire import HANDSHAKE, LONG_WAY, Wire, clock, joining
from tests.realtime.node import Fan, Node, until

WAYS = pytest.mark.parametrize("handshake", [HANDSHAKE, LONG_WAY], ids=["short way", "through aiohttp"])
SECURE = pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])


@WAYS
@SECURE
async def test_what_comes_with_the_handshake_is_not_lost(
    start_node: StartNode, tls: Tls, handshake: bytes, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None)
    alice = await node.register("alice")
    wire = await Wire().open(node, tls=tls.client if secure else None)
    early = joining(alice) + bytes(ClientFrame(PING, b"early"))
    await wire.greet(handshake=handshake, early=early)
    assert await wire.frame() == (PONG, b"early")
    assert (await wire.packet()).startswith(f"40{SPACE},")
    assert "unread-notifications" in await wire.packet()
    wire.send(clock(4))
    assert (await wire.packet()).startswith(f"43{SPACE},4")
    wire.send(ClientFrame(CLOSE, b"\x03\xe8"))
    assert await wire.frame() == (CLOSE, b"\x03\xe8")
    await wire.ended()
    await node.assert_nobody_left()


@WAYS
async def test_a_frame_that_is_cut_behind_the_handshake_is_put_together(
    node: Node, alice: Fan, handshake: bytes
) -> None:
    join = joining(alice)
    wire = await (await Wire().open(node)).greet(handshake=handshake, early=join[:7])
    for start in range(7, len(join), 50):
        wire.send(join[start : start + 50])
        await wire.writer.drain()
    assert (await wire.packet()).startswith(f"40{SPACE},")
    wire.writer.close()
    await node.assert_nobody_left()


@WAYS
async def test_a_mistake_or_a_goodbye_with_the_handshake_leaves_nothing(node: Node, handshake: bytes) -> None:
    for early in (b"nonsense", bytes(ClientFrame(CLOSE)), text("x"), text("1")):
        wire = await (await Wire().open(node)).greet(handshake=handshake, early=early)
        while (await wire.frame())[0] != CLOSE:
            pass
        wire.send(ClientFrame(CLOSE))
        await wire.ended()
        await node.assert_nobody_left()


def handshake_objects() -> list[object]:
    """What there should be only while a client shakes hands."""
    gc.collect()
    return [
        found
        for found in gc.get_objects()
        if isinstance(found, (web.BaseRequest, RequestHandler)) or (isinstance(found, Front) and found._transport)
    ]


@WAYS
@SECURE
async def test_the_request_its_task_and_its_protocol_are_freed(
    start_node: StartNode, tls: Tls, handshake: bytes, secure: bool
) -> None:
    node = await start_node(tls=tls.server if secure else None)
    tasks, others = len(asyncio.all_tasks()), handshake_objects()  # those of other tests
    wires = [
        await (await Wire().open(node, tls=tls.client if secure else None)).greet(handshake=handshake)
        for _ in range(3)
    ]
    await until(lambda: len(asyncio.all_tasks()) == tasks, "tasks are left")
    assert node._runner is not None
    assert node._runner.server is not None
    assert node._runner.server.connections == []  # its shutdown has nothing to wait for
    assert [found for found in handshake_objects() if not any(found is other for other in others)] == []
    for wire in wires:
        wire.writer.close()
    await node.assert_nobody_left()


@WAYS
async def test_a_client_that_leaves_during_its_handshake_is_forgotten(node: Node, handshake: bytes) -> None:
    for _ in range(20):
        wire = await Wire().open(node)
        wire.writer.write(handshake)
        wire.writer.transport.abort()
    beside = await (await Wire().open(node)).greet()  # it came last, so those before it were dealt with
    beside.writer.close()
    await node.assert_nobody_left()


async def test_a_request_whose_connection_is_gone_is_not_handed_over(node: Node, http: aiohttp.ClientSession) -> None:
    """A middleware waits, and the client leaves meanwhile."""
    entered, gate = asyncio.Event(), asyncio.Event()
    answers: list[web.StreamResponse] = []

    async def slowly(request: web.Request) -> web.StreamResponse:
        entered.set()
        await gate.wait()
        answers.append(await node.engine._entry.handle(request))
        with pytest.raises(ConnectionResetError):
            hand_over(request, asyncio.Protocol())
        return answers[0]

    app = web.Application()
    app.router.add_get("/socket.io/", slowly)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(HANDSHAKE)
    await entered.wait()
    (handler,) = runner.server.connections if runner.server else []
    writer.transport.abort()
    await until(lambda: handler.transport is None)
    gate.set()
    await until(lambda: answers)
    assert node.engine.sessions == {}
    await runner.cleanup()


def polls_alone(session: Session) -> bool:
    return session.link is None


async def test_a_client_that_leaves_during_its_upgrade_goes_on_polling(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node, alice)
    upgrade = HANDSHAKE.replace(b"websocket HTTP", f"websocket&sid={one.sid} HTTP".encode())
    for _ in range(3):
        wire = await Wire().open(node)
        wire.writer.write(upgrade)
        assert b" 101 " in await wire.reader.readuntil(b"\r\n\r\n")
        wire.send(text("2probe"))
        assert await wire.packet() == "3probe"
        wire.writer.transport.abort()
        (session,) = node.engine.sessions.values()
        await until(partial(polls_alone, session))
    await node.tell(alice, {"stream": "x", "head_seq": 1})
    assert await one.get() == (200, f'42{SPACE},["lagged",{{"stream":"x","head_seq":1}}]')
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


async def test_polling_and_its_upgrade_work_over_tls(start_node: StartNode, tls: Tls) -> None:
    node = await start_node(tls=tls.server)
    alice = await node.register("alice")
    at = f"https://localhost:{node.url.rsplit(':', 1)[1]}/socket.io/?EIO=4"
    connector = aiohttp.TCPConnector(ssl=tls.client)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(f"{at}&transport=polling") as response:
            sid = (await response.text()).split('"sid":"')[1].split('"')[0]
        async with session.post(
            f"{at}&transport=polling&sid={sid}", data=f'40{SPACE},{{"token":"{alice.token}"}}'
        ) as response:
            assert response.status == 200
        async with session.ws_connect(f"{at}&transport=websocket&sid={sid}") as ws:
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            await ws.send_str("5")
            heard = ""
            while "unread-notifications" not in heard:
                heard += await ws.receive_str()
            assert heard.startswith(f"40{SPACE},")
    await node.assert_nobody_left()


async def test_draining_knows_the_connections_that_were_handed_over(node: Node, alice: Fan) -> None:
    wires = [
        await (await (await Wire().open(node)).greet(handshake=handshake)).join(alice)
        for handshake in (HANDSHAKE, LONG_WAY)
    ]
    draining = asyncio.create_task(node.drain())
    for wire in wires:
        texts, code, _ = await wire.rest()
        assert "server-draining" in texts[0]
        assert (texts[-1], code) == ("1", 1001)
    await draining
    await node.assert_nobody_left()


@pytest.mark.parametrize("sent", [b"", b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_handshake_that_does_not_come_to_its_end_is_closed(
    start_node: StartNode, sent: bytes, logs: Logs
) -> None:
    """However slowly its bytes go on coming."""
    node = await start_node(silent=0.3)
    wire = await Wire().open(node)
    wire.writer.write(sent)

    async def dribble() -> None:
        while sent and not wire.writer.is_closing():
            wire.writer.write(b"x")
            await asyncio.sleep(0.01)

    dribbling = asyncio.create_task(dribble())
    async with asyncio.timeout(3):
        await wire.ended()
    await dribbling
    assert node.engine.sessions == {}
