"""Tortoise's SQLite engine, with three changes.

A transaction takes the write lock when it begins. With SQLite's deferred ``BEGIN`` a transaction that reads and then
writes fails at once with "database is locked" if another process wrote in between; no ``busy_timeout`` waits for that.
``BEGIN IMMEDIATE`` waits in turn, so that ``run.py seed`` may run beside ``run.py serve``.

A transaction that cannot begin or commit, for lack of room on the disk say, is undone and lets the next one in.
Tortoise keeps its lock where ``BEGIN`` fails, and leaves open what did not commit: nobody would write any more.

A disk that is full or fails, and a file that others keep locked, are ``StorageAway``: no fault of the statement.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

T = TypeVar("T")
P = ParamSpec("P")

_AWAY = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,  # a disk that failed is mounted again so
        sqlite3.SQLITE_CANTOPEN,
    )
)


class StorageAway(OperationalError):
    """The file cannot be read or written now; the statement is right, and trying again can help."""


def _told(failure: sqlite3.Error) -> OperationalError:
    primary = getattr(failure, "sqlite_errorcode", 0) & 0xFF  # the rest says where it happened
    return StorageAway(failure) if primary in _AWAY else OperationalError(failure)


def _telling(work: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(work)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(*args, **kwargs)
        except sqlite3.OperationalError as failure:
            raise _told(failure) from failure
        except OperationalError as failure:
            if failure.args and isinstance(failure.args[0], sqlite3.OperationalError):
                raise _told(failure.args[0]) from failure
            raise

    return told


class _Telling(SqliteClient):
    execute_insert = _telling(SqliteClient.execute_insert)
    execute_many = _telling(SqliteClient.execute_many)
    execute_query = _telling(SqliteClient.execute_query)
    execute_query_dict = _telling(SqliteClient.execute_query_dict)


class ImmediateTransaction(_Telling, SqliteTransactionWrapper):
    execute_many = _telling(SqliteTransactionWrapper.execute_many)

    @_telling
    async def begin(self) -> None:
        await self._connection.execute("BEGIN IMMEDIATE")

    @_telling
    async def commit(self) -> None:
        try:
            await super().commit()
        except sqlite3.Error:
            await self.undo()
            raise

    @_telling
    async def rollback(self) -> None:
        await super().rollback()

    async def undo(self) -> None:
        """Roll back whatever is open. Harmless where nothing is: SQLite ends some failed transactions by itself."""
        with contextlib.suppress(sqlite3.Error):
            await self._connection.rollback()


class _Context(SqliteTransactionContext):
    connection: ImmediateTransaction

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            # one that was cancelled has begun all the same: the connection's own thread does not stop
            await self.connection.undo()
            self._trxlock.release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return self.connection


class ImmediateSqliteClient(_Telling):
    def __init__(self, file_path: str, **kwargs: Any) -> None:
        kwargs.setdefault("busy_timeout", 10_000)  # ms that a writer waits for another process
        # An ack promises that the row survives, a power cut included: WAL alone would not sync at commit.
        kwargs.setdefault("synchronous", "FULL")
        # What is deleted is overwritten: SQLite's own default leaves its bytes in the file, and differs by build.
        kwargs.setdefault("secure_delete", "ON")
        super().__init__(file_path, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return _Context(ImmediateTransaction(self), self._lock)


client_class = ImmediateSqliteClient
