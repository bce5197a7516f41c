"""One question for many who ask at once.

After a restart thousands of clients come back within a second, and each needs the same few reads. Asked one by one
they are thousands of queries; gathered they are a few dozen, and who asks alone waits for nobody.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from mypick import db
from mypick.slices import slices

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 1_000  # questions in one batch; what is more waits for the next, which begins at once
CALM, STORM = 200, 1_000  # questions a second: up to the first nobody waits, from the second on everybody most
LONGEST_PAUSE = 0.5  # seconds between two batches in a storm: at 2,000 questions a second each is full
TOLD_AT_ONCE = 10  # callers in one turn of the loop: each is a task that is woken, and goes on for 50 to 150 µs
TOLD_WITHIN = 5  # turns; of a full batch 200 callers, 10 to 16 ms, have one together
WAIT_AT_MOST = 3 * TOLD_WITHIN  # turns for those who come one after the other, of several batches perhaps
MEMORY = 0.25  # seconds over which the rate is measured: two questions at once are no storm


class Gathering(Generic[K, V]):
    """``ask`` answers many questions at once; a question that has no answer is left out of what it returns.

    The first question is asked in the same turn of the loop where it stays alone. While others come, turn by turn, it
    waits for them, ``WAIT_AT_MOST`` turns at most: so those who were told together one thing ask together for the next.
    After a batch comes a pause in which questions gather; its length follows the rate of questions, so that there is
    none while few come. An answer is never older than its question. With no ``longest_pause`` only turns are shared.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        most: int = MOST,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._ask = ask
        self._most = most
        self._longest_pause = longest_pause
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}  # bound: one for each caller
        self._batches: set[asyncio.Task[None]] = set()
        self._due: asyncio.Handle | None = None
        self._came = self._turns = 0  # questions since the last look, and looks that waited for more
        self._began_at = -math.inf
        self._free_at = 0.0
        self._recent = 0.0  # questions of late; those of MEMORY seconds ago count for a third

    async def get(self, question: K) -> V | None:
        """The answer, or None where there is none. What ``ask`` raises, everybody in the batch gets. Not inside a
        transaction: the batch of many is in nobody's."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[V | None] = loop.create_future()
        self._waiting.setdefault(question, []).append(answer)
        if self._due is None:
            if db.in_a_transaction():  # of the first, whose context becomes the batch's
                self._waiting.clear()
                raise RuntimeError("a gathered question must not be asked inside a transaction")
            self._came, self._turns = 0, 0
            self._due = loop.call_at(max(loop.time(), self._free_at), self._look)
        else:
            self._came += 1
        return await answer

    def _look(self) -> None:
        """Once a turn: ask, unless others came in the last one."""
        if self._came and self._turns < WAIT_AT_MOST and len(self._waiting) < self._most:
            self._came, self._turns = 0, self._turns + 1
            self._due = asyncio.get_running_loop().call_soon(self._look)
        else:
            self._begin()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        batch = self._waiting
        self._waiting = {}
        if len(batch) > self._most:
            questions = list(batch)
            self._waiting = {question: batch.pop(question) for question in questions[self._most :]}
        now = loop.time()
        self._recent = self._recent * math.exp((self._began_at - now) / MEMORY) + len(batch)
        self._began_at = now
        rate = self._recent / MEMORY
        self._free_at = now + self._longest_pause * min(1.0, max(0.0, (rate - CALM) / (STORM - CALM)))
        self._due = loop.call_soon(self._begin) if self._waiting else None
        task = loop.create_task(self._answer(batch), name="gathering")
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def _answer(self, batch: Mapping[K, Sequence[asyncio.Future[V | None]]]) -> None:
        asked = [(question, future) for question, futures in batch.items() for future in futures]
        at_once = max(TOLD_AT_ONCE, len(asked) // TOLD_WITHIN)
        try:
            try:
                answers = await self._ask(list(batch))
            except Exception as failure:
                async for part in slices(asked, at_once):
                    for _, future in _unanswered(part):
                        future.set_exception(failure)
            else:
                async for part in slices(asked, at_once):
                    for question, future in _unanswered(part):
                        future.set_result(answers.get(question))
        finally:
            for _, future in _unanswered(asked):
                future.set_exception(ConnectionError("this process is closing"))


def _unanswered(asked: Iterable[tuple[K, asyncio.Future[V]]]) -> Iterator[tuple[K, asyncio.Future[V]]]:
    """But for those who have gone."""
    return ((question, future) for question, future in asked if not future.done())
