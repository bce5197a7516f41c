"""One emit with its ack: a text of 32 bytes echoed by the server, each client with one under way."""

from __future__ import annotations

from benchmarks.load import Load
from benchmarks.sample import Sample
from benchmarks.subjects import Cores, Subject, on_core, started

TEXT = "x" * 32


def measure(subject: Subject, cores: Cores, clients: int, echoes: int) -> Sample:
    with (
        started(subject, cores.server) as server,
        on_core(cores.load),
        Load(server.port, subject.door) as load,
    ):
        load.connect(clients)
        load.echo(max(clients, echoes // 4), TEXT)  # warm-up
        before = server.cpu()
        phase = load.echo(echoes, TEXT)
        return Sample.of(phase, server.cpu() - before)
