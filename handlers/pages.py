"""The pages: server-rendered frames that ``static/app`` fills over the REST and socket doors.

A frame holds nothing personal, so that it can be shown before anybody is known to be signed in. No script or
style stands in a page; the policy below would refuse it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import hdrs, web

from handlers.texts import Texts
from mypick.community import policy

log = structlog.get_logger(__name__)

FOLDER = Path(__file__).parent
LANGUAGE_COOKIE = "lang"
LANGUAGE_COOKIE_AGE_S = 365 * 86_400

# The official client: from static/vendor where `make assets` has put it, else from the Socket.IO project's
# own CDN. The hash is that of dist/socket.io.min.js in the npm package; the CDN serves the same file.
CLIENT_VERSION = "4.8.4"
CLIENT_FILE = "vendor/socket.io.min.js"
CLIENT_ORIGIN = "https://cdn.socket.io"
CLIENT_INTEGRITY = "sha384-fBrXvbDtHoeKWJ/hcA6M+YGueiDW+h45I7V6F2kD1S8bOkrF9rZYPLVkCR6BLR/1"

# The only frame of another origin: YouTube's player, from the host that sets no cookies before somebody plays. It is
# spoken to by messages, so that no script of YouTube's runs where the tokens are.
PLAYER_ORIGIN = "https://www.youtube-nocookie.com"

_ID = r"[1-9]\d{0,18}"
PAGES = {
    "/": "home",
    "/sign-up": "sign-up",
    "/sign-in": "sign-in",
    "/feed": "feed",
    "/creators": "creators",
    rf"/creators/{{id:{_ID}}}": "creator",
    "/communities": "communities",
    rf"/communities/{{id:{_ID}}}": "community",
    rf"/communities/{{id:{_ID}}}/rooms/{{room:{_ID}}}": "room",
    rf"/communities/{{id:{_ID}}}/discussions/{{discussion:{_ID}}}": "discussion",
    rf"/communities/{{id:{_ID}}}/desk": "desk",
    rf"/communities/{{id:{_ID}}}/manage": "manage",
    r"/invites/{code:[A-Za-z0-9-]{4,20}}": "invite",
    "/parties": "parties",
    rf"/parties/{{id:{_ID}}}": "party",
    "/search": "search",
    "/notifications": "notifications",
    "/settings": "settings",
}

# pages that let only some people do some things are told who may: the table of policy.py, once more nowhere
_WITH_RANKS = frozenset({"community", "room", "discussion", "desk", "manage"})

_WITH_PLAYER = frozenset({"party"})

_CONTENT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain",
}
_FOREVER = "public, max-age=31536000, immutable"
_MAX_ASSET_BYTES = 1024 * 1024  # of one file: all of them are kept in memory


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    zipped: bytes
    content_type: str
    etag: str


class Assets:
    """All static files, read once. ``version`` is a hash over all of them: modules import each other by
    relative address, so that a new version of one must give all of them new addresses."""

    def __init__(self, folder: Path) -> None:
        self._assets = {name: _read(path) for name, path in _static_files(folder)}
        names = "\n".join(f"{name} {asset.etag}" for name, asset in self._assets.items())
        self.version = hashlib.sha256(names.encode()).hexdigest()[:12]

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def url(self, name: str) -> str:
        """The address that may be cached for ever. An unknown name is a mistake in a template."""
        if name not in self._assets:
            raise KeyError(f"there is no static file {name}")
        return f"/static/v{self.version}/{name}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound(text="There is no such file.")
        # A page of another version, open during an update, gets the file of this one but must not keep it.
        forever = request.match_info.get("version") == self.version
        headers = {
            hdrs.CACHE_CONTROL: _FOREVER if forever else "no-cache",
            hdrs.ETAG: f'"{asset.etag}"',
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            "X-Content-Type-Options": "nosniff",
        }
        if any(tag.value == asset.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = asset.body
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            body = asset.zipped
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=body, headers=headers, content_type=asset.content_type, charset="utf-8")


def _static_files(folder: Path) -> list[tuple[str, Path]]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix in _CONTENT_TYPES)
    return sorted((path.relative_to(folder).as_posix(), path) for path in found)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    if len(body) > _MAX_ASSET_BYTES:
        raise ValueError(f"{path} has {len(body)} bytes; static files may have {_MAX_ASSET_BYTES}")
    return Asset(
        body=body,
        zipped=gzip.compress(body, mtime=0),
        content_type=_CONTENT_TYPES[path.suffix],
        etag=hashlib.sha256(body).hexdigest()[:16],
    )


class Pages:
    """Renders the frames in the person's language."""

    def __init__(
        self, texts: Texts, assets: Assets, *, secure_cookies: bool, media_origins: Sequence[str] = ()
    ) -> None:
        self._texts = texts
        self._assets = assets
        self._secure_cookies = secure_cookies
        self._has_client = CLIENT_FILE in assets
        client_origin = None if self._has_client else CLIENT_ORIGIN
        self._policy = _content_policy(client_origin)
        self._policy_with_player = _content_policy(client_origin, frames=[PLAYER_ORIGIN], media=media_origins)

    def handler(self, page: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def show(request: web.Request) -> web.StreamResponse:
            if (named := request.query.get(LANGUAGE_COOKIE)) in self._texts.tables:
                return self._switch(request, str(named))
            return self.render(request, page)

        return show

    def render(self, request: web.Request, page: str, *, status: int = 200) -> web.Response:
        """The frame of ``page``: one of the values of ``PAGES``, ``not-found`` or ``failed``."""
        language = self._texts.choose(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
        )
        context = self._context(request, page, language)
        response = aiohttp_jinja2.render_template(f"{page}.html", request, context)
        response.set_status(status)
        response.headers.update(self._policy_with_player if page in _WITH_PLAYER else self._policy)
        response.headers[hdrs.CONTENT_LANGUAGE] = language
        response.enable_compression()  # nothing in a frame is secret, so its size tells nothing
        return response

    def _context(self, request: web.Request, page: str, language: str) -> Mapping[str, Any]:
        table = self._texts.tables[language]
        return {
            "page": page,
            "path": request.path,
            "lang": language,
            "others": [
                {"code": code, "name": names["language.name"], "url": _with_language(request, code)}
                for code, names in self._texts.tables.items()
                if code != language
            ],
            "t": table.__getitem__,
            "asset": self._assets.url,
            "client": self._client(),
            "boot": {"lang": language, "page": page, "texts": table, **(_ranks() if page in _WITH_RANKS else {})},
        }

    def _client(self) -> Mapping[str, str]:
        if self._has_client:
            return {"url": self._assets.url(CLIENT_FILE), "integrity": ""}
        return {"url": f"{CLIENT_ORIGIN}/{CLIENT_VERSION}/socket.io.min.js", "integrity": CLIENT_INTEGRITY}

    def _switch(self, request: web.Request, language: str) -> web.Response:
        query = [(key, value) for key, value in request.query.items() if key != LANGUAGE_COOKIE]
        location = request.path + (f"?{urlencode(query)}" if query else "")
        response = web.Response(status=303, headers={hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"})
        # The pages read and write it too: a profile may name another language than this browser.
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=LANGUAGE_COOKIE_AGE_S,
            samesite="Lax",
            secure=self._secure_cookies,
        )
        return response


def setup_pages(
    app: web.Application,
    *,
    secure_cookies: bool = False,
    media_origins: Sequence[str] = (),
    folder: Path = FOLDER,
) -> Pages:
    """Adds the pages and ``/static`` to ``app``. ``secure_cookies``: people come over HTTPS. ``media_origins``: where
    the videos of watch parties may come from, besides this server and YouTube.

    ``Pages.render(request, "not-found", status=404)`` is for whoever answers a browser that asks for what is
    not there; ``failed`` is for what broke.
    """
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(folder / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assets = Assets(folder / "static")
    texts = Texts.read(folder / "locales")
    pages = Pages(texts, assets, secure_cookies=secure_cookies, media_origins=media_origins)
    if CLIENT_FILE not in assets:
        log.info("browsers take the Socket.IO client from its CDN; `make assets` brings it here", cdn=CLIENT_ORIGIN)

    async def to_party(request: web.Request) -> web.StreamResponse:
        party = f"/parties/{request.match_info['id']}"
        raise web.HTTPPermanentRedirect(request.rel_url.with_path(party, keep_query=True))

    async def to_icon(_: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently("/favicon.svg")

    for path, page in PAGES.items():
        app.router.add_get(path, pages.handler(page))
    app.router.add_get(rf"/watch-parties/{{id:{_ID}}}", to_party)  # as the REST door spells it, and older notifications
    app.router.add_get(r"/static/v{version:[0-9a-f]{12}}/{name:.+}", assets.serve)
    app.router.add_get("/static/{name:.+}", assets.serve)
    app.router.add_get(r"/{name:favicon\.svg}", assets.serve)
    app.router.add_get("/favicon.ico", to_icon)  # asked for by itself where a page names no icon, as by the references
    return pages


def _ranks() -> Mapping[str, Any]:
    """Roles from the lowest up, and the lowest that may do each action."""
    lowest = {action.name.lower(): role.word for action, role in policy.LOWEST.items()}
    return {"roles": [role.word for role in policy.Role], "lowest": lowest}


def _with_language(request: web.Request, language: str) -> str:
    query = [(key, value) for key, value in request.query.items() if key != LANGUAGE_COOKIE]
    return f"{request.path}?{urlencode([*query, (LANGUAGE_COOKIE, language)])}"


def _content_policy(
    client_origin: str | None, *, frames: Sequence[str] = (), media: Sequence[str] = ()
) -> Mapping[str, str]:
    """Scripts and styles from here alone: what reads the tokens is what this server serves."""
    scripts = f"'self' {client_origin}" if client_origin else "'self'"
    rules = {
        "default-src": "'self'",
        "script-src": scripts,
        "img-src": "'self' https: http: data:",
        "connect-src": "'self' ws: wss:",
        "media-src": " ".join(["'self'", *media]),
        "frame-src": " ".join(frames) or "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in rules.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        hdrs.CACHE_CONTROL: "private, no-cache",
        hdrs.VARY: f"{hdrs.ACCEPT_LANGUAGE}, {hdrs.COOKIE}, {hdrs.ACCEPT_ENCODING}",
    }
