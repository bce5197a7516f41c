"""A transaction that could not begin or end leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from tortoise.transactions import in_transaction

from mypick import db
from mypick.db import Database, open_database

MANY = 12  # more than the pool has connections
WITHIN = 10.0  # seconds; a pool without connections would wait for ever


async def test_transactions_that_could_not_begin_leave_the_task_and_the_pool_as_they_were(database: Database) -> None:
    async def lost() -> None:
        raise ConnectionError("cut just now")

    for _ in range(MANY):
        context: Any = in_transaction("default")
        (context.connection if db.dialect() == "sqlite" else context.client).begin = lost
        with pytest.raises(ConnectionError):
            async with context:
                raise AssertionError("it has begun")
        assert not db.in_a_transaction()
    async with asyncio.timeout(WITHIN), db.transaction() as opened:
        assert (await opened.execute_query_dict("SELECT 1 AS one"))[0]["one"] == 1
    assert not db.in_a_transaction()


async def test_a_connection_that_cannot_go_back_is_not_kept_by_the_task(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncpg.Pool.release

    async def lost(*given: Any, **named: Any) -> None:
        await release(*given, **named)
        raise asyncpg.InterfaceError("lost on its way")

    async with open_database(postgres_url):
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.Pool, "release", lost)
            with pytest.raises(asyncpg.InterfaceError):
                async with db.transaction():
                    assert db.in_a_transaction()
        assert not db.in_a_transaction()
        async with db.transaction() as opened:
            assert (await opened.execute_query_dict("SELECT 1 AS one"))[0]["one"] == 1


async def test_a_connection_that_is_killed_inside_is_not_kept_by_the_task(postgres_url: str) -> None:
    async with open_database(postgres_url):
        for _ in range(MANY):
            with pytest.raises(Exception, match=r"closed|terminat|released"):
                async with db.transaction() as opened:
                    await opened.execute_query("SELECT pg_terminate_backend(pg_backend_pid())")
            assert not db.in_a_transaction()
        async with asyncio.timeout(WITHIN), db.transaction() as opened:
            assert (await opened.execute_query_dict("SELECT 1 AS one"))[0]["one"] == 1
