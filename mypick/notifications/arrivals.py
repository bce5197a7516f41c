"""What sockets are sent when they connect, read for many who come at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mypick import db
from mypick.gathering import Gathering
from mypick.notifications.streams import PREFIX, data_of, inbox_of
from mypick.notifications.views import NewNotification, NotificationData, UnreadNotifications
from mypick.streams import Position
from mypick.streams.store import StreamStore

UNREAD_ON_CONNECT = 50  # newest items of the first event, as the wire says
ITEMS_AT_ONCE = 10_000  # in one answer of the database: some 7 MB and 0.1 s of this process
INBOXES_AT_ONCE = 400  # in one statement: SQLite joins 500 parts of a UNION at most

Arrival = tuple[Position, UnreadNotifications]

_COLUMNS = (
    "i.id, i.user_id, i.seq, i.created_at, n.kind, n.title, n.body, n.url, n.image_url, n.creator_id, n.content_id"
)
# the newest unread of each user, through the index on (user_id, read_at, seq)
_NEWEST = "SELECT * FROM notification WHERE user_id = %s AND read_at IS NULL AND seq <= %s ORDER BY seq DESC LIMIT %d"


class Arrivals:
    """The unread of people, each with the position of the inbox up to which it is true. Two queries for all who ask
    within the same moment, or one where nothing is unread."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store
        self._gathering = Gathering(self._read)

    async def unread(self, user_id: int) -> Arrival:
        arrival = await self._gathering.get(user_id)
        if arrival is None:
            raise AssertionError("every inbox can be read")
        return arrival

    async def _read(self, user_ids: Sequence[int]) -> dict[int, Arrival]:
        states = await _states(user_ids)
        if absent := [user_id for user_id in user_ids if user_id not in states]:
            await self._store.ids_of([inbox_of(user_id) for user_id in absent])  # made, empty
            states |= await _states(absent)
        items: dict[int, list[NewNotification]] = {}
        for chunk in _chunks(states):
            for row in await _newest_unread([(user_id, states[user_id][0].head_seq) for user_id in chunk]):
                items.setdefault(row["user_id"], []).append(_event(row, *states[row["user_id"]]))
        return {
            user_id: (position, _unread(position, count, items.get(user_id, [])))
            for user_id, (position, count) in states.items()
        }


async def _states(user_ids: Sequence[int]) -> dict[int, tuple[Position, int]]:
    """Where inboxes stand and how much of them is unread, all of one moment."""
    key = f"s.{db.quoted('key')}"
    select = (
        f"SELECT s.id, {key} AS name, s.epoch, s.head_seq, s.floor_seq, COALESCE(i.unread_count, 0) AS unread_count "  # noqa: S608
        f"FROM {db.quoted('stream')} s LEFT JOIN inbox i ON i.user_id = "
    )
    keys = [inbox_of(user_id) for user_id in user_ids]
    if db.dialect() == "postgres":
        number, condition, values = "BIGINT", "= ANY($1::text[])", [keys]
    else:
        number, condition, values = "SIGNED", f"IN ({','.join(map(repr, keys))})", []
    rows = await db.connection().execute_query_dict(
        f"{select} CAST(SUBSTR({key}, {len(PREFIX) + 1}) AS {number}) WHERE {key} {condition}", values
    )
    return {
        int(row["name"].removeprefix(PREFIX)): (
            Position(row["id"], row["name"], row["epoch"], row["head_seq"], row["floor_seq"]),
            row["unread_count"],
        )
        for row in rows
    }


def _chunks(states: Mapping[int, tuple[Position, int]]) -> Iterator[list[int]]:
    """Those who have something unread, in parts of at most ``ITEMS_AT_ONCE`` items."""
    chunk: list[int] = []
    size = 0
    for user_id, (_, unread_count) in states.items():
        count = min(unread_count, UNREAD_ON_CONNECT)
        if size + count > ITEMS_AT_ONCE or len(chunk) == INBOXES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
        if count:
            chunk.append(user_id)
            size += count
    if chunk:
        yield chunk


async def _newest_unread(heads: Sequence[tuple[int, int]]) -> Sequence[Mapping[str, Any]]:
    """For pairs of user and highest ``seq``; newest first."""
    if db.dialect() == "postgres":
        newest = _NEWEST % ("who.id", "who.head", UNREAD_ON_CONNECT)
        source = f"unnest($1::bigint[], $2::bigint[]) AS who(id, head) CROSS JOIN LATERAL ({newest}) i"
        values: list[Any] | None = [[user_id for user_id, _ in heads], [head for _, head in heads]]
    else:
        each = (_NEWEST % (int(user_id), int(head), UNREAD_ON_CONNECT) for user_id, head in heads)
        source = f"({' UNION ALL '.join(f'SELECT * FROM ({newest}) a' for newest in each)}) i"  # noqa: S608 - numbers
        values = None
    return await db.connection().execute_query_dict(
        f"SELECT {_COLUMNS} FROM {source} LEFT JOIN notice n ON n.id = i.notice_id ORDER BY i.seq DESC", values  # noqa: S608
    )


def _unread(position: Position, unread_count: int, items: list[NewNotification]) -> UnreadNotifications:
    return UnreadNotifications.model_construct(
        stream=position.key,
        epoch=position.epoch,
        head_seq=position.head_seq,
        unread_count=unread_count,
        items=items,
    )


def _event(row: Mapping[str, Any], position: Position, unread_count: int) -> NewNotification:
    return new_notification(
        position,
        unread_count,
        seq=row["seq"],
        event_id=row["id"],
        at=db.moment(row["created_at"]),
        notice=None if row["kind"] is None else row,
    )


def new_notification(
    position: Position, unread_count: int, *, seq: int, event_id: int, at: datetime, notice: Mapping[str, Any] | None
) -> NewNotification:
    # nothing is checked: it comes from our own tables, for thousands of clients at once
    return NewNotification.model_construct(
        stream=position.key,
        epoch=position.epoch,
        seq=seq,
        id=event_id,
        at=at,
        data=NotificationData.model_construct(**data_of(notice, unread_count)),
    )
