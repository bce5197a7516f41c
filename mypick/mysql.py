"""Tortoise's MySQL engine with three changes: tables compare text byte by byte, updates count what they found, and
transactions end.

Channel ids, video ids and client-made ``cid``s differ by case; MySQL's default collation would take two of them
for one. The schema editor writes the client's ``charset`` after ``CHARACTER SET``, so the collation rides along.

An update that finds a row and has nothing to change in it counts 0 in MySQL, and 1 in every other dialect: whoever asks
whether a row was there would be told that it was not.
"""

from __future__ import annotations

from asyncmy.constants.CLIENT import FOUND_ROWS
from tortoise.backends.base.client import TransactionContext
from tortoise.backends.mysql.client import MySQLClient, TransactionWrapper

from mypick.pooled import PooledTransaction


class BinaryCollationClient(MySQLClient):
    async def create_connection(self, with_db: bool) -> None:
        self.charset = "utf8mb4"
        self.extra["client_flag"] = FOUND_ROWS
        await super().create_connection(with_db)
        self.charset = "utf8mb4 COLLATE utf8mb4_bin"

    def _in_transaction(self) -> TransactionContext:
        return PooledTransaction(TransactionWrapper(self), self._pool_init_lock)


client_class = BinaryCollationClient
