"""Workers, and an ear for what becomes of their jobs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from mypick.clock import Clock
from mypick.db import Database
from mypick.jobs.measures import Outcome
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from tests.fakes import FakeClock

WAIT_S = 20.0  # a test that waits longer has failed


class Heard:
    """Measures that a test can wait for."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, Outcome]] = []
        self.waited: list[float] = []
        self.depth: dict[str, tuple[int, float]] = {}
        self.dead: int | None = None
        self._changed = asyncio.Condition()
        self._tell: set[asyncio.Task[None]] = set()

    def job_ended(self, kind: str, outcome: Outcome, seconds: float) -> None:
        self.ended.append((kind, outcome))
        task = asyncio.create_task(self._notify())
        self._tell.add(task)
        task.add_done_callback(self._tell.discard)

    def job_waited(self, lane: str, seconds: float) -> None:
        self.waited.append(seconds)

    def jobs_due(self, lane: str, depth: int, oldest_s: float) -> None:
        self.depth[lane] = (depth, oldest_s)

    def jobs_dead(self, count: int) -> None:
        self.dead = count

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until_any(self, times: int) -> None:
        """Wait until ``times`` tries ended, however, or a job is done."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(
                lambda: len(self.ended) >= times or any(outcome in ("done", "lost") for _, outcome in self.ended)
            )

    async def until(self, outcome: Outcome, times: int = 1) -> None:
        """Wait until ``outcome`` was heard ``times`` times."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: [o for _, o in self.ended].count(outcome) >= times)


@pytest.fixture
def heard() -> Heard:
    return Heard()


MakeJobs = Callable[..., Jobs]


@pytest.fixture
async def make_jobs(clock: FakeClock, heard: Heard) -> AsyncIterator[MakeJobs]:
    """Makes workers on the test's clock; all are closed at the end. Sweeps come only when the test asks."""
    made: list[Jobs] = []

    def make(**options: Any) -> Jobs:
        rng = random.Random(7)
        standard: dict[str, Any] = {"clock": clock, "sweep_interval_s": 3600, "measures": heard, "rng": rng}
        made.append(Jobs(**(standard | options)))
        return made[-1]

    yield make
    for jobs in made:
        await jobs.close(grace_s=0.1)


@pytest.fixture
async def process(database: Database) -> AsyncIterator[ProcessJobs]:
    async with running(FakeClock()) as jobs:
        yield jobs


class running:  # noqa: N801 - reads as a verb: ``async with running(clock)``
    """The jobs of a process, closed at the end."""

    def __init__(self, clock: Clock) -> None:
        self.jobs = ProcessJobs(clock, rng=random.Random(7))

    async def __aenter__(self) -> ProcessJobs:
        return self.jobs

    async def __aexit__(self, *exception: object) -> None:
        await self.jobs.close()


async def eventually(met: asyncio.Event) -> None:
    """Wait for ``met``; the test fails after ``WAIT_S`` seconds."""
    async with asyncio.timeout(WAIT_S):
        await met.wait()
