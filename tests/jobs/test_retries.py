"""Work that fails: tried again with longer waits, until it is dead."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.backoff import BackOff
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.work import Permanent, Retry, Work, describe
from tests.fakes import FakeClock
from tests.jobs.conftest import Heard, MakeJobs


async def test_a_failing_job_backs_off_within_its_bounds_and_dies_after_its_last_try(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    async def fail(work: Work) -> None:
        raise ConnectionError("https://user:pw@api.example/v3?key=K1 refused")

    jobs = make_jobs()
    jobs.register("poll", fail, max_attempts=5, back_off=(1, 4))
    await jobs.start(process)
    job_id = await jobs.enqueue("poll", {})
    shares = []
    for attempt, whole in ((1, 1), (2, 2), (3, 4), (4, 4)):
        jobs.wake()
        await heard.until("retried", attempt)
        row = await Job.get(id=job_id)
        delay = (row.due_at - clock.now()).total_seconds()
        assert whole / 2 <= delay <= whole
        shares.append(delay / whole)
        assert (row.state, row.attempts, row.lease) == ("due", attempt, None)
        clock.advance(delay)
    assert len(set(shares)) == 4, "the jitter differs from try to try"
    jobs.wake()
    await heard.until("dead")
    row = await Job.get(id=job_id)
    assert (row.state, row.attempts) == ("dead", 5)
    assert row.last_error == "ConnectionError: https://***@api.example/v3?*** refused"


async def test_a_handler_may_ask_for_another_time_with_or_without_counting(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    answers: list[Exception | None] = [Retry(90, "quota is spent", counts=False), Retry(30), None]
    attempts: list[int] = []

    async def handle(work: Work) -> None:
        attempts.append(work.attempt)
        if answer := answers.pop(0):
            raise answer

    jobs = make_jobs()
    jobs.register("poll", handle, max_attempts=2)
    await jobs.start(process)
    job_id = await jobs.enqueue("poll", {})
    for times, delay in ((1, 90), (2, 30)):
        jobs.wake()
        await heard.until("retried", times)
        assert (await Job.get(id=job_id)).due_at == clock.now() + timedelta(seconds=delay)
        clock.advance(delay)
    jobs.wake()
    await heard.until("done")
    assert attempts == [1, 1, 2]


async def test_a_permanent_failure_is_dead_at_the_first_try(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    async def handle(work: Work) -> None:
        raise Permanent("the channel is gone")

    jobs = make_jobs()
    jobs.register("poll", handle)
    await jobs.start(process)
    job_id = await jobs.enqueue("poll", {})
    jobs.wake()
    await heard.until("dead")
    row = await Job.get(id=job_id)
    assert (row.state, row.attempts, row.last_error) == ("dead", 1, "Permanent: the channel is gone")


async def test_a_handler_that_takes_too_long_is_cancelled_and_tried_again(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    async def handle(work: Work) -> None:
        await asyncio.Event().wait()

    jobs = make_jobs()
    jobs.register("poll", handle, timeout_s=0.05)
    await jobs.start(process)
    await jobs.enqueue("poll", {})
    jobs.wake()
    await heard.until("retried")
    assert (await Job.get()).last_error == "TimeoutError"


@given(first=st.floats(0.01, 10), factor=st.floats(1, 1000), attempt=st.integers(1, 10_000), seed=st.integers())
def test_a_back_off_waits_between_a_half_and_the_whole_and_never_beyond_its_cap(
    first: float, factor: float, attempt: int, seed: int
) -> None:
    back_off = BackOff(first, first * factor)
    delay = back_off.delay(attempt, random.Random(seed))
    assert back_off.whole(attempt) / 2 <= delay <= back_off.whole(attempt) <= back_off.cap_s
    assert back_off.whole(attempt + 1) >= back_off.whole(attempt)


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (ValueError(""), "ValueError"),
        (KeyError("channel"), "KeyError: 'channel'"),
        (OSError("redis://:hunter2@host:1 refused"), "OSError: redis://***@host:1 refused"),
        (OSError("Authorization: Bearer abc.def"), "OSError: Authorization: Bearer ***"),
        (OSError('{"api_key": "K1", "id": 3}'), 'OSError: {"api_key": ***, "id": 3}'),
        (DomainError(Code.UPSTREAM_FAILED, "YouTube said 500"), "UPSTREAM_FAILED: YouTube said 500"),
    ],
)
def test_an_error_is_shown_without_secrets(failure: Exception, shown: str) -> None:
    assert describe(failure) == shown


def test_a_long_error_is_cut() -> None:
    assert len(describe(ValueError("x" * 5000))) == 300
