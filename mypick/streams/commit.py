"""Writing a group of units in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.models import Model

from mypick import db
from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams.events import Append, Done, Event, NewEvent, ReceiptKey
from mypick.streams.models import Receipt, Stream, StreamEvent
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
            heads = await self._lock(stream_ids.values())
            receipts = await self._receipts([unit.receipt for unit in units if unit.receipt])
            group = _Group(heads, ids, self._clock)
            answers = [await self._write(unit, group, receipts) for unit in units]
            await group.save()
        return answers

    async def _lock(self, stream_ids: Any) -> dict[str, Stream]:
        rows = await Stream.filter(id__in=list(stream_ids)).order_by("id").select_for_update()
        return {row.key: row for row in rows}

    async def _receipts(self, wanted: Sequence[ReceiptKey]) -> dict[tuple[int, str], Receipt]:
        if not wanted:
            return {}
        # the product of actors and cids may hold a few rows more than asked for; they are not looked at
        rows = await Receipt.filter(
            actor_id__in=list({key.actor_id for key in wanted}), cid__in=list({key.cid for key in wanted})
        )
        return {(row.actor_id, row.cid): row for row in rows}

    async def _write(
        self, unit: Append, group: _Group, receipts: dict[tuple[int, str], Receipt]
    ) -> Done | DomainError:
        if unit.receipt:
            key = (unit.receipt.actor_id, unit.receipt.cid)
            if earlier := receipts.get(key):
                if earlier.payload_hash != unit.receipt.payload_hash:
                    return DomainError(
                        Code.CID_REUSED, "this cid was used for another command: make a new one for a new command"
                    )
                return Done(earlier.reply, (), duplicate=True)
        new = [*unit.events, *(await unit.decide() if unit.decide else ())]
        events = [group.number(event) for event in new]
        if unit.rows:
            group.add_rows(unit.rows(events))
        if unit.effect:
            await unit.effect(events)
        reply = unit.reply(events)
        if unit.receipt:
            receipts[key] = group.add_receipt(unit.receipt, reply)
        return Done(reply, events, duplicate=False)


class _Group:
    """What one transaction writes."""

    def __init__(self, heads: dict[str, Stream], ids: Any, clock: Clock) -> None:
        self._heads = heads
        self._ids = ids
        self._now = clock.now()
        self._raised: dict[int, int] = {}  # stream id → by how much
        self._events: list[StreamEvent] = []
        self._rows: dict[type[Model], list[Model]] = {}
        self._receipts: list[Receipt] = []

    def number(self, new: NewEvent) -> Event:
        head = self._heads[new.stream]
        head.head_seq += 1
        self._raised[head.id] = self._raised.get(head.id, 0) + 1
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
        self._events.append(
            StreamEvent(
                id=event.id,
                stream_id=head.id,
                seq=event.seq,
                type=event.type,
                ref=event.ref,
                actor_id=event.actor_id,
                at=event.at,
                data=event.data,
            )
        )
        return event

    def add_rows(self, rows: Sequence[Model]) -> None:
        for row in rows:
            self._rows.setdefault(type(row), []).append(row)

    def add_receipt(self, key: ReceiptKey, reply: Mapping[str, Any]) -> Receipt:
        receipt = Receipt(
            actor_id=key.actor_id,
            cid=key.cid,
            payload_hash=key.payload_hash,
            reply=dict(reply),
            created_at=self._now,
        )
        self._receipts.append(receipt)
        return receipt

    async def save(self) -> None:
        # streams that rise by the same amount rise in one statement: one for a fan-out, a few for a busy group
        by_rise: dict[int, list[int]] = {}
        for stream_id, rise in self._raised.items():
            by_rise.setdefault(rise, []).append(stream_id)
        for rise, stream_ids in sorted(by_rise.items()):
            marks = ",".join(str(stream_id) for stream_id in stream_ids)  # our own integers
            await db.connection().execute_query(
                f"UPDATE {_quoted('stream')} SET head_seq = head_seq + {rise:d} WHERE id IN ({marks})"  # noqa: S608
            )
        if self._events:
            await StreamEvent.bulk_create(self._events)
        for model, rows in self._rows.items():
            await model.bulk_create(rows)
        if self._receipts:
            # two nodes that hold the same cids insert them in one order, so that they wait and do not deadlock
            self._receipts.sort(key=lambda receipt: (receipt.actor_id, receipt.cid))
            await Receipt.bulk_create(self._receipts)


def _quoted(name: str) -> str:
    return f"`{name}`" if db.dialect() == "mysql" else f'"{name}"'
