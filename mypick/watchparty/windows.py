"""What was measured in a party within the last minute, as counts that nodes can add up.

Two generations of half a minute each: what is read covers 30 to 60 s, whatever the number of guests, in as much room as
one guest takes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

GENERATION_MS = 30_000
EDGES_MS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200, 300, 400, 600, 800, 1_200, 2_000, 5_000, 10_000)
"""Upper edges of the counts; beyond the last there is one more."""


def _none() -> list[int]:
    return [0] * (len(EDGES_MS) + 1)


@dataclass(slots=True)
class Counts:
    """Everything that is counted. All of it adds up over nodes but the changes of host, which every node sees."""

    error: list[int] = field(default_factory=_none)
    rtt: list[int] = field(default_factory=_none)
    fanout: list[int] = field(default_factory=_none)
    missed: int = 0
    host_changes: int = 0

    def plain(self) -> list[Any]:
        return [self.error, self.rtt, self.fanout, self.missed, self.host_changes]

    @classmethod
    def of(cls, plain: Any) -> Counts:
        """From what a node has written. ``ValueError`` for what none of ours would write."""
        *spreads, missed, changes = plain
        error, rtt, fanout = ([int(one) for one in counts] for counts in spreads)
        if any(len(counts) != len(EDGES_MS) + 1 for counts in (error, rtt, fanout)):
            raise ValueError("counts of another version")
        return cls(error, rtt, fanout, int(missed), int(changes))


def added(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        for mine, theirs in ((total.error, part.error), (total.rtt, part.rtt), (total.fanout, part.fanout)):
            mine[:] = [one + other for one, other in zip(mine, theirs, strict=True)]
        total.missed += part.missed
        total.host_changes = max(total.host_changes, part.host_changes)
    return total


def percentile(counts: Sequence[int], share: float) -> int | None:
    """The upper edge below which ``share`` of what was counted is; None where nothing was."""
    total, seen = sum(counts), 0
    if total == 0:
        return None
    wanted = math.ceil(share * total)
    for edge, count in zip(EDGES_MS, counts, strict=False):
        seen += count
        if seen >= wanted:
            return edge
    return EDGES_MS[-1]


class Window:
    """Of one party on one node."""

    __slots__ = ("_began_ms", "_newer", "_older")

    def __init__(self, now_ms: float) -> None:
        self._older, self._newer = Counts(), Counts()
        self._began_ms = now_ms

    def reported(self, error_ms: float | None, rtt_ms: float, now_ms: float) -> None:
        """``error_ms`` is None where it says nothing: nothing plays."""
        newer = self._turned(now_ms)
        if error_ms is not None:
            newer.error[bisect_left(EDGES_MS, abs(error_ms))] += 1
        newer.rtt[bisect_left(EDGES_MS, rtt_ms)] += 1

    def missed(self, now_ms: float) -> None:
        self._turned(now_ms).missed += 1

    def fanned_out(self, took_ms: float, now_ms: float) -> None:
        self._turned(now_ms).fanout[bisect_left(EDGES_MS, took_ms)] += 1

    def host_changed(self, now_ms: float) -> None:
        self._turned(now_ms).host_changes += 1

    def counts(self, now_ms: float) -> Counts:
        newer = self._turned(now_ms)
        both = added([self._older, newer])
        both.host_changes = self._older.host_changes + newer.host_changes
        return both

    def _turned(self, now_ms: float) -> Counts:
        generations = int((now_ms - self._began_ms) // GENERATION_MS)
        if generations >= 1:
            self._older = self._newer if generations == 1 else Counts()
            self._newer = Counts()
            self._began_ms += generations * GENERATION_MS
        return self._newer
