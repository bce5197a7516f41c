"""How far from the timeline everybody was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

EVERY_MS = 100.0  # between two looks at everybody
AFTER_ACT_MS = 8_000.0  # steady is what is not within this after an act of the host
AFTER_STALL_MS = 10_000.0  # nor within this after a stall of one's own
AFTER_JUMP_MS = 2_000.0  # the group has no middle while half of it has jumped
AFTER_JOIN_MS = 3_000.0  # from when on a guest who came counts
BINS = 40_000  # of 0.25 ms; the last one takes the rest


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass
class Errors:
    """Absolute errors in ms, counted in bins of a quarter of a millisecond."""

    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    count: int = 0

    def add(self, error: float) -> None:
        self.bins[min(BINS - 1, int(error * 4))] += 1
        self.count += 1

    def percentile(self, share: float) -> float:
        left = share * self.count
        for at, many in enumerate(self.bins):
            left -= many
            if left <= 0 and self.count:
                return (at + 0.5) / 4
        return 0.0

    def above(self, bound: float) -> float:
        """Share of what exceeds ``bound``."""
        return sum(self.bins[int(bound * 4) :]) / max(1, self.count)


@dataclass
class Seats:
    """What one guest goes through: what the measure has to know of it."""

    joined_at: float = -1e9
    stalled_at: float = -1e9
    join_error: list[float] = field(default_factory=list)
    judged: float = -1e9  # the join whose error was taken


@dataclass
class Measure:
    """Errors of everybody but the ``bad``."""

    steady: Errors = field(default_factory=Errors)
    moving: Errors = field(default_factory=Errors)  # with play, pause, seek, catching up; not while data is missing
    everything: Errors = field(default_factory=Errors)
    apart: Errors = field(default_factory=Errors)  # steady, from the median of the group
    together: Errors = field(default_factory=Errors)  # as moving, from the median of the group
    joins: list[float] = field(default_factory=list)

    def look(self, now: float, errors: Sequence[tuple[Seats, float | None, float, str]], last_act: float) -> None:
        """``errors``: of each guest who is here its error, its position and what its player does."""
        calm = now - last_act > AFTER_ACT_MS
        positions = [position for _, _, position, state in errors if state == "playing"]
        middle = median(positions) if positions and now - last_act > AFTER_JUMP_MS else None
        for seat, error, position, state in errors:
            if state in ("stalled", "ad"):
                seat.stalled_at = now
            since = now - seat.joined_at
            if error is None or since <= AFTER_JOIN_MS:
                continue
            if seat.judged != seat.joined_at:
                seat.judged = seat.joined_at
                # who has no data cannot be anywhere, and who came into an act of the host is where all are
                if seat.stalled_at < seat.joined_at and now - last_act > AFTER_JOIN_MS:
                    self.joins.append(error)
            self.everything.add(error)
            if state not in ("stalled", "ad"):
                self.moving.add(error)
                if middle is not None:
                    self.together.add(abs(position - middle))
            if calm and now - seat.stalled_at > AFTER_STALL_MS and since > AFTER_STALL_MS:
                self.steady.add(error)
                if middle is not None:
                    self.apart.add(abs(position - middle))
