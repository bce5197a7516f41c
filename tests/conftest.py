"""Servers, databases and clocks that tests ask for by name."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncmy
import hypothesis
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
hypothesis.settings.register_profile("mypick", deadline=None)  # on a busy machine any example may take long
hypothesis.settings.load_profile("mypick")
ONE_AT_A_TIME = ("tests.chaos", "tests.benchmarks")
"""These fill the machine: each folder of them is for one worker, so that at most two run at once."""
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
            item.add_marker(pytest.mark.xdist_group(module.split(".")[1]))
        elif module.startswith(SHARED_STACKS):
            item.add_marker(pytest.mark.xdist_group(module))


def pytest_collection_finish() -> None:
    """What stands now lives to the end: Python's collector need not look at it again. The server looks even more
    rarely (`config/collector.py`); migrating again and again would take gigabytes until it did."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 10, 50)


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
    """A migrated database to copy, made once for all workers of a run: 4 s of CPU."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of the run, while each worker has a folder of its own in it
    whole, being_made = folder / "template.sqlite3", folder / "template.being-made.sqlite3"
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            run_apart(lambda: migrate(f"sqlite://{being_made}"))
            being_made.rename(whole)
    return whole


@pytest.fixture(scope="session")
def sqlite_in(sqlite_template: Path) -> Callable[[Path], str]:
    """Puts a migrated, empty database into a folder, as ``mypick.sqlite3``; its address."""

    def put(folder: Path) -> str:
        shutil.copyfile(sqlite_template, path := folder / "mypick.sqlite3")
        return f"sqlite://{path}"

    return put


@pytest.fixture
def sqlite_url(sqlite_in: Callable[[Path], str], tmp_path: Path) -> str:
    forget_statements()
    return sqlite_in(tmp_path)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = postgres_server.create_database(name, template=postgres_template)
    forget_statements()
    yield url
    postgres_server.drop_database(name)


async def execute_on_mysql(*statements: str, database: str = "") -> list[list[tuple[Any, ...]]]:
    """What each statement answers, in one session."""
    address = urlsplit(MYSQL_URL)
    connection = await asyncmy.connect(
        host=address.hostname,
        port=address.port or 3306,
        user=address.username or "root",
        password=address.password or "",
        database=database,
        autocommit=True,
    )
    answers = []
    async with connection.cursor() as cursor:
        for statement in statements:
            await cursor.execute(statement)
            answers.append(list(await cursor.fetchall()))
    connection.close()
    return answers


@pytest.fixture(scope="session")
def mariadb_template() -> Sequence[str]:
    """The statements that make a migrated database of an empty one: 1 s, where migrating takes 10 and more."""
    name, made = f"test_{uuid.uuid4().hex[:12]}", list[str]()

    async def make() -> None:
        await execute_on_mysql(f"CREATE DATABASE {name}")
        await migrate(f"mysql://{urlsplit(MYSQL_URL).netloc}/{name}")
        (tables,) = await execute_on_mysql("SHOW TABLES", database=name)
        shown = await execute_on_mysql(*(f"SHOW CREATE TABLE `{table}`" for (table,) in tables), database=name)
        made.extend(str(rows[0][1]) for rows in shown)
        for table in (table for (table,) in tables):
            columns, rows = await execute_on_mysql(
                f"SHOW COLUMNS FROM `{table}`", f"SELECT * FROM `{table}`", database=name
            )
            names = ", ".join(f"`{column[0]}`" for column in columns)
            made.extend(f"INSERT INTO `{table}` ({names}) VALUES ({', '.join(map(_literal, row))})" for row in rows)
        (triggers,) = await execute_on_mysql("SHOW TRIGGERS", database=name)
        assert not triggers, "they would have to be made as well"
        await execute_on_mysql(f"DROP DATABASE {name}")

    run_apart(make)
    return ["SET foreign_key_checks = 0", *made]


def _literal(value: object) -> str:
    """Of what migrations write: names and times."""
    return "NULL" if value is None else "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


@pytest.fixture
def mariadb_url(mariadb_template: Sequence[str]) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"

    async def make() -> None:
        await execute_on_mysql(f"CREATE DATABASE {name}")
        await execute_on_mysql(*mariadb_template, database=name)

    run_apart(make)
    forget_statements()
    yield f"mysql://{urlsplit(MYSQL_URL).netloc}/{name}"
    run_apart(lambda: _drop(name))


async def _drop(name: str) -> None:
    await execute_on_mysql(f"DROP DATABASE {name}")


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
