"""What a feature says of the people in its tables, so that a person can take what is theirs, or have it gone.

Each feature has a ``personal.py`` with its contribution; the composition root gathers them. A test compares the tables
with what is contributed: a column that names a person and stands in no contribution fails it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

PAGE = 200  # rows of an export in memory at a time
BATCH = 200  # rows that one step of an erasure changes in a transaction

Rows = Sequence[Mapping[str, Any]]
"""Rows as they are written into the file: JSON values and times."""


@dataclass(frozen=True, slots=True)
class Section:
    """One file of an export: ``name`` without its ending, one line on what it is, and its rows by pages of ``PAGE``."""

    name: str
    about: str
    about_ko: str
    pages: Callable[[int], AsyncIterator[Rows]]


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of rows that an erasure removes or empties.

    ``run`` takes the person and where it was (0 at first), does one batch in a transaction of its own and returns where
    to go on, or None where nothing is left. Run again from the same place it does no harm: whatever is killed when, the
    next run goes on.
    """

    name: str
    run: Callable[[int, int], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Contribution:
    """``columns``: table → its columns that name a person, all of which the sections and steps know about. Columns that
    keep the number after an erasure (whose person then has no name any more) are among them."""

    feature: str
    columns: Mapping[str, frozenset[str]]
    sections: Sequence[Section] = ()
    steps: Sequence[Step] = ()


async def by_id(query: Any, columns: Sequence[str]) -> AsyncIterator[Rows]:
    """These columns of the rows of ``query``, in the order of their ids, a page at a time. ``id`` is among them."""
    last = 0
    while rows := await query.filter(id__gt=last).order_by("id").limit(PAGE).values(*columns):
        yield rows
        last = rows[-1]["id"]


async def delete_batch(query: Any) -> int | None:
    """Delete up to ``BATCH`` rows of ``query``; what a step returns that deletes until nothing is left."""
    ids = [row[0] for row in await query.order_by("id").limit(BATCH).values_list("id")]
    if ids:
        await query.model.filter(id__in=ids).delete()
    return 0 if len(ids) == BATCH else None


async def bury_by_place(
    said: Any, after: int, place: str, at_once: int, bury: Callable[[int, list[int]], Awaitable[None]]
) -> int | None:
    """What a step returns that makes tombstones of texts: up to ``at_once`` of the query ``said`` with ids beyond
    ``after`` are looked at, and those without a ``deleted_at`` given to ``bury`` with where they are, the column
    ``place``; each call is a transaction of its own."""
    rows = await said.filter(id__gt=after).order_by("id").limit(at_once).values_list("id", place, "deleted_at")
    standing = sorted((where, number) for number, where, deleted_at in rows if deleted_at is None)
    for where, among in groupby(standing, key=itemgetter(0)):
        await bury(where, [number for _, number in among])
    return rows[-1][0] if len(rows) == at_once else None


async def earlier_texts(revisions: Any, whose: str, columns: Sequence[str]) -> dict[int, list[Mapping[str, Any]]]:
    """What once stood in texts, the oldest first: ``columns`` of the query ``revisions``, by its column ``whose``."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    async for rows in by_id(revisions, ("id", whose, *columns)):
        for row in rows:
            found.setdefault(row[whose], []).append({name: row[name] for name in columns})
    return found
