"""One connect: TCP, upgrade, Engine.IO handshake, auth, one room; 64 under way at once."""

from __future__ import annotations

from benchmarks.load import Load
from benchmarks.sample import SETTLE, Sample
from benchmarks.subjects import Cores, Subject, on_core, started

WARM_UP = 0.25  # of the clients connect before the clock runs: both languages compile or cache what is hot


def measure(subject: Subject, cores: Cores, clients: int) -> Sample:
    with (
        started(subject, cores.server) as server,
        on_core(cores.load),
        Load(server.port, subject.door) as load,
    ):
        load.connect(max(1, int(clients * WARM_UP)))
        load.idle(SETTLE)
        before = server.cpu()
        phase = load.connect(clients)
        load.idle(SETTLE)
        return Sample.of(phase, server.cpu() - before)
