"""YouTube: through the Data API with a key, through the channels' public feeds and pages without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog

from mypick.clock import Clock
from mypick.platforms import youtube_links as links
from mypick.platforms import youtube_values as values
from mypick.platforms.protocol import (
    HYDRATE_LIMIT,
    ChannelInfo,
    Gone,
    Item,
    Malformed,
    Page,
    PlatformError,
    Reference,
    Transient,
)
from mypick.platforms.youtube_errors import api_failure, decode, site_failure
from mypick.platforms.youtube_feed import parse_feed, parse_feed_channel
from mypick.platforms.youtube_http import TIMEOUT_S, Answer, BoundedHttp
from mypick.platforms.youtube_page import parse_channel_page, parse_watch_page
from mypick.platforms.youtube_parse import parse_channels, parse_owners, parse_playlist, parse_videos, uploads_of

PAGE_SIZE = 50  # the most that playlistItems gives
ALIVE_FOR_S = 300.0  # an answer proves for so long that YouTube is there: at most 288 units a day go into checks
DEAD_FOR_S = 60.0  # so long a failed check is not repeated

_SOME_CHANNEL = "UCBR8-60-B28hp2BmDPdntcQ"  # YouTube's own channel; any answer about it will do

_NOT_MODIFIED = object()  # not None, which is what the JSON null reads as

_log = structlog.get_logger(__name__)


class YouTube:
    """``Platform`` for YouTube. ``site_url`` and ``api_url`` have no slash at the end.

    Every API call costs one unit of the day's 10,000, failed and unmodified ones too. The key travels in a header, so
    that no address in a log or a failure holds it.
    """

    name = links.PLATFORM

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        api_url: str,
        feed_url: str,
        api_key: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._http = BoundedHttp(session, clock, timeout_s)
        self._clock = clock
        self._api_url = api_url.rstrip("/")
        self._site = feed_url.rstrip("/")
        self._own = links.site_of(feed_url)
        self._key = api_key
        self._alive_until = clock.monotonic()
        self._dead: PlatformError | None = None
        self._dead_until = clock.monotonic()

    def recognise(self, source: str) -> Reference | None:
        return links.recognise(source, self._own)

    async def resolve(self, ref: Reference) -> ChannelInfo:
        if not self._key:
            return await self._resolve_on_site(ref)
        match ref.kind:
            case "id":
                return await self._channel_by("id", ref.value)
            case "handle":
                return await self._channel_by("forHandle", f"@{ref.value}")
            case "video":
                owners = parse_owners(await self._api("videos", part="snippet", id=ref.value))
                if ref.value not in owners:
                    raise Gone("there is no such video, or it is private")
                return await self._channel_by("id", owners[ref.value])
            case "user":
                try:
                    return await self._channel_by("forUsername", ref.value)
                except Gone:
                    # many old addresses live on although the API no longer knows the name
                    return await self._resolve_by_page(ref)
            case "custom":
                return await self._resolve_by_page(ref)

    async def list_recent(
        self, external_id: str, uploads_ref: str | None, *, etag: str | None = None, page: str | None = None
    ) -> Page:
        if not self._key:
            return await self._feed_page(external_id, etag)
        playlist = uploads_ref or uploads_of(external_id)
        try:
            return await self._playlist_page(playlist, etag, page)
        except Gone:
            # A channel without any upload has no list either, so only the channel itself can prove that it is gone.
            channel = await self._channel_by("id", external_id)
        if channel.uploads_ref in (None, playlist):
            return Page(item_ids=())
        _log.info("the list of uploads has moved", channel=external_id, uploads_ref=channel.uploads_ref)
        try:
            return await self._playlist_page(channel.uploads_ref, None, None)
        except Gone:
            return Page(item_ids=())

    async def hydrate(self, ids: Sequence[str], external_id: str) -> dict[str, Item]:
        if len(ids) > HYDRATE_LIMIT:
            raise ValueError(f"at most {HYDRATE_LIMIT} ids at once, not {len(ids)}")
        wanted = [each for each in dict.fromkeys(ids) if values.identifier(each)]
        if not wanted:
            return {}
        if not self._key:
            found = (await self._feed_page(external_id, None)).items
            return {each: found[each] for each in wanted if each in found}
        answer = await self._api(
            "videos", part="snippet,contentDetails,liveStreamingDetails,statistics", id=",".join(wanted)
        )
        owners, items = parse_owners(answer), parse_videos(answer, self._site)
        return {each: items[each] for each in wanted if each in items and owners.get(each) == external_id}

    async def check(self) -> None:
        now = self._clock.monotonic()
        if now < self._alive_until:
            return
        if self._dead is not None and now < self._dead_until:
            raise self._dead.with_traceback(None)  # or each raise would lengthen the stack that it carries
        try:
            if self._key:
                await self._api("channels", part="id", id=_SOME_CHANNEL)
            else:
                answer = await self._get_site("/robots.txt")
                if answer.status != 200:
                    raise site_failure(answer, "site")
        except PlatformError as failure:
            self._dead, self._dead_until = failure, self._clock.monotonic() + DEAD_FOR_S
            raise

    async def aclose(self) -> None:
        """Nothing is held but the session, which belongs to whoever made it."""

    # --- the Data API

    async def _api(self, method: str, *, etag: str | None = None, **params: str) -> Any:
        """The JSON of an answer; ``_NOT_MODIFIED``, which only an ``etag`` can bring."""
        headers = {"X-Goog-Api-Key": self._key, "Accept": "application/json"}
        if values.printable(etag):
            headers["If-None-Match"] = str(etag)
        answer = await self._http.get(f"{self._api_url}/{method}", params=params, headers=headers)
        not_modified = answer.status == 304 and "If-None-Match" in headers
        if answer.status != 200 and not not_modified:
            failure = api_failure(answer, self._clock.now())
            _log.info("youtube refuses", method=method, status=answer.status, failure=type(failure).__name__)
            raise failure
        document = _NOT_MODIFIED if not_modified else decode(answer)
        self._answered()
        return document

    async def _channel_by(self, parameter: str, value: str) -> ChannelInfo:
        answer = await self._api("channels", part="snippet,contentDetails", **{parameter: value})
        channels = parse_channels(answer, self._site)
        found = next((each for each in channels if parameter != "id" or each.external_id == value), None)
        if found is None:
            raise Gone
        return found

    async def _playlist_page(self, playlist: str, etag: str | None, page: str | None) -> Page:
        params = {"part": "snippet,contentDetails,status", "playlistId": playlist, "maxResults": str(PAGE_SIZE)}
        if page is not None:
            params["pageToken"] = page
        answer = await self._api("playlistItems", etag=etag if page is None else None, **params)
        if answer is _NOT_MODIFIED:
            return Page(item_ids=(), etag=etag, not_modified=True)
        return parse_playlist(answer).as_page()

    # --- the public site

    async def _get_site(self, path: str, *, etag: str | None = None) -> Answer:
        headers = {"Accept-Language": "en"}
        if values.printable(etag):
            headers["If-None-Match"] = str(etag)
        answer = await self._http.get(f"{self._site}{path}", headers=headers)
        if answer.status in (200, 304):
            self._answered()
        return answer

    async def _feed(self, channel_id: str, etag: str | None = None) -> Answer:
        answer = await self._get_site(f"/feeds/videos.xml?channel_id={quote(channel_id, safe='')}", etag=etag)
        if answer.status != 200 and not (answer.status == 304 and etag):
            raise site_failure(answer, "feed")
        return answer

    async def _feed_page(self, channel_id: str, etag: str | None) -> Page:
        answer = await self._feed(channel_id, etag)
        if answer.status == 304:
            return Page(item_ids=(), etag=etag, not_modified=True)
        items = parse_feed(answer.body, self._site)
        return Page(item_ids=tuple(items), etag=values.printable(answer.etag), items=items)

    async def _html(self, path: str) -> str:
        answer = await self._get_site(path)
        if answer.status in (404, 410):
            # Unlike feeds, pages of existing channels do not go missing. No channel is forgotten for this:
            # pages are read only to resolve what a person typed.
            raise Gone
        if answer.status != 200:
            raise site_failure(answer, "page")
        return answer.body.decode("utf-8", "replace")

    async def _resolve_on_site(self, ref: Reference) -> ChannelInfo:
        channel_id = ref.value
        if ref.kind == "video":
            channel_id = parse_watch_page(await self._html(f"/watch?v={quote(ref.value, safe='')}"))
        elif ref.kind != "id":
            return await self._page_channel(ref)
        try:
            return await self._page_channel(replace(ref, kind="id", value=channel_id))
        except (Transient, Malformed):
            # the page is the richer source and the more easily refused one
            return parse_feed_channel((await self._feed(channel_id)).body, self._site)

    async def _resolve_by_page(self, ref: Reference) -> ChannelInfo:
        """With a key, for the names that the API cannot look up: the page gives the id, the API the rest."""
        found = await self._page_channel(ref)
        return await self._channel_by("id", found.external_id)

    async def _page_channel(self, ref: Reference) -> ChannelInfo:
        name = quote(ref.value, safe="")
        path = {"id": f"/channel/{name}", "handle": f"/@{name}", "custom": f"/c/{name}", "user": f"/user/{name}"}
        found = parse_channel_page(await self._html(path[ref.kind]), self._site)
        if ref.kind == "id" and found.external_id != ref.value:
            raise Malformed("the page is of another channel")
        return found

    def _answered(self) -> None:
        self._alive_until = self._clock.monotonic() + ALIVE_FOR_S
        self._dead = None
