"""What an idle connection costs: resident memory for each, and CPU for all while only pings go by."""

from __future__ import annotations

from benchmarks.load import Load
from benchmarks.sample import Held
from benchmarks.subjects import Cores, Subject, on_core, started

SETTLE = 1.0  # seconds after the last connect, for what the connects left to do
WARM_UP = 50  # clients that connect before memory is read: what is loaded once is not theirs


def measure(subject: Subject, cores: Cores, clients: int, seconds: float | None = None) -> Held:
    """``seconds`` of idling; left out, one ping interval, in which every client is pinged once."""
    with (
        started(subject, cores.server) as server,
        on_core(cores.load),
        Load(server.port, subject.door) as load,
    ):
        load.connect(WARM_UP)
        load.idle(SETTLE)
        memory = server.resident()
        connects = load.connect(clients)
        load.idle(SETTLE)
        used = server.resident() - memory
        before, pings = server.cpu(), load.pings
        phase = load.idle(load.ping_interval if seconds is None else seconds)
        return Held(
            clients=connects.received,
            expected=clients,
            bytes_each=used / clients,
            cpu_share=(server.cpu() - before) / phase.wall,
            pings=load.pings - pings,
        )
