from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.pictures import wrapped
from demo.resources import iso_duration
from demo.world import Refused, World
from demo.youtube import PlatformEmulator
from mypick.platforms.protocol import Gone
from mypick.platforms.youtube_page import parse_watch_page
from tests.demo.conftest import Api
from tests.fakes import FakeClock


def reasons(document: object) -> list[str]:
    assert isinstance(document, dict)
    return [error["reason"] for error in document["error"]["errors"]]


def test_ids_look_real_and_follow_from_the_seed() -> None:
    def build(seed: int, *handles: str) -> dict[str, list[str]]:
        world = World(seed=seed, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        made = {handle: world.add_channel(handle, handle) for handle in handles}
        return {handle: [channel, *(world.publish(channel, "t") for _ in range(3))] for handle, channel in made.items()}

    first = build(1, "alpha", "beta")
    assert first == build(1, "beta", "alpha"), "whatever was made before"
    assert first != build(2, "alpha", "beta")
    every = [each for ids in first.values() for each in ids]
    assert len(set(every)) == len(every)
    for channel, *videos in first.values():
        assert re.fullmatch(r"UC[\w-]{22}", channel)
        assert all(re.fullmatch(r"[\w-]{11}", video) for video in videos)


async def test_a_call_without_a_key_is_forbidden_and_a_wrong_key_is_invalid(api: Api) -> None:
    status, document = await api("videos", part="id", id="x", key="wrong")
    assert (status, reasons(document)) == (400, ["keyInvalid"])
    async with api.session.get(f"{api.emulator.api_url}/videos") as response:
        assert response.status == 403
    assert api.emulator.units_used == 0
    status, _ = await api("videos", part="id", id="x", key="", headers={"X-Goog-Api-Key": api.emulator.api_key})
    assert status == 200, "the key may come as a header"


async def test_every_call_costs_a_unit_until_midnight_in_california(
    api: Api, emulator: PlatformEmulator, clock: FakeClock
) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    emulator.publish(channel, "one")
    emulator.set_daily_quota(4)
    _, listed = await api("playlistItems", part="id", playlistId=f"UU{channel[2:]}")
    unchanged, _ = await api(
        "playlistItems", part="id", playlistId=f"UU{channel[2:]}", headers={"If-None-Match": listed["etag"]}
    )
    assert unchanged == 304
    assert (await api("playlistItems", part="id", playlistId="UUnone"))[0] == 404
    assert (await api("videos", part="nonsense", id="x"))[0] == 400
    status, document = await api("videos", part="id", id="x")
    assert (status, reasons(document)) == (403, ["quotaExceeded"])
    assert "<a href=" in document["error"]["message"]
    assert document["error"]["errors"][0]["domain"] == "youtube.quota"
    clock.advance((datetime(2026, 1, 2, 8, tzinfo=UTC) - clock.now()).total_seconds())
    assert (await api("videos", part="id", id="x"))[0] == 200
    assert emulator.units_used == 1


async def test_only_the_parts_that_were_asked_for_come(api: Api, emulator: PlatformEmulator) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    video = emulator.publish(channel, "one", views=5)
    _, document = await api("videos", part="statistics,id", id=f"{video},unknown0000")
    (item,) = document["items"]
    assert set(item) == {"kind", "etag", "id", "statistics"}
    assert item["statistics"]["viewCount"] == "5"
    status, document = await api("videos", id=video)
    assert (status, reasons(document)) == (400, ["missingRequiredParameter"])


async def test_pages_have_at_most_fifty_items_and_opaque_tokens(api: Api, emulator: PlatformEmulator) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    made = [emulator.publish(channel, str(number)) for number in range(60)]
    asked = {"part": "contentDetails", "playlistId": f"UU{channel[2:]}", "maxResults": "50"}
    _, first = await api("playlistItems", **asked)
    _, second = await api("playlistItems", **asked, pageToken=first["nextPageToken"])
    assert "nextPageToken" not in second
    found = [item["contentDetails"]["videoId"] for item in first["items"] + second["items"]]
    assert found == made[::-1]
    for wrong in ("nonsense", "", first["nextPageToken"] + "x", "EAAa" + "é"):
        status, document = await api("playlistItems", **asked, pageToken=wrong)
        assert (status, reasons(document)) == (400, ["invalidPageToken"])
    for size in ("0", "51", "-1", "many", "٣"):
        assert (await api("playlistItems", **asked | {"maxResults": size}))[0] == 400


async def test_private_and_deleted_entries_keep_their_place_without_their_data(
    api: Api, emulator: PlatformEmulator
) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    private, deleted, kept = (emulator.publish(channel, title) for title in ("a", "b", "c"))
    emulator.make_private(private)
    emulator.delete(deleted)
    _, document = await api("playlistItems", part="snippet,contentDetails,status", playlistId=f"UU{channel[2:]}")
    told = {
        item["contentDetails"]["videoId"]: (item["snippet"]["title"], item["status"]["privacyStatus"])
        for item in document["items"]
    }
    assert told == {
        kept: ("c", "public"),
        deleted: ("Deleted video", "privacyStatusUnspecified"),
        private: ("Private video", "private"),
    }
    for item in document["items"][1:]:
        assert item["snippet"]["thumbnails"] == {}
        assert "videoPublishedAt" not in item["contentDetails"]
    _, shown = await api("videos", part="id", id=f"{private},{deleted},{kept}")
    assert [item["id"] for item in shown["items"]] == [kept]
    _, feed = await api.page(f"/feeds/videos.xml?channel_id={channel}")
    assert re.findall("<yt:videoId>(.*?)<", feed) == [kept]


async def test_scheduled_uploads_are_unseen_until_their_hour(
    api: Api, emulator: PlatformEmulator, clock: FakeClock
) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    later = emulator.schedule(channel, "later", clock.now() + timedelta(hours=1))
    clock.advance(1)
    now = emulator.publish(channel, "now")

    async def seen() -> tuple[list[str], list[str]]:
        _, listed = await api("playlistItems", part="contentDetails", playlistId=f"UU{channel[2:]}")
        _, feed = await api.page(f"/feeds/videos.xml?channel_id={channel}")
        return (
            [item["contentDetails"]["videoId"] for item in listed["items"]],
            re.findall("<yt:videoId>(.*?)<", feed),
        )

    assert await seen() == ([now], [now])
    clock.advance(3_600)
    assert await seen() == ([now, later], [later, now]), "by upload in the list, by publishing in the feed"


async def test_feeds_leave_uc_out_at_the_head_and_pages_answer_404_as_html(
    api: Api, emulator: PlatformEmulator
) -> None:
    channel = emulator.add_channel("alpha", "A & <B>")
    emulator.publish(channel, "]]> \x00 <b>")
    short = emulator.publish(channel, "s", kind="short")
    status, feed = await api.page(f"/feeds/videos.xml?channel_id={channel}")
    assert status == 200
    assert re.findall("<yt:channelId>(.*?)<", feed) == [channel[2:], channel, channel]
    assert f"/shorts/{short}" in feed
    for path in ("/feeds/videos.xml?channel_id=UCnone", "/@nobody", "/channel/UCnone", "/c/none", "/user/none"):
        status, page = await api.page(path)
        assert status == 404
        assert page.startswith("<!DOCTYPE html>")
        assert "emulator of YouTube" in page, "who looks for a real channel learns why it is not here"


async def test_what_cannot_be_done_is_refused_with_a_reason(emulator: PlatformEmulator) -> None:
    channel = emulator.add_channel("alpha", "Alpha", custom="AlphaOne")
    video = emulator.publish(channel, "one")
    with pytest.raises(Refused, match="exists"):
        emulator.add_channel("beta", "Beta", custom="alphaone")
    with pytest.raises(Refused, match="no channel"):
        emulator.publish("UCnone", "x")
    with pytest.raises(Refused, match="not an announced stream"):
        emulator.go_live(channel, video_id=video)
    with pytest.raises(Refused, match="not live"):
        emulator.end_live(video)
    assert list(emulator.channels) == [channel], "a refused channel leaves nothing behind"


async def test_a_removed_channel_leaves_its_names_free(api: Api, emulator: PlatformEmulator) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    emulator.publish(channel, "one")
    emulator.remove_channel(channel)
    assert (await api("playlistItems", part="id", playlistId=f"UU{channel[2:]}"))[0] == 404
    _, document = await api("channels", part="id", forHandle="@alpha")
    assert "items" not in document
    assert emulator.add_channel("alpha", "Alpha again") == channel


async def test_a_failure_hits_its_side_only_and_as_often_as_told(api: Api, emulator: PlatformEmulator) -> None:
    emulator.fail_next("unavailable", 2, where="site")
    assert (await api("videos", part="id", id="x"))[0] == 200
    assert [(await api.page("/robots.txt"))[0] for _ in range(3)] == [503, 503, 200]
    with pytest.raises(ValueError, match="kind must be"):
        emulator.fail_next("nonsense")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="times"):
        emulator.fail_next("quota", 0)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "P0D"), (42, "PT42S"), (1_267, "PT21M7S"), (3_600, "PT1H"), (86_402, "P1DT2S"), (86_400, "P1D")],
)
def test_durations_are_written_as_youtube_writes_them(seconds: int, written: str) -> None:
    assert iso_duration(seconds) == written


async def test_a_video_of_an_earlier_run_keeps_a_picture_and_a_page(api: Api) -> None:
    status, picture = await api.page("/vi/unknown-0_1/high.svg")
    assert status == 200
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture != (await api.page("/vi/unknown-0_2/high.svg"))[1]
    status, page = await api.page("/watch?v=unknown-0_1")
    assert status == 200
    assert "This demonstration video is gone" in page
    with pytest.raises(Gone):
        parse_watch_page(page)
    for path in ("/vi/short/high.svg", "/vi/far-too-long/high.svg", "/avatar/UCnone/high.svg"):
        assert (await api.page(path))[0] == 404


async def test_every_page_says_that_it_is_a_demonstration(api: Api, emulator: PlatformEmulator) -> None:
    channel = emulator.add_channel("alpha", "Alpha")
    video = emulator.publish(channel, "one")
    for path, title in (
        (f"/watch?v={video}", "one - Demonstration"),
        ("/watch?v=unknown0000", "Video unavailable - Demonstration"),
        ("/@alpha", "Alpha - Demonstration"),
    ):
        _, page = await api.page(path)
        assert f"<title>{title}</title>" in page
        assert "<b>Demonstration</b>" in page


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(6, 40), st.integers(1, 4))
def test_a_title_on_a_picture_is_cut_between_words_or_not_at_all(title: str, limit: int, lines: int) -> None:
    rows = wrapped(title, limit, lines)
    assert len(rows) <= lines
    assert all(len(row) <= limit for row in rows)
    words = title.split()
    whole = "".join(words)
    shown = "".join(rows).replace(" ", "")
    if shown != whole:
        assert rows[-1].endswith("…")
        assert whole.startswith(shown.removesuffix("…"))
    if all(2 * len(word) < limit for word in words):
        told = " ".join(rows).removesuffix("…").split()
        assert told == words[: len(told)]


def test_a_korean_title_fits_in_the_picture() -> None:
    rows = wrapped("된장찌개 처음부터 끝까지 천천히 함께 끓여 보는 시간", 20, 2)
    assert rows == ["된장찌개 처음부터", "끝까지 천천히 함께…"]
