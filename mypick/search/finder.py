"""Finding: the texts that may match, the newest first, as few of them read as are asked for.

What waits is looked through whole. Segments are opened as they are needed, those with the newest texts first, in
batches that grow: 8, 32, 128. For each its pages of the wanted terms are intersected, what the asker may not read is
taken away, and only what is left is looked up in its directory. So a common word touches eight segments, and a rare one
some pages of all.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mypick.search import sql
from mypick.search.index import has_all, unpack_moments
from mypick.search.needles import Range
from mypick.search.pages import (
    COMMUNITIES,
    DIRECTORY,
    ENTRIES,
    Key,
    Postings,
    decode_directory,
    in_all,
    numbers_of,
    page_key,
    segment_of,
)
from mypick.search.terms import bucket_of, stored_of

MAX_WAITING = 4_096  # matches among the waiting texts that one page takes
MAX_SEGMENTS = 1_024  # that one page opens: 4,000,000 texts
MAX_CONDITIONS = 24  # ranges of terms that are intersected; the text is compared with all of the query anyway
_BATCHES = (8, 32, 128)  # segments opened at once; the last goes on
_KEYS = 128  # that are looked up at once: those of one segment, or few each of many

Condition = tuple[Range, ...]
"""A text must have a term of one of these ranges."""
Readable = Callable[[Collection[int]], Awaitable[Collection[int]]]
"""Those of the communities that the asker may read now."""


@dataclass(frozen=True, slots=True)
class Window:
    """From ``first`` to ``last``, in microseconds since 1970, and of the last moment only what is before ``behind``."""

    first: int
    last: int
    behind: Key | None = None

    def has(self, key: Key) -> bool:
        return self.first <= key.at <= self.last and (self.behind is None or key < self.behind)


@dataclass(slots=True)
class Stopped:
    """Where the search gave up for this page: ``at`` the oldest moment up to which all was seen."""

    at: int | None = None


@dataclass(slots=True)
class _Opened:
    """A segment with matches that were not looked up yet. ``bound``: none of them is newer."""

    id: int
    left: list[int]  # numbers of texts, the newest last
    bound: int


@dataclass(slots=True)
class _Search:
    wanted: Sequence[Condition]
    window: Window
    readable: Readable
    heap: list[tuple[int, int, int]] = field(default_factory=list)  # negative keys
    opened: list[_Opened] = field(default_factory=list)
    batch: int = 0
    seen: int = 0  # segments
    position: tuple[int, int] = (2**62, 2**62)  # of the last segment that was taken: newest moment and id
    upcoming: Sequence[tuple[int, int, bytes]] = ()  # the first of them, read beforehand
    next_high: int | None = None  # of the segments that were not taken

    def push(self, key: Key) -> None:
        if key.kind and self.window.has(key):
            heapq.heappush(self.heap, (-key.at, -key.kind, -key.ref))


async def candidates(
    wanted: Collection[Condition],
    window: Window,
    readable: Readable,
    communities: Collection[int] | None,
    stopped: Stopped,
) -> AsyncGenerator[Key, None]:
    """Keys of the texts in ``window`` that have the wanted terms, the newest first, each once. ``communities``: of
    these alone. Ends early at the bounds above, and says in ``stopped`` where."""
    # exact terms first: there are fewer of them than of those that only begin alike
    conditions = sorted(wanted, key=lambda any_of: sum(high - low for low, high in any_of))[:MAX_CONDITIONS]
    search = _Search(conditions, window, readable)
    floor = await _look_through_waiting(search, communities)
    search.upcoming = await _segments(search, _BATCHES[0])
    search.next_high = search.upcoming[0][1] if search.upcoming else None
    last: Key | None = None
    while True:
        bounds = [one.bound for one in search.opened if one.left]
        if search.next_high is not None:
            bounds.append(search.next_high)
        bound = max(bounds, default=None)
        while search.heap and (bound is None or -search.heap[0][0] > bound):
            negative = heapq.heappop(search.heap)
            key = Key(-negative[0], -negative[1], -negative[2])
            if floor is not None and key.at <= floor:
                stopped.at = floor
                return
            if key != last:  # it may wait and be packed at once, where the packer came in between
                last = key
                yield key
        if bound is None:
            stopped.at = floor
            return
        if floor is not None and bound <= floor:
            stopped.at = floor
            return
        if search.next_high == bound:
            if search.seen >= MAX_SEGMENTS:
                stopped.at = bound
                return
            await _open_more(search)
        else:
            await _look_up(search)


async def _look_through_waiting(search: _Search, communities: Collection[int] | None) -> int | None:
    """The database compares bytes, which spares us nearly all rows, and we terms, whose bytes stand at fours. Read
    before any segment is: a text that is packed meanwhile is seen twice and not missed. The moment of the oldest that
    was read where there are more."""
    window = search.window
    holding = [[stored_of(low, high) for low, high in any_of] for any_of in search.wanted]
    rows = await sql.newest_waiting(window.first, window.last, communities, holding, MAX_WAITING)
    if len(rows) == MAX_WAITING and communities is None:
        # what one may not read must not end the page
        communities = await search.readable(await sql.waiting_communities())
        rows = await sql.newest_waiting(window.first, window.last, communities, holding, MAX_WAITING)
    found = [row.entry for row in rows if has_all(row.entry.terms, search.wanted)]
    allowed = await search.readable({entry.community_id for entry in found}) if found else ()
    for entry in found:
        if entry.community_id in allowed:
            search.push(entry.key)
    return rows[-1].entry.key.at if len(rows) == MAX_WAITING else None


async def _open_more(search: _Search) -> None:
    size = _BATCHES[min(search.batch, len(_BATCHES) - 1)]
    search.batch += 1
    rows = search.upcoming or await _segments(search, size)
    search.upcoming, window = (), search.window
    taken = rows[:size]
    search.next_high = rows[size][1] if len(rows) > size else None
    if not taken:
        return
    search.position = (taken[-1][1], taken[-1][0])
    search.seen += len(taken)
    ranges = [one for condition in search.wanted for one in condition]
    numbers = {page_key(segment, bucket_of(low)) for segment, _, _ in taken for low, _ in ranges}
    pages = {key: Postings(body) for key, body in (await sql.pages(numbers)).items()}
    found = {segment: matches for segment, _, _ in taken if (matches := _matches(segment, search.wanted, pages))}
    allowed = await _allowed(search, found)
    opened = [
        _Opened(segment, sorted(allowed[segment].intersection(_within(window, firsts))), high)
        for segment, high, firsts in taken
        if segment in allowed
    ]
    search.opened = [one for one in (*search.opened, *opened) if one.left]


async def _segments(search: _Search, size: int) -> Sequence[tuple[int, int, bytes]]:
    """The next ``size``, and one more where there is one."""
    high, segment_id = search.position
    return await sql.segments_below(high, segment_id, search.window.first, search.window.last, size + 1)


def _matches(segment_id: int, wanted: Sequence[Condition], pages: Mapping[int, Postings]) -> set[int]:
    """The texts of a segment that have all that is wanted."""
    conditions: list[list[bytes]] = []
    for any_of in wanted:
        stored: list[bytes] = []
        for low, high in any_of:
            if page := pages.get(page_key(segment_id, bucket_of(low))):
                stored += page.find(low, high)
        if not stored:
            return set()
        conditions.append(stored)
    return in_all(conditions)


def _within(window: Window, stored: bytes) -> range:
    """The numbers of the texts that may be in the window, by whole pages of the directory."""
    firsts = unpack_moments(stored)
    return range(max(0, bisect_left(firsts, window.first) - 1) * ENTRIES, bisect_right(firsts, window.last) * ENTRIES)


async def _allowed(search: _Search, found: dict[int, set[int]]) -> dict[int, set[int]]:
    """Without the texts of communities that the asker may not read."""
    bodies = await sql.pages([page_key(one, COMMUNITIES) for one in found])
    pages = {segment_of(key): Postings(body, wide=True) for key, body in bodies.items()}
    allowed = set(await search.readable({number for page in pages.values() for number in page.terms}))
    left: dict[int, set[int]] = {}
    for one, page in pages.items():
        if allowed.issuperset(page.terms):
            left[one] = found[one]
            continue
        here = (stored for number in allowed.intersection(page.terms) for stored in page.find(number, number))
        left[one] = found[one].intersection(set().union(*map(numbers_of, here)))
    return left


async def _look_up(search: _Search) -> None:
    """The next keys of the segments that may have the newest."""
    taken: list[tuple[_Opened, list[int]]] = []
    room = _KEYS
    for one in sorted((one for one in search.opened if one.left), key=lambda one: one.bound, reverse=True):
        if room <= 0:
            break
        taken.append((one, one.left[-room:]))
        room -= len(taken[-1][1])
    wanted = {page_key(one.id, DIRECTORY + number // ENTRIES) for one, numbers in taken for number in numbers}
    pages = {key: decode_directory(body) for key, body in (await sql.pages(wanted)).items()}
    for one, numbers in taken:
        del one.left[-len(numbers) :]
        for number in numbers:
            entries = pages.get(page_key(one.id, DIRECTORY + number // ENTRIES))
            if entries is None:  # the segment was emptied meanwhile
                one.left.clear()
                break
            key = entries[number % ENTRIES]
            if number == numbers[0]:
                one.bound = key.at  # a text that is no more has its moment still
                if key.at < search.window.first:
                    one.left.clear()
            search.push(key)
