"""Tortoise's SQLite engine with one change: a transaction takes the write lock when it begins.

With SQLite's deferred ``BEGIN`` a transaction that reads and then writes fails at once with "database is locked"
if another process wrote in between; no ``busy_timeout`` waits for that. ``BEGIN IMMEDIATE`` waits in turn, so that
``run.py seed`` may run beside ``run.py serve``.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.exceptions import TransactionManagementError


class ImmediateTransaction(SqliteTransactionWrapper):
    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as failure:
            raise TransactionManagementError(failure) from failure


class ImmediateSqliteClient(SqliteClient):
    def __init__(self, file_path: str, **kwargs: Any) -> None:
        kwargs.setdefault("busy_timeout", 10_000)  # ms that a writer waits for another process
        # An ack promises that the row survives, a power cut included: WAL alone would not sync at commit.
        kwargs.setdefault("synchronous", "FULL")
        super().__init__(file_path, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateSqliteClient
