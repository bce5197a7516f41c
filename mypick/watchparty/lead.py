"""How far ahead a command takes effect, so that it is with all guests before.

Delays are what this server measures: the time from an Engine.IO ping to its pong, of which the half is one way. Nothing
that a client says counts. A party keeps them as counts in ``EDGES``, over the last half to whole minute, so that
thousands of guests cost as much room as one; nodes add up theirs (``mypick/watchparty/leads.py``).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

LEAST_MS, MOST_MS = 250, 1_000
MARGIN_MS = 200
PAUSE_MS = 150  # who pauses wants it now; guests further away go back by what they played too much
PERCENTILE = 0.95
UNKNOWN_MS = 100  # one way, until somebody was measured
GENERATION_MS = 30_000  # counts are kept for one to two of these
EDGES = (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 120, 140, 170, 200, 250, 300, 350, 400)
"""Upper edges in ms, one way. Of 400 and beyond the lead is the most there is, whoever they are."""


def lead_ms(one_way_ms: float) -> int:
    """The lead for a one-way delay that most guests are below."""
    return round(min(MOST_MS, max(LEAST_MS, 2 * one_way_ms + MARGIN_MS)))


def percentile_of(counts: Sequence[int], share: float = PERCENTILE) -> float | None:
    """The upper edge of the bucket that holds the share; None where nothing was counted."""
    total = sum(counts)
    if total == 0:
        return None
    wanted, seen = math.ceil(share * total), 0
    for edge, count in zip(EDGES, counts, strict=False):
        seen += count
        if seen >= wanted:
            return float(edge)
    return float(EDGES[-1])


class Delays:
    """One-way delays of one party on one node: two generations of counts."""

    __slots__ = ("_began_ms", "_newer", "_older")

    def __init__(self, now_ms: float) -> None:
        self._older, self._newer = _none(), _none()
        self._began_ms = now_ms

    def observe(self, one_way_ms: float, now_ms: float) -> None:
        self._turn(now_ms)
        self._newer[bisect_left(EDGES, one_way_ms)] += 1

    def counts(self, now_ms: float) -> list[int]:
        self._turn(now_ms)
        return [older + newer for older, newer in zip(self._older, self._newer, strict=True)]

    def _turn(self, now_ms: float) -> None:
        generations = int((now_ms - self._began_ms) // GENERATION_MS)
        if generations >= 1:
            self._older = self._newer if generations == 1 else _none()
            self._newer = _none()
            self._began_ms += generations * GENERATION_MS


def added(parts: Iterable[Sequence[int]]) -> list[int]:
    """Counts of several nodes together; those of another version, with other edges, are left out."""
    total = _none()
    for part in parts:
        if len(part) == len(total):
            total = [one + other for one, other in zip(total, part, strict=True)]
    return total


def _none() -> list[int]:
    return [0] * (len(EDGES) + 1)
