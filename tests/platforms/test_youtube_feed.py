from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.platforms.protocol import Malformed, PlatformError
from mypick.platforms.youtube_feed import parse_feed, parse_feed_channel
from mypick.platforms.youtube_page import parse_channel_page, parse_watch_page
from tests.platforms.patience import patient

SITE = "https://www.youtube.com"
CHANNEL = "UCabcdefghijklmnopqrstuv"

FEED = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns="http://www.w3.org/2005/Atom">
<id>yt:channel:{CHANNEL[2:]}</id><yt:channelId>{CHANNEL[2:]}</yt:channelId><title>하늘의 부엌</title>
<entry><id>yt:video:aaaaaaaaaaa</id><yt:videoId>aaaaaaaaaaa</yt:videoId><yt:channelId>{CHANNEL}</yt:channelId>
<title>첫 번째 &amp; 두 번째</title><link rel="alternate" href="https://www.youtube.com/shorts/aaaaaaaaaaa"/>
<published>2026-05-01T10:00:00+00:00</published><updated>2026-05-02T10:00:00+00:00</updated>
<media:group><media:title>t</media:title><media:thumbnail url="https://i4.ytimg.com/vi/a/hqdefault.jpg" width="480"/>
<media:description>설명</media:description><media:community><media:statistics views="12"/></media:community>
</media:group></entry>
<entry><id>yt:video:bbbbbbbbbbb</id><title>bare</title><link rel="alternate" href="javascript:alert(1)"/>
<published>2026-05-01T09:00:00.123456789Z</published></entry>
<entry><title>no id at all</title><published>2026-05-01T09:00:00Z</published></entry>
</feed>""".encode()

PAGE = f"""<html><head><script>{{"browseId":"UCsomebodyelse0000000000"}}</script>
<meta property="og:title" content="하늘 &amp; &lt;땅&gt;"><meta property='og:description' content="a > b">
<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}"><meta name=broken content=unquoted>
<script>{{"externalId":"{CHANNEL}","vanityChannelUrl":"http://www.youtube.com/@%ED%95%98%EB%8A%98"}}</script>"""


def test_a_feed_gives_whole_items_in_its_order() -> None:
    items = parse_feed(FEED, SITE)
    assert list(items) == ["aaaaaaaaaaa", "bbbbbbbbbbb"]
    first, second = items.values()
    assert (first.kind, first.title, first.description, first.view_count) == ("short", "첫 번째 & 두 번째", "설명", 12)
    assert first.published_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert first.image_url == "https://i4.ytimg.com/vi/a/hqdefault.jpg"
    assert (second.kind, second.view_count, second.image_url) == ("video", None, None)
    assert second.url == f"{SITE}/watch?v=bbbbbbbbbbb", "an address is made from the id, never taken from the feed"


def test_the_head_of_a_feed_names_its_channel_without_uc() -> None:
    info = parse_feed_channel(FEED, SITE)
    assert (info.external_id, info.title) == (CHANNEL, "하늘의 부엌")
    headless = FEED.replace(f"<yt:channelId>{CHANNEL[2:]}</yt:channelId>".encode(), b"<yt:channelId/>", 1)
    assert parse_feed_channel(headless, SITE).external_id == CHANNEL


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><html><p>404",
        b"<html></html>",
        b'<?xml version="1.0" encoding="utf-7"?><feed/>',
        b'<?xml version="1.0" encoding="nonsense"?><feed/>',
        b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><feed xmlns="http://www.w3.org/2005/Atom">&c;</feed>',
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>',
        FEED[:-40],
        FEED + b" " * 600_000,
    ],
)
def test_what_is_no_feed_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_feed(body, SITE)


@patient
@given(st.integers(0, len(FEED)), st.integers(0, 60), st.binary(max_size=20))
def test_a_damaged_feed_gives_items_or_malformed(start: int, length: int, patch: bytes) -> None:
    damaged = FEED[:start] + patch + FEED[start + length :]
    for parse in (parse_feed, parse_feed_channel):
        with suppress(Malformed):
            parse(damaged, SITE)


def test_a_channel_page_is_read_by_its_own_marks() -> None:
    info = parse_channel_page(PAGE, SITE)
    assert (info.external_id, info.handle, info.title) == (CHANNEL, "하늘", "하늘 & <땅>")
    assert (info.description, info.url) == ("a > b", f"{SITE}/channel/{CHANNEL}")


@pytest.mark.parametrize(
    "page",
    [
        f'<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">',
        f'<meta property="og:url" content="https://www.youtube.com/channel/{CHANNEL}">',
        f'<link rel="canonical" href="https://www.youtube.com/@x"><meta itemprop="identifier" content="{CHANNEL}">',
        f'<meta itemprop="channelId" content="{CHANNEL}">',
        '<link rel="alternate" href="https://m.youtube.com/channel/UCsomebodyelse0000000000">'
        f'<link rel="alternate" href="https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}">',
        f'<script>{{"externalId" : "{CHANNEL}"}}',
    ],
)
def test_any_one_of_a_pages_marks_is_enough(page: str) -> None:
    assert parse_channel_page(f"<script>UCsomebodyelse0000000000</script>{page}", SITE).external_id == CHANNEL


@patient
@given(st.integers(0, len(PAGE)), st.integers(0, 60), st.text(max_size=20))
def test_a_damaged_page_gives_a_channel_or_a_typed_failure(start: int, length: int, patch: str) -> None:
    damaged = PAGE[:start] + patch + PAGE[start + length :]
    for parse in (lambda page: parse_channel_page(page, SITE), parse_watch_page):
        with suppress(PlatformError):
            parse(damaged)
