from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import quote

import aiohttp
import pytest

from demo.youtube import PlatformEmulator
from mypick.platforms.protocol import ChannelInfo, Gone, Page, Platform, Reference
from mypick.platforms.youtube import YouTube
from mypick.platforms.youtube_http import CONCURRENCY
from tests.fakes import FakeClock


async def resolve(youtube: YouTube, source: str) -> ChannelInfo:
    reference = youtube.recognise(source)
    assert reference is not None
    return await youtube.resolve(reference)


async def test_the_client_is_a_platform(youtube: YouTube) -> None:
    platform: Platform = youtube
    assert platform.name == "youtube"
    await platform.aclose()


async def test_every_way_to_name_a_channel_gives_the_same_channel(
    youtube: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.add_channel("somebodyelse", "Somebody Else")
    video = emulator.publish(channel, "된장찌개")
    names = [
        "@하늘의부엌",
        f"https://m.youtube.com/@{quote('하늘의부엌')}/videos",
        channel,
        f"youtube.com/channel/{channel}",
        "https://www.youtube.com/c/SkyKitchen",
        "https://www.youtube.com/SkyKitchen",
        "https://www.youtube.com/user/SkyKitchen09",
        f"https://youtu.be/{video}",
        f"https://www.youtube.com/watch?v={video}",
        f"https://www.youtube.com/shorts/{video}",
        f"{emulator.feed_url}/@하늘의부엌",
        f"{emulator.feed_url}/channel/{channel}",
        f"{emulator.feed_url}/watch?v={video}",
    ]
    found = [await resolve(youtube, name) for name in names]
    assert {info.external_id for info in found} == {channel}
    assert len(set(found)) == 1, "the rest of what is told is the same too"
    info = found[0]
    assert (info.platform, info.handle, info.uploads_ref) == ("youtube", "하늘의부엌", f"UU{channel[2:]}")
    assert (info.title, info.description) == ("하늘의 부엌 & <친구들>", '한 끼 "혼밥" > 두 끼')
    assert info.url == f"{emulator.feed_url}/channel/{channel}"
    assert info.avatar_url is not None


@pytest.mark.parametrize(
    "reference",
    [
        Reference("youtube", "handle", "nobody"),
        Reference("youtube", "id", "UC" + "0" * 22),
        Reference("youtube", "user", "nobody"),
        Reference("youtube", "custom", "nobody"),
        Reference("youtube", "video", "00000000000"),
    ],
)
async def test_what_does_not_exist_is_gone(with_key: YouTube, channel: str, reference: Reference) -> None:
    with pytest.raises(Gone):
        await with_key.resolve(reference)


@pytest.mark.parametrize("kind", ["handle", "user", "custom", "id"])
async def test_without_a_key_a_missing_page_is_gone(without_key: YouTube, channel: str, kind: str) -> None:
    with pytest.raises(Gone):
        await without_key.resolve(Reference("youtube", kind, "UC" + "0" * 22))  # type: ignore[arg-type]  # kinds as above


async def test_the_channel_of_a_private_video_is_not_told(
    youtube: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    video = emulator.publish(channel, "secret")
    emulator.make_private(video)
    with pytest.raises(Gone):
        await youtube.resolve(Reference("youtube", "video", video))


async def test_new_uploads_are_listed_newest_first(
    youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    made = []
    for number in range(5):
        clock.advance(60)
        made.append(emulator.publish(channel, f"video {number}"))
    page = await youtube.list_recent(channel, f"UU{channel[2:]}")
    assert page.item_ids == tuple(reversed(made))
    assert (page.next, page.not_modified) == (None, False)


async def test_the_uploads_list_is_found_without_its_name(
    with_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    video = emulator.publish(channel, "one")
    assert (await with_key.list_recent(channel, None)).item_ids == (video,)
    assert (await with_key.list_recent(channel, "UUsomethingold")).item_ids == (video,), "or under an old name"


async def test_all_pages_together_are_all_uploads(with_key: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    made = [emulator.publish(channel, f"video {number}") for number in range(120)]
    found: list[str] = []
    sizes = []
    page = await with_key.list_recent(channel, None)
    while True:
        sizes.append(len(page.item_ids))
        found.extend(page.item_ids)
        if page.next is None:
            break
        page = await with_key.list_recent(channel, None, page=page.next)
    assert sizes == [50, 50, 20]
    assert found == made[::-1]


async def test_a_scheduled_upload_surfaces_in_the_middle_of_the_page(
    with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    scheduled = emulator.schedule(channel, "later", clock.now() + timedelta(hours=1))
    clock.advance(60)
    newer = emulator.publish(channel, "now")
    before = await with_key.list_recent(channel, None)
    assert before.item_ids == (newer,)
    clock.advance(3_600)
    after = await with_key.list_recent(channel, None, etag=before.etag)
    assert after.item_ids == (newer, scheduled)
    item = (await with_key.hydrate([scheduled], channel))[scheduled]
    assert item.published_at == clock.now() - timedelta(seconds=60)


async def test_an_unchanged_list_is_not_modified_and_still_costs_a_unit(
    with_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.publish(channel, "one")
    first = await with_key.list_recent(channel, None)
    again = await with_key.list_recent(channel, None, etag=first.etag)
    assert again == Page(item_ids=(), etag=first.etag, not_modified=True)
    assert emulator.units_used == 2
    video = emulator.publish(channel, "two")
    changed = await with_key.list_recent(channel, None, etag=first.etag)
    assert not changed.not_modified
    assert changed.item_ids[0] == video
    assert changed.etag != first.etag


async def test_a_channel_without_uploads_is_empty_and_not_gone(youtube: YouTube, channel: str) -> None:
    assert (await youtube.list_recent(channel, None)).item_ids == ()


async def test_only_the_channels_own_absence_is_gone(
    with_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.publish(channel, "one")
    emulator.remove_channel(channel)
    with pytest.raises(Gone):
        await with_key.list_recent(channel, f"UU{channel[2:]}")
    assert emulator.calls == {"playlistItems": 1, "channels": 1}


async def test_private_and_deleted_videos_vanish(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    kept, private, deleted = (emulator.publish(channel, title) for title in ("kept", "private", "deleted"))
    emulator.make_private(private)
    emulator.delete(deleted)
    assert (await youtube.list_recent(channel, None)).item_ids == (kept,)
    assert list(await youtube.hydrate([kept, private, deleted], channel)) == [kept]


async def test_full_data_of_a_video(
    youtube: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    video = emulator.publish(channel, "떡볶이 & <어묵>", description="맛있게", duration_s=86_402, views=1_234)
    item = (await youtube.hydrate([video], channel))[video]
    assert (item.title, item.description, item.view_count) == ("떡볶이 & <어묵>", "맛있게", 1_234)
    assert (item.kind, item.live_status, item.starts_at) == ("video", "none", None)
    assert item.published_at == clock.now()
    assert item.url == f"{emulator.feed_url}/watch?v={video}"
    assert item.duration_s == (86_402 if emulator.calls else None), "the feed does not tell durations"


async def test_pictures_can_be_fetched(
    youtube: YouTube, emulator: PlatformEmulator, session: aiohttp.ClientSession, channel: str
) -> None:
    video = emulator.publish(channel, "one")
    item = (await youtube.hydrate([video], channel))[video]
    info = await resolve(youtube, channel)
    for address in (item.image_url, info.avatar_url):
        assert address is not None
        async with session.get(address) as response:
            assert response.status == 200
            assert response.content_type == "image/svg+xml"


async def test_hidden_views_are_not_zero_views(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    hidden, none = emulator.publish(channel, "hidden", views=None), emulator.publish(channel, "none", views=0)
    items = await youtube.hydrate([hidden, none], channel)
    assert (items[hidden].view_count, items[none].view_count) == (None, 0)


async def test_shorts_are_shorts(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    short = emulator.publish(channel, "42 seconds", kind="short")
    assert (await youtube.hydrate([short], channel))[short].kind == "short"


async def test_a_stream_is_followed_from_its_announcement_to_its_end(
    with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    planned_at = clock.now() + timedelta(hours=2)
    stream = emulator.schedule_live(channel, "밤 방송", planned_at)

    async def look() -> tuple[str, str, object, int | None]:
        item = (await with_key.hydrate([stream], channel))[stream]
        return item.kind, item.live_status, item.starts_at, item.duration_s

    assert await look() == ("live", "upcoming", planned_at, None)
    clock.advance(7_260)
    began_at = clock.now()
    emulator.go_live(channel, video_id=stream)
    assert await look() == ("live", "live", began_at, None)
    clock.advance(3_600)
    emulator.end_live(stream)
    assert await look() == ("live", "ended", began_at, 3_600)


async def test_fifty_ids_are_one_call_and_more_are_refused(
    with_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    made = [emulator.publish(channel, str(number)) for number in range(51)]
    assert set(await with_key.hydrate(made[:50], channel)) == set(made[:50])
    assert emulator.calls == {"videos": 1}
    with pytest.raises(ValueError, match="at most 50"):
        await with_key.hydrate(made, channel)
    assert await with_key.hydrate([], channel) == {}
    assert await with_key.hydrate(["no,id", "no id"], channel) == {}
    assert emulator.calls == {"videos": 1}


async def test_videos_of_another_channel_are_not_hydrated(
    youtube: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    other = emulator.add_channel("somebodyelse", "Somebody Else")
    mine, theirs = emulator.publish(channel, "mine"), emulator.publish(other, "theirs")
    assert list(await youtube.hydrate([mine, theirs], channel)) == [mine]


async def test_the_feed_brings_full_data_with_its_list(
    without_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    for number in range(20):
        clock.advance(1)
        emulator.publish(channel, f"video {number}")
    page = await without_key.list_recent(channel, None)
    assert len(page.item_ids) == 15
    assert tuple(page.items) == page.item_ids
    assert page.items[page.item_ids[0]].title == "video 19"
    assert not emulator.calls, "no key, no API"


async def test_search_is_never_asked(with_key: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    video = emulator.publish(channel, "one")
    for name in (
        channel,
        "@하늘의부엌",
        "youtube.com/c/SkyKitchen",
        "youtube.com/user/skykitchen09",
        f"youtu.be/{video}",
    ):
        await resolve(with_key, name)
    await with_key.list_recent(channel, None)
    assert set(emulator.calls) <= {"channels", "playlistItems", "videos"}


async def test_many_calls_at_once_are_all_answered_and_bounded(
    youtube: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    channels = [emulator.add_channel(f"channel{number}", f"Channel {number}") for number in range(40)]
    made = {owner: emulator.publish(owner, f"of {owner}") for owner in channels}
    emulator.latency(0.05)
    pages = await asyncio.gather(*(youtube.list_recent(owner, None) for owner in channels))
    assert [page.item_ids for page in pages] == [(made[owner],) for owner in channels]
    assert emulator.most_at_once <= CONCURRENCY
    assert emulator.most_at_once > 1
