"""The emulator's state in the words of the Data API: strings for numbers, parts as asked, the odd dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from demo import identifiers
from demo.world import Channel, Video

_SIZES = {"default": (120, 90), "medium": (320, 180), "high": (480, 360), "standard": (640, 480)}
_AVATARS = {"default": 88, "medium": 240, "high": 800}


def zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def zulu_with_fraction(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def iso_duration(seconds: int) -> str:
    """``P0D`` for nothing, as of a stream that runs; days as soon as there are any: ``P1DT2S``."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    time = "".join(f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (secs, "S")) if amount)
    if not time:
        return f"P{days}D"
    return f"P{days}DT{time}" if days else f"PT{time}"


def thumbnails(video: Video, address: str | None) -> dict[str, Any]:
    if address is None:
        return {}
    return {
        name: {"url": f"{address}/vi/{video.id}/{name}.svg", "width": width, "height": height}
        for name, (width, height) in _SIZES.items()
    }


def avatar_url(channel: Channel, address: str, size: int = 240) -> str:
    return f"{address}/avatar/{channel.id}/{size}.svg"


def avatars(channel: Channel, address: str | None) -> dict[str, Any]:
    if address is None:
        return {}
    return {
        name: {"url": avatar_url(channel, address, size), "width": size, "height": size}
        for name, size in _AVATARS.items()
    }


def channel_resource(channel: Channel, parts: set[str], address: str | None) -> dict[str, Any]:
    made = {
        "snippet": {
            "title": channel.title,
            "description": channel.description,
            "customUrl": f"@{channel.handle.lower()}",
            "publishedAt": zulu(channel.created_at),
            "thumbnails": avatars(channel, address),
            "localized": {"title": channel.title, "description": channel.description},
        },
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": channel.uploads_id}},
        "statistics": {
            "viewCount": str(sum(video.views or 0 for video in channel.uploads)),
            "subscriberCount": "1000",
            "hiddenSubscriberCount": False,
            "videoCount": str(len(channel.uploads)),
        },
        "status": {"privacyStatus": "public", "isLinked": True},
        "brandingSettings": {"channel": {"title": channel.title}},
    }
    return _resource("youtube#channel", channel.id, made, parts)


def video_resource(video: Video, channel: Channel, parts: set[str], address: str | None) -> dict[str, Any]:
    statistics = {"favoriteCount": "0", "commentCount": "0"}
    if video.views is not None:
        statistics["viewCount"] = str(video.views)
    made: dict[str, Any] = {
        "snippet": {
            "publishedAt": zulu(video.published_at),
            "channelId": channel.id,
            "title": video.title,
            "description": video.description,
            "thumbnails": thumbnails(video, address),
            "channelTitle": channel.title,
            "categoryId": "22",
            "liveBroadcastContent": video.live,
            "localized": {"title": video.title, "description": video.description},
        },
        "contentDetails": {
            "duration": iso_duration(0 if video.live != "none" else video.duration_s),
            "dimension": "2d",
            "definition": "hd",
            "caption": "false",
            "licensedContent": False,
            "contentRating": {},
            "projection": "rectangular",
        },
        "statistics": statistics,
        "status": {"uploadStatus": "processed", "privacyStatus": "public", "embeddable": True},
        "player": {"embedHtml": f'<iframe src="//www.youtube.com/embed/{video.id}"></iframe>'},
    }
    stream = {
        "scheduledStartTime": video.planned_at,
        "actualStartTime": video.began_at,
        "actualEndTime": video.ended_at,
    }
    told = {name: zulu(moment) for name, moment in stream.items() if moment is not None}
    if told:
        made["liveStreamingDetails"] = told | ({"activeLiveChatId": f"chat-{video.id}"} if video.live != "none" else {})
    return _resource("youtube#video", video.id, made, parts)


def playlist_item_resource(
    video: Video, channel: Channel, position: int, parts: set[str], address: str | None, *, public: bool
) -> dict[str, Any]:
    """An entry of the uploads list. What is private or deleted keeps its place without title, picture and date."""
    snippet: dict[str, Any] = {
        "publishedAt": zulu_with_fraction(video.uploaded_at),  # when it came into the list
        "channelId": channel.id,
        "title": video.title,
        "description": video.description,
        "thumbnails": thumbnails(video, address),
        "channelTitle": channel.title,
        "playlistId": channel.uploads_id,
        "position": position,
        "resourceId": {"kind": "youtube#video", "videoId": video.id},
        "videoOwnerChannelTitle": channel.title,
        "videoOwnerChannelId": channel.id,
    }
    details = {"videoId": video.id, "videoPublishedAt": zulu(video.published_at)}
    status = "public"
    if not public:
        word = "Deleted" if video.deleted else "Private"
        snippet |= {"title": f"{word} video", "description": f"This video is {word.lower()}.", "thumbnails": {}}
        del snippet["videoOwnerChannelTitle"], snippet["videoOwnerChannelId"], details["videoPublishedAt"]
        status = "privacyStatusUnspecified" if video.deleted else "private"
    made = {"snippet": snippet, "contentDetails": details, "status": {"privacyStatus": status}}
    item_id = identifiers.etag(f"{channel.uploads_id}.{video.id}".encode())
    return _resource("youtube#playlistItem", item_id, made, parts)


def _resource(kind: str, resource_id: str, made: Mapping[str, Any], parts: set[str]) -> dict[str, Any]:
    shown = {name: value for name, value in made.items() if name in parts}
    tag = identifiers.etag(repr(shown).encode())
    return {"kind": kind, "etag": tag, "id": resource_id, **shown}
