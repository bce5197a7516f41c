"""What a look at a channel finds and what it announces, over HTTP, with a key and without."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from demo.youtube import PlatformEmulator
from mypick.content.models import Content
from mypick.content.service import ANNOUNCE_WITHIN
from mypick.creators.models import Channel
from mypick.creators.poller import MAX_PAGES
from mypick.db import Database
from mypick.notifications.models import Notice
from mypick.platforms.youtube import PAGE_SIZE, YouTube
from tests.creators.watching import Worker, assert_each_told_by_one_job, kept, look, told
from tests.fakes import FakeClock

DAY = 86_400.0
VIDEOS = "/youtube/v3/videos"


@pytest.fixture
def worker(database: Database, youtube: YouTube, clock: FakeClock) -> Worker:
    """With a key and without, on each dialect."""
    return Worker(youtube, clock)


@pytest.fixture
def keyed(database: Database, with_key: YouTube, clock: FakeClock) -> Worker:
    """For what the feed cannot tell."""
    return Worker(with_key, clock)


async def followed(worker: Worker, clock: FakeClock, channel: str) -> None:
    """A channel that has been looked at once."""
    await worker.watch(channel)
    await look(worker, clock, channel)


async def test_first_look_is_history_but_for_what_came_after_the_channel_did(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    emulator.publish(channel, "long ago", at=clock.now() - timedelta(days=300))
    emulator.publish(channel, "yesterday", at=clock.now() - timedelta(days=1))
    await worker.watch(channel)
    clock.advance(30)
    emulator.publish(channel, "between adding and looking")
    row = await look(worker, clock, channel)
    assert await kept() == ["long ago", "yesterday", "between adding and looking"]
    assert await told() == [("new-video", "between adding and looking")]
    assert row.first_polled_at == row.last_polled_at
    await assert_each_told_by_one_job()


async def test_what_is_published_in_the_second_in_which_the_channel_came_is_told(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    clock.advance(0.6)
    await worker.watch(channel)
    clock.advance(0.2)
    emulator.publish(channel, "at once")  # platforms tell whole seconds: this looks older than the channel
    await look(worker, clock, channel)
    assert await told() == [("new-video", "at once")]


async def test_what_was_there_before_the_channel_is_no_news_when_the_list_moves_it_up(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """A list shows so many; where one is deleted, an older one comes up that no look has seen."""
    videos = [
        emulator.publish(channel, f"clip {number}", at=clock.now() - timedelta(hours=60 - number))
        for number in range(PAGE_SIZE + 1)
    ]
    await followed(worker, clock, channel)
    for video in videos[-3:]:
        emulator.delete(video)
    emulator.publish(channel, "new")
    await look(worker, clock, channel)
    assert await told() == [("new-video", "new")]


async def test_new_video_is_announced_once_with_all_that_people_see(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(worker, clock, channel)
    video = emulator.publish(channel, "된장찌개, 처음부터 <끝>까지 & 100%", views=12)
    for _ in range(3):
        row = await look(worker, clock, channel)
    content, notice = await Content.get(), await Notice.get()
    assert (content.external_id, content.creator_id, content.view_count) == (video, row.creator_id, 12)
    assert (notice.kind, notice.title, notice.body) == (
        "new-video",
        "하늘의 부엌 & <친구들>",
        "된장찌개, 처음부터 <끝>까지 & 100%",
    )
    assert (notice.creator_id, notice.content_id, notice.url) == (row.creator_id, content.id, content.url)
    assert notice.url.endswith(f"/watch?v={video}")
    await assert_each_told_by_one_job()


async def test_scheduled_video_that_surfaces_in_the_middle_of_a_page_is_found(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """It takes the place of its upload, below newer ones that are known: no look may stop at the first known one."""
    await followed(worker, clock, channel)
    emulator.schedule(channel, "uploaded first, shown last", clock.now() + timedelta(hours=1))
    for number in range(5):
        clock.advance(1)
        emulator.publish(channel, f"meanwhile {number}")
    await look(worker, clock, channel)
    clock.advance(3600)
    await look(worker, clock, channel)
    assert [text for _, text in await told()] == [*(f"meanwhile {n}" for n in range(5)), "uploaded first, shown last"]


async def test_page_without_anything_known_leads_to_the_next(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    emulator.publish(channel, "old", at=clock.now() - timedelta(hours=1))
    await followed(keyed, clock, channel)
    clock.advance(1)
    for number in range(2 * PAGE_SIZE + 1):
        emulator.publish(channel, f"clip {number}")
    emulator.calls.clear()
    await look(keyed, clock, channel)
    assert len(await told()) == 2 * PAGE_SIZE + 1
    assert emulator.calls == {"playlistItems": 3, "videos": 3}
    await assert_each_told_by_one_job()


async def test_page_with_something_known_ends_the_walk(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    for number in range(PAGE_SIZE + 10):
        emulator.publish(channel, f"clip {number}")
    await followed(keyed, clock, channel)
    clock.advance(1)
    emulator.publish(channel, "new")
    emulator.calls.clear()
    await look(keyed, clock, channel)
    assert emulator.calls == {"playlistItems": 1, "videos": 1}


async def test_walk_ends_after_its_bound_of_pages(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(keyed, clock, channel)
    clock.advance(1)
    for number in range(MAX_PAGES * PAGE_SIZE + 10):
        emulator.publish(channel, f"clip {number}")
    emulator.calls.clear()
    await look(keyed, clock, channel)
    assert emulator.calls == {"playlistItems": MAX_PAGES, "videos": MAX_PAGES}
    assert len(await kept()) == MAX_PAGES * PAGE_SIZE


async def test_private_and_deleted_items_are_not_announced_until_they_are_shown(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(worker, clock, channel)
    private, deleted = emulator.publish(channel, "private at first"), emulator.publish(channel, "deleted at once")
    emulator.make_private(private)
    emulator.delete(deleted)
    emulator.publish(channel, "plain")
    await look(worker, clock, channel)
    assert await told() == [("new-video", "plain")]
    emulator.make_public(private)
    await look(worker, clock, channel)
    assert [text for _, text in await told()] == ["plain", "private at first"]


async def test_announced_item_that_hides_and_comes_back_is_not_announced_again(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(worker, clock, channel)
    video = emulator.publish(channel, "once")
    await look(worker, clock, channel)
    emulator.make_private(video)
    await look(worker, clock, channel)
    emulator.make_public(video)
    await look(worker, clock, channel)
    assert await told() == [("new-video", "once")]


async def test_old_item_made_public_again_is_kept_and_no_news(
    worker: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(worker, clock, channel)
    video = emulator.publish(channel, "hidden for a while")
    emulator.make_private(video)
    await look(worker, clock, channel)
    clock.advance(ANNOUNCE_WITHIN.total_seconds() + 1)
    emulator.make_public(video)
    await look(worker, clock, channel)
    assert await kept() == ["hidden for a while"]
    assert await told() == []


async def test_unmodified_list_costs_one_call_and_announces_nothing(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    emulator.publish(channel, "one")
    await followed(keyed, clock, channel)
    etag = (await Channel.get()).etag
    assert etag
    emulator.calls.clear()
    row = await look(keyed, clock, channel)
    assert emulator.calls == {"playlistItems": 1}
    assert row.etag == etag


async def test_etag_is_kept_only_when_all_that_was_listed_was_shown(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """Listed, and not yet given by ``videos``: the list does not change again, and yet the item must be found."""
    await followed(keyed, clock, channel)
    emulator.publish(channel, "slow to appear")
    emulator.serve_body(VIDEOS, b'{"kind": "youtube#videoListResponse", "items": []}')
    row = await look(keyed, clock, channel)
    assert row.etag is None
    assert row.failures == 0
    assert await told() == []
    emulator.stop_serving(VIDEOS)
    row = await look(keyed, clock, channel)
    assert await told() == [("new-video", "slow to appear")]
    assert row.etag


@pytest.mark.parametrize("seen_live", [True, False])
async def test_stream_is_announced_once_when_it_has_begun(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str, seen_live: bool
) -> None:
    """A premiere is the same: planned first, then shown. What nobody saw live is still new."""
    await followed(keyed, clock, channel)
    stream = emulator.schedule_live(channel, "tonight", clock.now() + timedelta(hours=3))
    await look(keyed, clock, channel)
    assert await told() == []
    assert (await Content.get()).live_status == "upcoming"
    emulator.go_live(channel, video_id=stream)
    if seen_live:
        await look(keyed, clock, channel)
        assert await told() == [("live-started", "tonight")]
        assert (await Content.get()).live_status == "live"
    clock.advance(60)
    emulator.end_live(stream)
    for _ in range(2):
        await look(keyed, clock, channel)
    assert await told() == [("live-started" if seen_live else "new-video", "tonight")]
    assert (await Content.get()).live_status == "ended"
    await assert_each_told_by_one_job()


async def test_stream_planned_before_the_channel_came_is_news_when_it_begins(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    stream = emulator.schedule_live(channel, "tonight", clock.now() + timedelta(hours=3))
    clock.advance(60)
    await followed(keyed, clock, channel)
    emulator.go_live(channel, video_id=stream)
    await look(keyed, clock, channel)
    assert await told() == [("live-started", "tonight")]


async def test_stream_that_began_unannounced_is_announced_live(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    await followed(keyed, clock, channel)
    emulator.go_live(channel, "surprise")
    await look(keyed, clock, channel)
    assert await told() == [("live-started", "surprise")]


async def test_whatever_happens_on_the_platform_each_item_is_told_at_most_once_and_none_is_forgotten(
    keyed: Worker, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    """A long story at random, looked at at random moments; at its end everything is made public and looked at."""
    rng = random.Random(20260501)
    await followed(keyed, clock, channel)
    clock.advance(1)
    videos: list[str] = []
    planned: list[str] = []
    running: list[str] = []
    for number in range(150):
        match rng.randrange(9):
            case 0 | 1:
                videos.append(emulator.publish(channel, f"v{number}", kind=rng.choice(["video", "short"])))
            case 2:
                at = clock.now() + timedelta(seconds=rng.randrange(1, 3000))
                videos.append(emulator.schedule(channel, f"s{number}", at))
            case 3:
                planned.append(emulator.schedule_live(channel, f"l{number}", clock.now() + timedelta(hours=1)))
            case 4 if planned:
                running.append(emulator.go_live(channel, video_id=planned.pop(rng.randrange(len(planned)))))
            case 5 if running:
                emulator.end_live(running.pop(rng.randrange(len(running))))
            case 6 if videos:
                emulator.make_private(rng.choice(videos))
            case 7 if videos:
                emulator.make_public(rng.choice(videos))
            case _:
                await look(keyed, clock, channel)
        clock.advance(rng.randrange(0, 60))
    clock.advance(3600)
    for video in videos:
        emulator.make_public(video)
    await look(keyed, clock, channel)
    texts = [text for _, text in await told()]
    assert len(texts) == len(set(texts)), "something was told twice"
    begun = {video.title for video in emulator.videos.values() if video.live != "upcoming"}
    assert set(texts) == begun
    await assert_each_told_by_one_job()
