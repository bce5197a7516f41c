"""How often a player may be sent elsewhere to correct an error."""

from __future__ import annotations

SEEKS, EVERY_MS = 4, 30_000.0  # so many at once, and one more in so long


class Allowance:
    def __init__(self) -> None:
        self._left = float(SEEKS)
        self._counted_at = 0.0

    def allows(self, now: float) -> bool:
        self._left = min(float(SEEKS), self._left + (now - self._counted_at) / EVERY_MS)
        self._counted_at = now
        return self._left >= 1

    def take(self) -> None:
        self._left -= 1
