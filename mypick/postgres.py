"""Tortoise's PostgreSQL client, without the round trip after each statement, and with transactions that end."""

from __future__ import annotations

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext

from mypick.pooled import PooledTransaction


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Nothing here changes the state of a session (``SET`` outside a transaction, ``LISTEN``, advisory locks), so
    nothing is to be reset when a connection goes back to the pool. The reset would be half of all round trips."""

    def get_reset_query(self) -> str:
        return ""


class PostgresClient(AsyncpgDBClient):
    connection_class = _Connection

    def _in_transaction(self) -> TransactionContext:
        return PooledTransaction(TransactionWrapper(self), self._pool_init_lock)


client_class = PostgresClient
