"""A stream with members on this node: how far it has been delivered, and what waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from mypick.streams.events import Frame, Position

MAX_HELD = 500  # frames from the future, or of late, of one stream; more is a gap that only the database can close


@dataclass(slots=True, eq=False)
class Local:
    """``lock`` is held while somebody enters: what arrives then is held."""

    position: Position
    last_seq: int = 0
    members: int = 0
    ready: bool = False  # the position has been read
    lagged: bool = False  # a `lagged` is on its way: one is enough, whatever is dropped meanwhile
    joining: int = 0  # of the members, those that are being let in
    recent: list[Frame] = field(default_factory=list)  # sent while somebody was joining; bound: MAX_HELD
    held: dict[int, Frame] = field(default_factory=dict)  # bound: MAX_HELD
    signals: list[Frame] = field(default_factory=list)  # that came while a member was let in; bound: MAX_HELD
    grace: asyncio.TimerHandle | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def begin_at(self, position: Position) -> None:
        """Nobody is here who was told anything: the stream begins where the first member stands."""
        if not self.ready or position.head_seq > self.last_seq or position.epoch != self.position.epoch:
            self.position, self.last_seq, self.ready = position, position.head_seq, True

    def sent(self, frame: Frame) -> None:
        """``frame``, which has a ``seq``, is on its way to the members."""
        if self.joining:
            self.recent.append(frame)
            del self.recent[:-MAX_HELD]

    def missed(self, position: Position) -> list[Frame] | None:
        """What the members were sent after ``position`` was read; None where that is not known any more."""
        if position.epoch != self.position.epoch:
            return None
        missed = [
            frame
            for frame in self.recent
            if frame.epoch == position.epoch and frame.seq is not None and frame.seq > position.head_seq
        ]
        return missed if len(missed) == max(0, self.last_seq - position.head_seq) else None

    def joined(self) -> None:
        """One of those that are being let in is in, or has gone."""
        self.joining -= 1
        if not self.joining:
            self.recent.clear()
