"""What people paste when they mean a YouTube channel. Pure: no I/O, and no exception whatever the text."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mypick.platforms.protocol import Reference, ReferenceKind

PLATFORM = "youtube"
SOURCE_LIMIT = 2_048  # characters; no address of a channel comes near
HANDLE_LIMIT = 60  # YouTube's own is 30

_SITES = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "gaming.youtube.com"})
_SHORT_SITES = frozenset({"youtu.be", "www.youtu.be"})
_EMBED_SITES = frozenset({"youtube-nocookie.com", "www.youtube-nocookie.com"})
_PORTS = {"http": 80, "https": 443}

_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_STARTS_WITH_HOST = re.compile(r"[A-Za-z0-9.-]{1,60}(?::\d{1,5})?/")
_HANDLE_MARKS = frozenset("_-.·・")
_VIDEO_PATHS = frozenset({"shorts", "live", "embed", "v", "e"})
# First parts of a path that are YouTube's own pages. Any other single part is the old form of /c/Name.
_OWN_PAGES = frozenset(
    {
        "about", "account", "ads", "attribution_link", "c", "channel", "clip", "creators", "e", "embed",
        "favicon.ico", "feed", "feeds", "gaming", "hashtag", "howyoutubeworks", "html", "img", "jobs", "kids",
        "live", "live_chat", "login", "logout", "music", "news", "oembed", "oops", "playlist", "playlists", "post",
        "premium", "privacy", "redirect", "reporthistory", "results", "robots.txt", "s", "shop", "shorts",
        "signin", "signup", "source", "sports", "sw.js", "t", "tv", "upload", "user", "v", "verify_age", "watch",
        "youtubei", "yts",
    }
)


Site = tuple[str, int]
"""Host in lower case, and port."""


def site_of(address: str) -> Site | None:
    """Where ``address`` leads; None if it is no HTTP address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, port if port is not None else _PORTS[parts.scheme]


def recognise(source: str, own: Site | None = None) -> Reference | None:
    """The channel, or the video whose channel is meant, that ``source`` names; None if that is not on YouTube.

    ``own``: the site that is asked in YouTube's place, such as an emulator. Its addresses are read as YouTube's are.
    """
    text = _unwrap(source)
    if text is None:
        return None
    if _CHANNEL_ID.fullmatch(text):
        return Reference(PLATFORM, "id", text)
    if text.startswith("@"):
        return _named("handle", text)
    address = _split(text)
    if address is None or address.hostname is None:
        return None
    parts = [part for part in address.path.split("/") if part]
    if own is not None and _leads_to(address, own):
        return _of_path(parts, address.query)
    if address.port not in (None, _PORTS[address.scheme]):
        return None
    if address.hostname in _SHORT_SITES:
        return _video(parts[0]) if parts else None
    if address.hostname in _EMBED_SITES:
        return _video(parts[1]) if len(parts) > 1 and parts[0] == "embed" else None
    if address.hostname in _SITES:
        return _of_path(parts, address.query)
    return None


def _unwrap(source: str) -> str | None:
    """``source`` without the blanks and brackets that come with pasting; None if no address could be in it."""
    if len(source) > SOURCE_LIMIT:
        return None
    text = source.strip(" \t\r\n\v\f\u00a0\u200b\u200e\u200f\ufeff")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip()
    # Browsers read a backslash as a slash, so an address that holds one means different hosts to different readers.
    unsafe = any(character == "\\" or unicodedata.category(character) in ("Cc", "Cs", "Zs") for character in text)
    return None if unsafe or not text else text


def _split(text: str) -> SplitResult | None:
    if text.startswith("//"):
        text = f"https:{text}"
    elif "://" not in text.split("?", 1)[0]:
        if not _STARTS_WITH_HOST.match(text):
            return None
        text = f"https://{text}"
    try:
        address = urlsplit(text)
        _ = address.port  # raises where it is no number
    except ValueError:
        return None
    if address.scheme not in _PORTS or "@" in address.netloc:
        return None
    return address


def _leads_to(address: SplitResult, site: Site) -> bool:
    host, port = site
    # Without a port the scheme may be left out or mistaken, as people do with YouTube's own addresses.
    ports = _PORTS.values() if address.port is None else (address.port,)
    return address.hostname == host and port in ports


def _of_path(parts: list[str], query: str) -> Reference | None:
    if not parts:
        return None
    first = parts[0]
    if first.startswith(("@", "%40")):
        return _named("handle", first)
    second = parts[1] if len(parts) > 1 else ""
    match first.lower():
        case "channel":
            return Reference(PLATFORM, "id", second) if _CHANNEL_ID.fullmatch(second) else None
        case "c":
            return _named("custom", second)
        case "user":
            return _named("user", second)
        case "watch":
            named = _values(query, "v")
            return _video(named[0] if named else second)
        case kind if kind in _VIDEO_PATHS:
            return _video(second)
        case page if page in _OWN_PAGES:
            return None
    return _named("custom", first)


def _values(query: str, name: str) -> list[str]:
    try:
        return parse_qs(query, max_num_fields=50).get(name, [])
    except ValueError:
        return []


def _video(value: str) -> Reference | None:
    return Reference(PLATFORM, "video", value) if _VIDEO_ID.fullmatch(value) else None


def _named(kind: ReferenceKind, value: str) -> Reference | None:
    name = clean_handle(value)
    return Reference(PLATFORM, kind, name) if name else None


def clean_handle(value: str) -> str | None:
    """``value`` as one spelling of a handle: decoded, composed, lower case, without ``@``; None if it is none."""
    if len(value) > HANDLE_LIMIT * 12:  # three bytes a letter, each percent-encoded, with room for a fourth
        return None
    name = unicodedata.normalize("NFC", unquote(value).removeprefix("@")).lower()
    # letters, marks and numbers of any script: marks, because Hindi and Thai cannot be written without
    fits = all(character in _HANDLE_MARKS or unicodedata.category(character)[0] in "LMN" for character in name)
    meant = any(unicodedata.category(character)[0] in "LN" for character in name)
    return name if fits and meant and len(name) <= HANDLE_LIMIT else None
