"""What an operator sees and may do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.models import Job
from mypick.jobs.operator import JobsOperator, LaneSummary
from mypick.jobs.process import ProcessJobs
from mypick.jobs.work import Permanent, Work
from tests.fakes import FakeClock
from tests.jobs.conftest import Heard, MakeJobs


async def test_depth_and_age_are_seen_by_lane_and_told_to_the_measures(
    database: Database, make_jobs: MakeJobs, clock: FakeClock, heard: Heard
) -> None:
    jobs, operator = make_jobs(), JobsOperator(clock, heard)
    empty = await operator.summary()
    assert empty.lanes[0] == LaneSummary("urgent", 0, 0, 0, 0.0)
    assert (empty.dead, empty.done) == (0, 0)
    for priority, ago in ((5, 120), (4, 30), (1, 7), (9, -60)):
        await jobs.enqueue("poll", {}, priority=priority, due_at=clock.now() - timedelta(seconds=ago))
    running = await jobs.enqueue("poll", {}, priority=5, due_at=clock.now() - timedelta(seconds=500))
    await Job.filter(id=running).update(leased_until=clock.now() + timedelta(seconds=60))
    for state in ("dead", "done", "done"):
        await Job.create(kind="poll", state=state, args={}, due_at=clock.now(), created_at=clock.now())
    summary = await operator.summary()
    assert summary.lanes == (
        LaneSummary("urgent", 1, 0, 0, 7.0),
        LaneSummary("normal", 3, 1, 0, 120.0),
        LaneSummary("low", 0, 0, 1, 0.0),
    )
    assert (summary.dead, summary.done) == (1, 2)
    assert heard.depth == {"urgent": (1, 7.0), "normal": (3, 120.0), "low": (0, 0.0)}
    assert heard.dead == 1


async def test_the_dead_are_seen_page_by_page_and_tried_again_from_their_cursor(
    database: Database, make_jobs: MakeJobs, process: ProcessJobs, heard: Heard, clock: FakeClock
) -> None:
    cursors: list[object] = []
    repaired = False

    async def handle(work: Work) -> None:
        cursors.append(work.cursor)
        if not repaired:
            await work.checkpoint({"after": work.id})
            raise Permanent("a bug")

    jobs, operator = make_jobs(), JobsOperator(clock)
    jobs.register("poll", handle)
    jobs.register("other", handle)
    ids = [await jobs.enqueue(kind, {"n": 1}) for kind in ("poll", "poll", "other")]
    await jobs.start(process)
    jobs.wake()
    await heard.until("dead", 3)
    page = await operator.dead(limit=2)
    assert [dead.id for dead in page] == ids[:2]
    assert [dead.id for dead in await operator.dead(limit=2, after_id=page[-1].id)] == ids[2:]
    assert (page[0].kind, page[0].args, page[0].attempts) == ("poll", {"n": 1}, 1)
    assert (page[0].last_error, page[0].died_at) == ("Permanent: a bug", clock.now())
    repaired = True
    cursors.clear()
    await operator.retry(page[0].id)
    with pytest.raises(DomainError) as refused:
        await operator.retry(page[0].id)
    assert refused.value.code is Code.CONFLICT
    with pytest.raises(DomainError) as unknown:
        await operator.retry(999_999)
    assert unknown.value.code is Code.NOT_FOUND
    assert await operator.retry_all("poll") == 1
    jobs.wake()
    await heard.until("done", 2)
    assert sorted(cursors, key=str) == sorted(({"after": i} for i in ids[:2]), key=str)
    assert [dead.kind for dead in await operator.dead()] == ["other"]


async def test_only_what_was_done_long_ago_is_purged(database: Database, clock: FakeClock, make_jobs: MakeJobs) -> None:
    def row(state: str, days: int, key: str | None = None) -> Job:
        at = clock.now() - timedelta(days=days)
        return Job(kind="poll", args={}, due_at=at, created_at=at, finished_at=at, state=state, dedupe_key=key)

    old = [row("done", 8) for _ in range(1_200)]
    await Job.bulk_create([*old, row("done", 8, "key"), row("done", 6), row("dead", 8), row("due", 8)])
    assert await JobsOperator(clock).purge(timedelta(days=7)) == 1_201
    assert sorted([row.state for row in await Job.all()]) == ["dead", "done", "due"]
    assert await make_jobs().enqueue("poll", {}, dedupe_key="key", priority=5) is not None
