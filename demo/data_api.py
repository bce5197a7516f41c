"""The emulated Data API v3: ``channels``, ``playlistItems`` and ``videos``, with its quota, pages and ETags."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from demo import identifiers
from demo.faults import API, api_error, key_invalid, not_found_page, quota_exceeded
from demo.resources import channel_resource, playlist_item_resource, video_resource
from demo.world import Video, World

PAGE_LIMIT = 50
ID_LIMIT = 50
PACIFIC = ZoneInfo("America/Los_Angeles")

_PARTS = {
    "channels": {"id", "snippet", "contentDetails", "statistics", "status", "brandingSettings"},
    "playlistItems": {"id", "snippet", "contentDetails", "status"},
    "videos": {"id", "snippet", "contentDetails", "liveStreamingDetails", "statistics", "status", "player"},
}


class _Refusal(Exception):
    def __init__(self, response: web.Response) -> None:
        self.response = response


class DataApi:
    """Every call with a valid key costs one unit of the Pacific day's quota, invalid and unmodified ones too."""

    def __init__(
        self, world: World, *, keys: frozenset[str], daily_quota: int, address: Callable[[], str | None]
    ) -> None:
        self.keys = keys
        self.daily_quota = daily_quota
        self.calls: Counter[str] = Counter()  # by method, refused ones included; search stands here if ever asked
        self._world = world
        self._address = address
        self._day: date | None = None
        self._used = 0

    @property
    def units_used(self) -> int:
        """Units spent since the last midnight in California."""
        today = self._world.now().astimezone(PACIFIC).date()
        if today != self._day:
            self._day, self._used = today, 0
        return self._used

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(API + "{method}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if len(self.calls) < 100 or method in self.calls:
            self.calls[method] += 1
        key = request.headers.get("X-Goog-Api-Key") or request.query.get("key")
        if key is None:
            message = "Method doesn't allow unregistered callers."
            return api_error(403, "forbidden", message, domain="global")
        if key not in self.keys:
            return key_invalid()
        if self.units_used >= self.daily_quota:
            return quota_exceeded()
        self._used += 1
        handlers = {"channels": self._channels, "playlistItems": self._playlist_items, "videos": self._videos}
        if method not in handlers:
            return not_found_page()
        try:
            parts = self._parts(request, method)
            return self._respond(request, handlers[method](request, parts))
        except _Refusal as refusal:
            return refusal.response

    def _parts(self, request: web.Request, method: str) -> set[str]:
        parts = {part.strip() for part in request.query.get("part", "").split(",") if part.strip()}
        if not parts:
            raise _Refusal(api_error(400, "missingRequiredParameter", "No part selected", domain="youtube.parameter"))
        unknown = parts - _PARTS[method]
        if unknown:
            message = f"'{sorted(unknown)[0]}'"
            raise _Refusal(api_error(400, "unknownPart", message, domain="youtube.part"))
        return parts

    def _respond(self, request: web.Request, document: dict[str, Any]) -> web.Response:
        tag = identifiers.etag(json.dumps(document, ensure_ascii=False).encode())
        asked = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
        headers = {"ETag": tag, "Vary": "Origin, X-Origin, Referer", "Cache-Control": "private"}
        if asked == tag:
            return web.Response(status=304, headers=headers)
        body = {"kind": document["kind"], "etag": tag, **document}
        text = json.dumps(body, ensure_ascii=False, indent=2)
        return web.Response(text=text, content_type="application/json", headers=headers)

    def _channels(self, request: web.Request, parts: set[str]) -> dict[str, Any]:
        filters = [name for name in ("id", "forHandle", "forUsername") if name in request.query]
        if len(filters) != 1:
            message = "No filter selected. Expected one of: id, forHandle, forUsername"
            raise _Refusal(api_error(400, "missingRequiredParameter", message, domain="youtube.parameter"))
        value = request.query[filters[0]]
        if filters[0] == "id":
            found = [self._world.channels[each] for each in _ids(value) if each in self._world.channels]
        else:
            kind = "handle" if filters[0] == "forHandle" else "user"
            one = self._world.find(kind, value.removeprefix("@"))
            found = [one] if one else []
        items = [channel_resource(channel, parts, self._address()) for channel in found]
        document: dict[str, Any] = {"kind": "youtube#channelListResponse", "pageInfo": _page_info(len(items), 5)}
        return document | ({"items": items} if items else {})  # YouTube leaves the list out where it is empty

    def _videos(self, request: web.Request, parts: set[str]) -> dict[str, Any]:
        if "id" not in request.query:
            message = "No filter selected. Expected one of: id"
            raise _Refusal(api_error(400, "missingRequiredParameter", message, domain="youtube.parameter"))
        now = self._world.now()
        known = [self._world.videos[each] for each in _ids(request.query["id"]) if each in self._world.videos]
        items = [
            video_resource(video, self._world.channel(video.channel_id), parts, self._address())
            for video in known
            if video.is_public(now)
        ]
        return {"kind": "youtube#videoListResponse", "items": items, "pageInfo": _page_info(len(items), len(items))}

    def _playlist_items(self, request: web.Request, parts: set[str]) -> dict[str, Any]:
        playlist = request.query.get("playlistId", "")
        channel = self._world.channels.get(f"UC{playlist[2:]}") if playlist.startswith("UU") else None
        if channel is None or not channel.uploads:  # a channel that never uploaded has no list either
            message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
            raise _Refusal(api_error(404, "playlistNotFound", message, domain="youtube.playlistItem"))
        size = self._size(request)
        start = self._start(request.query.get("pageToken"), playlist)
        listed: list[Video] = self._world.listed(channel)
        now, address = self._world.now(), self._address()
        items = [
            playlist_item_resource(video, channel, position, parts, address, public=video.is_public(now))
            for position, video in enumerate(listed[start : start + size], start)
        ]
        document = {
            "kind": "youtube#playlistItemListResponse",
            "items": items,
            "pageInfo": _page_info(len(listed), size),
        }
        if start + size < len(listed):
            document["nextPageToken"] = self._token(playlist, start + size)
        return document

    def _size(self, request: web.Request) -> int:
        value = request.query.get("maxResults", "5")
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:4]) <= PAGE_LIMIT:
            message = "Invalid value for maxResults: must be within [1, 50]"
            raise _Refusal(api_error(400, "invalidParameter", message, domain="youtube.parameter"))
        return int(value)

    def _token(self, playlist: str, start: int) -> str:
        seal = identifiers.etag(f"{self._world.seed}:{playlist}:{start}".encode())[:8]
        return "EAAa" + base64.urlsafe_b64encode(f"{seal}:{start}".encode()).decode().rstrip("=")

    def _start(self, token: str | None, playlist: str) -> int:
        """Where a page begins. As on YouTube it is a position, so a new upload shifts what comes after."""
        if token is None:
            return 0
        try:
            plain = base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4)).decode()
            start = int(plain.rpartition(":")[2][:9])
        except (binascii.Error, ValueError):
            start = -1
        if start < 0 or token != self._token(playlist, start):
            message = "The request specifies an invalid page token."
            raise _Refusal(api_error(400, "invalidPageToken", message, domain="youtube.parameter"))
        return start


def _ids(value: str) -> list[str]:
    ids = list(dict.fromkeys(each.strip() for each in value.split(",") if each.strip()))
    if len(ids) > ID_LIMIT:
        message = "The request specifies an invalid filter parameter: too many ids."
        raise _Refusal(api_error(400, "invalidFilters", message, domain="youtube.parameter"))
    return ids


def _page_info(total: int, size: int) -> dict[str, int]:
    return {"totalResults": total, "resultsPerPage": size}
