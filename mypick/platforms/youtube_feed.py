"""The public feed of a channel: its newest 15 uploads with full data, free of quota, an hour late at worst.

Of what the API tells, the feed has no duration and does not say what is live.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mypick.platforms import youtube_values as values
from mypick.platforms.protocol import (
    CHANNEL_TITLE_LIMIT,
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    ChannelInfo,
    Item,
    Malformed,
)
from mypick.platforms.youtube_links import PLATFORM
from mypick.platforms.youtube_parse import channel_url, uploads_of, watch_url

ENTRY_LIMIT = 100  # entries read; YouTube sends 15
SIZE_LIMIT = 512 * 1024  # bytes; 15 entries with the longest descriptions have 150 KB

_NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "media": "http://search.yahoo.com/mrss/",
}
_FEED = f"{{{_NAMES['atom']}}}feed"


def parse_feed(body: bytes, site: str) -> dict[str, Item]:
    """The items of a feed by id, in the feed's order. Any bytes at all give items or ``Malformed``."""
    entries = _root(body).findall("atom:entry", _NAMES)[:ENTRY_LIMIT]
    items = [item for entry in entries if (item := _item(entry, site)) is not None]
    if entries and not items:
        raise Malformed(f"none of the feed's {len(entries)} entries can be read")
    return {item.external_id: item for item in items}


def parse_feed_channel(body: bytes, site: str) -> ChannelInfo:
    """What a feed tells of its channel: no handle, description or picture."""
    root = _root(body)
    # The head's id lacks "UC" in some feeds and is empty in others; the entries' is whole.
    found = values.channel_id(_text(root, "yt:channelId"))
    found = found or values.channel_id(_text(root, "atom:entry/yt:channelId"))
    if found is None:
        raise Malformed("the feed does not name its channel")
    title = _text(root, "atom:author/atom:name") or _text(root, "atom:title")
    return ChannelInfo(
        platform=PLATFORM,
        external_id=found,
        handle=None,
        title=values.text(title, CHANNEL_TITLE_LIMIT) or found,
        description="",
        url=channel_url(site, found),
        avatar_url=None,
        uploads_ref=uploads_of(found),
    )


def _root(body: bytes) -> Element:
    if len(body) > SIZE_LIMIT:
        raise Malformed(f"a feed of {len(body)} bytes is not read")
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as failure:
        # LookupError and ValueError: an encoding that the declaration names and Python does not know
        raise Malformed(f"the feed is not XML that we read ({type(failure).__name__})") from None
    if root.tag != _FEED:
        raise Malformed("the document is not a feed")
    return root


def _item(entry: Element, site: str) -> Item | None:
    video_id = values.identifier(_text(entry, "yt:videoId"))
    video_id = video_id or values.identifier((_text(entry, "atom:id") or "").removeprefix("yt:video:"))
    published_at = values.moment(_text(entry, "atom:published"))
    if video_id is None or published_at is None:
        return None
    media = entry.find("media:group", _NAMES)
    media = Element("none") if media is None else media
    thumbnail = media.find("media:thumbnail", _NAMES)
    statistics = media.find("media:community/media:statistics", _NAMES)
    title = values.text(_text(entry, "atom:title") or _text(media, "media:title"), TITLE_LIMIT)
    links = [link.get("href", "") for link in entry.findall("atom:link", _NAMES)]
    return Item(
        external_id=video_id,
        kind="short" if any("/shorts/" in link for link in links) else "video",
        live_status="none",
        title=title or video_id,
        description=values.text(_text(media, "media:description"), DESCRIPTION_LIMIT),
        url=watch_url(site, video_id),
        image_url=None if thumbnail is None else values.address(thumbnail.get("url")),
        duration_s=None,
        view_count=None if statistics is None else values.number(statistics.get("views")),
        published_at=published_at,
        starts_at=None,
    )


def _text(element: Element, path: str) -> str | None:
    return element.findtext(path, None, _NAMES)
