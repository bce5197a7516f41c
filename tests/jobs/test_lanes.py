"""Which work goes first, and how much at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mypick.db import Database
from mypick.jobs.lanes import LANES, Lane, lane_of
from mypick.jobs.process import ProcessJobs
from mypick.jobs.work import Work
from tests.fakes import FakeClock
from tests.jobs.conftest import Heard, MakeJobs, eventually

ONE_AT_A_TIME = (Lane("urgent", 1, 3, 1), Lane("normal", 4, 6, 1), Lane("low", 7, 9, 1))


async def test_within_a_lane_priority_comes_first_then_the_time_due(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    order: list[int] = []

    async def handle(work: Work) -> None:
        order.append(work.args)

    jobs = make_jobs(lanes=ONE_AT_A_TIME)
    jobs.register("greet", handle)
    clock.advance(100)
    for name, priority, ago in ((1, 6, 90), (2, 4, 10), (3, 5, 50), (4, 4, 20), (5, 5, 60)):
        due_at = clock.now() - timedelta(seconds=ago)
        await jobs.enqueue("greet", name, priority=priority, due_at=due_at)
    await jobs.start(process)
    jobs.wake()
    await heard.until("done", 5)
    assert order == [4, 2, 5, 3, 1]


async def test_low_work_that_fills_its_lane_never_holds_up_urgent_work(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    release, running = asyncio.Event(), 0
    full = asyncio.Event()

    async def slow(work: Work) -> None:
        nonlocal running
        running += 1
        if running == LANES[2].concurrency:
            full.set()
        await release.wait()

    async def quick(work: Work) -> None:
        pass

    jobs = make_jobs()
    jobs.register("slow", slow, priority=9)
    jobs.register("quick", quick, priority=1)
    await jobs.start(process)
    for _ in range(10):
        await jobs.enqueue("slow", {})
    jobs.wake("slow")
    await eventually(full)
    await jobs.enqueue("quick", {})
    jobs.wake("quick")
    await heard.until("done")
    assert heard.ended == [("quick", "done")]
    assert running == LANES[2].concurrency == len(jobs.running)
    release.set()
    await heard.until("done", 11)


async def test_no_more_handlers_than_the_lane_allows_and_every_place_is_filled(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    running, most = 0, 0
    full = asyncio.Event()

    async def handle(work: Work) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == lane_of(5).concurrency:
            full.set()
        await full.wait()
        running -= 1

    jobs = make_jobs()
    jobs.register("poll", handle)
    await jobs.start(process)
    for number in range(12):
        await jobs.enqueue("poll", number)
    jobs.wake()
    await heard.until("done", 12)
    assert most == lane_of(5).concurrency
