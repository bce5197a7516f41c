"""Two nodes of one server behind one Redis: a broadcast asked for on the first reaches the clients of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from benchmarks.broadcast import TEXT
from benchmarks.load import Load
from benchmarks.sample import SETTLE, Sample
from benchmarks.subjects import Cores, Subject, on_core, started
from tests.servers import RedisServer


@contextmanager
def redis(cores: Cores) -> Iterator[RedisServer]:
    """On the load's core: it is no part of what is compared."""
    with on_core(cores.load), RedisServer() as server:
        yield server


def measure(subject: Subject, server: RedisServer, cores: Cores, clients: int, broadcasts: int) -> Sample:
    """CPU is that of both nodes, which share the servers' core."""
    node = replace(subject, environment={**subject.environment, "REDIS_URL": server.url})
    with (
        started(node, cores.server) as first,
        started(node, cores.server) as second,
        on_core(cores.load),
        Load(first.port, subject.door, others=[second.port]) as load,
    ):
        load.connect(clients)
        load.idle(SETTLE)
        load.broadcast(max(2, broadcasts // 4), TEXT)  # warm-up
        before = first.cpu() + second.cpu()
        phase = load.broadcast(broadcasts, TEXT)
        return Sample.of(phase, first.cpu() + second.cpu() - before)
