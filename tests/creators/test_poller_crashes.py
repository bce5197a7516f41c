"""Workers that die, race, or come too late: every item is announced exactly once all the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from demo.youtube import PlatformEmulator
from mypick.content.models import Content
from mypick.creators.models import Channel, Creator
from mypick.creators.poller import LEASE
from mypick.creators.service import POLL
from mypick.db import Database
from mypick.jobs.models import Job
from mypick.jobs.work import Work
from mypick.notifications.models import Notice
from mypick.platforms.youtube import YouTube
from tests.creators.watching import Held, Worker, assert_each_told_by_one_job, look, told
from tests.fakes import FakeClock
from tests.queries import Killed, counted, power_cut

MOST_STATEMENTS = 60  # of one look: a loop over crashes that goes further runs wild


async def test_kill_at_any_point_of_a_look_yields_exactly_one_announcement(
    database: Database, youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """A worker dies before each statement of a look in turn; then another worker goes on with the channel."""
    await Worker(youtube, clock).watch(channel)
    await look(Worker(youtube, clock), clock, channel)
    died = 0
    for statement in range(1, MOST_STATEMENTS):
        clock.advance(1)
        titles = [f"{statement} a", f"{statement} b"]
        for title in titles:
            emulator.publish(channel, title)
        try:
            with power_cut(statement):
                await look(Worker(youtube, clock), clock, channel)
        except Killed:
            died += 1
        await look(Worker(youtube, clock, seed=statement), clock, channel)
        assert Counter(text for _, text in await told() if text in titles) == dict.fromkeys(titles, 1)
        await assert_each_told_by_one_job()
        if died < statement:
            break
    assert 10 <= died < MOST_STATEMENTS - 1
    assert await Notice.all().count() == await Content.all().count() == 2 * (died + 1)


async def test_kill_when_a_stream_begins_yields_exactly_one_announcement(
    database: Database, with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await Worker(with_key, clock).watch(channel)
    await look(Worker(with_key, clock), clock, channel)
    died = 0
    for statement in range(1, MOST_STATEMENTS):
        stream = emulator.schedule_live(channel, f"live {statement}", clock.now() + timedelta(hours=1))
        await look(Worker(with_key, clock), clock, channel)
        emulator.go_live(channel, video_id=stream)
        try:
            with power_cut(statement):
                await look(Worker(with_key, clock), clock, channel)
        except Killed:
            died += 1
        await look(Worker(with_key, clock), clock, channel)
        assert [text for _, text in await told()].count(f"live {statement}") == 1
        await assert_each_told_by_one_job()
        emulator.end_live(stream)
        if died < statement:
            break
    assert 10 <= died < MOST_STATEMENTS - 1
    assert {kind for kind, _ in await told()} == {"live-started"}


async def test_channels_claimed_at_once_go_to_one_worker_each(
    database: Database, with_key: YouTube, clock: FakeClock
) -> None:
    for number in range(40):
        await Channel.create(
            creator_id=1,
            platform="youtube",
            external_id=f"UC{number:022d}",
            url="https://youtube.invalid/",
            created_at=clock.now(),
            due_at=clock.now(),
        )
    workers = [Worker(with_key, clock, batch=10, seed=seed) for seed in range(6)]
    claims = await asyncio.gather(*(worker.poller.claim() for worker in workers))
    claimed = [channel.id for claim in claims for channel in claim]
    assert len(claimed) == len(set(claimed)), "two workers hold one channel"
    rest = await asyncio.gather(*(worker.poller.claim() for worker in workers))
    claimed += [channel.id for claim in rest for channel in claim]
    assert len(claimed) == len(set(claimed)) == 40
    assert all(len(claim) <= 10 for claim in claims)
    leases = {row.id: row.lease for row in await Channel.all()}
    assert all(leases[channel.id] == channel.lease for claim in [*claims, *rest] for channel in claim)


async def test_workers_that_look_at_once_announce_each_item_once(
    database: Database, youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock
) -> None:
    channels = [emulator.add_channel(f"racer{number}", f"Racer {number}") for number in range(8)]
    workers = [Worker(youtube, clock, seed=seed) for seed in range(3)]
    for channel in channels:
        await workers[0].watch(channel)
        await look(workers[0], clock, channel)
    clock.advance(1)
    for channel in channels:
        for number in range(3):
            emulator.publish(channel, f"{channel} {number}")
    await Channel.all().update(due_at=clock.now())
    claimed = await asyncio.gather(*(worker.poller.poll_due() for worker in workers))
    assert sum(claimed) == 8
    assert sorted(text for _, text in await told()) == sorted(f"{c} {n}" for c in channels for n in range(3))
    await assert_each_told_by_one_job()


async def test_look_whose_lease_ran_out_writes_nothing(
    database: Database, with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    slow, quick = Held(with_key), Worker(with_key, clock, seed=2)
    late = Worker(slow, clock)
    await quick.watch(channel)
    await look(quick, clock, channel)
    clock.advance(1)
    video = emulator.publish(channel, "seen by both")
    await Channel.all().update(due_at=clock.now(), etag=None)
    looking = asyncio.create_task(late.poller.poll_due())
    await asyncio.wait_for(slow.arrived.wait(), 20)
    clock.advance(LEASE.total_seconds() + 1)
    assert await quick.poller.poll_due() == 1
    before = await Channel.get()
    slow.go.set()
    assert await looking == 1
    after = await Channel.get()
    assert {name: getattr(after, name) for name in after._meta.fields} == {
        name: getattr(before, name) for name in before._meta.fields
    }
    assert (await Content.get()).external_id == video
    assert await told() == [("new-video", "seen by both")]
    await assert_each_told_by_one_job()


async def test_failure_that_comes_too_late_does_not_touch_anothers_claim(
    database: Database, with_key: YouTube, clock: FakeClock, channel: str, emulator: PlatformEmulator
) -> None:
    first, second = Worker(with_key, clock), Worker(with_key, clock)
    await first.watch(channel)
    (stale,) = await first.poller.claim()
    clock.advance(LEASE.total_seconds() + 1)
    (held,) = await second.poller.claim()
    emulator.fail_next("server-error")
    await first.poller.poll(stale)
    row = await Channel.get()
    assert (row.lease, row.failures) == (held.lease, 0)


async def test_claim_cannot_be_taken_over_before_its_lease_ends(
    database: Database, with_key: YouTube, clock: FakeClock, channel: str
) -> None:
    first, second = Worker(with_key, clock), Worker(with_key, clock)
    await first.watch(channel)
    assert len(await first.poller.claim()) == 1
    clock.advance(LEASE.total_seconds() - 1)
    assert await second.poller.claim() == []
    clock.advance(2)
    assert len(await second.poller.claim()) == 1


@pytest.mark.parametrize(("due", "asks_again"), [(3, True), (2, False)])
async def test_full_batch_asks_for_another_look_and_a_smaller_one_does_not(
    database: Database, with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, due: int, asks_again: bool
) -> None:
    worker = Worker(with_key, clock, batch=3)
    for number in range(due):
        await worker.watch(emulator.add_channel(f"many{number}", f"Many {number}"))
    before = await Job.filter(kind=POLL).count()
    await worker.poller.run(Work(0, POLL, {}, None, 1, "", 60.0, clock))
    assert await Job.filter(kind=POLL).count() - before == int(asks_again)


async def test_look_that_finds_nothing_new_asks_a_bounded_number_of_queries(
    database: Database, with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """With many channels nearly every look is of this kind. Two for the claim; then, of the look: what is unfinished,
    the name, the lock, what is known of nothing, and the row. One more takes a block of ids once in 1,000."""
    worker = Worker(with_key, clock)
    emulator.publish(channel, "old")
    await worker.watch(channel)
    await look(worker, clock, channel)
    await Channel.all().update(due_at=clock.now())
    with counted() as queries:
        assert await worker.poller.poll_due() == 1
    assert len(queries) <= 7, queries


async def test_look_at_a_channel_whose_creator_is_gone_is_a_failure_and_not_a_crash(
    database: Database, with_key: YouTube, clock: FakeClock, channel: str
) -> None:
    worker = Worker(with_key, clock)
    await worker.watch(channel)
    await Creator.all().delete()
    row = await look(worker, clock, channel)
    assert (row.failures, row.lease) == (1, None)
