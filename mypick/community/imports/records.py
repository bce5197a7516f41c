"""What a line of a log comes to, whatever wrote it; and the texts, as they can be stored here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mypick.community.texts import MAX_TEXT, message_text

MAX_NAME = 50  # characters of a display name, as the column has it
MAX_URL = 500

_NUMBERED = re.compile(r"<(@[!&]?|#)\d+>")  # would name somebody here who is somebody else


@dataclass(frozen=True, slots=True)
class Author:
    """``key`` is unique in its source."""

    key: str
    name: str
    avatar_url: str | None


@dataclass(frozen=True, slots=True)
class Imported:
    """A message of a log. ``key`` and ``reply_to`` are ids of the source."""

    key: str
    author: Author
    text: str
    at: datetime
    edited_at: datetime | None = None
    reply_to: str | None = None


class Unreadable(ValueError):
    """A line that is no message of this format; the text says what is wrong."""


Parse = Callable[[Mapping[str, Any]], Imported | None]
"""A record as its JSON object; None for what is no message: somebody came, the chat began."""


def author(key: Any, name: Any, avatar_url: Any) -> Author:
    if not isinstance(key, str) or not key:
        raise Unreadable("it names no author")
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name or "")).split())
    # a reader's browser fetches it: https alone, as for those who sign up
    safe = isinstance(avatar_url, str) and avatar_url.startswith("https://") and len(avatar_url) <= MAX_URL
    return Author(key, shown[:MAX_NAME] or "?", avatar_url if safe else None)


def text_of(text: str) -> str | None:
    """As it is stored: without what cannot be, cut where it is too long; None where nothing can be seen."""
    text = _NUMBERED.sub(lambda found: f"{found[1][0]}…", text)
    text = "".join(sign for sign in text if sign in "\n\t" or not ("\ud800" <= sign <= "\udfff" or sign < " "))
    try:
        text = message_text(text)
    except ValueError:
        return None
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def inside(value: Any, *names: str) -> Any:
    """``value[name][name]…``, or None where something on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
