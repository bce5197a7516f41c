"""Which speed takes an error away: gentle ones where the player has them, else bursts of those that it has."""

from __future__ import annotations

import math

START_MS, STOP_MS = 15.0, 5.0  # an error is corrected from the first, until it is below the second
GENTLE, FIRM = 0.05, 0.10  # most that a speed differs from the party's, as a share
FIRM_MS = 250.0  # errors above this may be corrected firmly
TIME_MS = 1_500.0  # an error that gentle speeds can take away shrinks to a third in this
STEP = 0.01  # gentle speeds are changed in steps of this
COARSE_START_MS = 40.0  # bursts begin above this
COARSE_MS = 2_000.0  # and take this long at most
PROBE, PROBE_MS = 0.05, 2_000.0  # how it is found out whether a player obeys fine speeds
OBEYED = 0.5  # share of a probe's effect from which on it has


class Speeds:
    """``rates``: "fine" for a player that has any, "unknown" to find out, or the speeds that it has, ascending."""

    def __init__(self, rates: str | tuple[float, ...]) -> None:
        self.rates = rates
        self._fallback: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
        self._correcting = False
        self._ends: float | None = None  # of a burst
        self._speed = 1.0
        self._probe: tuple[float, float] | None = None  # begun at, position then

    def stop(self) -> None:
        """What is under way is over: the player stands, jumps or is not believed."""
        self._correcting = False
        self._ends = None
        self._probe = None

    def choose(self, now: float, error: float, position: float, base: float) -> tuple[float, float | None]:
        """The speed for an ``error`` of so many ms (behind if positive), and when to look again at the latest."""
        if self.rates == "fine":
            return self._fine(error, base), None
        if self.rates == "unknown":
            return self._find_out(now, error, position, base)
        return self._coarse(now, error, base)

    def _fine(self, error: float, base: float) -> float:
        size = abs(error)
        self._correcting = size > (STOP_MS if self._correcting else START_MS)
        if not self._correcting:
            return base
        most = FIRM if size > FIRM_MS else GENTLE
        share = min(most, math.ceil(size / TIME_MS / STEP) * STEP)
        return base * (1 + share) if error > 0 else base * (1 - share)

    def _coarse(self, now: float, error: float, base: float) -> tuple[float, float | None]:
        if self._ends is not None:
            if now < self._ends:
                return self._speed, self._ends
            self._ends = None
            return base, None
        size = abs(error)
        speed = self._beside(base, error > 0)
        if size <= COARSE_START_MS or speed == base:
            return base, None
        self._speed = speed
        self._ends = now + min(COARSE_MS, size / abs(speed - base))
        return speed, self._ends

    def _beside(self, base: float, faster: bool) -> float:
        """The next speed that the player has; the same where there is none."""
        rates = self._fallback if isinstance(self.rates, str) else self.rates
        if faster:
            return min((rate for rate in rates if rate > base), default=base)
        return max((rate for rate in rates if rate < base), default=base)

    def _find_out(self, now: float, error: float, position: float, base: float) -> tuple[float, float | None]:
        if self._probe is None:
            if abs(error) <= START_MS:
                return base, None
            self._probe = (now, position)
            self._speed = base * (1 + PROBE) if error > 0 else base * (1 - PROBE)
        begun, start = self._probe
        if now - begun < PROBE_MS:
            return self._speed, begun + PROBE_MS
        went = (position - start) / (now - begun)
        obeyed = (went - base) / (self._speed - base)
        self.rates = "fine" if obeyed > OBEYED else self._fallback
        self._probe = None
        return self.choose(now, error, position, base)
