"""Bounds of the past: how much of a stream is kept, and for how long a receipt is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mypick import db
from mypick.clock import Clock
from mypick.streams.models import Receipt, Stream, StreamEvent

RECEIPT_LIFE = timedelta(days=7)  # a client that retries after a week makes a new command
STREAMS_AT_ONCE = 200
EVENTS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Retention:
    """The newest ``keep`` events of every stream whose key begins with ``prefix``."""

    prefix: str
    keep: int


# A client that was away for longer than this many events gets a fresh snapshot (`reset`), which is quicker anyway.
DEFAULTS = (Retention("inbox:", 1_000), Retention("room:", 20_000), Retention("party:", 2_000))


class Trimmer:
    """Raises floors, then deletes below them; a reader between the two is told ``reset`` and never sees a hole."""

    def __init__(self, clock: Clock, rules: tuple[Retention, ...] = DEFAULTS) -> None:
        self._clock = clock
        self._rules = rules

    async def trim(self) -> int:
        """One pass over all streams. Events removed."""
        removed = 0
        for rule in self._rules:
            last_id = 0
            while True:
                streams = (
                    await Stream.filter(id__gt=last_id, key__startswith=rule.prefix)
                    .order_by("id")
                    .limit(STREAMS_AT_ONCE)
                )
                if not streams:
                    break
                last_id = streams[-1].id
                for stream in streams:
                    floor = stream.head_seq - rule.keep
                    if floor > stream.floor_seq:
                        await Stream.filter(id=stream.id, floor_seq__lt=floor).update(floor_seq=floor)
                        removed += await self._delete(stream.id, floor)
        return removed

    async def _delete(self, stream_id: int, floor: int) -> int:
        removed = 0
        while True:  # ends: each turn deletes or finds none
            seqs = (
                await StreamEvent.filter(stream_id=stream_id, seq__lte=floor)
                .order_by("seq")
                .limit(EVENTS_AT_ONCE)
                .values_list("seq", flat=True)
            )
            if not seqs:
                return removed
            async with db.transaction():
                removed += await StreamEvent.filter(stream_id=stream_id, seq__lte=max(seqs)).delete()

    async def drop_old_receipts(self) -> int:
        """Receipts removed, in transactions of at most 5,000 rows."""
        removed = 0
        old = Receipt.filter(created_at__lt=self._clock.now() - RECEIPT_LIFE)
        while ids := [row[0] for row in await old.order_by("id").limit(EVENTS_AT_ONCE).values_list("id")]:
            removed += await Receipt.filter(id__in=ids).delete()
        return removed
