"""Connections that are in no namespace: each transport has the same time for it."""

from __future__ import annotations

import asyncio

import pytest

from tests.realtime.clients import SPACE
from tests.realtime.conftest import OpenClient, OpenPolling, StartNode
from tests.realtime.engine.frames import text
from tests.realtime.engine.wire import Wire, joining
from tests.realtime.node import Fan, until

REASON = "a connection has to be in a namespace"


async def test_a_websocket_that_joins_nothing_is_told_why_it_is_closed(start_node: StartNode) -> None:
    node = await start_node(alone=0.05)
    assert await (await (await Wire().open(node)).greet()).rest() == (["1"], 1008, REASON)
    await node.assert_nobody_left()


async def test_a_polling_client_that_joins_nothing_is_closed(start_node: StartNode, polling: OpenPolling) -> None:
    node = await start_node(alone=0.05)
    one = await polling(node)
    assert await one.get() == (200, "1")  # its open poll brings the close
    assert (await one.get())[0] == 400
    silent = await polling(node)  # it never polls
    await node.assert_nobody_left()
    assert (await silent.get())[0] == 400


async def test_trying_with_what_is_no_token_gives_no_more_time(
    start_node: StartNode, polling: OpenPolling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One try is under way when its time is over, and is refused then."""
    node = await start_node(alone=0.05)
    gate = asyncio.Event()
    stock = node.accounts.authenticate

    async def slowly(token: object, *, kept: bool = True) -> object:
        await gate.wait()
        return await stock(token, kept=kept)

    monkeypatch.setattr(node.accounts, "authenticate", slowly)
    wire = await (await Wire().open(node)).greet()
    wire.send(text(f'40{SPACE},{{"token":"nonsense"}}'))
    one = await polling(node)
    assert (await one.post(f'40{SPACE},{{"token":"nonsense"}}'))[0] == 200
    sessions = list(node.engine.sessions.values())
    await until(lambda: [session._alone_until for session in sessions] == [0, 0])
    gate.set()
    (refused, goodbye), code, reason = await wire.rest()
    assert refused.startswith(f"44{SPACE},")
    assert (goodbye, code, reason) == ("1", 1008, REASON)
    status, told = await one.get()
    assert status == 400 or told.endswith("\x1e1")  # it was gone before the poll, or is now
    await node.assert_nobody_left()


async def test_who_leaves_while_it_is_let_in_is_closed_in_its_time(
    start_node: StartNode, alice: Fan, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await start_node(alone=0.05)
    fan = await node.register("carol")
    gate = asyncio.Event()
    stock = node.accounts.authenticate

    async def slowly(token: object, *, kept: bool = True) -> object:
        await gate.wait()
        return await stock(token, kept=kept)

    monkeypatch.setattr(node.accounts, "authenticate", slowly)
    wire = await (await Wire().open(node)).greet()
    wire.send(joining(fan), text(f"41{SPACE},"))
    assert (await wire.rest())[1:] == (1008, REASON)
    gate.set()
    await node.assert_nobody_left()


async def test_who_changes_its_namespace_has_the_time_again(
    start_node: StartNode, client: OpenClient
) -> None:
    node = await start_node(alone=0.3)
    fan = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(fan)
    (session,) = node.engine.sessions.values()
    await until(lambda: session._alone_until == 0)  # the first time is over, and it was in
    wire.send(text(f"41{SPACE},"), joining(fan))
    assert (await wire.packet()).startswith(f"40{SPACE},")
    assert "unread-notifications" in await wire.packet()
    await until(lambda: session._alone_until == 0)
    assert not session.closed
    wire.writer.close()
    await node.assert_nobody_left()


@pytest.mark.parametrize("query", ["sid=", "sid=&sid=", "sid"])
async def test_an_empty_sid_is_no_way_around_the_limit_of_handshakes(
    start_node: StartNode, query: str
) -> None:
    node = await start_node(limits={"socket.handshake": "1/1m"})
    statuses = []
    for _ in range(2):
        wire = await Wire().open(node)
        wire.writer.write(
            f"GET /socket.io/?EIO=4&transport=polling&{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        statuses.append((await wire.ended()).split(b" ")[1])
    assert statuses[1] in (b"429", b"400")
    assert len(node.engine.sessions) <= 1
    node.engine.refuse_new()
