"""Stand-ins for the parts that tests own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that stands still until told to move."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks on. Never back: a monotonic clock has no way back."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the time of day forward or back, as somebody does whose clock was wrong."""
        self._now += timedelta(seconds=seconds)


class NoChannels:
    """A platform that shows nothing."""

    async def addresses(self, creator_ids: Collection[int]) -> dict[int, list[str]]:
        return {}

    async def shown(self, creator_id: int, text: str) -> bool:
        return False
