"""The server's clock, as one guest knows it.

Four moments of an exchange (NTP, RFC 5905 §8): sent here, received there, sent there, received here. Half of what the
two ways differ by goes into the offset and cannot be seen from here, so the exchange with the shortest way counts,
which waited least in queues.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 16  # samples kept
BURST = ((4, 100.0), (8, 400.0))  # up to so many samples, one in so many ms: four at once, eight within 2 s
EVERY_MS = 5_000.0  # afterwards
AGEING = 1e-4  # what a sample loses by age, ms each ms: two clocks of 50 ppm may have parted by so much
SLEPT_WALL_MS = 250.0  # the time of day went on by so much more, or less, than the steady clock
SLEPT_GAP_MS = 10_000.0  # nothing ran for so long


@dataclass(frozen=True)
class Exchange:
    """One exchange. ``at`` is local; ``rtt`` is without the time on the server."""

    at: float
    rtt: float
    offset: float  # server minus local, ms


class ServerClock:
    """Knows the server's time from exchanges. All times are ms; local ones are of a steady clock."""

    def __init__(self) -> None:
        self._window: list[Exchange] = []
        self._best: Exchange | None = None
        self._taken = 0  # since the last flush
        self._ran: tuple[float, float] | None = None

    @property
    def ready(self) -> bool:
        """False until the first exchange, and again after a sleep."""
        return self._best is not None

    @property
    def settled(self) -> bool:
        """The first four exchanges are there: good enough to join with."""
        return len(self._window) >= BURST[0][0]

    @property
    def taken(self) -> int:
        """Exchanges since the last burst began."""
        return self._taken

    @property
    def rtt(self) -> float:
        """Of the exchange that counts, ms; 0 before the first."""
        return self._best.rtt if self._best else 0.0

    @property
    def offset(self) -> float:
        """Server minus local, ms; 0 before the first exchange."""
        return self._best.offset if self._best else 0.0

    def now(self, local: float) -> float:
        """The server's time at ``local``."""
        return local + self.offset

    @property
    def wait(self) -> float:
        """Ms from one question to the next."""
        for upto, pause in BURST:
            if self._taken < upto:
                return pause
        return EVERY_MS

    def add(self, t0: float, t1: float, t2: float, t3: float) -> bool:
        """Take an exchange: ``t0`` and ``t3`` local, ``t1`` and ``t2`` the server's. False for one that cannot be."""
        rtt = (t3 - t0) - (t2 - t1)
        if t3 < t0 or t2 < t1 or rtt < 0:
            return False
        sample = Exchange(t3, rtt, ((t1 - t0) + (t2 - t3)) / 2)
        if self._best is not None and not _agree(self._best, sample):
            self._window.clear()  # one of the clocks was set: what was measured before says nothing
            self._taken = 0
        self._window.append(sample)
        if len(self._window) > WINDOW:
            self._window.pop(0)
        self._taken += 1
        self._best = min(self._window, key=lambda one: one.rtt + (t3 - one.at) * AGEING)
        return True

    def awake(self, local: float, wall: float) -> bool:
        """Call this often. False, and everything is forgotten, if the machine has slept since the last call."""
        before, self._ran = self._ran, (local, wall)
        if before is None:
            return True
        gap = local - before[0]
        if gap <= SLEPT_GAP_MS and abs((wall - before[1]) - gap) <= SLEPT_WALL_MS:
            return True
        self.flush()
        return False

    def burst(self) -> None:
        """Ask quickly for a while, and believe what is known meanwhile: the server may be another one now."""
        self._taken = 0

    def flush(self) -> None:
        """Forget every exchange and ask anew, in a burst."""
        self._window.clear()
        self._best = None
        self._taken = 0


def _agree(one: Exchange, other: Exchange) -> bool:
    """Whether one offset can explain both: each is wrong by half of its way at most, and by what clocks part by."""
    allowed = (one.rtt + other.rtt) / 2 + abs(other.at - one.at) * AGEING + 1.0
    return abs(one.offset - other.offset) <= allowed
