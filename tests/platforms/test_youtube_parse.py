from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.platforms.protocol import CHANNEL_TITLE_LIMIT, TITLE_LIMIT, URL_LIMIT, Item, Malformed, PlatformError
from mypick.platforms.youtube_errors import api_failure
from mypick.platforms.youtube_feed import parse_feed, parse_feed_channel
from mypick.platforms.youtube_http import Answer
from mypick.platforms.youtube_page import parse_channel_page, parse_watch_page
from mypick.platforms.youtube_parse import parse_channels, parse_owners, parse_playlist, parse_videos
from tests.platforms.patience import patient

SITE = "https://www.youtube.com"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CHANNEL = "UCabcdefghijklmnopqrstuv"
PAYLOADS = Path(__file__).resolve().parents[3] / "shared" / "payloads"

# The words of the API with values of any type: finds more than objects of random words.
words = st.sampled_from(
    [
        "id", "items", "etag", "nextPageToken", "snippet", "contentDetails", "status", "statistics",
        "thumbnails", "url", "width", "publishedAt", "title", "description", "channelId", "customUrl",
        "resourceId", "videoId", "videoPublishedAt", "privacyStatus", "duration", "viewCount", "error",
        "errors", "reason", "details", "metadata", "quota_unit", "relatedPlaylists", "uploads",
        "liveBroadcastContent", "liveStreamingDetails", "scheduledStartTime", "actualStartTime",
        "actualEndTime", "high", "default",
    ]
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["2026-05-01T00:00:00Z", "dQw4w9WgXcQ", CHANNEL, "live", "upcoming", "private", "P0D", "12", "\ud800"]
    )
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=5), inner, max_size=6)
)
answers = documents | st.fixed_dictionaries(
    {"items": st.lists(st.dictionaries(words, documents, max_size=6), max_size=3)}
)


def video(**parts: Any) -> dict[str, Any]:
    snippet = {"publishedAt": "2026-04-30T10:00:00Z", "channelId": CHANNEL, "title": "t", "description": "d"}
    return {"id": "dQw4w9WgXcQ", "snippet": snippet | parts.pop("snippet", {}), **parts}


def one(**parts: Any) -> Item:
    return parse_videos({"items": [video(**parts)]}, SITE)["dQw4w9WgXcQ"]


def try_everything(document: Any) -> int:
    """Give ``document`` to every parser. How many could read it; each other must say ``Malformed``."""
    read = 0
    for parse in (
        parse_playlist,
        lambda answer: parse_videos(answer, SITE),
        parse_owners,
        lambda answer: parse_channels(answer, SITE),
    ):
        try:
            parse(document)
            read += 1
        except Malformed:
            pass
    return read


@patient
@given(answers)
def test_any_json_gives_items_or_malformed(document: Any) -> None:
    try_everything(document)


@patient
@given(answers)
def test_whatever_is_read_fits_its_columns(document: Any) -> None:
    try:
        items = parse_videos(document, SITE)
        channels = parse_channels(document, SITE)
    except Malformed:
        return
    for item in items.values():
        assert 0 < len(item.title) <= TITLE_LIMIT
        assert len(item.url) <= URL_LIMIT
        assert item.published_at.tzinfo is UTC
        f"{item.title}{item.description}{item.image_url}".encode()
    for channel in channels:
        assert 0 < len(channel.title) <= CHANNEL_TITLE_LIMIT
        assert channel.uploads_ref


@patient
@given(st.sampled_from([400, 401, 403, 404, 409, 429, 500, 503]), answers | st.just("<html>"))
def test_any_refusal_is_a_typed_failure(status: int, document: Any) -> None:
    body = json.dumps(document, allow_nan=True).encode()
    assert isinstance(api_failure(Answer(status, body, None, None), NOW), PlatformError)


@patient
@given(st.binary(max_size=300))
def test_any_bytes_give_a_feed_or_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_feed(body, SITE)


@patient
@given(st.text(max_size=300))
def test_any_text_gives_a_page_or_a_typed_failure(page: str) -> None:
    for marked in (page, f"<meta {page}", f'"videoDetails":{{{page}', f'<link rel="canonical" href="{page}'):
        with pytest.raises(PlatformError):
            parse_channel_page(marked, SITE)
        with pytest.raises(PlatformError):
            parse_watch_page(marked)


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="no recorded payloads beside this checkout")
def test_every_recorded_payload_is_read_or_malformed() -> None:
    files = sorted(path for path in PAYLOADS.rglob("*") if path.is_file())
    assert files
    for path in files:
        body = path.read_bytes()
        try:
            document = json.loads(body)
        except ValueError:
            document = body.decode("utf-8", "replace")
        try_everything(document)
        assert isinstance(api_failure(Answer(400, body, None, None), NOW), PlatformError)
        for parse in (parse_feed, parse_feed_channel):
            with pytest.raises(Malformed):
                parse(body, SITE)


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="no recorded payloads beside this checkout")
def test_recorded_youtube_answers_are_read_in_full() -> None:
    def load(name: str) -> Any:
        return json.loads((PAYLOADS / "youtube" / name).read_bytes())

    single = parse_videos(load("videos_info_single.json"), SITE)["D-lhorsDlUQ"]
    assert single.title == "What are Actions on Google (Assistant on Air)"
    assert (single.view_count, single.duration_s, single.kind) == (None, None, "video")
    assert single.image_url == "https://i.ytimg.com/vi/D-lhorsDlUQ/hqdefault.jpg"
    model = parse_videos({"items": [load("model_video_info.json")]}, SITE)["D-lhorsDlUQ"]
    assert (model.view_count, model.duration_s) == (8_087, 1_267)
    page = parse_playlist(load("playlist_items_paged_1.json"))
    assert (len(page.ids), page.ids[0], page.next) == (10, "CvTApw9X8aA", "CAoQAA")
    assert len(parse_videos(load("videos_chart_paged_1.json"), SITE)) == 5
    first, second = parse_channels(load("channels_info_multiple.json"), SITE)
    assert (first.handle, first.uploads_ref) == ("google", "UUK8sQmJBp8GCxrOtXWBpyEA")
    assert second.external_id == "UC_x5XG1OV2P6uZZ5FSM9Ttw"


def test_one_bad_item_does_not_hide_the_others() -> None:
    bad = [{"id": {"videoId": "x"}}, None, 5, {"id": "dQw4w9WgXcQ", "snippet": {"publishedAt": "yesterday"}}]
    assert list(parse_videos({"items": [*bad, video()]}, SITE)) == ["dQw4w9WgXcQ"]
    with pytest.raises(Malformed, match="none of 4 items"):
        parse_videos({"items": bad}, SITE)


def test_nothing_found_is_not_malformed() -> None:
    assert parse_videos({"items": []}, SITE) == {}
    assert parse_channels({"pageInfo": {"totalResults": 0}}, SITE) == []


def test_hidden_statistics_are_none_and_not_zero() -> None:
    assert one(statistics={"likeCount": "5"}).view_count is None
    assert one().view_count is None
    assert one(statistics={"viewCount": "0"}).view_count == 0


@pytest.mark.parametrize(
    ("content", "stream", "kind", "status", "starts_at"),
    [
        ("none", {}, "video", "none", None),
        (
            "upcoming",
            {"scheduledStartTime": "2026-05-02T00:00:00Z"},
            "live",
            "upcoming",
            datetime(2026, 5, 2, tzinfo=UTC),
        ),
        ("live", {"actualStartTime": "2026-05-01T00:00:00Z"}, "live", "live", datetime(2026, 5, 1, tzinfo=UTC)),
        ("upcoming", {}, "live", "upcoming", None),
        (
            "none",
            {"actualStartTime": "2026-05-01T00:00:00Z", "actualEndTime": "2026-05-01T02:00:00Z"},
            "live",
            "ended",
            datetime(2026, 5, 1, tzinfo=UTC),
        ),
        ("something new", {}, "video", "none", None),
    ],
)
def test_live_streams_say_where_they_stand(
    content: str, stream: dict[str, str], kind: str, status: str, starts_at: datetime | None
) -> None:
    item = one(snippet={"liveBroadcastContent": content}, liveStreamingDetails=stream)
    assert (item.kind, item.live_status, item.starts_at) == (kind, status, starts_at)


@pytest.mark.parametrize(
    ("duration", "title", "kind"),
    [("PT40S", "t", "short"), ("PT2M", "t", "video"), ("PT2M", "t #Shorts", "short"), ("PT9M", "t #shorts", "video")],
)
def test_shorts_are_told_from_videos_by_length_and_mark(duration: str, title: str, kind: str) -> None:
    assert one(snippet={"title": title}, contentDetails={"duration": duration}).kind == kind


def test_private_and_deleted_entries_are_not_listed() -> None:
    def entry(video_id: str, **parts: Any) -> dict[str, Any]:
        return {"snippet": {"thumbnails": {}, "resourceId": {"videoId": video_id}}, **parts}

    published = {"videoPublishedAt": "2026-05-01T00:00:00Z"}
    page = parse_playlist(
        {
            "items": [
                entry("public00001", contentDetails={"videoId": "public00001"} | published),
                entry("private0001", contentDetails={"videoId": "private0001"}, status={"privacyStatus": "private"}),
                entry("deleted0001", contentDetails={"videoId": "deleted0001"}),
                entry("snippetonly"),
                entry("public00001", contentDetails={"videoId": "public00001"} | published),
            ],
            "etag": "x\r\nX-Injected: 1",
        }
    )
    assert page.ids == ("public00001", "snippetonly")
    assert page.etag is None, "an ETag that would break a header is not kept"


def test_old_custom_names_are_not_handles() -> None:
    channel = {"id": CHANNEL, "snippet": {"title": "", "customUrl": "oldname"}}
    (info,) = parse_channels({"items": [channel]}, SITE)
    assert (info.handle, info.title, info.uploads_ref) == (None, CHANNEL, f"UU{CHANNEL[2:]}")
