"""What watch parties cost and how well they are in step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from benchmarks import crowd, talk
from benchmarks.bench import Bench, InexactError, progress
from benchmarks.party import tables
from benchmarks.stage import Stage
from benchmarks.table import Figure, Measurement, Round

COMMANDS = 20  # of the host of a crowd


def measure_party(bench: Bench) -> Measurement:
    return tables.party(bench.parties)


def measure_party_faults(bench: Bench) -> Measurement:
    return tables.faults(bench.parties)


def measure_party_crowd(bench: Bench) -> Measurement:
    size = bench.size
    rounds, notes = _crowds(
        bench, "party-crowd", lambda stage, guests: crowd.measure(stage, bench.cores, guests, COMMANDS, size.watching)
    )
    return Measurement(
        "party-crowd",
        f"A watch party of thousands: {COMMANDS} commands, then {size.watching:g} s of watching",
        (
            Figure("reach_p50_ms", "command to the last guest, p50 ms"),
            Figure("reach_p99_ms", "p99 ms"),
            Figure("ack_p99_ms", "ack p99 ms"),
            Figure("last_p99_ms", "ack to the last, p99 ms"),
            Figure("delivery_us", "CPU µs a delivery"),
            Figure("clock_p99_ms", "clock p99 ms"),
            Figure("cpu_ms", "CPU ms a guest and minute"),
        ),
        (),
        rounds,
        notes,
    )


def measure_party_talk(bench: Bench) -> Measurement:
    size = bench.size
    rounds, notes = _crowds(
        bench, "party-talk", lambda stage, guests: talk.measure(stage, bench.cores, guests, size.watching)
    )
    return Measurement(
        "party-talk",
        f"A watch party of thousands that talks: {size.watching:g} s of {1 / talk.SAY_EVERY:g} messages and "
        f"{1 / crowd.EVERY:g} commands a second, and a reaction of each guest in {talk.REACT_EVERY:g} s",
        (
            Figure("said_p50_ms", "message to the last guest, p50 ms"),
            Figure("said_p99_ms", "p99 ms"),
            Figure("ack_p99_ms", "its ack p99 ms"),
            Figure("reach_p50_ms", "command to the last guest, p50 ms"),
            Figure("reach_p99_ms", "p99 ms"),
            Figure("reactions", "events of reactions a guest and second"),
            Figure("deliveries", "deliveries a second", 0),
            Figure("delivery_us", "CPU µs a delivery"),
            Figure("cpu_percent", "CPU %", 0),
        ),
        (),
        rounds,
        notes,
    )


def _crowds(
    bench: Bench, name: str, measure: Callable[[Stage, int], crowd.Crowded | talk.Talked]
) -> tuple[dict[str, list[Round]], tuple[str, ...]]:
    """What each round of each size has measured, and what is to be said of it."""
    rounds: dict[str, list[Round]] = {}
    slow = False
    with crowd.stage(max(bench.size.crowds), bench.cores) as stage:
        for number in range(bench.size.rounds):
            for guests in bench.size.crowds:
                progress(name, number, f"{guests:,}")
                sample = measure(stage, guests)
                if not sample.exact:
                    raise InexactError(f"{name}: {sample}")
                slow = slow or sample.load_bound
                row = {key: float(value) for key, value in asdict(sample).items()}
                rounds.setdefault(f"{guests:,} guests", []).append(row)
    return rounds, ("the load was the slower side: its latencies are the load's",) if slow else ()
