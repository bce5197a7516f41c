"""The two ways to run MyPick: embedded (SQLite, one process), and PostgreSQL with Redis and a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.stack import Device, Rest, Stack, running

OpenDevice = Callable[[Rest], Awaitable[Device]]


@pytest.fixture(params=["embedded", "full"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    if request.param == "embedded":
        database, redis = f"sqlite://{tmp_path / 'mypick.sqlite3'}", ""
    else:
        database, redis = request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
    async with running(tmp_path, database, redis) as stack:
        yield stack


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def alice(stack: Stack, http: aiohttp.ClientSession) -> Rest:
    rest = Rest(stack.url, http)
    await rest.register("alice")
    return rest


@pytest.fixture
async def bob(stack: Stack, http: aiohttp.ClientSession) -> Rest:
    rest = Rest(stack.url, http)
    await rest.register("bob")
    return rest


@pytest.fixture
async def device(stack: Stack) -> AsyncIterator[OpenDevice]:
    opened: list[Device] = []

    async def open_device(rest: Rest) -> Device:
        fresh = Device(stack.url, rest)
        opened.append(fresh)
        await fresh.open()
        return fresh

    yield open_device
    for one in opened:
        await one.close()
