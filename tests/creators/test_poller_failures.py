"""What a look that fails leaves behind: when it is tried again, and that it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from demo.faults import RATE_LIMIT_WAIT_S, FailureKind
from demo.youtube import PlatformEmulator
from mypick.creators.models import Channel
from mypick.creators.poller import FIRST_BACK_OFF, GONE_BACK_OFF, JITTER, MAX_BACK_OFF
from mypick.db import Database
from mypick.platforms.youtube import YouTube
from mypick.platforms.youtube_errors import quota_reset
from tests.creators.watching import INTERVAL, Worker, look, told
from tests.fakes import FakeClock


@pytest.fixture
def worker(database: Database, with_key: YouTube, clock: FakeClock) -> Worker:
    return Worker(with_key, clock)


def wait_of(row: Channel, clock: FakeClock) -> float:
    return (row.due_at - clock.now()).total_seconds()


async def test_waits_after_good_looks_are_spread_within_their_bounds(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await worker.watch(channel)
    waits = [wait_of(await look(worker, clock, channel), clock) for _ in range(20)]
    assert all(INTERVAL * (1 - JITTER) <= wait <= INTERVAL * (1 + JITTER) for wait in waits)
    assert max(waits) - min(waits) > INTERVAL * JITTER / 2, "channels added together would stay together"


@pytest.mark.parametrize("kind", ["server-error", "not-found", "not-json", "key-invalid"])
async def test_waits_after_failures_grow_to_their_bound_and_end_with_a_good_look(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str, kind: FailureKind
) -> None:
    await worker.watch(channel)
    waits = []
    for tries in range(1, 13):
        emulator.fail_next(kind)
        row = await look(worker, clock, channel)
        assert (row.failures, row.lease, row.leased_until) == (tries, None, None)
        assert row.last_error
        waits.append(wait_of(row, clock))
    for failures, wait in enumerate(waits):
        assert 1 <= wait <= min(MAX_BACK_OFF, FIRST_BACK_OFF * 2**failures)
    assert max(waits[6:]) > FIRST_BACK_OFF * 4, "waits do not grow"
    emulator.publish(channel, "after the storm")
    row = await look(worker, clock, channel)
    assert (row.failures, row.last_error) == (0, None)
    assert wait_of(row, clock) <= INTERVAL * (1 + JITTER)
    assert await told() == [("new-video", "after the storm")]


async def test_spent_quota_waits_for_its_reset_and_for_nothing_longer(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await worker.watch(channel)
    emulator.set_daily_quota(0)
    row = await look(worker, clock, channel)
    reset = quota_reset(clock.now())
    assert reset <= row.due_at <= reset + timedelta(seconds=60)
    assert row.last_error == "QuotaExhausted"
    emulator.calls.clear()
    clock.advance(wait_of(row, clock) - 1)
    assert await worker.poller.poll_due() == 0
    assert not emulator.calls, "a spent quota was asked again"
    emulator.set_daily_quota(10_000)
    emulator.publish(channel, "tomorrow")
    clock.advance(1)
    assert await worker.poller.poll_due() == 1
    assert await told() == [("new-video", "tomorrow")]


async def test_rate_limit_waits_as_long_as_it_was_told(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await worker.watch(channel)
    emulator.fail_next("rate-limit")
    row = await look(worker, clock, channel)
    assert RATE_LIMIT_WAIT_S * (1 - JITTER) <= wait_of(row, clock) <= RATE_LIMIT_WAIT_S * (1 + JITTER)


async def test_channel_that_is_gone_is_asked_less_and_less_and_never_given_up(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await worker.watch(channel)
    emulator.remove_channel(channel)
    waits = [wait_of(await look(worker, clock, channel), clock) for _ in range(10)]
    for failures, wait in enumerate(waits):
        middle = min(GONE_BACK_OFF, MAX_BACK_OFF * 2**failures)
        assert middle * (1 - JITTER) <= wait <= middle * (1 + JITTER)
    emulator.add_channel("하늘의부엌", "back again")
    emulator.publish(channel, "we are back")
    row = await look(worker, clock, channel)
    assert row.failures == 0
    assert await told() == [("new-video", "we are back")]


async def test_channel_of_a_platform_that_is_switched_off_harms_no_other(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    row = await worker.watch(channel)
    await Channel.create(
        creator_id=row.creator_id,
        platform="elsewhere",
        external_id="1",
        url="https://elsewhere.invalid/1",
        created_at=clock.now(),
        due_at=clock.now(),
    )
    emulator.publish(channel, "here")
    clock.advance(1)
    assert await worker.poller.poll_due() == 2
    assert (await Channel.get(platform="elsewhere")).last_error == "AuthInvalid"
    assert (await Channel.get(platform="youtube")).failures == 0
