"""Bringing creators in by what people paste."""

from __future__ import annotations

import asyncio

import pytest

from demo.faults import FailureKind
from demo.youtube import PlatformEmulator
from mypick.creators.commands import AddCreator
from mypick.creators.models import Channel, Creator
from mypick.creators.service import POLL, Creators
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.models import Job
from mypick.platforms.youtube import YouTube
from mypick.platforms.youtube_errors import quota_reset
from tests.creators.stage import creators_on, person
from tests.fakes import FakeClock
from tests.queries import Killed, power_cut

ALICE = person(1)


def spellings(channel: str, video: str) -> list[str]:
    """Every kind of name that the platform has for the channel."""
    return [
        channel,
        f"https://www.youtube.com/channel/{channel}",
        "@하늘의부엌",
        "https://www.youtube.com/@%ED%95%98%EB%8A%98%EC%9D%98%EB%B6%80%EC%97%8C/videos?view=0",
        "youtube.com/c/SkyKitchen",
        "http://m.youtube.com/user/skykitchen09",
        "https://www.youtube.com/SkyKitchen",
        f"https://youtu.be/{video}?t=3",
        f"https://www.youtube.com/watch?v={video}",
        f"https://www.youtube.com/shorts/{video}",
    ]


async def assert_one_creator(channel: str) -> None:
    """One creator, one channel, one first look."""
    assert await Creator.all().count() == 1
    assert (await Channel.get()).external_id == channel
    assert await Job.filter(kind=POLL).count() == 1


async def test_every_way_of_naming_a_channel_gives_one_creator(
    database: Database, youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    creators = creators_on(youtube, clock)
    video = emulator.publish(channel, "one")
    views = [await creators.add(ALICE, AddCreator(source=source)) for source in spellings(channel, video)]
    assert len({view.id for view in views}) == 1
    assert views[0].name == "하늘의 부엌 & <친구들>"
    assert views[0].channels[0].platform == "youtube"
    await assert_one_creator(channel)


async def test_ten_who_bring_one_channel_in_at_once_get_one_creator(
    database: Database, youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    video = emulator.publish(channel, "one")
    nodes = [creators_on(youtube, clock), creators_on(youtube, clock)]
    views = await asyncio.gather(
        *(
            nodes[number % 2].add(person(number + 1), AddCreator(source=source))
            for number, source in enumerate(spellings(channel, video))
        )
    )
    assert len({view.id for view in views}) == 1
    await assert_one_creator(channel)


async def test_kill_while_a_creator_is_brought_in_leaves_all_or_nothing(
    database: Database, with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock
) -> None:
    for statement in range(1, 30):
        channel = emulator.add_channel(f"killed{statement}", "Killed")
        try:
            with power_cut(statement):
                await creators_on(with_key, clock).add(ALICE, AddCreator(source=channel))
            break
        except Killed:
            made = await Channel.filter(external_id=channel).count()
            assert await Creator.all().count() == await Channel.all().count() == await Job.filter(kind=POLL).count()
            await creators_on(with_key, clock).add(ALICE, AddCreator(source=channel))
            assert await Channel.filter(external_id=channel).count() == 1
            assert made in (0, 1)
    assert statement > 5
    assert await Creator.all().count() == await Channel.all().count() == await Job.filter(kind=POLL).count()


async def test_known_channel_id_asks_the_platform_nothing(
    creators: Creators, emulator: PlatformEmulator, channel: str
) -> None:
    first = await creators.add(ALICE, AddCreator(source=channel))
    emulator.outage()
    again = await creators.add(ALICE, AddCreator(source=f"https://www.youtube.com/channel/{channel}"))
    assert again == first


async def test_handle_that_moved_to_another_channel_is_the_other_creator(
    creators: Creators, emulator: PlatformEmulator
) -> None:
    old = emulator.add_channel("wanderer", "First owner")
    first = await creators.add(ALICE, AddCreator(source="@wanderer"))
    emulator.remove_channel(old)
    emulator.seed += 1  # another id for the same handle
    emulator.add_channel("wanderer", "Second owner")
    second = await creators.add(ALICE, AddCreator(source="@wanderer"))
    assert first.id != second.id
    assert second.name == "Second owner"


@pytest.mark.parametrize(
    "source", ["hello", "https://example.com/@somebody", "https://youtube.com.evil.example/@a", "@", "UCshort"]
)
async def test_what_names_no_channel_is_invalid_and_says_what_to_paste(creators: Creators, source: str) -> None:
    with pytest.raises(DomainError) as refused:
        await creators.add(ALICE, AddCreator(source=source))
    assert refused.value.code is Code.INVALID
    assert refused.value.details == [{"field": "source", "message": refused.value.message}]
    assert "@handle" in refused.value.message


async def test_channel_that_does_not_exist_is_not_found_and_leaves_nothing(creators: Creators) -> None:
    for source in ("@nobody-here", f"UC{'x' * 22}", "https://youtu.be/aaaaaaaaaaa", "youtube.com/c/Nobody"):
        with pytest.raises(DomainError) as refused:
            await creators.add(ALICE, AddCreator(source=source))
        assert refused.value.code is Code.NOT_FOUND
    assert await Creator.all().count() == 0


@pytest.mark.parametrize("kind", ["server-error", "unavailable", "rate-limit", "not-json", "disconnect", "key-invalid"])
async def test_platform_that_fails_is_upstream_failed_and_tells_nothing_of_it(
    creators: Creators, emulator: PlatformEmulator, channel: str, kind: FailureKind
) -> None:
    emulator.fail_next(kind, 2)  # aiohttp repeats a GET once where a kept connection breaks
    with pytest.raises(DomainError) as refused:
        await creators.add(ALICE, AddCreator(source="@하늘의부엌"))
    error = refused.value
    assert error.code is Code.UPSTREAM_FAILED
    assert emulator.api_key not in str(error.body())
    assert "http" not in error.message
    # a refused key is the operator's to mend: waiting helps nobody
    assert (error.retry_after_ms is None) == (kind == "key-invalid")
    emulator.be_well()
    assert (await creators.add(ALICE, AddCreator(source="@하늘의부엌"))).name


async def test_spent_quota_says_how_long_to_wait(
    creators: Creators, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    emulator.set_daily_quota(0)
    with pytest.raises(DomainError) as refused:
        await creators.add(ALICE, AddCreator(source="@하늘의부엌"))
    assert refused.value.code is Code.QUOTA_EXHAUSTED
    wait = (quota_reset(clock.now()) - clock.now()).total_seconds() * 1000
    assert refused.value.retry_after_ms == wait
