"""Keeping the index: what is said is found from the moment of its commit, and what is deleted is in no part of it.

A new text is one row of ``search_pending``, written in the transaction of the text. When 4,096 wait they are packed
(``mypick.search.packer``). An edited text waits again, beside its older version, until it is packed; a match is always
compared with the text itself, so an older version shows nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mypick.search import sql
from mypick.search.models import SearchPending, SearchSegment
from mypick.search.pages import (
    COMMUNITIES,
    DIRECTORY,
    ENTRIES,
    Key,
    Postings,
    decode_directory,
    encode,
    encode_directory,
    page_key,
    page_number,
    segment_of,
    whole,
)
from mypick.search.terms import RULES, bucket_of, pack_terms, term_of, terms_of, unpack_terms
from mypick.search.text import fold

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_ONCE = 500  # rows named in one statement


@dataclass(frozen=True, slots=True)
class Indexed:
    """A text as the index takes it. ``kind`` is 1 to 255 and says whose row ``ref`` is; ``labels`` are what can be
    asked besides words: ``("author", 17)``, ``("room", 3)``."""

    kind: int
    ref: int
    community_id: int
    at: datetime
    text: str
    labels: Sequence[tuple[str, object]] = ()

    @property
    def key(self) -> Key:
        return Key(microseconds(self.at), self.kind, self.ref)

    def terms(self) -> set[int]:
        return terms_of(fold(self.text).text) | {term_of(name, value) for name, value in self.labels}


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    return _EPOCH + at * _MICROSECOND


def new_row(text: Indexed) -> SearchPending:
    """The row of a new text, to be inserted in its transaction with others of their kind."""
    return _row(text, again=False)


async def put_new(texts: Sequence[Indexed]) -> None:
    """The same for many new texts at once."""
    await SearchPending.bulk_create([_row(text, again=False) for text in texts])


async def put(texts: Sequence[Indexed]) -> None:
    """Inside the transaction that holds the texts still: index them as they are now, whatever was known of them."""
    for kind, refs in _by_kind((text.kind, text.ref) for text in texts):
        await SearchPending.filter(kind=kind, ref__in=refs).delete()
    await SearchPending.bulk_create([_row(text, again=True) for text in texts])


async def forget(versions: Sequence[Indexed]) -> None:
    """Inside the transaction that removes texts: nothing of them stays, hashed or not. For a text that was edited give
    every version of it."""
    wanted: dict[Key, set[int]] = {}
    for version in versions:
        wanted.setdefault(version.key, set()).update(version.terms())
    only_waiting: set[tuple[int, int]] = set()
    for kind, refs in _by_kind((key.kind, key.ref) for key in wanted):
        rows = SearchPending.filter(kind=kind, ref__in=refs)
        waiting = await rows.values_list("ref", "again")
        if waiting and await rows.delete() == len(waiting):  # else the packer was quicker with some
            only_waiting |= {(kind, ref) for ref, again in waiting if not again}
    packed = {key: terms for key, terms in wanted.items() if (key.kind, key.ref) not in only_waiting}
    await clear(packed)


async def clear(texts: Mapping[Key, set[int] | None]) -> None:
    """Take texts out of the segments that have them. ``None``: their terms are not known, and all pages are looked
    at. Three statements for each segment that has any."""
    for segment_id, keys in sorted((await _segments_with(texts)).items()):
        locked = await SearchSegment.filter(id=segment_id).select_for_update().first()
        if locked is None:  # it was emptied while we waited
            continue
        known = locked.rules == RULES and all(texts[key] is not None for key in keys)
        terms = {term for key in keys for term in texts[key] or ()}
        if known:
            first = page_key(segment_id, COMMUNITIES)
            numbers = {page_key(segment_id, bucket_of(term)) for term in terms}
            bodies = await sql.pages([*numbers, *range(first, whole(segment_id)[1] + 1)])
        else:
            bodies = await sql.pages_between(*whole(segment_id))
        changed, removed = _without(bodies, set(keys))
        if locked.removed + removed >= locked.texts:
            await sql.drop_segment(segment_id)
        else:
            await sql.write_pages(changed)
            await SearchSegment.filter(id=segment_id).update(removed=locked.removed + removed)


async def _segments_with(keys: Collection[Key]) -> dict[int, list[Key]]:
    """By segment: those of ``keys`` that are in it."""
    if not keys:
        return {}
    rows = await SearchSegment.filter(
        low__lte=max(key.at for key in keys), high__gte=min(key.at for key in keys)
    ).values_list("id", "low", "high", "firsts")
    look: dict[int, list[Key]] = {}
    for segment_id, low, high, stored in rows:
        firsts = unpack_moments(stored)
        for key in keys:
            if low <= key.at <= high:
                # moments can be equal across the border of two pages
                for page in range(max(0, bisect_left(firsts, key.at) - 1), bisect_right(firsts, key.at)):
                    look.setdefault(page_key(segment_id, DIRECTORY + page), []).append(key)
    found: dict[int, list[Key]] = {}
    numbers = sorted(look)
    for start in range(0, len(numbers), _AT_ONCE):
        for number, body in (await sql.pages(numbers[start : start + _AT_ONCE])).items():
            here = set(decode_directory(body)).intersection(look[number])
            if here:
                found.setdefault(segment_of(number), []).extend(here)
    return found


def _without(bodies: Mapping[int, bytes], keys: set[Key]) -> tuple[dict[int, bytes], int]:
    """The pages that change, and how many texts go."""
    changed: dict[int, bytes] = {}
    gone: set[int] = set()
    for number, body in bodies.items():
        if page_number(number) < DIRECTORY:
            continue
        entries = decode_directory(body)
        first = (page_number(number) - DIRECTORY) * ENTRIES
        places = [place for place, entry in enumerate(entries) if entry in keys]
        if places:
            gone.update(first + place for place in places)
            for place in places:
                entries[place] = Key(entries[place].at, 0, 0)
            changed[number] = encode_directory(entries)
    for number, body in bodies.items():
        if page_number(number) < DIRECTORY:
            wide = page_number(number) == COMMUNITIES
            postings = dict(Postings(body, wide=wide).items())
            if any(not gone.isdisjoint(texts) for texts in postings.values()):
                left = {term: texts - gone for term, texts in postings.items() if texts - gone}
                changed[number] = encode(left, wide=wide)
    return changed, len(gone)


def unpack_moments(stored: bytes) -> list[int]:
    return [int.from_bytes(stored[start : start + 8], "little", signed=True) for start in range(0, len(stored), 8)]


def pack_moments(moments: Iterable[int]) -> bytes:
    return b"".join(at.to_bytes(8, "little", signed=True) for at in moments)


def has_all(terms: bytes, wanted: Iterable[Sequence[tuple[int, int]]]) -> bool:
    """Whether a waiting text has, for each condition, a term in one of its ranges."""
    return all(any(_has(terms, low, high) for low, high in any_of) for any_of in wanted)


def _has(terms: bytes, low: int, high: int) -> bool:
    if low != high:
        numbers = unpack_terms(terms)
        place = bisect_left(numbers, low)
        return place < len(numbers) and numbers[place] <= high
    name = low.to_bytes(4, "little")
    place = terms.find(name)
    while place >= 0 and place % 4:
        place = terms.find(name, place + 1)
    return place >= 0


def _row(text: Indexed, *, again: bool) -> SearchPending:
    return SearchPending(
        kind=text.kind,
        ref=text.ref,
        community_id=text.community_id,
        at=microseconds(text.at),
        again=again,
        terms=pack_terms(text.terms()),
    )


def _by_kind(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    """Refs by kind, at most ``_AT_ONCE`` together, in one order for all who lock them."""
    kinds: dict[int, set[int]] = {}
    for kind, ref in pairs:
        kinds.setdefault(kind, set()).add(ref)
    return [
        (kind, ordered[start : start + _AT_ONCE])
        for kind, refs in sorted(kinds.items())
        for ordered in [sorted(refs)]
        for start in range(0, len(ordered), _AT_ONCE)
    ]
