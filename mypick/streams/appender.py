"""Group commit: appends that arrive together share one transaction."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

import structlog
from tortoise.exceptions import IntegrityError

from mypick import db
from mypick.errors import Code, DomainError
from mypick.metrics import Metrics
from mypick.streams.commit import Committer
from mypick.streams.events import Append, Done, Event

log = structlog.get_logger(__name__)

MAX_GROUP = 128  # units in one transaction: more gained nothing and held the locks longer
MAX_WAITING = 10_000  # units in the queue; beyond it the caller is told to come back
ATTEMPTS = 5  # of one unit against deadlocks, lost connections and races for one cid
FIRST_WAIT = 0.01  # seconds before the second attempt; doubled and jittered after
MAX_UNPUBLISHED = 2  # groups that are committed and wait to be published; beyond it committing waits

_Waiting = tuple[Append, asyncio.Future[Done]]


class Appender:
    """Takes units, writes them in groups, publishes after the commit and only then answers.

    While one transaction is under way the next group gathers, so a quiet node answers at the speed of one commit and
    a busy one fills its groups by itself. While one group is published the next one commits: the database need not
    wait for frames to be made. If a group fails, its units are written one by one: a unit that cannot be written fails
    alone.
    """

    def __init__(
        self,
        committer: Committer,
        publish: Callable[[Sequence[Event]], Awaitable[None]],
        *,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._committer = committer
        self._publish = publish
        self._rng = rng
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._committed: asyncio.Queue[tuple[list[_Waiting], list[Done | DomainError]] | None] = asyncio.Queue(
            MAX_UNPUBLISHED
        )
        self._wake = asyncio.Event()
        self._closing = False
        self._written = asyncio.Event()

    @property
    def depth(self) -> int:
        return len(self._waiting)

    async def append(self, unit: Append) -> Done:
        """Write ``unit`` in the next group. Returns after its commit.

        Raises what the unit's own functions raise, ``CID_REUSED``, or ``UNAVAILABLE`` when the queue is full or the
        database does not take it.
        """
        if self._closing or len(self._waiting) >= MAX_WAITING:
            raise DomainError(
                Code.UNAVAILABLE, "too much is waiting to be written: try again", retry_after_ms=1_000
            )
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, answer))
        self._wake.set()
        return await answer

    async def append_alone(self, unit: Append) -> Done:
        """Write ``unit`` in a transaction of its own, beside the groups. For units that lock many streams, so that
        chat does not wait behind a fan-out."""
        return await self._one(unit)

    async def run(self) -> None:
        """Both loops; ends after ``close`` once all that waited is written and answered."""
        async with asyncio.TaskGroup() as loops:  # what ends one of them ends the other
            loops.create_task(self._commit_groups())
            loops.create_task(self._publish_groups())
        self._written.set()

    async def _commit_groups(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)  # let the others of this turn of the loop come along
            group = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
            # a caller that has gone away does not unsay its command, but one that never began need not
            group = [(unit, answer) for unit, answer in group if not answer.cancelled()]
            if group:
                await self._write(group)
            if not self._waiting:
                self._wake.clear()
                if self._closing:
                    await self._committed.put(None)
                    return

    async def _publish_groups(self) -> None:
        while committed := await self._committed.get():
            group, answers = committed
            await self._tell(answers)
            for (_, answer), result in zip(group, answers, strict=True):
                _settle(answer, result)
            self._committed.task_done()

    def close(self) -> None:
        """Take no more; what waits is still written."""
        self._closing = True
        self._wake.set()

    async def written(self, within: float) -> bool:
        """After ``close``: whether all that waited was written ``within`` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._written.wait()
        except TimeoutError:
            log.error("appends were given up", waiting=len(self._waiting))
            return False
        return True

    async def _write(self, group: list[_Waiting]) -> None:
        try:
            answers = await self._commit([unit for unit, _ in group])
        except Exception as failure:
            if len(group) > 1:
                log.info("group failed, writing its units one by one", units=len(group), error=repr(failure))
            await self._committed.join()  # so that what came before is published before
            for unit, answer in group:
                try:
                    _settle(answer, await self._one(unit))
                except Exception as own:
                    _settle(answer, own)
            return
        await self._committed.put((group, answers))

    async def _commit(self, units: Sequence[Append]) -> list[Done | DomainError]:
        began = perf_counter()
        try:
            answers = await self._committer.commit(units)
        except BaseException:
            self._metrics.stream_commits.labels("failed").inc()
            raise
        self._metrics.stream_commits.labels("ok").inc()
        self._metrics.stream_commit_appends.observe(len(units))
        self._metrics.stream_commit_seconds.observe(perf_counter() - began)
        return answers

    async def _tell(self, answers: Sequence[Done | DomainError]) -> None:
        events = [event for answer in answers if isinstance(answer, Done) for event in answer.events]
        if events:
            try:
                await self._publish(events)
            except Exception:  # it is committed: a lost wake-up is only a delay, a second writing would be a lie
                log.exception("publishing failed, the head check will deliver", events=len(events))

    async def _one(self, unit: Append) -> Done:
        wait = FIRST_WAIT
        for attempt in range(1, ATTEMPTS + 1):
            try:
                (answer,) = await self._commit([unit])
            except db.FAILURES as failure:
                # a row that breaks a rule will break it again; a race for one cid is found by the second look
                if attempt == ATTEMPTS or (isinstance(failure, IntegrityError) and attempt > 1):
                    log.error("append failed", attempts=attempt, error=repr(failure), streams=sorted(unit.keys)[:5])
                    raise DomainError(
                        Code.UNAVAILABLE, "it could not be written: try again", retry_after_ms=1_000
                    ) from failure
                await asyncio.sleep(wait * self._rng.uniform(0.5, 1.5))
                wait *= 2
            else:
                if isinstance(answer, DomainError):
                    raise answer
                await self._tell([answer])
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")


def _settle(answer: asyncio.Future[Done], result: Done | Exception) -> None:
    if answer.done():  # the caller has gone
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
