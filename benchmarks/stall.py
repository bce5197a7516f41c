"""How long a broadcast to a big room holds the server's loop: the server's own timer of a millisecond says."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.broadcast import TEXT
from benchmarks.load import Load
from benchmarks.sample import SETTLE
from benchmarks.subjects import Cores, Subject, on_core, started


@dataclass(frozen=True)
class Held:
    """What the broadcasts did to everybody else on that server."""

    expected: int
    received: int
    disordered: int
    stall_ms: float  # the longest time in which the loop did nothing else
    p99_ms: float  # of the deliveries

    @property
    def exact(self) -> bool:
        return self.received == self.expected and self.disordered == 0


def measure(subject: Subject, cores: Cores, clients: int, broadcasts: int) -> Held:
    with (
        started(subject, cores.server) as server,
        on_core(cores.load),
        Load(server.port, subject.door) as load,
    ):
        load.connect(clients)
        load.idle(SETTLE)
        load.ask("stall", {})  # from here on it watches
        load.broadcast(1, TEXT)  # warm-up
        load.ask("stall", {})
        phase = load.broadcast(broadcasts, TEXT, window=1)
        stall = float(load.ask("stall", {})["ms"])
        return Held(
            phase.expected, phase.received, phase.disordered, stall_ms=stall, p99_ms=phase.percentile(0.99) * 1_000
        )
