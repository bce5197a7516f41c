"""SQLite where it cannot write: what fails is told as an outage, and the next one is let in."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from mypick import db
from mypick.db import Database
from mypick.sqlite import StorageAway

WITHIN = 5.0  # seconds
CREATE = "CREATE TABLE note(id integer PRIMARY KEY, text text, of integer REFERENCES note(id))"
INSERT = "INSERT INTO note(text) VALUES ('here')"


async def run(statement: str) -> None:
    await db.connection().execute_query(statement)


async def in_one_transaction(*statements: str) -> None:
    async with db.transaction():
        for statement in statements:
            await run(statement)


@pytest.fixture(autouse=True)
async def note(sqlite_database: Database) -> None:
    """A table, and a lock that is not waited for."""
    await run(CREATE)
    await run("PRAGMA busy_timeout = 0")


async def assert_writes() -> None:
    """With a transaction and without one."""
    async with asyncio.timeout(WITHIN):
        async with db.transaction():
            await run(INSERT)
        await run(INSERT)


async def test_a_full_disk_is_an_outage_and_room_ends_it() -> None:
    _, (row,) = await db.connection().execute_query("PRAGMA page_count")
    await run(f"PRAGMA max_page_count = {row[0]}")
    big = "INSERT INTO note(text) SELECT hex(randomblob(100000))"
    with pytest.raises(StorageAway, match="full"):
        await run(big)
    with pytest.raises(StorageAway, match="full"):
        await in_one_transaction(INSERT, big)
    await run("PRAGMA max_page_count = 1000000")
    _, (row,) = await db.connection().execute_query("SELECT count(*) FROM note")
    assert row[0] == 0
    await assert_writes()


async def test_a_transaction_that_cannot_begin_lets_the_next_one_in(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mypick.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(StorageAway, match="locked"):
                async with asyncio.timeout(WITHIN), db.transaction():
                    raise AssertionError("it was let in")
        other.execute("ROLLBACK")
    await assert_writes()


async def test_a_transaction_that_is_cancelled_while_it_begins_lets_the_next_one_in(tmp_path: Path) -> None:
    await run("PRAGMA busy_timeout = 1000")
    with closing(sqlite3.connect(tmp_path / "mypick.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), db.transaction():
                raise AssertionError("it was let in")
        other.execute("ROLLBACK")
    await assert_writes()


async def test_a_transaction_that_cannot_commit_is_undone_and_lets_the_next_one_in() -> None:
    with pytest.raises((IntegrityError, sqlite3.IntegrityError)):
        await in_one_transaction(
            "PRAGMA defer_foreign_keys = ON", "INSERT INTO note(text, of) VALUES ('of nothing', 99)"
        )
    await assert_writes()
    _, (row,) = await db.connection().execute_query("SELECT count(*) FROM note WHERE of = 99")
    assert row[0] == 0


async def test_a_wrong_statement_is_no_outage() -> None:
    with pytest.raises(OperationalError) as failure:
        await run("SELECT nothing FROM nowhere")
    assert not isinstance(failure.value, db.AWAY)
