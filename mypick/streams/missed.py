"""What clients have missed, read for many of them by one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from mypick import db
from mypick.slices import slices
from mypick.streams.events import Event, Position

FIRST = 20  # events read for each of many at once: what a short absence misses; who missed more is read alone
READ_AT_ONCE = 1_000  # rows made events in one turn of the loop: 3 ms
RESUMES_AT_ONCE = 750  # with FIRST, at most 15,000 rows in one answer of the database
_BEYOND = 2**62  # no stream gets that far, and sums with it still fit into the database's 64 bits

_COLUMNS = (
    "wanted.name, wanted.after_seq, s.id, s.epoch, s.head_seq, s.floor_seq, "
    "e.id AS event_id, e.seq, e.type, e.ref, e.actor_id, e.at, e.data"
)
_POSTGRES = (
    f"SELECT {_COLUMNS} FROM unnest($1::text[], $2::bigint[]) AS wanted(name, after_seq) "  # noqa: S608 - no value
    'JOIN stream s ON s."key" = wanted.name LEFT JOIN LATERAL (SELECT * FROM stream_event '
    f"WHERE stream_id = s.id AND seq > wanted.after_seq ORDER BY seq LIMIT {FIRST}) e ON TRUE"
)
# without LATERAL: the numbers of a stream have no gaps, so the first so many are those up to a number
_JOINED = (
    f"SELECT {_COLUMNS} FROM %s JOIN stream s ON s.%s = wanted.name LEFT JOIN stream_event e "  # noqa: S608 - no value
    f"ON e.stream_id = s.id AND e.seq > wanted.after_seq AND e.seq <= wanted.after_seq + {FIRST}"
)


class Question(NamedTuple):
    """What ``sync`` asks: the events of ``stream`` after ``after_seq``, by a client that knows ``epoch`` or none."""

    stream: str
    epoch: str | None
    after_seq: int
    limit: int


@dataclass(slots=True)
class Missed:
    """Where streams stand, and the first events behind each number that was asked for: all of one moment."""

    positions: dict[str, Position] = field(default_factory=dict)
    events: dict[tuple[str, int], list[Event]] = field(default_factory=dict)


async def read_missed(wanted: Collection[tuple[str, int]]) -> Missed:
    """For pairs of stream and number. Streams that are not there are left out."""
    missed = Missed()
    rows = await _rows([(name, min(after_seq, _BEYOND)) for name, after_seq in wanted])
    async for part in slices(rows, READ_AT_ONCE):
        for row in part:
            name, after_seq = row["name"], row["after_seq"]
            missed.positions[name] = Position(row["id"], name, row["epoch"], row["head_seq"], row["floor_seq"])
            if row["seq"] is not None:
                missed.events.setdefault((name, after_seq), []).append(_event(name, row))
    for events in missed.events.values():
        events.sort(key=lambda event: event.seq)
    return missed


async def _rows(wanted: Sequence[tuple[str, int]]) -> Sequence[Mapping[str, Any]]:
    dialect = db.dialect()
    if dialect == "postgres":
        return await db.rows(_POSTGRES, [[name for name, _ in wanted], [at for _, at in wanted]])
    if dialect == "mysql":
        rows = " UNION ALL ".join(["SELECT %s AS name, %s AS after_seq"] * len(wanted))
        statement = _JOINED % (f"({rows}) wanted", "`key`")
    else:
        rows = ",".join(["(?,?)"] * len(wanted))
        statement = _JOINED % ("wanted", '"key"')
        statement = f"WITH wanted(name, after_seq) AS (VALUES {rows}) {statement}"
    return await db.rows(statement, [value for pair in wanted for value in pair])


def _event(stream: str, row: Mapping[str, Any]) -> Event:
    data = orjson.loads(row["data"]) if isinstance(row["data"], (str, bytes)) else row["data"]
    return Event(
        stream=stream,
        epoch=row["epoch"],
        seq=row["seq"],
        id=row["event_id"],
        type=row["type"],
        at=db.moment(row["at"]),
        data=data,
        ref=row["ref"],
        actor_id=row["actor_id"],
    )


@dataclass(slots=True)
class Page:
    """The answer to one question, as far as it has been read."""

    question: Question
    position: Position
    events: list[Event] = field(default_factory=list)
    reset: bool = False

    @property
    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else self.question.after_seq

    @property
    def short(self) -> bool:
        """There is more, and room for it."""
        return not self.reset and self.last_seq < self.position.head_seq and len(self.events) < self.question.limit

    def add(self, events: Sequence[Event]) -> None:
        """``events`` follow, at most as many as are wanted. A hole must not look like the whole: it is a reset."""
        if not events or events[0].seq != self.last_seq + 1:
            self.reset, self.events = True, []
        else:
            self.events += events

    def answer(self, shown: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """As the wire has it; ``shown`` are the bodies of the events by their ids."""
        position = self.position
        return {
            "stream": position.key,
            "epoch": position.epoch,
            "head_seq": position.head_seq if self.reset else max(position.head_seq, self.last_seq),
            "floor_seq": position.floor_seq,
            "reset": self.reset,
            "events": [{"type": event.type, **shown[event.id]} for event in self.events],
            "more": not self.reset and self.last_seq < position.head_seq,
        }


def page_of(question: Question, missed: Missed) -> Page:
    """What is known so far of the answer to ``question``."""
    position = missed.positions[question.stream]
    page = Page(question, position)
    page.reset = (
        (question.epoch is not None and question.epoch != position.epoch)
        or question.after_seq < position.floor_seq
        or question.after_seq > position.head_seq
    )
    if not page.reset and question.after_seq < position.head_seq:
        page.add(missed.events.get((question.stream, question.after_seq), [])[: question.limit])
    return page
