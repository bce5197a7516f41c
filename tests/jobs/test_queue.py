"""Asking for work and having it done."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick import db
from mypick.clock import SystemClock
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.backoff import BackOff
from mypick.jobs.lanes import LANES, Lane, lane_of
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.work import Permanent, Retry, Work, describe
from tests.fakes import FakeClock
from tests.jobs.conftest import Heard, MakeJobs, eventually

ONE_AT_A_TIME = (Lane("urgent", 1, 3, 1), Lane("normal", 4, 6, 1), Lane("low", 7, 9, 1))


async def test_work_is_done_once_and_its_row_tells(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    seen: list[Work] = []

    async def handle(work: Work) -> None:
        seen.append(work)

    jobs = make_jobs()
    jobs.register("greet", handle, priority=2)
    await jobs.start(process)
    async with db.transaction():
        job_id = await jobs.enqueue("greet", {"user_id": 7})
    jobs.wake("greet")
    await heard.until("done")
    assert [(work.id, work.args, work.cursor, work.attempt) for work in seen] == [(job_id, {"user_id": 7}, None, 1)]
    row = await Job.get(id=job_id)
    assert (row.state, row.attempts, row.lease, row.leased_until) == ("done", 1, None, None)
    assert row.finished_at == clock.now()


async def test_work_asked_for_in_a_transaction_that_rolls_back_does_not_exist(
    database: Database, make_jobs: MakeJobs
) -> None:
    jobs = make_jobs()

    async def ask_and_fail() -> None:
        async with db.transaction():
            assert await jobs.enqueue("greet", {}, priority=5) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_and_fail()
    assert await Job.all().count() == 0


async def test_the_same_dedupe_key_is_one_job_whatever_its_state(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    async def handle(work: Work) -> None:
        pass

    jobs = make_jobs()
    jobs.register("greet", handle)
    first = await jobs.enqueue("greet", {"n": 1}, dedupe_key="greet:7")
    assert first is not None
    async with db.transaction():
        assert await jobs.enqueue("greet", {"n": 2}, dedupe_key="greet:7") is None
        assert await jobs.enqueue("greet", {"n": 3}, dedupe_key="greet:8") is not None
    await jobs.start(process)
    jobs.wake()
    await heard.until("done", 2)
    assert await jobs.enqueue("greet", {"n": 4}, dedupe_key="greet:7") is None
    assert sorted([row["args"]["n"] for row in await Job.all().values("args")]) == [1, 3]


async def test_many_who_ask_at_once_with_one_key_get_one_job(database: Database, make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def ask() -> int | None:
        async with db.transaction():
            return await jobs.enqueue("greet", {}, dedupe_key="greet:7", priority=5)

    if db.dialect() == "mysql":
        pytest.skip("asyncmy reports the passed-over conflict as a Python warning, an error in these tests")
    answers = await asyncio.gather(*(ask() for _ in range(8)))
    assert [answer for answer in answers if answer is not None] == [(await Job.get()).id]


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


async def test_work_is_not_done_before_it_is_due_and_the_sweep_finds_it_then(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    async def handle(work: Work) -> None:
        pass

    jobs = make_jobs()
    jobs.register("greet", handle)
    await jobs.start(process)
    due_at = clock.now() + timedelta(seconds=10)
    await jobs.enqueue("greet", {}, due_at=due_at)
    found = await jobs.sweep()
    assert (found.lanes, found.next_at) == (frozenset(), due_at)
    clock.advance(10)
    assert (await jobs.sweep()).lanes == {lane_of(5)}
    await heard.until("done")


async def test_work_that_comes_due_is_done_without_anyone_asking(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    """The sweep's interval is an hour: it is the known due time that ends its rest."""

    async def handle(work: Work) -> None:
        if work.attempt == 1:
            raise ConnectionError

    jobs = make_jobs(clock=SystemClock())
    jobs.register("greet", handle, back_off=(0.05, 0.1))
    await jobs.start(process)
    await jobs.enqueue("greet", {}, due_at=SystemClock().now() + timedelta(seconds=0.1))
    await heard.until("done")
    assert heard.ended == [("greet", "retried"), ("greet", "done")]


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


async def test_a_closing_process_lets_handlers_end_then_gives_their_jobs_back(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    release, started = asyncio.Event(), asyncio.Event()
    begun = 0

    async def handle(work: Work) -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            started.set()
        await (release if work.args["ends"] else asyncio.Event()).wait()

    jobs = make_jobs()
    jobs.register("poll", handle)
    await jobs.start(process)
    ends, hangs = await jobs.enqueue("poll", {"ends": 1}), await jobs.enqueue("poll", {"ends": 0})
    jobs.wake()
    await eventually(started)
    release.set()
    await jobs.close(grace_s=0.3)
    assert sorted(outcome for _, outcome in heard.ended) == ["done", "given back"]
    assert (await Job.get(id=ends)).state == "done"
    row = await Job.get(id=hangs)
    assert (row.state, row.attempts, row.lease, row.leased_until) == ("due", 0, None, None)
    assert process.names == []


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


async def test_a_job_of_an_unknown_kind_waits_for_a_process_that_knows_it(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard
) -> None:
    async def handle(work: Work) -> None:
        pass

    jobs = make_jobs()
    jobs.register("known", handle)
    await jobs.start(process)
    await jobs.enqueue("unknown", {}, priority=1)
    await jobs.enqueue("known", {})
    jobs.wake()
    await heard.until("done")
    assert await Job.get(kind="unknown").values_list("state", "attempts") == ("due", 0)
    with pytest.raises(ValueError, match="not registered"):
        await jobs.enqueue("unknown", {})


async def test_what_cannot_come_back_as_it_was_is_refused(database: Database, make_jobs: MakeJobs) -> None:
    jobs = make_jobs()
    with pytest.raises(TypeError, match="bare string"):
        await jobs.enqueue("poll", "7", priority=5)
    with pytest.raises(TypeError, match="null"):
        await jobs.enqueue("poll", None, priority=5)
    with pytest.raises(ValueError, match="dedupe_key"):
        await jobs.enqueue("poll", {}, priority=5, dedupe_key="x" * 121)
    with pytest.raises(ValueError, match="1 \\(first\\) to 9"):
        await jobs.enqueue("poll", {}, priority=10)
    assert await Job.all().count() == 0


async def test_asking_and_waking_cost_no_more_than_their_queries(
    sqlite_database: Database, make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    client = type(db.connection())
    for name in ("execute_query", "execute_insert", "execute_many", "execute_query_dict"):
        original = getattr(client, name)

        def counted(self: Any, query: str, *values: Any, original: Any = original) -> Any:
            statements.append(query)
            return original(self, query, *values)

        monkeypatch.setattr(client, name, counted)
    jobs = make_jobs()
    await jobs.enqueue("poll", {}, priority=5)
    assert len(statements) == 1
    statements.clear()
    await jobs.enqueue("poll", {}, priority=5, dedupe_key="a")
    assert len(statements) == 3
    statements.clear()
    assert await jobs.enqueue("poll", {}, priority=5, dedupe_key="a") is None
    jobs.wake()
    assert len(statements) == 1


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
