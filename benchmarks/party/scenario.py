"""What happens in a party: drawn once from a seed, the same for every algorithm."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

Op = Literal["play", "pause", "seek", "rate"]
LENGTH_MS = 7_200_000.0  # of the video


@dataclass(frozen=True)
class Act:
    """The host does something at ``at`` (true ms). ``value``: where to, or how fast."""

    at: float
    op: Op
    value: float = 0.0


@dataclass(frozen=True)
class Stay:
    """When a guest comes, and for how long it is away in between: (from, to), true ms."""

    comes: float
    away: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Scenario:
    """``stays`` by guest; the first one is the host at the beginning. Moments in true ms."""

    length: float
    acts: tuple[Act, ...]
    stays: tuple[Stay, ...]
    host_goes: float | None = None
    restart: tuple[float, float] | None = None  # the server is gone from, to
    bad: tuple[int, ...] = field(default=())  # guests with huge delays whose players stall all the time


def drawn(
    seed: int,
    *,
    guests: int = 50,
    minutes: float = 10.0,
    faults: bool = True,
    bad: bool = True,
    every: tuple[float, float] = (30_000.0, 50_000.0),
) -> Scenario:
    """A party: an act of the host ``every`` so many ms, one guest in five comes late, one in ten goes and returns."""
    random = Random(f"scenario {seed}")
    length = minutes * 60_000
    acts, at, speed = [Act(4_000.0, "play")], 4_000.0, 1.0
    while True:
        at += random.uniform(*every)
        if at > length - 10_000:
            break
        kind = random.choices(("pause", "seek", "rate"), (2, 2, 1))[0]
        if kind == "pause":
            acts.append(Act(at, "pause"))
            at += random.uniform(3_000, 10_000)
            acts.append(Act(at, "play"))
        elif kind == "seek":
            acts.append(Act(at, "seek", random.uniform(0, LENGTH_MS)))
        else:
            speed = 1.25 if speed == 1.0 else 1.0
            acts.append(Act(at, "rate", speed))
    stays = []
    for number in range(guests):
        comes = random.uniform(0.1, 0.8) * length if number % 5 == 4 else random.uniform(0, 2_000)
        away: tuple[tuple[float, float], ...] = ()
        if number % 10 == 7:
            goes = random.uniform(0.3, 0.7) * length
            away = ((goes, goes + random.uniform(3_000, 20_000)),)
        stays.append(Stay(comes, away))
    restart = host_goes = None
    if faults:
        host_goes = 0.5 * length
        begin = 0.7 * length
        restart = (begin, begin + random.uniform(1_000, 3_000))
        quiet = [(host_goes - 2_000, host_goes + 20_000), (restart[0] - 2_000, restart[1] + 8_000)]
        acts = [act for act in acts if not any(begin < act.at < end for begin, end in quiet)]
        acts = _possible(acts)
    return Scenario(length, tuple(acts), tuple(stays), host_goes, restart, (guests - 1,) if bad else ())


def _possible(acts: list[Act]) -> list[Act]:
    """Without a play that follows no pause, and the other way round."""
    kept: list[Act] = []
    playing = False
    for act in acts:
        if act.op in ("play", "pause"):
            if playing == (act.op == "play"):
                continue
            playing = act.op == "play"
        kept.append(act)
    return kept
