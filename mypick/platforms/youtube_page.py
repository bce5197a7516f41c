"""What a public page of YouTube says about its channel. Only tags and marks meant for machines are read."""

from __future__ import annotations

import html
import re

from mypick.platforms import youtube_values as values
from mypick.platforms.protocol import CHANNEL_TITLE_LIMIT, DESCRIPTION_LIMIT, ChannelInfo, Gone, Malformed
from mypick.platforms.youtube_links import PLATFORM, clean_handle
from mypick.platforms.youtube_parse import channel_url, uploads_of

TAG_LIMIT = 500  # meta and link tags read; a page has about 60

_ID = r"(UC[A-Za-z0-9_-]{22})"
_TAG = re.compile(r"<(?:meta|link)\s", re.IGNORECASE)
# One attribute at a time, from where the last one ended: linear in the page, whatever it holds.
_ATTRIBUTE = re.compile(r"""\s*([A-Za-z:_-]{1,40})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,9000})"|'([^']{0,9000})'))?""")
_OWN_ADDRESS = re.compile(rf"(?:https?:)?//[^/]{{1,100}}/channel/{_ID}(?:[/?#]|$)")
_FEED_ADDRESS = re.compile(rf"/feeds/videos\.xml\?channel_id={_ID}(?:&|$)")
# A channel page: its own id. Other ids stand all over both pages, so a bare UC… proves nothing.
_EXTERNAL_ID = re.compile(rf'"externalId"\s?:\s?"{_ID}"')
_VANITY = re.compile(r'"vanityChannelUrl"\s?:\s?"[^"@]{0,100}/(@[^"/?\\]{1,700})')
# A watch page: the video's owner, in the player's data.
_OWNER = re.compile(rf'"videoDetails"\s?:\s?\{{[^{{}}]{{0,4000}}?"channelId"\s?:\s?"{_ID}"')
_EXTERNAL_CHANNEL = re.compile(rf'"externalChannelId"\s?:\s?"{_ID}"')
# Not LOGIN_REQUIRED, which is also the answer to an address that YouTube takes for a robot's.
_NO_VIDEO = re.compile(r'"playabilityStatus"\s?:\s?\{\s?"status"\s?:\s?"ERROR"')


def parse_channel_page(page: str, site: str) -> ChannelInfo:
    """The channel whose page this is."""
    facts = _facts(page)
    found = _own_id(page, facts)
    if found is None:
        raise Malformed("the page does not name its channel")
    handle = _handle(page, facts)
    title = values.text(facts.get("og:title") or facts.get("title"), CHANNEL_TITLE_LIMIT)
    return ChannelInfo(
        platform=PLATFORM,
        external_id=found,
        handle=handle,
        title=title or handle or found,
        description=values.text(facts.get("og:description") or facts.get("description"), DESCRIPTION_LIMIT),
        url=channel_url(site, found),
        avatar_url=values.address(facts.get("og:image")),
        uploads_ref=uploads_of(found),
    )


def parse_watch_page(page: str) -> str:
    """The id of the channel that owns the video of a watch page; ``Gone`` where the page says it has no video."""
    match = _OWNER.search(page) or _EXTERNAL_CHANNEL.search(page)
    if match:
        return match[1]
    owner = values.channel_id(_facts(page).get("channelId"))
    if owner:
        return owner
    if _NO_VIDEO.search(page):
        raise Gone("there is no such video")
    raise Malformed("the page does not say whose video it shows")


def _facts(page: str) -> dict[str, str]:
    """``name``, ``property`` or ``itemprop`` of each meta tag, and ``rel`` of each link tag, with its value."""
    facts: dict[str, str] = {}
    for count, tag in enumerate(_TAG.finditer(page)):
        if count >= TAG_LIMIT:
            break
        attributes = _attributes(page, tag.end())
        value = attributes.get("content", attributes.get("href"))
        if value is None:
            continue
        for key in ("property", "name", "itemprop", "rel"):
            if key in attributes:
                # feeds and app links share rel="alternate"; only the feed names the channel
                if attributes[key] == "alternate" and not _FEED_ADDRESS.search(value):
                    continue
                facts.setdefault(attributes[key], value)
    return facts


def _attributes(page: str, start: int) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for _ in range(12):  # no tag that is looked for has as many
        match = _ATTRIBUTE.match(page, start)
        if match is None:
            break
        attributes[match[1].lower()] = html.unescape(match[2] or match[3] or "")
        start = match.end()
    return attributes


def _own_id(page: str, facts: dict[str, str]) -> str | None:
    for pattern, name in ((_OWN_ADDRESS, "canonical"), (_OWN_ADDRESS, "og:url"), (_FEED_ADDRESS, "alternate")):
        match = pattern.search(facts.get(name, ""))
        if match:
            return match[1]
    match = _EXTERNAL_ID.search(page)
    if match:
        return match[1]
    return values.channel_id(facts.get("identifier")) or values.channel_id(facts.get("channelId"))


def _handle(page: str, facts: dict[str, str]) -> str | None:
    for address in (facts.get("canonical", ""), facts.get("og:url", "")):
        _, at, name = address.partition("/@")
        if at:
            return clean_handle(name.split("/", 1)[0].split("?", 1)[0])
    match = _VANITY.search(page)
    return clean_handle(match[1]) if match else None
