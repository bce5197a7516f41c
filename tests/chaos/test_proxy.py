"""The faults are what they say: a proxy that harms nobody proves nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from time import monotonic

import pytest
from redis.asyncio import Redis

from tests.chaos.bus import Dropper
from tests.chaos.proxy import Proxy, Weather

WITHIN = 5.0  # seconds


class Echo:
    """Sends back what comes, and knows how each connection ended."""

    def __init__(self) -> None:
        self.port = 0
        self.opened = asyncio.Event()
        self.ends: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened.set()
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            self.ends.put_nowait("FIN")
        except ConnectionResetError:
            self.ends.put_nowait("RST")
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    served = Echo()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()
    await server.wait_closed()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy(lambda: echo.port, Random(1)) as opened:
        yield opened


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> float:
        """Seconds until it came back."""
        began = monotonic()
        self.writer.write(data)
        assert await asyncio.wait_for(self.reader.readexactly(len(data)), WITHIN) == data
        return monotonic() - began


@pytest.fixture
async def caller(proxy: Proxy, echo: Echo) -> AsyncIterator[Caller]:
    opened = Caller(*await asyncio.open_connection("127.0.0.1", proxy.port))
    await opened.say(b"hello")
    yield opened
    opened.writer.close()


async def test_latency_and_a_rate_make_it_slow(proxy: Proxy, caller: Caller) -> None:
    proxy.weather = Weather(latency=0.05)
    assert await caller.say(b"x") >= 0.1
    proxy.weather = Weather(rate=100_000)
    assert await caller.say(b"x" * 10_000) >= 0.2


async def test_what_hangs_is_held_and_comes_later(proxy: Proxy, caller: Caller) -> None:
    proxy.hang(proxy.some(1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await caller.say(b"held")
    proxy.flow()
    assert await asyncio.wait_for(caller.reader.readexactly(4), WITHIN) == b"held"


async def test_a_black_hole_takes_new_ones_too(proxy: Proxy) -> None:
    proxy.hang_all()
    late = Caller(*await asyncio.open_connection("127.0.0.1", proxy.port))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await late.say(b"held")
    proxy.flow()
    assert await asyncio.wait_for(late.reader.readexactly(4), WITHIN) == b"held"
    late.writer.close()


@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_is_felt_at_both_ends(proxy: Proxy, caller: Caller, echo: Echo, reset: bool) -> None:
    proxy.cut(proxy.wires, reset=reset)
    assert await asyncio.wait_for(echo.ends.get(), WITHIN) == ("RST" if reset else "FIN")
    if reset:
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(caller.reader.read(1), WITHIN)
    else:
        assert await asyncio.wait_for(caller.reader.read(1), WITHIN) == b""


async def test_of_a_forgotten_end_the_other_hears_nothing(proxy: Proxy, caller: Caller, echo: Echo) -> None:
    proxy.forget(proxy.wires, "client")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(caller.reader.read(1), WITHIN)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await echo.ends.get()


async def test_nobody_behind_it_is_felt_as_a_lost_connection() -> None:
    async with Proxy(lambda: 9, Random(1)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(1), WITHIN) == b""
        writer.close()


async def test_a_dropper_drops_its_share_and_nothing_else(redis_url: str) -> None:
    dropper = Dropper(Random(1), 0.2)
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    async with Proxy(lambda: port, Random(1), dropper.sieve) as proxy, Redis(port=port, protocol=2) as direct:
        behind = Redis(port=proxy.port, protocol=2)
        listener = behind.pubsub(ignore_subscribe_messages=True)
        await listener.subscribe("stream", "mypick:canary:1")
        async with asyncio.timeout(WITHIN):
            while await direct.pubsub_numsub("stream") != [(b"stream", 1)]:
                pass
        for number in range(200):
            await direct.publish("stream", str(number))
            await direct.publish("mypick:canary:1", str(number))
        heard: dict[bytes, list[int]] = {b"stream": [], b"mypick:canary:1": []}
        async with asyncio.timeout(WITHIN):
            while len(heard[b"mypick:canary:1"]) < 200:
                if message := await listener.get_message(timeout=WITHIN):
                    heard[message["channel"]].append(int(message["data"]))
        assert heard[b"mypick:canary:1"] == list(range(200))
        assert len(heard[b"stream"]) == dropper.passed == 200 - dropper.dropped
        assert 20 <= dropper.dropped <= 60
        assert heard[b"stream"] == sorted(heard[b"stream"])
        assert await behind.ping()
        await listener.aclose()  # type: ignore[no-untyped-call]  # redis-py
        await behind.aclose()
