"""Lanes: bands of priority that never wait for each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    """Priorities ``first`` to ``last``, and how many handlers one process runs for them at once."""

    name: str
    first: int
    last: int
    concurrency: int


# A process runs at most 14 handlers; most of them wait for a platform, and a pool of 10 connections is enough.
URGENT = Lane("urgent", 1, 3, 8)
NORMAL = Lane("normal", 4, 6, 4)
LOW = Lane("low", 7, 9, 2)
LANES = (URGENT, NORMAL, LOW)


def lane_of(priority: int, lanes: tuple[Lane, ...] = LANES) -> Lane:
    """The lane of ``priority``; ``ValueError`` beyond 1 (first) to 9 (last)."""
    for lane in lanes:
        if lane.first <= priority <= lane.last:
            return lane
    raise ValueError(f"a priority is 1 (first) to 9 (last), not {priority}")
