"""One delivery of a broadcast: a text of 100 bytes to every client, two broadcasts under way."""

from __future__ import annotations

from benchmarks.load import Load, raw_frame
from benchmarks.sample import SETTLE, Sample
from benchmarks.subjects import Cores, Subject, on_core, started

TEXT = "x" * 100


def measure(subject: Subject, cores: Cores, clients: int, broadcasts: int) -> Sample:
    frame = len(raw_frame(0, TEXT))
    with (
        started(subject, cores.server, clients=clients, frame=frame) as server,
        on_core(cores.load),
        Load(server.port, subject.door) as load,
    ):
        load.connect(clients)
        load.idle(SETTLE)
        load.broadcast(max(2, broadcasts // 4), TEXT)  # warm-up
        before = server.cpu()
        phase = load.broadcast(broadcasts, TEXT)
        return Sample.of(phase, server.cpu() - before)
