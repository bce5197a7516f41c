"""Lists by opaque cursor.

A cursor holds the sort keys of the last item shown, and the name of the list it belongs to. It is not signed: it tells
nothing that the client has not seen, and a made-up one only starts the list elsewhere. So it is checked for shape and
bounds, and one of another list is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

from mypick.errors import DomainError, invalid
from mypick.wire import MAX_ID, storable

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_CURSOR = 500  # characters; the longest sort key is a name of 150 characters, 4 bytes each, in base64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROSECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """One page of a list. ``next_cursor`` is None on the last."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next_cursor: str | None
    limit: int


def encode_cursor(name: str, *keys: int | str | datetime) -> str:
    """The cursor behind the item with these sort keys in the list ``name``."""
    values = [_to_microseconds(key) if isinstance(key, datetime) else key for key in keys]
    return base64.urlsafe_b64encode(orjson.dumps([name, *values])).rstrip(b"=").decode()


def decode_cursor(cursor: str, name: str, *kinds: type) -> tuple[Any, ...]:
    """The sort keys, each of its kind: ``int``, ``str`` or ``datetime``. Raises ``INVALID``."""
    try:
        return _decoded(cursor, name, kinds)
    except (ValueError, TypeError) as problem:  # among them errors of base64, ASCII and JSON
        raise bad_cursor() from problem


def bad_cursor() -> DomainError:
    return invalid("this cursor is not one of this list; begin again without a cursor", field="query.cursor")


def page_of(
    rows: Sequence[Row], limit: int, show: Callable[[Row], Item], cursor_of: Callable[[Row], str]
) -> Page[Item]:
    """A page from up to ``limit + 1`` rows: the one too many only says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit and len(shown) > 0
    return Page(
        items=[show(row) for row in shown], next_cursor=cursor_of(shown[-1]) if more else None, limit=limit
    )


def _decoded(cursor: str, name: str, kinds: Sequence[type]) -> tuple[int | str | datetime, ...]:
    if len(cursor) > MAX_CURSOR:
        raise ValueError("too long")
    padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
    found_name, *keys = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if found_name != name or len(keys) != len(kinds):
        raise ValueError("of another list")
    return tuple(_checked(key, kind) for key, kind in zip(keys, kinds, strict=True))


def _checked(key: Any, kind: type) -> int | str | datetime:
    if kind is str and isinstance(key, str):
        return storable(key)
    if kind is int and type(key) is int and -MAX_ID <= key <= MAX_ID:
        return key
    if kind is datetime and type(key) is int and 0 <= key <= _LAST_MICROSECOND:
        return _EPOCH + timedelta(microseconds=key)
    raise ValueError("a sort key of another kind")


def _to_microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
