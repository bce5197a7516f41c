"""Time as a part that is handed in, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """What the domain asks of time."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never steps."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)


@lru_cache(maxsize=4_000)  # 1 MB: what thousands are told at once happened at one moment
def to_wire(moment: datetime) -> str:
    """ISO 8601 UTC with milliseconds, as both doors write times: ``2026-11-23T06:38:00.123Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
