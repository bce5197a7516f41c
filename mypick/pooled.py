"""Tortoise's transactions over a pool, made to leave nothing behind when the connection is lost.

Tortoise sets the task's connection before the transaction has begun, and resets it after the connection went back.
Where either of the two fails, as it does when a network cuts the connection just then, the task would keep a dead one
for its life, and each later transaction would be inside that one; what could not begin would never go back.
"""

from __future__ import annotations

import contextlib
from typing import Any

from tortoise.backends.base.client import TransactionalDBClient, TransactionContextPooled
from tortoise.connection import get_connections


class PooledTransaction(TransactionContextPooled):
    __slots__ = ()

    async def __aenter__(self) -> TransactionalDBClient:
        try:
            return await super().__aenter__()
        except BaseException:
            if self._forget() and (pool := self.client._parent._pool):
                with contextlib.suppress(Exception):  # it is lost, which is told already
                    await pool.release(self.client._connection)
            raise

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        try:
            await super().__aexit__(exc_type, exc_val, exc_tb)
        finally:
            self._forget()

    def _forget(self) -> bool:
        """Give the task its connection back, unless it has it. Whether this was needed."""
        connections = get_connections()
        needed = connections.get(self.connection_name) is self.client
        if needed:
            connections.reset(self.token)
        return needed
