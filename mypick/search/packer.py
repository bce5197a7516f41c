"""Packing: from rows that wait to a segment.

A segment is built outside the transaction that writes it, so that nobody waits for the building: some 290 rows are
inserted and 4,096 deleted in it. Whoever edits or deletes a text that is being packed waits for that moment alone, and
a text that was changed since it was read is left out and waits on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from mypick import db
from mypick.jobs.work import Work
from mypick.search import sql
from mypick.search.index import clear, pack_moments
from mypick.search.models import SearchPending, SearchSegment
from mypick.search.pages import ENTRIES, SEGMENT, Key, build, page_key
from mypick.search.terms import RULES

PACK = "search.pack"  # the kind of job


async def work_packing(work: Work) -> None:
    """The job: pack what fills segments. A run that dies leaves what it did."""
    del work
    await pack_all()


async def waiting() -> int:
    """How many texts wait."""
    return await SearchPending.all().count()


async def pack_all(at_least: int = SEGMENT) -> int:
    """Pack while as many wait as fill a segment, or ``at_least``. Segments made. Not inside a transaction."""
    made = 0
    while await pack_once(at_least):
        made += 1
    return made


async def pack_once(at_least: int = SEGMENT) -> bool:
    """Pack the oldest texts that wait. False where there are too few, or another process packs them now."""
    rows = await sql.oldest_waiting(SEGMENT)
    if not rows or len(rows) < at_least:
        return False
    # in a thread: 30 ms that the loop must not stand still
    bodies, keys = await asyncio.to_thread(build, [row.entry for row in rows])
    async with db.transaction():
        left = await sql.locked_among([row.id for row in rows])
        if len(left) < len(rows) / 2:
            return False
        if len(left) < len(rows):
            rows = [row for row in rows if row.id in left]
            bodies, keys = build([row.entry for row in rows])
        await clear({row.entry.key: None for row in rows if row.again})
        await write_segment(bodies, keys)
        await sql.drop_waiting(left)
    return True


async def write_segment(bodies: Mapping[int, bytes], keys: Sequence[Key]) -> None:
    """What ``build`` has made. Inside a transaction."""
    segment = await SearchSegment.create(
        low=keys[0].at,
        high=keys[-1].at,
        texts=len(keys),
        rules=RULES,
        firsts=pack_moments(keys[place].at for place in range(0, len(keys), ENTRIES)),
    )
    await sql.insert_pages({page_key(segment.id, number): body for number, body in bodies.items()})
