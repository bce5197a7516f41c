"""What one phase of the load saw, and what one round of one subject gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

SETTLE = 0.5  # seconds after the last welcome: a server may enter rooms after it, and that is a connect's cost too
BUSY = 0.9  # share of the wall time the load's thread worked; more, and it may have been the bottleneck


@dataclass(frozen=True)
class Phase:
    """What one phase saw. ``latencies`` in seconds, one for each answer that came."""

    expected: int
    latencies: list[float]
    disordered: int
    wall: float
    busy: float

    @property
    def received(self) -> int:
        return len(self.latencies)

    @property
    def missing(self) -> int:
        return self.expected - self.received

    @property
    def exact(self) -> bool:
        return self.missing == 0 and self.disordered == 0

    def percentile(self, share: float) -> float:
        """Seconds; ``share`` of the answers came at least this fast. 0.0 if none came."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Sample:
    """Operations that were counted, and what each cost the server."""

    expected: int
    received: int
    disordered: int
    cpu_us: float  # of the server process, for each operation
    rate: float  # operations a second of wall time
    p50_ms: float
    p99_ms: float
    load_bound: bool  # the load program was the slower side: rate and latency are its own

    @classmethod
    def of(cls, phase: Phase, cpu: float) -> Self:
        """``cpu`` in seconds."""
        done = max(1, phase.received)
        server_busy = cpu / max(phase.wall, 1e-9)
        return cls(
            expected=phase.expected,
            received=phase.received,
            disordered=phase.disordered,
            cpu_us=cpu / done * 1e6,
            rate=phase.received / max(phase.wall, 1e-9),
            p50_ms=phase.percentile(0.5) * 1e3,
            p99_ms=phase.percentile(0.99) * 1e3,
            load_bound=phase.busy >= BUSY and server_busy < BUSY,
        )

    @property
    def exact(self) -> bool:
        """Everything came, once and in order."""
        return self.received == self.expected and self.disordered == 0


@dataclass(frozen=True)
class Held:
    """Clients that were held open."""

    clients: int
    expected: int
    bytes_each: float  # resident memory of the server process, for each client
    cpu_share: float  # of one core, while all idled
    pings: int

    @property
    def exact(self) -> bool:
        return self.clients == self.expected
