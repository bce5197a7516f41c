"""Tortoise's MySQL engine with two changes: tables compare text byte by byte, and transactions end.

Channel ids, video ids and client-made ``cid``s differ by case; MySQL's default collation would take two of them
for one. The schema editor writes the client's ``charset`` after ``CHARACTER SET``, so the collation rides along.
"""

from __future__ import annotations

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.mysql.client import MySQLClient, TransactionWrapper

from mypick.pooled import PooledTransaction


class BinaryCollationClient(MySQLClient):
    async def create_connection(self, with_db: bool) -> None:
        self.charset = "utf8mb4"
        await super().create_connection(with_db)
        self.charset = "utf8mb4 COLLATE utf8mb4_bin"

    def _in_transaction(self) -> TransactionContext:
        return PooledTransaction(TransactionWrapper(self), self._pool_init_lock)


client_class = BinaryCollationClient
