"""The two ways to run MyPick: embedded (SQLite, one process), and PostgreSQL with Redis and a worker."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from handlers import pages
from tests.e2e.scenes import Scenes
from tests.e2e.stack import Device, Rest, Stack, running
from tests.installed import CLIENT_FILE, missing

OpenDevice = Callable[[Rest], Awaitable[Device]]

# the reasons stand in the first lines of the run: see tests/conftest.py
collect_ignore_glob = [f"test_{mark}*.py" for mark in ("node", "browser") if missing(mark)]


@pytest.fixture(params=["embedded", "full"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    if request.param == "embedded":
        database, redis = request.getfixturevalue("sqlite_url"), ""
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


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "full"])
async def shared_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """One stack for all scenes of a file, who bring people and channels of their own."""
    folder = tmp_path_factory.mktemp(str(request.param))
    if request.param == "embedded":
        async with running(folder, request.getfixturevalue("sqlite_in")(folder), development=False) as stack:
            yield stack
        return
    postgres, redis = request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_server")
    name = f"scenes_{uuid.uuid4().hex[:12]}"
    url = postgres.create_database(name, template=request.getfixturevalue("postgres_template"))
    redis.start()
    redis.flush()
    async with running(folder, url, redis.url, development=False) as stack:
        yield stack
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def official_client() -> Iterator[None]:
    """The official client where `make assets` puts it; without it the pages would ask the CDN."""
    target = pages.FOLDER / "static" / pages.CLIENT_FILE
    if target.exists():
        yield
        return
    made = not target.parent.exists()
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(CLIENT_FILE, target)
    yield
    target.unlink()
    if made:
        target.parent.rmdir()


@pytest.fixture
def scenes() -> Iterator[Scenes]:
    scenes = Scenes()
    yield scenes
    assert scenes.close() == [], "a scene left processes behind"


@pytest.fixture
async def polling_device(stack: Stack) -> AsyncIterator[OpenDevice]:
    """As ``device``, over HTTP alone, for networks that let no WebSocket through."""
    opened: list[Device] = []

    async def open_device(rest: Rest) -> Device:
        opened.append(Device(stack.url, rest, transports=["polling"]))
        await opened[-1].open()
        return opened[-1]

    yield open_device
    for one in opened:
        await one.close()
