"""Answers of the Data API, read. Any JSON at all gives shapes or ``Malformed``, never another exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mypick.platforms import youtube_values as values
from mypick.platforms.protocol import (
    CHANNEL_TITLE_LIMIT,
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    ChannelInfo,
    Item,
    ItemKind,
    LiveStatus,
    Malformed,
    Page,
)
from mypick.platforms.youtube_links import PLATFORM, clean_handle

# The API does not say what is a Short. Nearly everything up to a minute is one; up to three minutes may be.
SHORT_SURELY_S = 60
SHORT_IF_MARKED_S = 180
_SHORT_MARK = "#shorts"

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Listed:
    """A parsed playlist page: the public ones of its items, and what the conditional request needs."""

    ids: tuple[str, ...]
    etag: str | None
    next: str | None

    def as_page(self) -> Page:
        return Page(item_ids=self.ids, etag=self.etag, next=self.next)


def watch_url(site: str, video_id: str) -> str:
    return f"{site}/watch?v={video_id}"


def channel_url(site: str, channel_id: str) -> str:
    return f"{site}/channel/{channel_id}"


def uploads_of(channel_id: str) -> str:
    """The list of uploads by rule (UC… becomes UU…), for when the API's own word is not known."""
    return f"UU{channel_id[2:]}"


def parse_playlist(answer: Any) -> Listed:
    """A ``playlistItems`` answer with ``snippet,contentDetails,status``. Private and deleted entries are left out."""
    ids = dict.fromkeys(entry for entry in _each(answer, _playlist_entry) if entry)
    return Listed(tuple(ids), values.printable(answer.get("etag")), values.printable(answer.get("nextPageToken"), 500))


def parse_videos(answer: Any, site: str) -> dict[str, Item]:
    """A ``videos`` answer with ``snippet,contentDetails,liveStreamingDetails,statistics``, by id."""
    return {item.external_id: item for item in _each(answer, lambda video: _video(video, site))}


def parse_owners(answer: Any) -> dict[str, str]:
    """Of a ``videos`` answer: the channel of each video."""
    return dict(_each(answer, _owner))


def parse_channels(answer: Any, site: str) -> list[ChannelInfo]:
    """A ``channels`` answer with ``snippet,contentDetails``. No channel at all is an answer too."""
    return _each(answer, lambda channel: _channel(channel, site))


def _each(answer: Any, read: Callable[[Mapping[str, Any]], _Read | None]) -> list[_Read]:
    """What ``read`` makes of each item. One bad item must not hide the others; if all are bad, the format is new."""
    if not isinstance(answer, dict):
        raise Malformed(f"expected a JSON object, got {type(answer).__name__}")
    items = answer.get("items", [])  # absent where nothing was found
    if not isinstance(items, list):
        raise Malformed(f"items is {type(items).__name__}, not a list")
    good = [result for item in items if (result := read(values.mapping(item))) is not None]
    if items and not good:
        raise Malformed(f"none of {len(items)} items can be read")
    return good


def _playlist_entry(entry: Mapping[str, Any]) -> str | None:
    """The video's id; empty for an entry that is read but not public; None for one that cannot be read."""
    snippet, details = values.mapping(entry.get("snippet")), entry.get("contentDetails")
    found = values.identifier(values.mapping(details).get("videoId"))
    found = found or values.identifier(values.mapping(snippet.get("resourceId")).get("videoId"))
    if found is None:
        return None
    if values.mapping(entry.get("status")).get("privacyStatus") == "private":
        return ""
    # "Private video" and "Deleted video" have no pictures and no date of publishing; their titles are translated
    vanished = isinstance(details, dict) and "videoPublishedAt" not in details and snippet.get("thumbnails") == {}
    return "" if vanished else found


def _owner(video: Mapping[str, Any]) -> tuple[str, str] | None:
    video_id = values.identifier(video.get("id"))
    owner = values.channel_id(values.mapping(video.get("snippet")).get("channelId"))
    return (video_id, owner) if video_id and owner else None


def _video(video: Mapping[str, Any], site: str) -> Item | None:
    video_id, snippet = values.identifier(video.get("id")), values.mapping(video.get("snippet"))
    published_at = values.moment(snippet.get("publishedAt"))
    if video_id is None or published_at is None:
        return None
    title = values.text(snippet.get("title"), TITLE_LIMIT)
    description = values.text(snippet.get("description"), DESCRIPTION_LIMIT)
    duration_s = values.duration(values.mapping(video.get("contentDetails")).get("duration"))
    live_status, starts_at = _live(snippet, values.mapping(video.get("liveStreamingDetails")))
    kind: ItemKind = "video"
    if live_status != "none":
        kind = "live"
    elif _is_short(duration_s, title, description):
        kind = "short"
    return Item(
        external_id=video_id,
        kind=kind,
        live_status=live_status,
        title=title or video_id,
        description=description,
        url=watch_url(site, video_id),
        image_url=values.picture(snippet.get("thumbnails")),
        duration_s=duration_s,
        view_count=values.number(values.mapping(video.get("statistics")).get("viewCount")),
        published_at=published_at,
        starts_at=starts_at,
    )


def _live(snippet: Mapping[str, Any], stream: Mapping[str, Any]) -> tuple[LiveStatus, datetime | None]:
    planned = values.moment(stream.get("scheduledStartTime"))
    began = values.moment(stream.get("actualStartTime"))
    ended = values.moment(stream.get("actualEndTime"))
    match snippet.get("liveBroadcastContent"):
        case "upcoming":
            return "upcoming", planned
        case "live":
            return "live", began or planned
    return ("ended", began or planned) if began or ended else ("none", None)


def _is_short(duration_s: int | None, title: str, description: str) -> bool:
    if duration_s is None or duration_s > SHORT_IF_MARKED_S:
        return False
    return duration_s <= SHORT_SURELY_S or _SHORT_MARK in f"{title}\n{description}".lower()


def _channel(channel: Mapping[str, Any], site: str) -> ChannelInfo | None:
    found, snippet = values.channel_id(channel.get("id")), values.mapping(channel.get("snippet"))
    if found is None:
        return None
    custom = snippet.get("customUrl")  # "@name", or an old custom name without the sign, which is no handle
    handle = clean_handle(custom) if isinstance(custom, str) and custom.startswith("@") else None
    playlists = values.mapping(values.mapping(channel.get("contentDetails")).get("relatedPlaylists"))
    return ChannelInfo(
        platform=PLATFORM,
        external_id=found,
        handle=handle,
        title=values.text(snippet.get("title"), CHANNEL_TITLE_LIMIT) or handle or found,
        description=values.text(snippet.get("description"), DESCRIPTION_LIMIT),
        url=channel_url(site, found),
        avatar_url=values.picture(snippet.get("thumbnails")),
        uploads_ref=values.identifier(playlists.get("uploads")) or uploads_of(found),
    )
