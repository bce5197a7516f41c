"""One change of a party: all of it under the lock of its stream, in one transaction with its events and receipt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.shared_clock import SharedClock
from mypick.streams import Append, Event, NewEvent, ReceiptKey, Streams
from mypick.streams.events import Done
from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.watched import record
from mypick.watchparty.streams import TIMELINE, party_stream
from mypick.watchparty.timeline import Timeline

MAX_KNOWN = 50_000  # parties, about 100 bytes each; parties are never removed


def timeline_of(row: WatchParty) -> Timeline:
    """The timeline that a row holds."""
    status: Any = row.status
    reason: Any = row.reason
    return Timeline(
        status=status,
        content_id=row.content_id,
        anchor_position_ms=row.anchor_position_ms,
        anchor_at_ms=row.anchor_at_ms,
        rate=row.rate,
        effective_at_ms=row.effective_at_ms,
        reason=reason,
        epoch=row.timeline_epoch,
        seq=row.timeline_seq,
        duration_ms=row.duration_ms,
        gate_until_ms=row.gate_until_ms,
    )


def columns_of(timeline: Timeline) -> dict[str, Any]:
    """The columns that hold ``timeline``."""
    return {
        **timeline.wire(),
        "timeline_epoch": timeline.epoch,
        "timeline_seq": timeline.seq,
        "duration_ms": timeline.duration_ms,
        "gate_until_ms": timeline.gate_until_ms,
        "due_at_ms": timeline.due_at_ms,
    }


After = Callable[[Event], Awaitable[None]]


class Turn:
    """What ``decide`` of a change sees and does: the row as it is under the lock, and what becomes of it."""

    def __init__(
        self, row: WatchParty, now_ms: float, ids: Iterator[int], head: Callable[[], Awaitable[int]]
    ) -> None:
        self.row = row
        self.now_ms = now_ms
        self.timeline = timeline_of(row)
        self.events: list[NewEvent] = []
        self.moved: Timeline | None = None
        self.columns: dict[str, Any] = {}
        self._after: list[tuple[str, After]] = []
        self._ids = ids
        self._head = head

    async def require_newest(self, base_seq: int) -> None:
        """``CONFLICT`` with the current timeline for a command that was meant for an older one, or for one that was
        never told: of another party, or of a database that was set back."""
        if base_seq < self.timeline.seq:
            refusal = "the timeline has moved on: look at it and decide again"
        elif base_seq > self.timeline.seq and base_seq > await self._head():
            refusal = "base_seq is of no event that this party has told: look at the timeline and decide again"
        else:
            return
        raise DomainError(Code.CONFLICT, refusal, details={"timeline": self.timeline.named()})

    def tell(self, kind: str, data: Mapping[str, Any], actor_id: int | None = None) -> None:
        """One more event, at most as many as the change may make."""
        self.events.append(NewEvent(party_stream(self.row.id), kind, data, actor_id=actor_id, id=next(self._ids)))

    def move(self, timeline: Timeline | None, actor_id: int | None = None) -> None:
        """The party plays ``timeline`` from now on; with None nothing changes."""
        if timeline is not None:
            self.moved = timeline
            self.tell(TIMELINE, timeline.wire(), actor_id)

    def set(self, **columns: Any) -> None:
        """Change columns of the row."""
        self.columns.update(columns)
        for name, value in columns.items():
            setattr(self.row, name, value)

    def after(self, kind: str, write: After) -> None:
        """Let ``write`` run with each event of this type once it has its seq, before the commit."""
        self._after.append((kind, write))

    async def save(self, events: Sequence[Event]) -> None:
        columns = dict(self.columns)
        for event in events:
            for kind, write in self._after:
                if event.type == kind:
                    await write(event)
            if event.type == TIMELINE and self.moved is not None:
                before = self.timeline
                self.timeline = replace(self.moved, epoch=event.epoch, seq=event.seq)
                columns.update(columns_of(self.timeline))
                await record(self.row.id, before, self.timeline, self.now_ms)
        if columns:
            await WatchParty.filter(id=self.row.id).update(**columns)


Decide = Callable[[Turn], Awaitable[None]]


class Turns:
    """Takes turns at parties, of those that there are: no command makes a stream for one that is not."""

    def __init__(self, streams: Streams, ids: Ids, clock: Clock, shared: SharedClock) -> None:
        self._streams = streams
        self._clock = clock
        self._ids = ids
        self._shared = shared
        self._known: OrderedDict[int, None] = OrderedDict()

    async def take(
        self,
        party_id: int,
        decide: Decide,
        *,
        receipt: ReceiptKey | None = None,
        reply: Callable[[Turn, Sequence[Event]], Mapping[str, Any]] = lambda _, events: _seq(events),
        events: int = 1,
    ) -> Done:
        """Run ``decide`` while the party stands still; it makes at most ``events`` events. ``NOT_FOUND`` where there is
        no such party."""
        await self.require(party_id)
        ids = await self._ids.take(events)
        turns: list[Turn] = []

        async def head() -> int:
            return await self._streams.store.head_held(party_stream(party_id))

        async def decide_held() -> Sequence[NewEvent]:
            row = await WatchParty.get(id=party_id)
            turn = Turn(row, self._shared.now_ms(), iter(ids), head)
            turns[:] = [turn]
            await decide(turn)
            return turn.events

        return await self._streams.append(
            Append(
                streams=[party_stream(party_id)],
                decide=decide_held,
                effect=lambda made: turns[0].save(made),
                receipt=receipt,
                reply=lambda made: reply(turns[0], made),
            )
        )

    def now(self) -> datetime:
        """The time of day, for what is shown as such."""
        return self._clock.now()

    def moment(self, at_ms: float) -> datetime:
        """The time of day at a moment of the watch-party clock that is near."""
        return self._clock.now() + timedelta(milliseconds=at_ms - self._shared.now_ms())

    def now_ms(self) -> float:
        """The watch-party clock."""
        return self._shared.now_ms()

    async def require(self, party_id: int) -> None:
        """``NOT_FOUND`` where there is no such party."""
        if party_id in self._known:
            return
        if not await WatchParty.exists(id=party_id):
            raise not_found("party")
        self._known[party_id] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def receipt(actor: Actor, name: str, command: Any) -> ReceiptKey:
    """What makes the command ``name`` done once."""
    return ReceiptKey.of(actor.user_id, command.cid, name, command.model_dump())


def _seq(events: Sequence[Event]) -> Mapping[str, Any]:
    return {"seq": events[0].seq if events else None}
