"""How long a player takes to obey, learned from what it did."""

from __future__ import annotations

KEPT = 9  # measurements


class Latency:
    """The median of the last nine. One stall in the middle of a start moves a mean for long, and a median not."""

    def __init__(self, assumed: float, high: float, most: float) -> None:
        """``assumed`` and ``high`` until there are measurements; nothing above ``most`` is believed. All ms."""
        self._assumed, self._high, self._most = assumed, high, most
        self._seen: list[float] = []

    def learn(self, measured: float) -> None:
        """Take one measurement; what is no latency (a stall, an ad) is left out."""
        if not -50.0 <= measured <= self._most:
            return
        self._seen.append(max(0.0, measured))
        if len(self._seen) > KEPT:
            self._seen.pop(0)

    @property
    def usual(self) -> float:
        """What to aim with, ms."""
        if not self._seen:
            return self._assumed
        ordered = sorted(self._seen)
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def high(self) -> float:
        """What to leave room for, ms: with few measurements the assumed one still counts."""
        seen = max(self._seen, default=self._high)
        return max(seen, self._high) if len(self._seen) < 3 else seen
