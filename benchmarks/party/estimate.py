"""How far a player is off, from readings that are each a little wrong."""

from __future__ import annotations

GAIN = 0.2  # of one reading, once there are many
SURPRISE_MS = 40.0  # a reading that differs by so much from what was foreseen: what was believed counts half


class Estimate:
    """What is known of the error: behind the timeline if positive, ms. Between readings it changes by the speed that
    the player was told, so that a correction is seen at once and not when enough readings have come."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._readings = 0
        self._at = 0.0

    def forget(self) -> None:
        self.value, self._readings = None, 0

    def suppose(self, now: float, value: float) -> None:
        """Known from elsewhere: the first reading replaces it."""
        self.value, self._readings, self._at = value, 0, now

    def foresee(self, now: float, faster: float) -> float:
        """Without a reading. ``faster``: how much the player's speed is above the timeline's."""
        self.value = (self.value or 0.0) - faster * (now - self._at)
        self._at = now
        return self.value

    def read(self, now: float, raw: float, faster: float) -> float:
        """With one."""
        if self.value is None or self._readings == 0:
            self._readings, self.value = 1, raw
        else:
            foreseen = self.value - faster * (now - self._at)
            surprise = raw - foreseen
            self._readings = 2 if abs(surprise) > SURPRISE_MS else self._readings + 1
            self.value = foreseen + max(GAIN, 1 / self._readings) * surprise
        self._at = now
        return self.value
