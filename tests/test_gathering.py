"""One question for many: who is asked together, and what becomes of failures and of those who go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest

from mypick import db
from mypick.db import Database
from mypick.gathering import TOLD_AT_ONCE, Gathering

Batches = list[list[int]]


class Asked:
    """Answers with the question's double, but for 13, and keeps the batches."""

    def __init__(self) -> None:
        self.batches: Batches = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def __call__(self, questions: Sequence[int]) -> dict[int, int]:
        self.batches.append(list(questions))
        await self.gate.wait()
        if self.failure:
            raise self.failure
        return {number: 2 * number for number in questions if number != 13}


@pytest.fixture
async def asked(database: Database) -> Asked:
    return Asked()


async def test_who_ask_in_one_turn_are_asked_for_together_and_each_has_an_answer_of_its_own(asked: Asked) -> None:
    gathering = Gathering(asked)
    answers = await asyncio.gather(*(gathering.get(number) for number in (1, 2, 3, 2, 13)))
    assert list(answers) == [2, 4, 6, 4, None]
    assert asked.batches == [[1, 2, 3, 13]]


async def test_more_than_a_batch_holds_wait_for_the_next(asked: Asked) -> None:
    gathering = Gathering(asked, most=10)
    assert await asyncio.gather(*(gathering.get(number) for number in range(100, 125))) == [
        2 * number for number in range(100, 125)
    ]
    assert [len(batch) for batch in asked.batches] == [10, 10, 5]


@pytest.mark.parametrize("fails", [False, True], ids=["answers", "a failure"])
async def test_those_of_one_batch_are_woken_over_several_turns(asked: Asked, fails: bool) -> None:
    gathering = Gathering(asked)
    asked.failure = ConnectionError("the database is away") if fails else None
    turn, woken = 0, Counter[int]()

    async def ask(number: int) -> None:
        with suppress(ConnectionError):
            await gathering.get(number)
        woken[turn] += 1

    tasks = [asyncio.create_task(ask(number)) for number in range(45)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        turn += 1
    assert (len(asked.batches), sum(woken.values()), max(woken.values())) == (1, 45, TOLD_AT_ONCE)


async def test_who_is_not_told_yet_when_all_ends_hears_of_it(asked: Asked) -> None:
    gathering = Gathering(asked)
    tasks = [asyncio.create_task(gathering.get(number)) for number in range(3 * TOLD_AT_ONCE)]
    while not any(task.done() for task in tasks):
        await asyncio.sleep(0)
    for batch in gathering._batches:
        batch.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[:TOLD_AT_ONCE] == [2 * number for number in range(TOLD_AT_ONCE) if number != 13]
    assert isinstance(answers[-1], ConnectionError)


async def test_an_answer_is_never_older_than_its_question(asked: Asked) -> None:
    gathering = Gathering(asked)
    asked.gate.clear()
    early = asyncio.create_task(gathering.get(1))
    while not asked.batches:
        await asyncio.sleep(0)
    late = asyncio.create_task(gathering.get(1))  # the first batch may have read already
    while len(asked.batches) < 2:
        await asyncio.sleep(0)
    asked.gate.set()
    assert list(await asyncio.gather(early, late)) == [2, 2]
    assert asked.batches == [[1], [1]]


async def test_a_failure_reaches_everybody_of_its_batch_and_nobody_else(asked: Asked) -> None:
    gathering = Gathering(asked)
    asked.failure = ConnectionError("the database is away")
    failed = await asyncio.gather(gathering.get(1), gathering.get(2), return_exceptions=True)
    assert list(failed) == [asked.failure, asked.failure]
    asked.failure = None
    assert await gathering.get(1) == 2


async def test_who_goes_takes_no_answer_from_others(asked: Asked) -> None:
    gathering = Gathering(asked)
    asked.gate.clear()
    goes, stays = asyncio.create_task(gathering.get(7)), asyncio.create_task(gathering.get(7))
    while not asked.batches:
        await asyncio.sleep(0)
    goes.cancel()
    asked.gate.set()
    assert await stays == 14
    with pytest.raises(asyncio.CancelledError):
        await goes
    assert asked.batches == [[7]]


async def test_after_many_the_next_gather_for_a_while(asked: Asked) -> None:
    gathering = Gathering(asked)
    await asyncio.gather(*(gathering.get(number) for number in range(1_000)))
    one = asyncio.create_task(gathering.get(-1))
    for _ in range(5):  # turns of the loop in which nothing is asked
        await asyncio.sleep(0)
    assert list(await asyncio.gather(one, gathering.get(-2))) == [-2, -4]
    assert asked.batches[1:] == [[-1, -2]]


async def test_inside_a_transaction_nothing_is_gathered(asked: Asked) -> None:
    gathering = Gathering(asked)
    async with db.transaction():
        with pytest.raises(RuntimeError, match="transaction"):
            await gathering.get(1)
    assert asked.batches == []


async def test_who_ask_while_others_come_are_asked_for_together(asked: Asked) -> None:
    """As those do whom a batch has just told something, some in each turn."""
    gathering = Gathering(asked)
    tasks = []
    for number in range(3):
        tasks += [asyncio.create_task(gathering.get(2 * number + other + 100)) for other in range(2)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert asked.batches == [[100, 101, 102, 103, 104, 105]]
    assert gathering._turns > 0, "each turn but the last brought more"
    assert await gathering.get(7) == 14
    assert gathering._turns == 0, "who is alone waits for nobody"
