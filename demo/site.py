"""The emulated public site: channel feeds, channel and watch pages, and pictures drawn on the spot."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from demo import identifiers
from demo.faults import not_found_page
from demo.pictures import NOT_XML, avatar, thumbnail
from demo.resources import avatar_url
from demo.world import Channel, Video, World

FEED_ENTRIES = 15
WATCH = "https://www.youtube.com"  # feeds and pages name the real host, as YouTube's do

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 44rem; margin: 0 auto; padding: 0 1rem 3rem; font: 1rem/1.55 system-ui, sans-serif; }
.demonstration { margin: 0 -1rem 1.5rem; padding: .6rem 1rem; background: #0f766e; color: #fff; }
h1 { font-size: 1.4rem; line-height: 1.25; overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; border-radius: 12px; }
ul { padding: 0; list-style: none; }
li { border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
li a { display: block; padding: .6rem 0; }
a { color: light-dark(#0f766e, #4fd1bf); }
"""
_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style>{head}</head><body>'
    '<p class="demonstration"><b>Demonstration</b>: an emulator of YouTube. Creators and videos are invented.</p>'
    "{body}</body></html>"
)


class Site:
    def __init__(self, world: World, *, address: Callable[[], str]) -> None:
        self._world = world
        self._address = address
        self.feeds_served = 0

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/robots.txt", self._robots)
        app.router.add_get("/feeds/videos.xml", self._feed)
        app.router.add_get("/watch", self._watch)
        app.router.add_get("/shorts/{id}", self._watch)
        app.router.add_get("/live/{id}", self._watch)
        app.router.add_get("/channel/{id}", self._channel)
        app.router.add_get("/c/{name}", self._channel)
        app.router.add_get("/user/{name}", self._channel)
        app.router.add_get("/@{name}", self._channel)
        app.router.add_get("/vi/{id}/{size}.svg", self._thumbnail)
        app.router.add_get("/avatar/{id}/{size}.svg", self._avatar)

    async def _robots(self, _: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /comment\n")

    async def _feed(self, request: web.Request) -> web.Response:
        channel = self._world.channels.get(request.query.get("channel_id", ""))
        if channel is None:
            return not_found_page()
        self.feeds_served += 1
        text = feed_document(channel, self._world.newest(channel, FEED_ENTRIES), self._address())
        headers = {"Cache-Control": "private, max-age=900"}
        return web.Response(text=text, content_type="text/xml", charset="utf-8", headers=headers)

    async def _channel(self, request: web.Request) -> web.Response:
        kind = {"/channel/{id}": "id", "/c/{name}": "custom", "/user/{name}": "user"}.get(_pattern(request), "handle")
        if kind == "id":
            channel = self._world.channels.get(request.match_info["id"])
        else:
            channel = self._world.find(kind, request.match_info["name"])
        if channel is None:
            return not_found_page()
        page = channel_page(channel, self._world.newest(channel, 30), self._address())
        return web.Response(text=page, content_type="text/html")

    async def _watch(self, request: web.Request) -> web.Response:
        video = self._world.videos.get(request.match_info.get("id") or request.query.get("v", ""))
        if video is None or not video.is_public(self._world.now()):
            # as YouTube: 200, and the player's data say that there is nothing
            player = {"playabilityStatus": {"status": "ERROR", "reason": "Video unavailable"}}
            gone = "<h1>This demonstration video is gone</h1><p>It was never here, or from before a restart.</p>"
            return web.Response(text=_with_player(player, gone, "Video unavailable"), content_type="text/html")
        channel = self._world.channel(video.channel_id)
        return web.Response(text=watch_page(video, channel, self._address()), content_type="text/html")

    async def _thumbnail(self, request: web.Request) -> web.Response:
        video_id = request.match_info["id"]
        video = self._world.videos.get(video_id)
        if video is not None:
            return _picture(thumbnail(video_id, video.title))
        # A demonstration that starts anew has forgotten what it posted live; whoever kept the address keeps a picture.
        if _VIDEO_ID.fullmatch(video_id):
            return _picture(thumbnail(video_id, ""), cached=False)
        return not_found_page()

    async def _avatar(self, request: web.Request) -> web.Response:
        channel = self._world.channels.get(request.match_info["id"])
        return not_found_page() if channel is None else _picture(avatar(channel.id, channel.title))


def _pattern(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def feed_document(channel: Channel, videos: list[Video], address: str) -> str:
    """As recorded: the head's channel id lacks ``UC``, the entries' have it; a Short's link leads to /shorts/."""
    url = f"{WATCH}/channel/{channel.id}"
    author = f"<author><name>{_xml(channel.title)}</name><uri>{url}</uri></author>"
    entries = "".join(_entry(video, author, address) for video in videos)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"'
        ' xmlns="http://www.w3.org/2005/Atom">\n'
        f'<link rel="self" href="http://www.youtube.com/feeds/videos.xml?channel_id={channel.id}"/>\n'
        f"<id>yt:channel:{channel.id[2:]}</id>\n<yt:channelId>{channel.id[2:]}</yt:channelId>\n"
        f'<title>{_xml(channel.title)}</title>\n<link rel="alternate" href="{url}"/>\n{author}\n'
        f"<published>{_offset(channel.created_at)}</published>\n{entries}</feed>\n"
    )


def _entry(video: Video, author: str, address: str) -> str:
    path = f"/shorts/{video.id}" if video.kind == "short" else f"/watch?v={video.id}"
    views = "" if video.views is None else f'<media:statistics views="{video.views}"/>'
    return (
        f"<entry><id>yt:video:{video.id}</id><yt:videoId>{video.id}</yt:videoId>"
        f"<yt:channelId>{video.channel_id}</yt:channelId><title>{_xml(video.title)}</title>"
        f'<link rel="alternate" href="{WATCH}{path}"/>{author}'
        f"<published>{_offset(video.published_at)}</published><updated>{_offset(video.published_at)}</updated>"
        f"<media:group><media:title>{_xml(video.title)}</media:title>"
        f'<media:content url="{WATCH}/v/{video.id}?version=3" type="application/x-shockwave-flash"'
        ' width="640" height="390"/>'
        f'<media:thumbnail url={quoteattr(f"{address}/vi/{video.id}/high.svg")} width="480" height="360"/>'
        f"<media:description>{_xml(video.description)}</media:description>"
        f'<media:community><media:starRating count="0" average="5.00" min="1" max="5"/>{views}</media:community>'
        "</media:group></entry>\n"
    )


def channel_page(channel: Channel, videos: list[Video], address: str) -> str:
    """Strangers' ids stand on the page before its own, as on YouTube: only the right marks tell whose page it is."""
    stranger = identifiers.channel_id(0, "a featured channel")
    url = f"{WATCH}/channel/{channel.id}"
    head = (
        f"<script>var suggested = {json.dumps({'browseId': stranger, 'canonicalBaseUrl': '/@featured'})};</script>"
        f"<title>{html.escape(channel.title)} - Demonstration</title>"
        f'<link rel="alternate" media="handheld" href="https://m.youtube.com/channel/{channel.id}">'
        f'<link rel="canonical" href="{url}">'
        f'<link rel="alternate" type="application/rss+xml" title="RSS"'
        f' href="{WATCH}/feeds/videos.xml?channel_id={channel.id}">'
        f'<meta property="og:title" content="{html.escape(channel.title)}">'
        f'<meta property="og:url" content="{url}">'
        f'<meta property="og:image" content="{html.escape(avatar_url(channel, address, 800))}">'
        f'<meta property="og:description" content="{html.escape(channel.description)}">'
        f'<meta itemprop="identifier" content="{channel.id}">'
    )
    metadata = {
        "title": channel.title,
        "externalId": channel.id,
        "vanityChannelUrl": f"http://www.youtube.com/@{quote(channel.handle)}",
    }
    listed = "".join(f'<li><a href="/watch?v={video.id}">{html.escape(video.title)}</a></li>' for video in videos)
    script = f"<script>var ytInitialData = {_script({'metadata': {'channelMetadataRenderer': metadata}})};</script>"
    return _page(head, f"<h1>{html.escape(channel.title)}</h1><ul>{listed}</ul>{script}")


def watch_page(video: Video, channel: Channel, address: str) -> str:
    player = {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {
            "videoId": video.id,
            "title": video.title,
            "lengthSeconds": str(video.duration_s),
            "channelId": channel.id,
            "shortDescription": video.description,
        },
        "microformat": {"playerMicroformatRenderer": {"externalChannelId": channel.id}},
    }
    picture = f'<img src="{address}/vi/{video.id}/high.svg" alt="">'
    owner = f'<a href="/channel/{channel.id}">{html.escape(channel.title)}</a>'
    return _with_player(player, f"{picture}<h1>{html.escape(video.title)}</h1><p>{owner}</p>", video.title)


def _with_player(player: Mapping[str, object], body: str, title: str) -> str:
    stranger = {"browseId": identifiers.channel_id(0, "a recommended channel")}
    scripts = f"<script>var next = {json.dumps(stranger)}; var ytInitialPlayerResponse = {_script(player)};</script>"
    return _page(f"<title>{html.escape(title)} - Demonstration</title>", scripts + body)


def _page(head: str, body: str) -> str:
    return _PAGE.format(style=_STYLE, head=head, body=body)


def _script(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _xml(value: str) -> str:
    return escape(NOT_XML.sub("", value))


def _offset(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _picture(svg: str, *, cached: bool = True) -> web.Response:
    headers = {"Cache-Control": "public, max-age=86400" if cached else "no-cache"}
    return web.Response(text=svg, content_type="image/svg+xml", headers=headers)
