"""What sockets cost: connecting, acks, broadcasts, storms, a full room, idling. Each beside its peers."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import ack, broadcast, connect, idle, pair, room, stall, storm
from benchmarks.bench import Bench
from benchmarks.client import Door
from benchmarks.subjects import Cores, Subject
from benchmarks.table import Figure, Goal, Measurement

FEW_IDLERS = 5  # the second size of idle connections is this part of the first: 2,000 beside 10,000
STALLS = 5  # broadcasts to the big room

CPU = Figure("cpu_us", "CPU µs each")
SPEED = (CPU, Figure("rate", "per second", 0), Figure("p50_ms", "p50 ms"), Figure("p99_ms", "p99 ms"))


def measure_connect(bench: Bench) -> Measurement:
    size = bench.size
    return bench.turns(
        "connect",
        f"Connect: upgrade, auth, one room ({size.connects:,} clients)",
        SPEED,
        (Goal("cpu_us", 0.75, "node"),),
        bench.peers,
        lambda subject, cores: connect.measure(subject, cores, size.connects),
    )


def measure_ack(bench: Bench) -> Measurement:
    size = bench.size
    return bench.turns(
        "ack",
        f"Emit and ack ({size.ack_clients} clients, {size.echoes:,} echoes)",
        SPEED,
        (Goal("cpu_us", 1.2, "node"),),  # ours is a real command, with schema, guard, limit and metrics; 0.9 bare
        bench.peers,
        lambda subject, cores: ack.measure(subject, cores, size.ack_clients, size.echoes),
    )


def measure_bare(bench: Bench) -> Measurement:
    size = bench.size
    plain = [
        replace(subject, door=Door(namespace="/bare")) if subject.name == "ours" else subject for subject in bench.peers
    ]
    return bench.turns(
        "bare",
        f"Bare emit and ack: no command, schema, limit ({size.ack_clients} clients, {size.echoes:,} echoes)",
        SPEED,
        (Goal("cpu_us", 0.9, "node"),),
        plain,
        lambda subject, cores: ack.measure(subject, cores, size.ack_clients, size.echoes),
    )


def measure_broadcast(bench: Bench) -> Measurement:
    size = bench.size
    return bench.turns(
        "broadcast",
        f"Deliveries of a broadcast of 100 bytes to {size.room:,} clients ({size.broadcasts} broadcasts)",
        SPEED,
        (Goal("cpu_us", 1.35, "limit"), Goal("cpu_us", 0.6, "node")),
        [*bench.limit, *bench.peers],
        lambda subject, cores: broadcast.measure(subject, cores, size.room, size.broadcasts),
    )


def measure_stall(bench: Bench) -> Measurement:
    size = bench.size
    return bench.turns(
        "stall",
        f"The loop during a broadcast to {size.big_room:,} clients ({STALLS} broadcasts)",
        (Figure("stall_ms", "longest stall ms"), Figure("p99_ms", "p99 ms of a delivery")),
        (Goal("stall_ms", 20.0),),
        bench.peers,
        lambda subject, cores: stall.measure(subject, cores, size.big_room, STALLS),
    )


def measure_pair(bench: Bench) -> Measurement:
    size = bench.size
    with pair.redis(bench.cores) as redis:
        return bench.turns(
            "pair",
            f"Two nodes and a Redis: deliveries of a broadcast to {size.room:,} clients, half on each "
            f"({size.broadcasts} broadcasts)",
            SPEED,
            (Goal("cpu_us", 1.0, "node"), Goal("p99_ms", 1.0, "node")),
            bench.peers,
            lambda subject, cores: pair.measure(subject, redis, cores, size.room, size.broadcasts),
        )


def measure_storm(bench: Bench) -> Measurement:
    size = bench.size
    with storm.stage(size.storm + storm.WARM_UP, bench.cores) as stage:

        def measure(subject: Subject, cores: Cores) -> storm.Stormed:
            if subject.name == "ours":
                return storm.measure_ours(stage, cores, size.storm)
            return storm.measure_bare(subject, cores, size.storm)

        return bench.turns(
            "storm",
            f"{size.storm:,} clients come back at once; ours are brought up to date, the peers' only connect",
            (*SPEED, Figure("queries", "queries each", 4)),
            (Goal("cpu_us", 1.0, "node"), Goal("queries", 0.01)),
            bench.peers,
            measure,
        )


def measure_room(bench: Bench) -> Measurement:
    size = bench.size
    with room.stage(size.big_room, bench.cores) as stage:

        def measure(subject: Subject, cores: Cores) -> room.Talked:
            if subject.name == "ours":
                return room.measure_ours(stage, cores, size.big_room, size.talk)
            return room.measure_bare(subject, cores, size.big_room, size.talk)

        return bench.turns(
            "room",
            f"A room of {size.big_room:,} with 20 messages a second ({size.talk} messages); ours are judged and "
            "stored, the peers' only broadcast",
            (
                CPU,
                Figure("p50_ms", "p50 ms"),
                Figure("p99_ms", "p99 ms"),
                Figure("last_p99_ms", "p99 ms to the last"),
                Figure("join_kib", "KiB of a join"),
            ),
            (Goal("last_p99_ms", 500.0), Goal("join_kib", 32.0)),
            bench.peers,
            measure,
        )


def measure_idle(bench: Bench) -> Measurement:
    return _idle(bench, "idle", bench.size.idlers)


def measure_idle_few(bench: Bench) -> Measurement:
    return _idle(bench, "idle-few", max(1, bench.size.idlers // FEW_IDLERS))


def _idle(bench: Bench, name: str, idlers: int) -> Measurement:
    return bench.turns(
        name,
        f"Idle connections ({idlers:,} clients, default pings)",
        (
            Figure("bytes_each", "KB each", 2, 1 / 1024),
            Figure("cpu_share", "CPU % of a core", 2, 100),
            Figure("pings", "pings", 0),
        ),
        (
            Goal("bytes_each", 5 * 1024),
            Goal("bytes_each", 0.35, "node"),
            Goal("cpu_share", 0.4, "node"),
        ),
        bench.peers,
        lambda subject, cores: idle.measure(subject, cores, idlers, bench.size.idle_seconds),
    )
