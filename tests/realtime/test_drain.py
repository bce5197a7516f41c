"""The end of a process: clients are told when to come back, and are let go."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from realtime.server import CLOSE_TIMEOUT, DRAIN_SPREAD_MS
from tests.realtime.clients import SPACE, Client
from tests.realtime.conftest import OpenClient, OpenPolling, OpenRaw
from tests.realtime.node import Fan, Node, until


async def test_draining_tells_everybody_when_to_come_back_and_closes(
    node: Node, alice: Fan, bob: Fan, client: OpenClient
) -> None:
    clients: list[Client] = [
        await client(node, fan, transports=[kind]) for fan in (alice, bob) for kind in ("websocket", "polling")
    ]
    async with asyncio.timeout(CLOSE_TIMEOUT + 1):
        await node.drain()
        for one in clients:
            await one.gone.wait()
    delays = [one.all("server-draining")[0]["reconnect_after_ms"] for one in clients]
    assert all(0 <= delay < DRAIN_SPREAD_MS for delay in delays)
    assert len(set(delays)) > 1  # not all at once
    await node.assert_nobody_left()


async def test_a_pending_poll_brings_the_news_and_ends(node: Node, alice: Fan, polling: OpenPolling) -> None:
    one = await polling(node, alice)
    poll = asyncio.create_task(one.get())
    await asyncio.sleep(0.02)
    async with asyncio.timeout(CLOSE_TIMEOUT + 1):
        await node.drain()
        status, text = await poll
    assert status == 200
    assert "server-draining" in text
    assert (await one.get())[0] == 400
    await node.assert_nobody_left()


async def test_a_websocket_gets_the_news_then_the_close_in_this_order(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    draining = asyncio.create_task(node.drain())
    frames = await one.rest()
    assert [str(frame)[:1] for frame in frames] == ["4", "1"]
    told = orjson.loads(str(frames[0]).removeprefix(f"42{SPACE},"))
    assert told[0] == "server-draining"
    assert one.ws.close_code == 1001
    await draining


def held_up(node: Node, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """What is said in rooms waits until the event is set."""
    goes_on, stock = asyncio.Event(), node.engine.rooms.broadcast

    async def broadcast(*given: Any, **named: Any) -> None:
        await goes_on.wait()
        await stock(*given, **named)

    monkeypatch.setattr(node.engine.rooms, "broadcast", broadcast)
    return goes_on


async def test_what_was_said_before_the_end_reaches_those_who_are_here(
    node: Node, alice: Fan, raw: OpenRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await raw(node, alice)
    goes_on = held_up(node, monkeypatch)
    for text in ("first", "second", "third"):
        await node.notify(alice, text)
    draining = asyncio.create_task(node.drain())
    news = await one.ws.receive_str()
    assert "server-draining" in news
    goes_on.set()
    frames = [str(frame) for frame in await one.rest()]
    assert [text for text in ("first", "second", "third") if any(text in frame for frame in frames)] == [
        "first", "second", "third"
    ]
    assert frames[-1] == "1"
    await draining


async def test_what_cannot_be_handed_over_does_not_hold_up_the_end(
    node: Node, alice: Fan, raw: OpenRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.server.HAND_OVER", 0.05)
    one = await raw(node, alice)
    goes_on = held_up(node, monkeypatch)
    await node.notify(alice, "first")
    async with asyncio.timeout(3):
        await asyncio.gather(node.drain(), one.rest())
    goes_on.set()


async def test_who_comes_while_it_drains_is_sent_away(
    node: Node, alice: Fan, http: aiohttp.ClientSession, client: OpenClient
) -> None:
    await client(node, alice)
    node.engine.refuse_new()
    for transport in ("polling", "websocket"):
        async with http.get(f"{node.url}/socket.io/?EIO=4&transport={transport}") as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
    assert len(node.connections) == 1


async def test_a_command_that_hangs_does_not_hold_up_the_end(
    node: Node, alice: Fan, client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.server.CLOSE_TIMEOUT", 0.2)
    one = await client(node, alice)
    hanging = asyncio.create_task(one.ask("hold", {"gate": "never"}))
    await until(lambda: "never" in node.namespace.gates)
    async with asyncio.timeout(3):
        await node.drain()
    node.namespace.gates["never"].set()
    hanging.cancel()  # its ack has nowhere to go
    await node.assert_nobody_left()
