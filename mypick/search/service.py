"""Search over all that was said: candidates from the index, compared with the texts as they are now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

from mypick.pagination import bad_cursor, decode_cursor, encode_cursor
from mypick.search.commands import KindName
from mypick.search.finder import Condition, Readable, Stopped, Window, candidates
from mypick.search.index import microseconds
from mypick.search.needles import Sought
from mypick.search.pages import Key
from mypick.search.terms import term_of

MAX_COMPARED = 128  # texts that one page compares; a search whose words seldom stand as asked says "go on"
_AT_ONCE = 100  # texts that are read together; the first time as many as the page has
_LIST = "search"
_ALL = 256  # above every kind: all texts of a moment
_LATEST = 2**61  # microseconds


class Kind(IntEnum):
    """Whose text it is. Stored in the index: numbers are never given anew."""

    MESSAGE = 1
    DISCUSSION = 2
    COMMENT = 3

    @property
    def word(self) -> KindName:
        """As clients see it."""
        return self.name.lower()  # type: ignore[return-value]  # the words are the names


class Text(Protocol):
    """What a source must tell of a text."""

    @property
    def community_id(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def labels(self) -> Sequence[tuple[str, object]]: ...


Found = TypeVar("Found", bound=Text)
Source = Callable[[Sequence[int]], Awaitable[Mapping[int, Found]]]
"""Texts of one kind by their refs, as they are now; without those that are no more."""


@dataclass(frozen=True, slots=True)
class Question:
    """``any_of``: for each label that matters, the values of which a text must have one."""

    sought: Sought
    any_of: Mapping[str, Collection[object]] = field(default_factory=dict)
    first: datetime | None = None  # not older
    before: datetime | None = None
    communities: Collection[int] | None = None  # of these alone

    def conditions(self) -> list[Condition]:
        labels = [tuple((term_of(name, value),) * 2 for value in values) for name, values in self.any_of.items()]
        return [*labels, *((one,) for one in self.sought.terms())]

    def allows(self, text: Text) -> bool:
        """What two terms share by chance ends here."""
        have = set(text.labels)
        return all(any((name, value) in have for value in values) for name, values in self.any_of.items())


@dataclass(frozen=True, slots=True)
class Match(Generic[Found]):
    kind: Kind
    ref: int
    found: Found
    marks: Sequence[tuple[int, int]]  # places in its text


@dataclass(frozen=True, slots=True)
class Matches(Generic[Found]):
    """``next_cursor`` is None where there is no more. With one a page may have fewer items than were asked for, even
    none: the search stopped at its bounds, and goes on behind them."""

    items: Sequence[Match[Found]]
    next_cursor: str | None


class Search(Generic[Found]):
    def __init__(self, sources: Mapping[Kind, Source[Found]]) -> None:
        self._sources = sources

    async def find(self, question: Question, readable: Readable, cursor: str | None, limit: int) -> Matches[Found]:
        """The newest first. ``readable`` says of communities whether the asker may read them now."""
        window = _window(question, cursor)
        known: dict[int, bool] = {}

        async def allowed(ids: Collection[int]) -> Collection[int]:
            unknown = set(ids) - known.keys()
            if unknown:
                may = set(await readable(unknown))
                known.update({one: one in may for one in unknown})
            return [one for one in ids if known[one]]

        async def of_these(ids: Collection[int]) -> Collection[int]:
            return await allowed([one for one in ids if one in (question.communities or ())])

        stopped, items, compared = Stopped(), list[tuple[Key, Match[Found]]](), 0
        waiting: list[Key] = []
        last: Key | None = None
        wanted = limit + 1
        conditions = question.conditions()
        keys = candidates(
            conditions, window, allowed if question.communities is None else of_these, question.communities, stopped
        )
        try:
            async for key in keys:
                waiting.append(key)
                if len(waiting) < min(wanted, _AT_ONCE, MAX_COMPARED - compared):
                    continue
                items += await self._compare(waiting, question, allowed)
                compared, last, waiting = compared + len(waiting), waiting[-1], []
                wanted = _AT_ONCE
                if len(items) > limit or compared >= MAX_COMPARED:
                    break
            else:
                items += await self._compare(waiting, question, allowed)
                last = None if stopped.at is None else Key(stopped.at, _ALL, 0)
        finally:
            await keys.aclose()
        if len(items) > limit:
            items = items[:limit]
            last = items[-1][0]
        return Matches([match for _, match in items], None if last is None else encode_cursor(_LIST, *last))

    async def _compare(
        self, keys: Sequence[Key], question: Question, allowed: Readable
    ) -> list[tuple[Key, Match[Found]]]:
        """Those that match as they are now, in their order."""
        texts: dict[tuple[int, int], Found] = {}
        for kind in {key.kind for key in keys}:
            # a newer process may have indexed a kind that this one does not know
            source = next((one for known, one in self._sources.items() if known == kind), None)
            if source:
                found = await source([key.ref for key in keys if key.kind == kind])
                texts.update({(kind, ref): text for ref, text in found.items()})
        readable = set(await allowed({text.community_id for text in texts.values()}))
        matches: list[tuple[Key, Match[Found]]] = []
        for key in keys:
            text = texts.get((key.kind, key.ref))
            if text is None or text.community_id not in readable or not question.allows(text):
                continue
            marks = question.sought.marks(text.text)
            if marks is not None:
                matches.append((key, Match(Kind(key.kind), key.ref, text, marks)))
        return matches


def _window(question: Question, cursor: str | None) -> Window:
    first = 0 if question.first is None else microseconds(question.first)
    last = _LATEST if question.before is None else microseconds(question.before) - 1
    if cursor is None:
        return Window(first, last)
    at, kind, ref = decode_cursor(cursor, _LIST, int, int, int)
    if not (0 <= at <= _LATEST and 0 <= kind <= _ALL and ref >= 0):
        raise bad_cursor()
    return Window(first, min(last, at), Key(at, kind, ref))
