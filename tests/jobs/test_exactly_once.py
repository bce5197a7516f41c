"""Whatever fails or is killed when, every effect is there once."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.expressions import F

from mypick import db
from mypick.clock import SystemClock
from mypick.db import Database
from mypick.ids import IdBlock
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.work import LeaseLost, Work
from tests.fakes import FakeClock
from tests.jobs.conftest import WAIT_S, Heard, MakeJobs, eventually, running

ROOT = Path(__file__).parents[2]
STEPS = 3
# Where in a step a worker may be hit; the last step ends with complete() in the place of checkpoint().
MOMENTS = (
    "before the transaction",
    "before the effect",
    "before the checkpoint",
    "before the commit",
    "after the commit",
)

Blow = Callable[[], Awaitable[None]]


class Steps:
    """A handler of ``STEPS`` effects, each committed with the progress that proves it, and blows set at moments."""

    def __init__(self) -> None:
        self.blows: dict[tuple[int, str], Blow] = {}

    async def __call__(self, work: Work) -> None:
        for step in range(work.cursor or 0, STEPS):
            await self._meet(step, MOMENTS[0])
            async with db.transaction():
                await self._meet(step, MOMENTS[1])
                await IdBlock.get_or_create(name=f"effect {step}", defaults={"next_id": 0})
                await IdBlock.filter(name=f"effect {step}").update(next_id=F("next_id") + 1)
                await self._meet(step, MOMENTS[2])
                if step + 1 < STEPS:
                    await work.checkpoint(step + 1)
                else:
                    await work.complete()
                await self._meet(step, MOMENTS[3])
            await self._meet(step, MOMENTS[4])

    async def _meet(self, step: int, moment: str) -> None:
        if blow := self.blows.pop((step, moment), None):
            await blow()


async def crash() -> None:
    raise ConnectionError("hit")


async def assert_every_effect_once() -> None:
    effects = await IdBlock.filter(name__startswith="effect").order_by("name").values_list("name", "next_id")
    assert effects == [(f"effect {step}", 1) for step in range(STEPS)]
    assert (await Job.get()).state == "done"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", range(STEPS))
async def test_a_failure_at_any_moment_of_any_step_leaves_every_effect_once(
    step: int,
    moment: str,
    database: Database,
    make_jobs: MakeJobs,
    process: ProcessJobs,
    heard: Heard,
    clock: FakeClock,
) -> None:
    steps = Steps()
    steps.blows[step, moment] = crash
    jobs = make_jobs()
    jobs.register("steps", steps)
    await jobs.start(process)
    await jobs.enqueue("steps", {})
    jobs.wake()
    done_and_then_hit = (step, moment) == (STEPS - 1, MOMENTS[-1])
    await heard.until("lost" if done_and_then_hit else "retried")
    assert steps.blows == {}
    if not done_and_then_hit:
        clock.advance(1)
        jobs.wake()
        await heard.until("done")
    await assert_every_effect_once()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blows=st.lists(st.tuples(st.integers(0, STEPS - 1), st.sampled_from(MOMENTS)), unique=True, max_size=7))
async def test_any_failures_in_any_order_leave_every_effect_once(
    blows: list[tuple[int, str]], sqlite_database: Database
) -> None:
    await Job.all().delete()
    await IdBlock.filter(name__startswith="effect").delete()
    clock, heard, steps = FakeClock(), Heard(), Steps()
    steps.blows = dict.fromkeys(blows, crash)
    jobs = Jobs(clock, sweep_interval_s=3600, measures=heard)
    jobs.register("steps", steps)
    async with running(clock) as process:
        await jobs.start(process)
        await jobs.enqueue("steps", {})
        for tries in range(1, len(blows) + 2):
            jobs.wake()
            await heard.until_any(tries)
            clock.advance(300)
        await jobs.close()
    await assert_every_effect_once()


@pytest.mark.parametrize("moment", [MOMENTS[0], MOMENTS[1], MOMENTS[2], MOMENTS[4]])
async def test_a_worker_whose_job_was_taken_over_does_nothing_more(
    moment: str, database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    if db.dialect() == "sqlite" and moment in MOMENTS[1:3]:
        pytest.skip("nobody else can write while a transaction of SQLite is open")
    steps, refused = Steps(), asyncio.Event()

    async def slow(work: Work) -> None:
        try:
            await steps(work)
        except LeaseLost:
            refused.set()
            raise

    async def taken_over() -> None:
        clock.advance(61)
        other.register("steps", steps_of_other)  # not before: its first sweep would find the job
        other.wake()
        await eventually(taken)

    async def tell() -> None:
        taken.set()

    late, other, taken = make_jobs(), make_jobs(), asyncio.Event()
    late.register("steps", slow)
    steps_of_other = Steps()
    # Its first moment: from then on it may have to wait for what the late one has locked.
    steps_of_other.blows[1 if moment != MOMENTS[4] else 2, MOMENTS[0]] = tell
    steps.blows[1, moment] = taken_over
    await late.start(process)
    async with running(clock) as other_process:
        await other.start(other_process)
        await late.enqueue("steps", {})
        late.wake()
        await heard.until("lost")
        await heard.until("done")
        await other.close()
    assert refused.is_set()
    await assert_every_effect_once()


async def test_a_running_handler_keeps_its_lease(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    """The handler runs for many leases; another worker looks all the time and finds nothing."""
    clock, release = SystemClock(), asyncio.Event()
    runs = 0

    async def handle(work: Work) -> None:
        nonlocal runs
        runs += 1
        await release.wait()

    first, second = make_jobs(clock=clock), make_jobs(clock=clock, sweep_interval_s=0.05)
    for jobs in (first, second):
        jobs.register("slow", handle, lease_s=0.4)
    await first.start(process)
    job_id = await first.enqueue("slow", {})
    async with running(clock) as other_process:
        await second.start(other_process)
        until = clock.now() + timedelta(seconds=1.5)
        async with asyncio.timeout(WAIT_S):
            while not (leased := (await Job.get(id=job_id)).leased_until) or leased < until:
                await second.sweep()
        release.set()
        await heard.until("done")
        await second.close()
    assert runs == 1


async def test_a_job_that_loses_its_workers_at_every_try_is_dead(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    """It may be what kills them. The table is left as two killed workers leave it."""
    jobs = make_jobs()
    jobs.register("steps", Steps(), max_attempts=2)
    job_id = await jobs.enqueue("steps", {})
    await Job.filter(id=job_id).update(attempts=2, lease="gone", leased_until=clock.now() + timedelta(seconds=60))
    await jobs.enqueue("steps", {}, dedupe_key="the next one")
    await jobs.start(process)
    jobs.wake()
    await heard.until("done")
    assert (await Job.get(id=job_id)).state == "due", "its lease stands"
    clock.advance(60)
    await jobs.sweep()
    await jobs.enqueue("steps", {}, dedupe_key="and one more")
    jobs.wake()
    await heard.until("done", 2)
    row = await Job.get(id=job_id)
    assert (row.state, row.attempts) == ("dead", 2)
    assert row.last_error is not None
    assert row.last_error.startswith("WorkerLost")


async def worker(database_url: str, redis_url: str, mode: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.jobs.worker",
        database_url,
        redis_url,
        mode,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    """Wait until the worker prints ``word``; the logs between are passed over."""
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while (line := await process.stdout.readline()).strip() != word.encode():
            assert line, f"the worker ended without saying {word}"


@pytest.mark.parametrize("backend", ["memory", "redis"])
async def test_a_worker_killed_in_mid_handler_is_recovered_by_another(
    backend: str, database: Database, database_url: str, request: pytest.FixtureRequest, make_jobs: MakeJobs
) -> None:
    redis_url = request.getfixturevalue("redis_url") if backend == "redis" else ""
    killed = await worker(database_url, redis_url, "hang")
    rescuer = None
    try:
        await says(killed, "ready")
        await make_jobs().enqueue("steps", {}, priority=5)
        await says(killed, "hanging")
        killed.send_signal(signal.SIGKILL)
        assert await killed.wait() == -signal.SIGKILL
        assert (await Job.get()).state == "due"
        rescuer = await worker(database_url, redis_url, "finish")
        await says(rescuer, "done")
        assert await rescuer.wait() == 0
    finally:
        for process in (killed, rescuer):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
    assert (await Job.get()).attempts == 1  # it had got on, so its tries count from the beginning
    await assert_every_effect_once()
