"""A web server that sets every trap there is."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

HEAD = "<html><head><title>A page</title><meta name=description content='what it says'></head><body>x</body></html>"


@dataclass
class Site:
    """``asked``: what came, with its headers."""

    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0  # bytes of endless bodies

    def url(self, path: str, host: str = "pages.example") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def traps() -> AsyncIterator[Site]:
    site, ended = Site(), asyncio.Event()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=HEAD, content_type="text/html")

    async def cookie(request: web.Request) -> web.Response:
        response = web.HTTPFound("/echo")
        response.set_cookie("who", "me")
        raise response

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"<title>{request.headers.get('Cookie', 'none')}</title>", content_type="text/html")

    async def korean(request: web.Request) -> web.Response:
        body = "<meta charset=euc-kr><title>뷁 한국어 쪽</title>".encode("cp949")
        return web.Response(body=body, headers={"Content-Type": "text/html"})

    async def wrong_charset(request: web.Request) -> web.Response:
        body = "<title>제목 ok</title>".encode()
        return web.Response(body=body, headers={"Content-Type": "text/html; charset=no-such-thing"})

    async def bytes_codec(request: web.Request) -> web.Response:
        return web.Response(body=zlib.compress(b"0" * 10**6), headers={"Content-Type": "text/html; charset=zlib"})

    async def slow_loris(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while not ended.is_set():
            await response.write(b"<")
            await asyncio.sleep(0.02)
        return response

    async def silent(request: web.Request) -> web.StreamResponse:
        await ended.wait()
        return web.Response()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<title>endless</title>")
        try:
            while not ended.is_set():
                await response.write(b"x" * 65_536)
                site.sent += 65_536
        except ConnectionError:
            pass
        return response

    async def bomb(request: web.Request) -> web.Response:
        body = gzip.compress(b"<title>bomb</title>" + b"\0" * 300_000_000, compresslevel=1)
        return web.Response(body=body, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})

    async def broken_gzip(request: web.Request) -> web.Response:
        return web.Response(body=b"no gzip", headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})

    async def brotli(request: web.Request) -> web.Response:
        return web.Response(body=b"x", headers={"Content-Type": "text/html", "Content-Encoding": "br"})

    async def huge_header(request: web.Request) -> web.Response:
        return web.Response(text=HEAD, content_type="text/html", headers={"X-Huge": "x" * 100_000})

    async def to(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["url"])

    async def hops(request: web.Request) -> web.Response:
        left = int(request.match_info["left"])
        raise web.HTTPFound(f"/hops/{left - 1}" if left > 1 else "/page")

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG" * 10, content_type="image/png")

    async def script(request: web.Request) -> web.Response:
        return web.Response(text="alert(1)", content_type="application/javascript")

    async def drawing(request: web.Request) -> web.Response:
        return web.Response(text="<svg/>", content_type="image/svg+xml")

    async def nowhere(request: web.Request) -> web.Response:
        return web.Response(status=500, text=HEAD, content_type="text/html")

    app = web.Application()

    async def note(request: web.Request, response: web.StreamResponse) -> None:
        site.asked.append((request.path, dict(request.headers)))

    app.on_response_prepare.append(note)
    for path, handler in {
        "/page": page,
        "/cookie": cookie,
        "/echo": echo,
        "/korean": korean,
        "/wrong-charset": wrong_charset,
        "/bytes-codec": bytes_codec,
        "/slow-loris": slow_loris,
        "/silent": silent,
        "/endless": endless,
        "/bomb": bomb,
        "/broken-gzip": broken_gzip,
        "/brotli": brotli,
        "/huge-header": huge_header,
        "/to": to,
        r"/hops/{left:\d+}": hops,
        "/cat.png": picture,
        "/script.js": script,
        "/drawing.svg": drawing,
        "/error": nowhere,
    }.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        ended.set()
        await runner.cleanup()
