"""From parties to tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.party.measure import percentile
from benchmarks.party.real import Happened
from benchmarks.party.simulation import Outcome
from benchmarks.table import Figure, Goal, Measurement


def figures_of(outcome: Outcome) -> dict[str, float]:
    """Of one party; ms, and a guest and minute."""
    measure = outcome.measure
    return {
        "p50_ms": measure.steady.percentile(0.5),
        "p99_ms": measure.steady.percentile(0.99),
        "moving_p99_ms": measure.moving.percentile(0.99),
        "everything_p99_ms": measure.everything.percentile(0.99),
        "apart_p99_ms": measure.apart.percentile(0.99),
        "together_p99_ms": measure.together.percentile(0.99),
        "seeks": outcome.seeks,
        "rate_changes": outcome.rate_changes,
        "looks": float(measure.everything.count),
    }


def faults_of(happened: Happened) -> dict[str, float]:
    """What befell one party; -1 for what did not happen."""

    def known(value: float | None) -> float:
        return -1.0 if value is None else value

    joins = happened.outcome.measure.joins
    return {
        "joins": float(len(joins)),
        "join_ms": percentile(joins, 1.0),
        "migration_ms": known(happened.migration),
        "migration_jump_ms": known(happened.migration_jump),
        "restart_jump_ms": known(happened.restart_jump),
        "back_ms": known(happened.back_in),
        "after_restart_ms": known(happened.after_restart),
        "gate_ms": max(happened.gates, default=-1.0),
        "refused": float(len(happened.refused)),
    }


def party(figures: Mapping[str, Any]) -> Measurement:
    """Ours beside the models of others."""
    subjects = figures["subjects"]

    def worst(name: str, figure: str) -> float:
        return max((one[figure] for one in subjects[name]), default=0.0)

    even, coarse = worst("ours, ways equally long", "p99_ms"), worst("ours, coarse speeds", "p99_ms")
    return Measurement(
        "party",
        f"A watch party of {figures['guests']}, {figures['minutes']:g} minutes: ms from the true timeline "
        f"(seeds {', '.join(map(str, figures['seeds']))})",
        (
            Figure("p50_ms", "p50"),
            Figure("p99_ms", "p99"),
            Figure("moving_p99_ms", "p99 with transients"),
            Figure("everything_p99_ms", "p99 stalls included", 0),
            Figure("apart_p99_ms", "p99 apart", 0),
            Figure("together_p99_ms", "p99 apart, transients", 0),
            Figure("seeks", "seeks", 2),
            Figure("rate_changes", "rate changes"),
        ),
        (Goal("p50_ms", 15.0), Goal("p99_ms", 50.0), Goal("moving_p99_ms", 70.0), Goal("seeks", 0.5)),
        subjects,
        (
            f"p99 where both ways are equally long: at most {even:.1f} ms, goal ≤ 25.0: {_word(even, 25)}",
            f"p99 with bursts of coarse speeds only: at most {coarse:.1f} ms, goal ≤ 90.0: {_word(coarse, 90)}",
            "ours is the whole server and real sockets; `ours, …` is the same client on a server of a few lines",
            "all others are models of their algorithms from published constants, not the programs",
            "apart is from the median of the group, since who acts when a command arrives is late with everybody else",
            "seeks and rate changes: corrections, a guest and minute; a stall comes each two minutes",
        ),
    )


def faults(figures: Mapping[str, Any]) -> Measurement:
    """What happens to ours when people come, hosts go and servers die."""
    rounds: Sequence[Mapping[str, float]] = figures["faults"]
    return Measurement(
        "party-faults",
        f"The same parties of {figures['guests']}: who comes, a host who vanishes, a server that dies, one bad guest",
        (
            Figure("join_ms", "worst 3 s after coming, ms"),
            Figure("migration_ms", "new host after, ms", 0),
            Figure("migration_jump_ms", "timeline's jump, ms"),
            Figure("restart_jump_ms", "jump by the restart, ms"),
            Figure("after_restart_ms", "worst after it, ms"),
            Figure("gate_ms", "longest start gate, ms", 0),
        ),
        (
            Goal("join_ms", 100.0),
            Goal("migration_ms", 12_000.0),
            Goal("migration_jump_ms", 0.0),
            Goal("restart_jump_ms", 50.0),
            Goal("gate_ms", 5_000.0),
        ),
        {"ours": rounds},
        (
            f"{sum(int(one['joins']) for one in rounds)} came late or returned; "
            f"{sum(int(one['refused']) for one in rounds)} commands were refused",
        ),
    )


def _word(value: float, bound: float) -> str:
    return "reached" if value <= bound else "MISSED"
