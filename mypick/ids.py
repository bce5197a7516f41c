"""Ids known before the row is written, the same on every dialect.

Bulk inserts do not return ids on SQLite and MySQL, and an event must carry the id of the row it tells of. So ids of
hot tables are taken in blocks from one counter row (the hi/lo scheme): one short transaction for each 1,000 ids, or
for each 64 takes where more are taken at a time, none in between. A crash leaves a gap in the numbers, never a
duplicate. Ids stay far below 2^53, so JavaScript reads them.
"""

from __future__ import annotations

import asyncio

from tortoise import fields
from tortoise.models import Model

from mypick import db

BLOCK = 1_000
TAKES = 64  # that a block lasts: a busy writer takes 128 ids at a time, and each new block holds it up for 5–20 ms
_COUNTER = "ids"


class IdBlock(Model):
    """The next id that no process has taken yet."""

    name = fields.CharField(max_length=32, primary_key=True)
    next_id = fields.BigIntField()

    class Meta:
        table = "id_block"


class Ids:
    """Gives ids out of a block that this process owns. Take them before the transaction that uses them."""

    def __init__(self) -> None:
        self._next = 0
        self._end = 0
        self._lock = asyncio.Lock()

    async def take(self, count: int = 1) -> range:
        """``count`` ids in a row, never given before and never again."""
        async with self._lock:
            if self._end - self._next < count:
                await self._reserve(max(BLOCK, TAKES * count))
            first = self._next
            self._next += count
            return range(first, self._next)

    async def one(self) -> int:
        return (await self.take())[0]

    async def _reserve(self, count: int) -> None:
        if db.in_a_transaction():
            # rolled back with it, the block would be given out twice
            raise RuntimeError("ids must be taken before the transaction opens")
        async with db.transaction() as open_transaction:
            await open_transaction.execute_query(
                f"UPDATE id_block SET next_id = next_id + {count:d} WHERE name = '{_COUNTER}'"  # noqa: S608
            )
            row = await IdBlock.filter(name=_COUNTER).using_db(open_transaction).first()
            if row is None:
                # the migration made the row; without it every id would be a guess
                raise RuntimeError("the table id_block has lost its row: run `python run.py migrate`")
        self._next, self._end = row.next_id - count, row.next_id
