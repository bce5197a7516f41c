"""Ids: never the same twice, over nodes and crashes."""

from __future__ import annotations

import asyncio

import pytest

from mypick.db import Database, transaction
from mypick.ids import BLOCK, IdBlock, Ids
from tests.queries import Killed, counted, power_cut


async def test_two_nodes_that_take_at_once_never_get_the_same(database: Database) -> None:
    nodes = [Ids(), Ids()]
    sizes = [1, 2, 3, 7, BLOCK // 2, BLOCK, BLOCK + 1, 3 * BLOCK]
    taken = await asyncio.gather(*(node.take(size) for size in sizes for node in nodes for _ in range(3)))
    assert [len(block) for block in taken] == [size for size in sizes for _ in range(6)]
    every = [one for block in taken for one in block]
    assert len(every) == len(set(every))
    assert min(every) == 1


async def test_kill_at_any_point_gives_no_id_twice(database: Database) -> None:
    given: list[int] = []
    for statement in (1, 2, 3):
        node = Ids()
        try:
            with power_cut(statement):
                given += await node.take(5)
        except Killed:
            assert statement < 3
        given += await Ids().take(BLOCK)
    assert len(given) == len(set(given)) == 5 + 3 * BLOCK


async def test_block_that_was_not_committed_is_given_to_nobody(database: Database) -> None:
    node = Ids()
    with pytest.raises(Killed), power_cut(2):
        await node.take()
    assert (await node.take()).start == 1


async def test_one_transaction_serves_a_thousand_ids(database: Database) -> None:
    node = Ids()
    with counted() as queries:
        ids = [await node.one() for _ in range(BLOCK)]
    assert len(queries) == 2
    assert ids == list(range(1, BLOCK + 1))


async def test_ids_are_not_taken_inside_a_transaction_that_may_roll_back(database: Database) -> None:
    node = Ids()
    async with transaction():
        with pytest.raises(RuntimeError, match="before the transaction"):
            await node.take()
    async with transaction():
        assert not await IdBlock.filter(next_id__gt=1).exists()


async def test_lost_counter_is_refused_and_not_begun_anew(database: Database) -> None:
    await IdBlock.all().delete()
    with pytest.raises(RuntimeError, match=r"run\.py migrate"):
        await Ids().take()
