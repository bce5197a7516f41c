"""Work on a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.clock import SystemClock
from mypick.db import Database
from mypick.jobs.leadership import Leadership
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.schedule import Schedule, Schedules
from mypick.jobs.work import Handler, Work
from tests.fakes import FakeClock
from tests.jobs.conftest import WAIT_S, Heard, MakeJobs, eventually, running


async def do_nothing(*_: object) -> None:
    pass


@given(
    seconds=st.integers(1, 100_000),
    name=st.text(min_size=1, max_size=20),
    now=st.integers(1_500_000_000, 2_500_000_000),
)
def test_a_moment_is_the_same_for_all_until_the_next_one(seconds: int, name: str, now: int) -> None:
    schedule, at = Schedule(name, seconds, do_nothing), datetime.fromtimestamp(now, UTC)
    moment = schedule.moment(at)
    assert timedelta(0) <= at - moment < timedelta(seconds=seconds)
    assert schedule.moment(moment) == moment
    assert schedule.moment(moment + timedelta(seconds=seconds)) == moment + timedelta(seconds=seconds)


async def test_a_moment_armed_by_two_is_done_once_and_the_next_one_again(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    jobs = make_jobs()
    jobs.register("poll", do_nothing)
    await jobs.start(process)
    armed = await asyncio.gather(*(jobs.arm("poll", {}, key="schedule:poll", at=clock.now()) for _ in range(2)))
    assert sorted(armed) == [False, True]
    assert not await jobs.arm("poll", {}, key="schedule:poll", at=clock.now() + timedelta(seconds=5)), "it waits still"
    jobs.wake()
    await heard.until("done")
    assert not await jobs.arm("poll", {}, key="schedule:poll", at=clock.now()), "this moment was done"
    clock.advance(5)
    assert await jobs.arm("poll", {"n": 2}, key="schedule:poll", at=clock.now())
    jobs.wake()
    await heard.until("done", 2)
    assert await Job.all().count() == 1


@pytest.mark.parametrize("done", [False, True])
async def test_a_moment_of_a_clock_that_ran_ahead_is_forgotten(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock, done: bool
) -> None:
    jobs = make_jobs()
    jobs.register("poll", do_nothing)
    await jobs.start(process)
    wrong = clock.now() + timedelta(hours=1)
    assert await jobs.arm("poll", {}, key="schedule:poll", at=wrong)
    if done:
        await Job.all().update(state="done", finished_at=wrong)
    assert await jobs.arm("poll", {}, key="schedule:poll", at=clock.now())
    jobs.wake()
    await heard.until("done")
    soon = clock.now() + timedelta(seconds=5)
    assert await jobs.arm("poll", {}, key="schedule:poll", at=soon)
    assert not await jobs.arm("poll", {}, key="schedule:poll", at=clock.now()), "a moment nearby waits its turn"


async def test_only_the_leader_fires(database: Database, make_jobs: MakeJobs, clock: FakeClock) -> None:
    fired: list[str] = []
    both: list[Schedules] = []
    leaderships: list[Leadership] = []
    for name in ("a", "b"):

        async def note(name: str = name) -> None:
            fired.append(name)

        leaderships.append(Leadership("schedules", name, clock))
        schedules = Schedules(make_jobs(), leaderships[-1], clock)
        schedules.every(5, note, "note")
        both.append(schedules)
    assert await leaderships[0].renew()
    assert [await schedules.fire("note", clock.now()) for schedules in both] == [True, False]
    assert [len(schedules.pending()) for schedules in both] == [2, 0]
    assert fired == ["a"]
    for schedules in both:
        await schedules.close()


async def test_a_callback_never_runs_twice_at_once(
    sqlite_database: Database, make_jobs: MakeJobs, clock: FakeClock
) -> None:
    release, started, runs = asyncio.Event(), asyncio.Event(), 0

    async def slow() -> None:
        nonlocal runs
        runs += 1
        started.set()
        await release.wait()

    leadership = Leadership("schedules", "a", clock)
    schedules = Schedules(make_jobs(), leadership, clock)
    schedules.every(1, slow, "slow")
    await leadership.renew()
    first = asyncio.create_task(schedules.fire("slow", clock.now()))
    await eventually(started)
    await schedules.fire("slow", clock.now())
    release.set()
    await first
    assert runs == 1
    await schedules.close()


async def test_schedules_fire_again_and_again_and_a_follower_takes_over(
    database: Database, make_jobs: MakeJobs, heard: Heard
) -> None:
    """Two processes in real time; the first stops as a killed one does, without giving its lease back."""
    clock = SystemClock()
    seen: list[str] = []
    came = asyncio.Condition()

    def handler(name: str) -> Handler:
        async def handle(work: Work) -> None:
            async with came:
                seen.append(name)
                came.notify_all()

        return handle

    async def until(enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), came:
            await came.wait_for(enough)

    async with running(clock) as first, running(clock) as second:
        both = []
        for name, process in (("a", first), ("b", second)):
            jobs = make_jobs(clock=clock)
            jobs.register("tick", handler(name))
            leadership = Leadership("schedules", name, clock, lease_s=1.5, renew_s=0.5)
            schedules = Schedules(jobs, leadership, clock)
            schedules.every(1, "tick")
            await leadership.renew()
            await jobs.start(process)
            await schedules.start(process)
            both.append(schedules)
        assert [schedules.leading for schedules in both] == [True, False]
        await until(lambda: seen.count("a") >= 2)
        await first.close()
        await until(lambda: seen.count("b") >= 2)
        await both[1].close()
    row = await Job.get()
    assert row.dedupe_key == "schedule:tick"
    assert len(seen) <= (row.due_at - row.created_at).total_seconds() + 2, "not more often than each second"


def test_what_is_no_schedule_is_refused(make_jobs: MakeJobs, clock: FakeClock) -> None:
    schedules = Schedules(make_jobs(), Leadership("schedules", "a", clock), clock)
    schedules.every(5, "poll")
    with pytest.raises(ValueError, match="exists already"):
        schedules.every(9, "poll")
    with pytest.raises(ValueError, match="needs a name"):
        schedules.every(5, do_nothing)
    with pytest.raises(ValueError, match="above zero"):
        schedules.every(0, "other")


async def test_schedules_go_on_where_the_clock_is_set_back(
    sqlite_database: Database, make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SetBack(SystemClock):
        by = timedelta()

        def now(self) -> datetime:
            return super().now() - self.by

    clock, fired = SetBack(), asyncio.Queue[None]()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # Self cannot be made of it
            return clock.now().astimezone(tz)

    async def fire() -> None:
        fired.put_nowait(None)

    monkeypatch.setattr("taskiq.cli.scheduler.run.datetime", Stepped)
    async with running(clock) as process:
        schedules = Schedules(make_jobs(clock=clock), Leadership("schedules", "a", SystemClock()), clock)
        schedules.every(1, fire, "fire")
        await schedules.start(process)
        for by in (timedelta(), timedelta(hours=1)):
            clock.by = by
            async with asyncio.timeout(WAIT_S):
                for _ in range(2):
                    await fired.get()
        await schedules.close()
