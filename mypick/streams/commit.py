"""Writing a group of units in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from tortoise.models import Model

from mypick import db
from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams import sql
from mypick.streams.events import MAX_CID, MAX_TYPE, Append, Done, Event, NewEvent, ReceiptKey
from mypick.streams.sql import Head, Row, StoredReply
from mypick.streams.store import StreamStore


class Committer:
    """One transaction for a group of units.

    Order inside: lock the stream rows by id, look up receipts, decide, raise the heads, insert events, rows and
    receipts, commit. Two groups on two nodes lock in the same order, so they wait for each other and never deadlock
    on streams; and since ``seq`` is given under the lock, its order is the order of commit.
    """

    def __init__(self, store: StreamStore, ids: Ids, clock: Clock) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock

    async def commit(self, units: Sequence[Append]) -> list[Done | DomainError]:
        """Write ``units`` together. A ``DomainError`` in the answer is that unit's own, found before anything of it
        was written; every other exception means that nothing of the whole group was written."""
        keys = {key for unit in units for key in unit.keys}
        stream_ids = await self._store.ids_of(sorted(keys))
        ids = iter(await self._ids.take(max(1, sum(unit.ids_needed for unit in units))))
        async with db.transaction():
            heads = await sql.lock(stream_ids.values())
            receipts = await sql.replies([unit.receipt.name for unit in units if unit.receipt])
            group = _Group(heads, ids, self._clock)
            answers = [await self._write(unit, group, receipts) for unit in units]
            await group.save()
        return answers

    async def _write(
        self, unit: Append, group: _Group, receipts: dict[tuple[int, str], StoredReply]
    ) -> Done | DomainError:
        if unit.receipt and (earlier := receipts.get(unit.receipt.name)):
            if earlier.payload_hash != unit.receipt.payload_hash:
                return DomainError(
                    Code.CID_REUSED, "this cid was used for another command: make a new one for a new command"
                )
            return Done(earlier.reply, (), duplicate=True)
        try:
            new = [*unit.events, *(await unit.decide() if unit.decide else ())]
        except DomainError as refused:  # that unit alone: nothing of it was written yet
            return refused
        events = [group.number(event) for event in new]
        if unit.rows:
            group.add_rows(unit.rows(events))
        if unit.effect:
            await unit.effect(events)
        reply = unit.reply(events)
        if unit.receipt:
            receipts[unit.receipt.name] = group.add_receipt(unit.receipt, reply)
        return Done(reply, events, duplicate=False)


class _Group:
    """What one transaction writes."""

    def __init__(self, heads: Sequence[Head], ids: Iterator[int], clock: Clock) -> None:
        self._heads = {head.key: head for head in heads}
        self._ids = ids
        self._now = clock.now()
        self._rises: dict[int, int] = {}  # stream id → by how much its head is raised
        self._events: list[Row] = []  # as sql.EVENTS has them
        self._rows: dict[type[Model], list[Model]] = {}
        self._receipts: list[Row] = []  # as sql.RECEIPTS has them

    def number(self, new: NewEvent) -> Event:
        if len(new.type) > MAX_TYPE:
            raise ValueError(f"the type of an event has at most {MAX_TYPE} characters: {new.type[:20]}…")
        head = self._heads[new.stream]
        head.head_seq += 1
        self._rises[head.id] = self._rises.get(head.id, 0) + 1
        event = Event(
            stream=new.stream,
            epoch=head.epoch,
            seq=head.head_seq,
            id=next(self._ids) if new.id is None else new.id,
            type=new.type,
            at=self._now,
            data=new.data,
            ref=new.ref,
            actor_id=new.actor_id,
        )
        data = orjson.dumps(new.data).decode()
        self._events.append(
            (event.id, head.id, event.seq, new.type, new.ref, new.actor_id, self._now, data)
        )
        return event

    def add_rows(self, rows: Sequence[Model]) -> None:
        for row in rows:
            self._rows.setdefault(type(row), []).append(row)

    def add_receipt(self, key: ReceiptKey, reply: Mapping[str, Any]) -> StoredReply:
        if len(key.cid) > MAX_CID:  # SQLite would take it
            raise ValueError(f"a cid has at most {MAX_CID} characters")
        self._receipts.append(
            (key.actor_id, key.cid, key.payload_hash, orjson.dumps(dict(reply)).decode(), self._now)
        )
        return StoredReply(key.payload_hash, reply)

    async def save(self) -> None:
        # two nodes that hold the same cids insert them in one order, so that they wait and do not deadlock
        await sql.write(self._rises, self._events, sorted(self._receipts))
        for model, rows in self._rows.items():
            await model.bulk_create(rows)
