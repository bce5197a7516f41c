"""Servers, databases and clocks that tests ask for by name."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncmy
import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from mypick.bounded_redis import BoundedRedis
from mypick.clock import SystemClock
from mypick.db import Database, open_database
from tests.fakes import FakeClock
from tests.installed import left_out
from tests.servers import PostgresServer, RedisServer

TEMPLATE = "mypick_template"
MYSQL_URL = os.environ.get("MYPICK_TEST_MYSQL_URL", "").rstrip("/")
DIALECTS = [
    "sqlite",
    "postgres",
    *([pytest.param("mariadb", marks=pytest.mark.mariadb)] if MYSQL_URL else []),
]
ONE_AT_A_TIME = ("tests.chaos", "tests.benchmarks")
"""These fill the machine: beside another of their kind each would measure the other."""
SHARED_STACKS = ("tests.e2e", "tests.wrong_input")
"""Their tests share servers of a module, which one worker starts once."""


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Says once what cannot run here; with ``-q`` pytest shows no header of its own."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    for line in left_out():
        if terminal is not None:
            terminal.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests belong to one worker of ``pytest -n``; all others go to whoever is free."""
    for item in items:
        assert isinstance(item, pytest.Function)
        module = item.module.__name__
        if module.startswith(ONE_AT_A_TIME):
            item.add_marker(pytest.mark.xdist_group("machine"))
        elif module.startswith(SHARED_STACKS):
            item.add_marker(pytest.mark.xdist_group(module))


def run_apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``work`` to its end on a loop of its own, in a thread, so that it leaves no trace in the tests' loops."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(lambda: asyncio.run(work())).result()


def forget_statements() -> None:
    """Tortoise keeps the text of its INSERTs by table for the life of the process, whatever the dialect."""
    EXECUTOR_CACHE.clear()


async def migrate(url: str) -> None:
    async with open_database(url) as database:
        await database.migrate()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Shared by all tests: who kills or pauses it leaves it running."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis that answers and is empty."""
    redis_server.resume()
    redis_server.start()
    redis_server.flush()
    return redis_server.url


@pytest.fixture
async def bounded_redis(redis_url: str) -> AsyncIterator[BoundedRedis]:
    """A node's Redis that tries again 50 ms after a failure."""
    node = BoundedRedis(redis_url, clock=SystemClock(), retry_every=0.05)
    yield node
    await node.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database that each test's own database is a copy of."""
    url = postgres_server.create_database(TEMPLATE)
    run_apart(lambda: migrate(url))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "mypick.sqlite3"
    run_apart(lambda: migrate(f"sqlite://{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "mypick.sqlite3"
    shutil.copyfile(sqlite_template, path)
    forget_statements()
    return f"sqlite://{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = postgres_server.create_database(name, template=postgres_template)
    forget_statements()
    yield url
    postgres_server.drop_database(name)


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    address = urlsplit(MYSQL_URL)

    async def execute(statement: str) -> None:
        connection = await asyncmy.connect(
            host=address.hostname,
            port=address.port or 3306,
            user=address.username or "root",
            password=address.password or "",
        )
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
        connection.close()

    run_apart(lambda: execute(f"CREATE DATABASE {name}"))
    url = f"mysql://{address.netloc}/{name}"
    run_apart(lambda: migrate(url))
    forget_statements()
    yield url
    run_apart(lambda: execute(f"DROP DATABASE {name}"))


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of the test's own, on each dialect in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """For tests that have nothing to do with dialects: the cheapest one."""
    async with open_database(sqlite_url) as opened:
        yield opened
