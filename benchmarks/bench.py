"""One run of the benchmarks: how much of everything, which subjects, and how they take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.subjects import Cores, Subject, SubjectError, on_core
from benchmarks.table import Figure, Goal, Measurement, Round

ROOT = Path(__file__).parent.parent
PARTY_LIMIT = 1_800.0  # seconds for all parties


class InexactError(Exception):
    """Something did not arrive, or not in order: a figure of such a round means nothing."""


@dataclass(frozen=True)
class Size:
    """How much of each measurement."""

    rounds: int
    connects: int
    ack_clients: int
    echoes: int
    room: int
    broadcasts: int
    big_room: int
    idlers: int
    idle_seconds: float | None  # None is one ping interval
    messages: int
    storm: int
    talk: int  # messages to the big room
    members: int
    searched: int
    searches: int  # of each kind; a peer gets a tenth
    party: tuple[int, float, str]  # guests, minutes, seeds
    crowds: tuple[int, ...]  # guests of a party
    watching: float  # seconds


FULL = Size(
    rounds=5,
    connects=2_000,
    ack_clients=100,
    echoes=20_000,
    room=1_000,
    broadcasts=200,
    big_room=10_000,
    idlers=10_000,
    idle_seconds=None,
    messages=5_000,
    storm=5_000,
    talk=200,
    members=10_000,
    searched=1_000_000,
    searches=100,
    party=(50, 10.0, "1,2,3"),
    crowds=(1_000, 5_000),
    watching=30.0,
)
QUICK = Size(
    rounds=1,
    connects=40,
    ack_clients=10,
    echoes=400,
    room=50,
    broadcasts=10,
    big_room=80,
    idlers=60,
    idle_seconds=0.3,
    messages=200,
    storm=60,
    talk=20,
    members=120,
    searched=2_000,
    searches=2,
    party=(6, 1.0, "1"),
    crowds=(20,),
    watching=0.5,
)

Measure = Callable[[Subject, Cores], Any]
"""Gives a dataclass of figures, with ``exact``."""


class Bench:
    """One run: its size, its subjects and its cores."""

    def __init__(self, size: Size, peers: Sequence[Subject], limit: Sequence[Subject], cores: Cores) -> None:
        self.size, self.peers, self.limit, self.cores = size, peers, limit, cores

    @cached_property
    def parties(self) -> dict[str, Any]:
        """Both tables are of the same parties. In a process of its own, since time is another one there."""
        guests, minutes, seeds = self.size.party
        arguments = ["--json", "--guests", str(guests), "--minutes", str(minutes), "--seeds", seeds]
        return self.child("party", arguments, PARTY_LIMIT, "SQLite")

    def child(self, module: str, arguments: Sequence[str], limit: float, name: str) -> dict[str, Any]:
        """What a process of its own on the servers' core has measured. Its progress goes where ours goes."""
        with on_core(self.cores.server):
            done = subprocess.run(
                [sys.executable, "-m", f"benchmarks.{module}", *arguments],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                timeout=limit,
                check=False,
            )
        if done.returncode:
            raise SubjectError(f"{module} on {name} failed")
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def turns(
        self,
        name: str,
        title: str,
        figures: tuple[Figure, ...],
        goals: tuple[Goal, ...],
        turn: Sequence[Subject],
        measure: Measure,
    ) -> Measurement:
        rounds: dict[str, list[Round]] = {subject.name: [] for subject in turn}
        slow: set[str] = set()
        for number in range(self.size.rounds):
            # every second round in the other direction: a machine that slows down favours nobody
            for subject in turn if number % 2 == 0 else list(reversed(turn)):
                progress(name, number, subject.name)
                sample = measure(subject, self.cores)
                if not sample.exact:
                    raise InexactError(f"{name}, {subject.name}: {sample}")
                if getattr(sample, "load_bound", False):
                    slow.add(subject.name)
                rounds[subject.name].append({key: float(value) for key, value in asdict(sample).items()})
        names = ", ".join(sorted(slow))
        note = f"the load was the slower side for {names}: their rate and latency are the load's"
        return Measurement(name, title, figures, goals, rounds, (note,) if slow else ())


def progress(name: str, number: int, subject: str) -> None:
    sys.stderr.write(f"{name} · round {number + 1} · {subject}\n")
