"""How long a client takes to answer, measured by the pings that the engine sends it anyway."""

from __future__ import annotations

from collections.abc import Callable

BURST = 4  # pings after each other, for a first idea
BURST_WAIT = 0.5  # seconds between them


class RoundTrips:
    """``told`` takes each round trip in seconds, ``wait`` says how many seconds to the next ping."""

    __slots__ = ("_burst", "_monotonic", "_sent_at", "_told", "_wait")

    def __init__(
        self, monotonic: Callable[[], float], told: Callable[[float], None], wait: Callable[[], float]
    ) -> None:
        self._monotonic = monotonic
        self._told = told
        self._wait = wait
        self._burst = BURST
        self._sent_at: float | None = None

    def sent(self) -> None:
        self._sent_at = self._monotonic()

    def answered(self) -> float:
        if self._sent_at is not None:
            self._told(self._monotonic() - self._sent_at)
            self._sent_at = None
        self._burst = max(0, self._burst - 1)
        return BURST_WAIT if self._burst else self._wait()
