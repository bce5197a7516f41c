"""Single values as YouTube writes them, read so that nothing unforeseen gets through: None stands for "not told"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from mypick.platforms.protocol import ETAG_LIMIT, URL_LIMIT

LARGEST_NUMBER = 2**63 - 1  # what a 64-bit column holds
LONGEST_DURATION = 2**31 - 1  # what a 32-bit column holds, in seconds
IMAGE_WIDTH = 480  # pixels: the smallest picture at least this wide fills a card

_DIGITS = re.compile(r"[0-9]{1,19}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")  # what databases refuse: NUL, and halves of surrogate pairs
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DURATION = re.compile(
    r"P(?:([0-9]{1,5})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,10})(?:[.,][0-9]{1,9})?S)?)?"
)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before any video; also before what some databases can store
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a JSON object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any, limit: int) -> str:
    """At most ``limit`` characters that any database can store; empty if ``value`` is no string."""
    return _NOT_TEXT.sub("", value).strip()[:limit] if isinstance(value, str) else ""


def identifier(value: Any) -> str | None:
    """An id of a video, playlist or channel: safe in an address and in a comma-separated list."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def channel_id(value: Any) -> str | None:
    """A channel's id, with the ``UC`` that the head of a feed leaves out."""
    if not isinstance(value, str):
        return None
    whole = value if value.startswith("UC") and len(value) == 24 else f"UC{value}"
    return whole if _CHANNEL_ID.fullmatch(whole) else None


def printable(value: Any, limit: int = ETAG_LIMIT) -> str | None:
    """An opaque token (ETag, page token) that can go into a header or address as it is."""
    return value if isinstance(value, str) and len(value) <= limit and _PRINTABLE.fullmatch(value) else None


def number(value: Any, largest: int = LARGEST_NUMBER) -> int | None:
    """A count. YouTube writes numbers as strings; hidden ones are absent."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= largest else None


def moment(value: Any) -> datetime | None:
    """A time with any of the endings seen: ``Z``, ``.000Z``, nine fractional digits, ``+0000``, none (taken as UTC)."""
    match = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, zone)
        when = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if _EARLIEST <= when < _LATEST else None


def duration(value: Any) -> int | None:
    """Seconds of ``PT21M7S`` or ``P1DT2S``; None for ``P0D``, which a stream has while it is live."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    return total if 0 < total <= LONGEST_DURATION else None


def address(value: Any) -> str | None:
    """An http(s) address that fits its column."""
    found = printable(value, URL_LIMIT)
    if found is None:
        return None
    if found.startswith("//"):
        found = f"https:{found}"
    try:
        parts = urlsplit(found)
    except ValueError:
        return None
    return found if parts.scheme in ("http", "https") and parts.netloc and len(found) <= URL_LIMIT else None


def picture(thumbnails: Any) -> str | None:
    """The smallest picture that is wide enough, else the widest. Names of sizes come and go; widths tell."""
    best: tuple[bool, int, str] | None = None
    for size in mapping(thumbnails).values():
        url = address(mapping(size).get("url"))
        if url is None:
            continue
        width = number(mapping(size).get("width")) or 0
        enough = width >= IMAGE_WIDTH
        candidate = (not enough, width if enough else -width, url)
        best = candidate if best is None else min(best, candidate)
    return best[2] if best else None
