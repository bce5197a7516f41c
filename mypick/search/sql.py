"""The statements of the index that are written by hand: many rows at a time, without a model object for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from mypick import db
from mypick.search.models import SearchPage, SearchSegment
from mypick.search.pages import Entry, Key, whole

_PAGES_AT_ONCE = 64  # rows of one insert on MySQL: 1 KiB each, far below its packet


_HOLDS = {
    "postgres": "position(?::bytea in terms) > 0",
    "sqlite": "instr(terms, ?) > 0",
    "mysql": "LOCATE(BINARY ?, terms) > 0",
}


class Waiting(NamedTuple):
    """A row of ``search_pending``."""

    id: int
    again: bool
    entry: Entry


async def newest_waiting(
    first: int, last: int, communities: Collection[int] | None, holding: Sequence[Sequence[bytes]], limit: int
) -> list[Waiting]:
    """What waits, with a time from ``first`` to ``last``, the newest first. Of all communities where none is named. Its
    terms hold one of the bytes at least of each of ``holding``, wherever in them."""
    where, values = "", list[Any]()
    if communities is not None:
        if not communities:
            return []
        among, values = db.among("community_id", communities)
        where = f"{among} AND "
    holds = _HOLDS[db.dialect()]
    for any_of in holding:
        where += f"({' OR '.join([holds] * len(any_of))}) AND "
        values += any_of
    return await _waiting(
        f"WHERE {where}at BETWEEN ? AND ? ORDER BY at DESC, kind DESC, ref DESC LIMIT ?", [*values, first, last, limit]
    )


async def waiting_communities() -> list[int]:
    return [row["id"] for row in await _rows("SELECT DISTINCT community_id AS id FROM search_pending")]


async def oldest_waiting(limit: int) -> list[Waiting]:
    return await _waiting("ORDER BY at, id LIMIT ?", [limit])


async def locked_among(ids: Collection[int]) -> set[int]:
    """Those rows of ``search_pending`` that are still there and that nobody else changes now; locked."""
    among, values = db.among("id", ids)
    ending = "" if db.dialect() == "sqlite" else " FOR UPDATE SKIP LOCKED"
    rows = await _rows(f"SELECT id FROM search_pending WHERE {among}{ending}", values)  # noqa: S608 - numbers
    return {row["id"] for row in rows}


async def drop_waiting(ids: Collection[int]) -> None:
    among, values = db.among("id", ids)
    await db.connection().execute_query(f"DELETE FROM search_pending WHERE {among}", values)  # noqa: S608 - numbers


async def pages(keys: Collection[int]) -> dict[int, bytes]:
    """Those of the pages that there are."""
    if not keys:
        return {}
    among, values = db.among("id", keys)
    rows = await _rows(f"SELECT id, body FROM search_page WHERE {among}", values)  # noqa: S608 - numbers
    return {row["id"]: row["body"] for row in rows}


async def pages_between(first: int, last: int) -> dict[int, bytes]:
    rows = await _rows(f"SELECT id, body FROM search_page WHERE id BETWEEN {first:d} AND {last:d}")  # noqa: S608
    return {row["id"]: row["body"] for row in rows}


async def insert_pages(bodies: Mapping[int, bytes]) -> None:
    dialect, connection = db.dialect(), db.connection()
    if dialect == "postgres":
        statement = "INSERT INTO search_page (id, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])"
        await connection.execute_query(statement, [list(bodies), list(bodies.values())])
    elif dialect == "sqlite":
        await connection.execute_many("INSERT INTO search_page (id, body) VALUES (?, ?)", [*map(list, bodies.items())])
    else:
        rows = list(bodies.items())
        for start in range(0, len(rows), _PAGES_AT_ONCE):
            part = rows[start : start + _PAGES_AT_ONCE]
            marks = ",".join(["(%s,%s)"] * len(part))
            statement = f"INSERT INTO search_page (id, body) VALUES {marks}"  # noqa: S608 - marks only
            await connection.execute_query(statement, [value for row in part for value in row])


async def write_pages(bodies: Mapping[int, bytes]) -> None:
    for key, body in sorted(bodies.items()):
        await SearchPage.filter(id=key).update(body=body)


async def drop_segment(segment_id: int) -> None:
    first, last = whole(segment_id)
    await SearchPage.filter(id__gte=first, id__lte=last).delete()
    await SearchSegment.filter(id=segment_id).delete()


async def segments_below(
    high: int, segment_id: int, first: int, last: int, limit: int
) -> Sequence[tuple[int, int, bytes]]:
    """Ids, newest moments and pages' first moments of the segments behind ``(high, segment_id)`` that may have texts
    from ``first`` to ``last``; those with the newest texts first."""
    rows = await _rows(
        "SELECT id, high, firsts FROM search_segment WHERE high >= ? AND low <= ? "
        "AND (high < ? OR (high = ? AND id < ?)) ORDER BY high DESC, id DESC LIMIT ?",
        [first, last, high, high, segment_id, limit],
    )
    return [(row["id"], row["high"], row["firsts"]) for row in rows]


async def _waiting(rest: str, values: Sequence[Any]) -> list[Waiting]:
    rows = await _rows(f"SELECT id, kind, ref, community_id, at, again, terms FROM search_pending {rest}", values)  # noqa: S608 - marks only
    return [
        Waiting(
            row["id"],
            bool(row["again"]),
            Entry(Key(row["at"], row["kind"], row["ref"]), row["community_id"], row["terms"]),
        )
        for row in rows
    ]


async def _rows(query: str, values: Sequence[Any] = ()) -> Sequence[Mapping[str, Any]]:
    """``?`` stands for the values that are not in the statement yet; it is in no text of ours."""
    dialect = db.dialect()
    if dialect == "postgres":
        first = 1 + query.count("$1")
        parts = query.split("?")
        query = parts[0] + "".join(f"${first + place}{part}" for place, part in enumerate(parts[1:]))
    elif dialect == "mysql":
        query = query.replace("?", "%s")
    _, rows = await db.connection().execute_query(query, list(values))
    return rows
