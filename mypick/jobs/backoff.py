"""How long to wait before trying again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Exponential with jitter: try ``n`` (from 1) waits between a half and the whole of ``first_s * 2**(n-1)``.

    ``cap_s`` bounds the whole. A half is always waited, so that a crowd that failed together spreads out without
    anyone coming back at once. Seconds.
    """

    first_s: float
    cap_s: float

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.cap_s:
            raise ValueError(f"a back-off needs 0 < first_s <= cap_s, not {self.first_s} and {self.cap_s}")

    def whole(self, attempt: int) -> float:
        """The longest wait before the try after ``attempt``."""
        # 2**63 is beyond any cap; without the bound a large attempt would overflow a float.
        return min(self.cap_s, self.first_s * 2.0 ** min(max(attempt, 1) - 1, 63))

    def delay(self, attempt: int, rng: random.Random) -> float:
        return self.whole(attempt) * rng.uniform(0.5, 1.0)
