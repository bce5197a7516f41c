"""The shapes that the parts of the streams hand to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from tortoise.models import Model

MAX_KEY = 100  # characters of a stream key, as the column has it
MAX_CID = 64  # characters of a client-made id, as the wire says
MAX_TYPE = 40  # characters of an event's type, as the column has it


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is not yet in its stream. ``data`` is stored as it is, so text of people belongs behind ``ref``."""

    stream: str
    type: str
    data: Mapping[str, Any]
    ref: int | None = None
    actor_id: int | None = None
    id: int | None = None  # taken from ``Ids`` when the writer needs it beforehand


@dataclass(frozen=True, slots=True)
class Event:
    """An event that is committed, or that is about to be in the transaction that holds it."""

    stream: str
    epoch: str
    seq: int
    id: int
    type: str
    at: datetime
    data: Mapping[str, Any]
    ref: int | None
    actor_id: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream stands: events ``floor_seq + 1 … head_seq`` of ``epoch`` can be read."""

    id: int
    key: str
    epoch: str
    head_seq: int
    floor_seq: int


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """Names one command of one actor, so that it is done once."""

    actor_id: int
    cid: str
    payload_hash: str

    @property
    def name(self) -> tuple[int, str]:
        """What no two receipts share."""
        return self.actor_id, self.cid

    @classmethod
    def of(cls, actor_id: int, cid: str, command: str, payload: Mapping[str, Any]) -> ReceiptKey:
        """The key of ``command`` with ``payload``; the same fields in another order are the same payload."""
        body = orjson.dumps([command, payload], option=orjson.OPT_SORT_KEYS)
        return cls(actor_id, cid, hashlib.sha256(body).hexdigest())


@dataclass(frozen=True, slots=True)
class Done:
    """What an append came to. ``duplicate`` says that the reply is the stored one and nothing was changed."""

    reply: Mapping[str, Any]
    events: Sequence[Event]
    duplicate: bool


def _first_seq(events: Sequence[Event]) -> Mapping[str, Any]:
    return {"seq": events[0].seq, "id": events[0].id} if events else {}


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """One unit of change: its events, its rows and its receipt are written together or not at all.

    Either ``events`` are known beforehand, and a ``receipt`` makes a second writing harmless; or ``streams`` names
    what to lock and ``decide`` makes the events (at most ``len(streams)`` of them) once the locks are held and the
    state can no longer move. A ``DomainError`` of ``decide`` refuses this unit and no other of its group, so it is
    raised before ``decide`` has written anything. ``rows`` builds feature rows from the numbered events; rows of one
    table from many units are inserted by one statement. ``effect`` is for changes that are not plain inserts. All
    three run inside the transaction and must be safe to run again: a unit whose neighbour in the group fails is run a
    second time.
    """

    events: Sequence[NewEvent] = ()
    streams: Sequence[str] = ()
    decide: Callable[[], Awaitable[Sequence[NewEvent]]] | None = None
    rows: Callable[[Sequence[Event]], Sequence[Model]] | None = None
    effect: Callable[[Sequence[Event]], Awaitable[None]] | None = None
    receipt: ReceiptKey | None = None
    reply: Callable[[Sequence[Event]], Mapping[str, Any]] = field(default=_first_seq)

    def __post_init__(self) -> None:
        if self.events and self.receipt is None:
            # the answer to a COMMIT can be lost: whoever then tries again must find that it was done
            raise ValueError("known events need a receipt; without one, decide them under the lock")

    @property
    def keys(self) -> frozenset[str]:
        """The streams that this unit locks."""
        return frozenset(self.streams) | {event.stream for event in self.events}

    @property
    def ids_needed(self) -> int:
        """The most ids that this unit can use."""
        return len(self.streams) + sum(event.id is None for event in self.events)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event on its way to the members of a stream; ``body`` is the JSON that clients get.

    ``seq`` is None for a signal: something of the moment that is not in the log and may be lost.
    """

    stream: str
    epoch: str
    seq: int | None
    type: str
    body: bytes
    node: str = ""
    but: str = ""  # the member, of this node alone, that knows it already; other nodes have no such member

    def encode(self) -> bytes:
        """Header line, then the body untouched, so that a node reads the number without parsing the body."""
        seq = "-" if self.seq is None else str(self.seq)
        return f"{self.node} {self.epoch or '-'} {seq} {self.type}\n".encode() + self.body

    @classmethod
    def decode(cls, stream: str, payload: bytes) -> Frame:
        """Raises ``ValueError`` for bytes that no node of ours has sent."""
        header, separator, body = payload.partition(b"\n")
        if not separator:
            raise ValueError("a bus message without a header")
        node, epoch, seq, kind = header.decode().split(" ")
        return cls(stream, epoch, None if seq == "-" else int(seq), kind, body, node)
