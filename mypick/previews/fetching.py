"""Fetching a page whose address a stranger chose.

Bounds: http and https, ports 80 and 443, public addresses (each hop anew), ``MAX_REDIRECTS``, ``WITHIN_S`` for all of
it, ``MAX_BYTES`` read and as many unpacked, ``AT_ONCE`` of one process. It has no cookies, says who it is and carries
nothing from one fetch to the next. Pictures are not fetched beyond their headers.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs
from yarl import URL

from mypick.previews.guard import Guard, GuardedResolver, Lookup, Refused
from mypick.previews.pages import clean, read_page

WITHIN_S = 5.0
MAX_BYTES = 512 * 1024
MAX_REDIRECTS = 3
AT_ONCE = 8
MAX_HEADER = 8 * 1024  # bytes of one line or field
AGENT = "MyPick link preview"
_MOVED = frozenset({301, 302, 303, 307, 308})
_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Found:
    """``kind``: page or image."""

    kind: str
    title: str
    description: str = ""
    site: str = ""


class Fetcher:
    """``lookup`` resolves names; ``ports`` other than the two are for tests and intranets."""

    def __init__(
        self,
        guard: Guard,
        *,
        ports: Collection[int] = (80, 443),
        lookup: Lookup | None = None,
        within_s: float = WITHIN_S,
    ) -> None:
        self._guard = guard
        self._ports = frozenset(ports)
        self._lookup = lookup
        self._within_s = within_s
        self._places = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, url: str) -> Found | None:
        """What is behind the link, or None where nothing can or may be shown. Never raises for what the other side
        does."""
        async with self._places:
            try:
                async with asyncio.timeout(self._within_s):
                    return await self._follow(url)
            except (aiohttp.ClientError, Refused, OSError, ValueError, zlib.error):  # OSError has TimeoutError with it
                return None

    async def _follow(self, url: str) -> Found | None:
        for _ in range(MAX_REDIRECTS + 1):
            address = self._checked(url)
            async with self._asked(address) as response:
                if response.status in _MOVED:
                    url = str(address.join(URL(response.headers.get(hdrs.LOCATION, ""))))
                    continue
                return await self._read(address, response) if response.status == 200 else None
        return None

    def _checked(self, text: str) -> URL:
        url = URL(text)
        if url.scheme not in ("http", "https") or not url.raw_host or url.port not in self._ports:
            raise Refused("the link is not http or https at an ordinary port")
        if url.user is not None or url.password is not None:
            raise Refused("the link holds a name or a password")
        if ":" in url.raw_host or url.raw_host.replace(".", "").isdigit():
            self._guard.check(url.raw_host)  # aiohttp asks no resolver for these
        return url.with_fragment(None)

    @asynccontextmanager
    async def _asked(self, url: URL) -> AsyncIterator[aiohttp.ClientResponse]:
        # a session for each hop: nothing is kept, and every hop is resolved and looked at anew
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._guard, self._lookup), use_dns_cache=False, force_close=True
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
                read_bufsize=16 * 1024,
                headers={
                    hdrs.USER_AGENT: AGENT,
                    hdrs.ACCEPT: "text/html,application/xhtml+xml,image/*;q=0.5",
                    hdrs.ACCEPT_ENCODING: "gzip",
                    hdrs.ACCEPT_LANGUAGE: "ko,en;q=0.8",
                },
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            yield response

    async def _read(self, url: URL, response: aiohttp.ClientResponse) -> Found | None:
        kind = response.content_type.lower()
        if kind.startswith("image/") and kind != "image/svg+xml":
            return Found("image", clean(url.name, 200) or (url.host or ""), site=url.host or "")
        if kind not in _HTML:
            return None
        body = await _body(response)
        page = await asyncio.to_thread(read_page, body, response.charset)
        return None if page is None else Found("page", page.title, page.description, page.site or url.host or "")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Up to ``MAX_BYTES``, unpacked; what is cut off there is enough for a head."""
    packing = response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
    if packing not in ("identity", "gzip", ""):
        raise Refused("the page is packed in a way that was not asked for")
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if packing == "gzip" else None
    body, taken = bytearray(), 0
    async for piece in response.content.iter_any():
        taken += len(piece)
        body += piece if unpack is None else unpack.decompress(piece, MAX_BYTES - len(body))
        if taken >= MAX_BYTES or len(body) >= MAX_BYTES or (unpack is not None and unpack.eof):
            break
    return bytes(body[:MAX_BYTES])
