"""Nodes: a bus with a listener that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from mypick.bus import Bus, MemoryBus, MemoryExchange, RedisBus
from mypick.metrics import Metrics
from tests.servers import RedisCluster, RedisServer, ValkeyServer

PATIENCE = 10.0  # seconds; far beyond what any of these tests waits for


class Node:
    """One bus with what it heard. ``until`` awaits a condition that messages and gaps may make true."""

    def __init__(self, bus: Bus, metrics: Metrics) -> None:
        self.bus, self.metrics = bus, metrics
        self.heard: list[tuple[str, bytes]] = []
        self.gaps = 0
        self.on_message: Callable[[str, bytes], object] = lambda _channel, _payload: None
        self._news = asyncio.Event()

    def hear(self, channel: str, payload: bytes) -> None:
        self.heard.append((channel, payload))
        self._news.set()
        self.on_message(channel, payload)

    def miss(self) -> None:
        self.gaps += 1
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_heard(self, count: int) -> list[tuple[str, bytes]]:
        await self.until(lambda: len(self.heard) >= count)
        return self.heard

    async def until_up(self, up: bool) -> None:
        """Nobody announces this, so it is looked at every 10 ms."""
        async with asyncio.timeout(PATIENCE):
            while self.bus.up is not up:
                await asyncio.sleep(0.01)

    def counted(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(f"mypick_{name}") or 0.0


MakeNode = Callable[..., Awaitable[Node]]


class Outage:
    """How to take away what stands between the nodes, and to bring it back."""

    def __init__(self, interrupt: Callable[[], object], mend: Callable[[], object]) -> None:
        self.interrupt, self.mend = interrupt, mend


@pytest.fixture
def exchange() -> MemoryExchange:
    return MemoryExchange()


@asynccontextmanager
async def nodes_on(url: str, **always: Any) -> AsyncIterator[MakeNode]:
    """Makes started nodes on a real server; their canary is quick, so that deaf links are noticed within 0.5 s."""
    async with AsyncExitStack() as stack:

        async def make(url: str = url, **options: Any) -> Node:
            metrics = Metrics.unread()
            quick: dict[str, Any] = {"canary_every": 0.2, "canary_within": 0.3, **always, **options}
            node = Node(RedisBus(url, metrics=metrics, **quick), metrics)
            stack.push_async_callback(node.bus.close)
            await node.bus.start(node.hear, node.miss)
            return node

        yield make


@pytest.fixture
async def redis_node(redis_url: str) -> AsyncIterator[MakeNode]:
    async with nodes_on(redis_url) as make:
        yield make


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Alone, and as new as sharded pub/sub needs it."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
async def sharded_node(valkey_server: ValkeyServer) -> AsyncIterator[MakeNode]:
    valkey_server.start()
    async with nodes_on(valkey_server.url, sharded=True) as make:
        yield make


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(whole_cluster: RedisCluster) -> RedisCluster:
    """Three masters and a replica that work together. Who kills them all starts them again."""
    whole_cluster.wait()
    return whole_cluster


@pytest.fixture
async def cluster_node(cluster: RedisCluster) -> AsyncIterator[MakeNode]:
    async with nodes_on(cluster.url, sharded=True) as make:
        yield make


@pytest.fixture
async def memory_node(exchange: MemoryExchange) -> AsyncIterator[MakeNode]:
    async with AsyncExitStack() as stack:

        async def make() -> Node:
            metrics = Metrics.unread()
            node = Node(MemoryBus(exchange, metrics=metrics), metrics)
            stack.push_async_callback(node.bus.close)
            await node.bus.start(node.hear, node.miss)
            return node

        yield make


@pytest.fixture(params=["memory", "redis", "sharded", "cluster"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(engine: str, request: pytest.FixtureRequest) -> MakeNode:
    """Makes nodes of each engine in turn."""
    make: MakeNode = request.getfixturevalue(f"{engine}_node")
    return make


@pytest.fixture
def outage(engine: str, exchange: MemoryExchange, request: pytest.FixtureRequest) -> Outage:
    if engine == "memory":
        return Outage(exchange.interrupt, exchange.mend)
    fixture = {"redis": "redis_server", "sharded": "valkey_server", "cluster": "cluster"}[engine]
    server: RedisServer | RedisCluster = request.getfixturevalue(fixture)
    return Outage(server.kill, server.start)
