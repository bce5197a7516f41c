from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import structlog

from mypick.bus.memory import MemoryExchange
from mypick.db import Database
from tests.fakes import FakeClock
from tests.realtime.clients import Client, Polling, Raw
from tests.realtime.node import Fan, Node, running

StartNode = Callable[..., Awaitable[Node]]
OpenClient = Callable[..., Awaitable[Client]]
OpenRaw = Callable[..., Awaitable[Raw]]
OpenPolling = Callable[..., Awaitable[Polling]]


class Logs(logging.Handler):
    """All that was logged, structlog's lines included."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def failures(self) -> list[str]:
        """What tells of a fault of ours."""
        own = [f"{line['event']}: {line}" for line in self.lines if line["log_level"] in ("error", "critical")]
        return own + [
            f"{record.name}: {record.getMessage()} {record.exc_info}"
            for record in self.records
            if record.levelno >= logging.ERROR or record.exc_info
        ]


@pytest.fixture
def logs() -> Iterator[Logs]:
    logs = Logs()
    root = logging.getLogger()
    root.addHandler(logs)
    with structlog.testing.capture_logs() as lines:
        logs.lines = lines  # type: ignore[assignment]  # mutable mappings of the same shape
        yield logs
    root.removeHandler(logs)


@pytest.fixture(autouse=True)
async def nothing_unexpected(logs: Logs) -> AsyncIterator[Logs]:
    """No test of the sockets may leave a failure in the log; who provokes one takes it out."""
    loop = asyncio.get_running_loop()
    strays: list[str] = []
    loop.set_exception_handler(lambda _, context: strays.append(f"{context['message']} {context.get('exception')}"))
    yield logs
    assert logs.failures() == []
    assert strays == []


@pytest.fixture
def exchange() -> MemoryExchange:
    return MemoryExchange()


@pytest.fixture
async def start_node(
    sqlite_database: Database, clock: FakeClock, exchange: MemoryExchange
) -> AsyncIterator[StartNode]:
    async with AsyncExitStack() as stack:
        count = 0

        async def start(**options: Any) -> Node:
            nonlocal count
            count += 1
            return await stack.enter_async_context(running(clock, exchange, f"node-{count}", **options))

        yield start


@pytest.fixture
async def node(start_node: StartNode) -> Node:
    return await start_node()


@pytest.fixture
async def alice(node: Node) -> Fan:
    return await node.register("alice")


@pytest.fixture
async def bob(node: Node) -> Fan:
    return await node.register("bob")


@pytest.fixture
async def http(start_node: StartNode) -> AsyncIterator[aiohttp.ClientSession]:
    # after the node, so that clients leave before it closes
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def client(start_node: StartNode) -> AsyncIterator[OpenClient]:
    """``await client(node, fan)``: a socket that is in. ``auth`` and ``transports`` where they are not the usual."""
    opened: list[Client] = []

    async def open_client(node: Node, fan: Fan | None = None, **options: Any) -> Client:
        auth = options.pop("auth", {"token": fan.token} if fan else None)
        headers = options.pop("headers", None)
        fresh = Client(node, auth, **options)
        opened.append(fresh)
        return await fresh.open(headers=headers)

    yield open_client
    for one in opened:
        await one.close()


@pytest.fixture
def raw(http: aiohttp.ClientSession) -> OpenRaw:
    """``await raw(node)``: connected, in no namespace; ``await raw(node, fan)``: in ``/notifications``."""

    async def open_raw(node: Node, fan: Fan | None = None, **headers: str) -> Raw:
        fresh = await Raw(http, node).open(**headers)
        return await fresh.join(fan) if fan else fresh

    return open_raw


@pytest.fixture
def polling(http: aiohttp.ClientSession) -> OpenPolling:
    async def open_polling(node: Node, fan: Fan | None = None) -> Polling:
        fresh = await Polling(http, node).open()
        return await fresh.join(fan) if fan else fresh

    return open_polling
