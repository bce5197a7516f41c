"""The database as it is, read with plain SQL: nothing of the code under test stands between it and the verdict."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson

Row = tuple[Any, ...]
PATIENCE = 10.0  # seconds for one look


async def rows(database_url: str, *statements: str) -> list[list[Row]]:
    """The rows of each statement, all seen at one moment. Times are aware, JSON is decoded by ``decoded``."""
    if database_url.startswith("sqlite"):
        return await asyncio.to_thread(_sqlite, database_url.removeprefix("sqlite://"), statements)
    connection = await asyncpg.connect(database_url, timeout=PATIENCE)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements]
    finally:
        await connection.close(timeout=PATIENCE)


def _sqlite(path: str, statements: tuple[str, ...]) -> list[list[Row]]:
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection, _read(connection):
        return [connection.execute(statement).fetchall() for statement in statements]


@contextmanager
def _read(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def decoded(value: Any) -> Any:
    """A JSON column: text on both dialects as we read them."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def moment(value: Any) -> datetime:
    """A time column: SQLite keeps text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
