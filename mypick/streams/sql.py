"""The statements of a group commit, by dialect.

They are written by hand because they are the hottest of the program. Through the ORM a group of 128 commands made 256
model objects, and PostgreSQL parsed a statement of another length for almost every group and ran an insert for each
row. Here PostgreSQL gets arrays: each statement has one text, is prepared once on a connection, and inserts all rows
at a time. The other dialects get the same rows by ``executemany`` or as a list of parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mypick import db

Row = tuple[Any, ...]
"""Values in the order of a table's columns; JSON is text."""


@dataclass(slots=True)
class Head:
    """The row of a stream, locked."""

    id: int
    key: str
    epoch: str
    head_seq: int


@dataclass(frozen=True, slots=True)
class StoredReply:
    """What a receipt remembers."""

    payload_hash: str
    reply: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is inserted into: its columns, in the order of the rows, with PostgreSQL's type of each."""

    name: str
    columns: Mapping[str, str]

    @property
    def names(self) -> str:
        return ",".join(self.columns)  # none of them is a word of SQL

    def insert_one(self, mark: str) -> str:
        marks = ",".join(mark for _ in self.columns)
        return f"INSERT INTO {self.name} ({self.names}) VALUES ({marks})"  # noqa: S608 - marks only

    def insert_arrays(self, first: int) -> str:
        """For PostgreSQL: an array for each column, the first of them parameter ``first``."""
        arrays = ",".join(f"${place}::{kind}[]" for place, kind in enumerate(self.columns.values(), first))
        return f"INSERT INTO {self.name} ({self.names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - marks only

    def arrays(self, rows: Sequence[Row]) -> list[list[Any]]:
        """A list for each column."""
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.columns]


EVENTS = Table(
    "stream_event",
    {
        "id": "bigint",
        "stream_id": "bigint",
        "seq": "bigint",
        "type": "text",
        "ref": "bigint",
        "actor_id": "bigint",
        "at": "timestamptz",
        "data": "jsonb",
    },
)
RECEIPTS = Table(
    "receipt",
    {"actor_id": "bigint", "cid": "text", "payload_hash": "text", "reply": "jsonb", "created_at": "timestamptz"},
)


# One trip to the server instead of three. All parts of such a statement run, whatever the others find.
_WRITE_POSTGRES = (
    "WITH raised AS (UPDATE stream SET head_seq = head_seq + rises.rise "  # noqa: S608 - marks only
    "FROM unnest($1::bigint[],$2::bigint[]) AS rises(id, rise) WHERE stream.id = rises.id), "
    f"told AS ({EVENTS.insert_arrays(3)}) {RECEIPTS.insert_arrays(3 + len(EVENTS.columns))}"
)


async def lock(stream_ids: Collection[int]) -> list[Head]:
    """Lock the rows of these streams in the order of their ids, so that whoever else locks some of them waits and
    does not deadlock. SQLite has locked the whole file when the transaction began."""
    dialect = db.dialect()
    if not stream_ids:
        return []
    columns = "id, `key`, epoch, head_seq" if dialect == "mysql" else 'id, "key", epoch, head_seq'
    select = f"SELECT {columns} FROM stream WHERE id"  # noqa: S608 - no value is in it
    if dialect == "postgres":
        rows = await _rows(f"{select} = ANY($1::bigint[]) ORDER BY id FOR UPDATE", [list(stream_ids)])
    else:
        ending = " FOR UPDATE" if dialect == "mysql" else ""
        rows = await _rows(f"{select} IN ({_integers(stream_ids)}) ORDER BY id{ending}")
    return [Head(row["id"], row["key"], row["epoch"], row["head_seq"]) for row in rows]


async def write(rises: Mapping[int, int], events: Sequence[Row], receipts: Sequence[Row]) -> None:
    """Raise ``head_seq`` of streams, each by its own amount, and insert events and receipts in their order."""
    if not rises and not receipts:
        return
    dialect = db.dialect()
    connection = db.connection()
    if dialect == "postgres":
        values = [list(rises), list(rises.values()), *EVENTS.arrays(events), *RECEIPTS.arrays(receipts)]
        await connection.execute_query(_WRITE_POSTGRES, values)
        return
    # streams that rise by the same amount rise in one statement: one for a fan-out, a few for a busy group
    by_rise: dict[int, list[int]] = {}
    for stream_id, rise in rises.items():
        by_rise.setdefault(rise, []).append(stream_id)
    for rise, stream_ids in sorted(by_rise.items()):
        await connection.execute_query(
            f"UPDATE stream SET head_seq = head_seq + {rise:d} WHERE id IN ({_integers(stream_ids)})"  # noqa: S608
        )
    for table, rows in ((EVENTS, events), (RECEIPTS, receipts)):
        if rows:
            statement = table.insert_one("%s" if dialect == "mysql" else "?")
            await connection.execute_many(statement, [list(row) for row in rows])


async def replies(wanted: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredReply]:
    """Of these pairs of actor and cid, those that have a receipt."""
    if not wanted:
        return {}
    dialect = db.dialect()
    select = "SELECT actor_id, cid, payload_hash, reply FROM receipt"
    if dialect == "postgres":
        # a look at the index for each pair; two lists would be looked up in all their combinations
        rows = await _rows(
            f"{select} JOIN unnest($1::bigint[], $2::text[]) AS wanted(actor_id, cid) USING (actor_id, cid)",
            [[actor_id for actor_id, _ in wanted], [cid for _, cid in wanted]],
        )
    else:
        pair = "(%s,%s)" if dialect == "mysql" else "(?,?)"
        pairs = ",".join([pair] * len(wanted))
        within = f"({pairs})" if dialect == "mysql" else f"(VALUES {pairs})"
        rows = await _rows(
            f"{select} WHERE (actor_id, cid) IN {within}",
            [value for actor_and_cid in wanted for value in actor_and_cid],
        )
    return {
        (row["actor_id"], row["cid"]): StoredReply(row["payload_hash"], orjson.loads(row["reply"])) for row in rows
    }


async def _rows(query: str, values: list[Any] | None = None) -> Sequence[Mapping[str, Any]]:
    _, rows = await db.connection().execute_query(query, values)
    return rows


def _integers(numbers: Collection[int]) -> str:
    return ",".join(f"{number:d}" for number in numbers)
