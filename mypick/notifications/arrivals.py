"""What sockets are sent when they connect, read for many who come at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mypick import db
from mypick.clock import to_wire
from mypick.gathering import Gathering
from mypick.notifications.streams import PREFIX, data_of, inbox_of
from mypick.slices import slices
from mypick.streams import Position
from mypick.streams.store import StreamStore

UNREAD_ON_CONNECT = 50  # newest items of the first event, as the wire says
ITEMS_AT_ONCE = 10_000  # in one answer of the database: some 7 MB and 0.1 s of this process, in turns
READ_AT_ONCE = 500  # rows made items in one turn of the loop: 3 to 5 ms
INBOXES_AT_ONCE = 400  # in one statement: SQLite joins 500 parts of a UNION at most

FIRST = 10  # items that come with the state of an inbox; who has more unread costs a second statement

Arrival = tuple[Position, dict[str, Any]]
"""The position of an inbox and its unread, as ``UnreadNotifications`` has them in JSON: for thousands at once models
would cost more than all else."""

_ITEM = "i.id, i.user_id, i.seq, i.created_at, n.kind, n.title, n.body, n.url, n.image_url, n.creator_id, n.content_id"
# the newest unread of one user, through the index on (user_id, read_at, seq)
_NEWEST = "SELECT * FROM notification WHERE user_id = %s AND read_at IS NULL AND seq <= %s ORDER BY seq DESC LIMIT %d"


@dataclass(slots=True)
class _Inbox:
    """One inbox, all of one moment, but for items that are read by a later statement."""

    position: Position
    unread_count: int
    items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """Items that are to be shown."""
        return min(self.unread_count, UNREAD_ON_CONNECT)

    def arrival(self) -> Arrival:
        position = self.position
        return position, {
            "stream": position.key,
            "epoch": position.epoch,
            "head_seq": position.head_seq,
            "unread_count": self.unread_count,
            "items": self.items,
        }


class Arrivals:
    """The unread of people, each with the position of the inbox up to which it is true. All who ask within the same
    moment are answered by one query on PostgreSQL where few items are unread, by two otherwise."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store
        self._gathering = Gathering(self._read)

    async def unread(self, user_id: int) -> Arrival:
        arrival = await self._gathering.get(user_id)
        if arrival is None:
            raise AssertionError("every inbox can be read")
        return arrival

    async def _read(self, user_ids: Sequence[int]) -> dict[int, Arrival]:
        inboxes = await _inboxes(user_ids)
        if absent := [user_id for user_id in user_ids if user_id not in inboxes]:
            await self._store.ids_of([inbox_of(user_id) for user_id in absent])  # made, empty
            inboxes |= await _inboxes(absent)
        for chunk in _chunks({user_id: inbox for user_id, inbox in inboxes.items() if len(inbox.items) < inbox.wanted}):
            for inbox in chunk.values():
                inbox.items = []
            async for part in slices(await _newest_unread(chunk), READ_AT_ONCE):
                for row in part:
                    inbox = chunk[row["user_id"]]
                    inbox.items.append(_event(row, inbox))
        return {user_id: inbox.arrival() for user_id, inbox in inboxes.items()}


async def _inboxes(user_ids: Sequence[int]) -> dict[int, _Inbox]:
    """Where inboxes stand and how much of them is unread; from PostgreSQL with the first items."""
    key = f"s.{db.quoted('key')}"
    state = f"s.id AS stream_id, {key} AS name, s.epoch, s.head_seq, s.floor_seq, COALESCE(b.unread_count, 0) AS unread"
    source = f"{db.quoted('stream')} s LEFT JOIN inbox b ON b.user_id = CAST(SUBSTR({key}, {len(PREFIX) + 1}) AS "
    keys = [inbox_of(user_id) for user_id in user_ids]
    with_items = db.dialect() == "postgres"
    if with_items:
        newest = _NEWEST % ("b.user_id", "s.head_seq", FIRST)
        statement = (
            f"SELECT {state}, {_ITEM} FROM {source} BIGINT) LEFT JOIN LATERAL ({newest}) i ON b.unread_count > 0 "  # noqa: S608
            f"LEFT JOIN notice n ON n.id = i.notice_id WHERE {key} = ANY($1::text[]) ORDER BY i.seq DESC"
        )
        rows = await db.rows(statement, [keys])
    else:
        statement = f"SELECT {state} FROM {source} SIGNED) WHERE {key} IN ({','.join(map(repr, keys))})"  # noqa: S608
        rows = await db.rows(statement)
    inboxes: dict[int, _Inbox] = {}
    async for part in slices(rows, READ_AT_ONCE):
        for row in part:
            user_id = int(row["name"].removeprefix(PREFIX))
            inbox = inboxes.get(user_id)
            if inbox is None:
                position = Position(row["stream_id"], row["name"], row["epoch"], row["head_seq"], row["floor_seq"])
                inbox = inboxes[user_id] = _Inbox(position, row["unread"])
            if with_items and row["id"] is not None:
                inbox.items.append(_event(row, inbox))
    return inboxes


def _chunks(inboxes: Mapping[int, _Inbox]) -> Iterator[dict[int, _Inbox]]:
    """``inboxes`` in parts of at most ``ITEMS_AT_ONCE`` items and ``INBOXES_AT_ONCE`` inboxes."""
    chunk: dict[int, _Inbox] = {}
    size = 0
    for user_id, inbox in inboxes.items():
        if size + inbox.wanted > ITEMS_AT_ONCE or len(chunk) == INBOXES_AT_ONCE:
            yield chunk
            chunk, size = {}, 0
        chunk[user_id] = inbox
        size += inbox.wanted
    if chunk:
        yield chunk


async def _newest_unread(inboxes: Mapping[int, _Inbox]) -> Sequence[Mapping[str, Any]]:
    """What is shown of each inbox, newest first."""
    heads = [(user_id, inbox.position.head_seq) for user_id, inbox in inboxes.items()]
    if db.dialect() == "postgres":
        newest = _NEWEST % ("who.id", "who.head", UNREAD_ON_CONNECT)
        source = f"unnest($1::bigint[], $2::bigint[]) AS who(id, head) CROSS JOIN LATERAL ({newest}) i"
        values: list[Any] | None = [[user_id for user_id, _ in heads], [head for _, head in heads]]
    else:
        each = (_NEWEST % (int(user_id), int(head), UNREAD_ON_CONNECT) for user_id, head in heads)
        source = f"({' UNION ALL '.join(f'SELECT * FROM ({newest}) a' for newest in each)}) i"  # noqa: S608 - numbers
        values = None
    return await db.rows(
        f"SELECT {_ITEM} FROM {source} LEFT JOIN notice n ON n.id = i.notice_id ORDER BY i.seq DESC", values  # noqa: S608
    )


def _event(row: Mapping[str, Any], inbox: _Inbox) -> dict[str, Any]:
    """A ``NewNotification`` in JSON."""
    return {
        "stream": inbox.position.key,
        "epoch": inbox.position.epoch,
        "seq": row["seq"],
        "id": row["id"],
        "at": to_wire(db.moment(row["created_at"])),
        "data": data_of(None if row["kind"] is None else row, inbox.unread_count),
    }
