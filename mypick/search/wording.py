"""The text that people type into a search box.

    concert "see you there" -spoiler from:me in:chat after:2026-01-01 before:2026-02-01 has:link

Words must all be there; a phrase in quotes as it is; ``-`` excludes. ``after`` takes its day in, ``before`` does not.
The names before colons are the typed parameters of the command by other means; other colons are text like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mypick.errors import DomainError, invalid
from mypick.search.needles import Needle, Sought, needle_of

MAX_QUERY = 200  # characters
_DAY = len("2026-01-31")
MAX_WORDS = 12  # words and phrases, those that exclude among them

_PIECE = re.compile(r'(-?)(?:(from|in|before|after|has):(?:"([^"]*)"|(\S+))|"([^"]*)"?|([^\s"]+))', re.IGNORECASE)
_PERSON = re.compile(r"<@([1-9][0-9]{0,18})>|([1-9][0-9]{0,18})")


@dataclass(slots=True)
class Wording:
    """What the text asks for. ``author`` and ``room`` are as typed: ids, ``me``, or names."""

    needles: list[Needle] = field(default_factory=list)
    excluded: list[Needle] = field(default_factory=list)
    author: str | None = None
    room: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    has_link: bool = False

    @property
    def sought(self) -> Sought:
        return Sought(tuple(self.needles), tuple(self.excluded))


def read_wording(text: str) -> Wording:
    """Raises ``INVALID`` for more words than a search may have, and for dates that are none."""
    asked = Wording()
    for minus, name, quoted_value, value, phrase, word in _PIECE.findall(text):
        name = name.lower()
        if name and not minus:
            _filter(asked, name, quoted_value or value)
            continue
        whole = f"{name}:{quoted_value or value}" if name else phrase or word
        needle = needle_of(whole, phrase=bool(phrase))
        if needle:
            (asked.excluded if minus else asked.needles).append(needle)
    if len(asked.needles) + len(asked.excluded) > MAX_WORDS:
        raise _wrong(f"a search has at most {MAX_WORDS} words and phrases: leave some out")
    return asked


def person_number(text: str) -> int | None:
    """The id in ``17`` or ``<@17>``."""
    found = _PERSON.fullmatch(text)
    number = int(found[1] or found[2]) if found else 0
    return number if 0 < number < 2**63 else None


def _filter(asked: Wording, name: str, value: str) -> None:
    match name:
        case "from":
            asked.author = value
        case "in":
            asked.room = value
        case "after":
            asked.after = _moment(name, value)
        case "before":
            asked.before = _moment(name, value)
        case _:
            if value.lower() != "link":
                raise _wrong(f"has:{value} is not known: has:link is")
            asked.has_link = True


def moment_in(text: str) -> datetime | None:
    """``2026-01-31``, the begin of that day in UTC, or a time with its zone; None for what is neither."""
    try:
        at = datetime.fromisoformat(text)
        if len(text) == _DAY:
            return at.replace(tzinfo=UTC)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _moment(name: str, value: str) -> datetime:
    at = moment_in(value)
    if at is None:
        raise _wrong(f"{name}:{value} is no day: write it as {name}:2026-01-31")
    return at


def _wrong(message: str) -> DomainError:
    return invalid(message, field="query.q")
