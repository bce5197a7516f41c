"""What is measured, with what goal: each measurement is rounds in which the subjects take turns."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import ack, broadcast, connect, crowd, idle, pair, room, search, stall, storm, talk
from benchmarks.append import APPENDERS
from benchmarks.client import Door
from benchmarks.party import tables as party_tables
from benchmarks.stage import Stage
from benchmarks.subjects import Cores, Subject, SubjectError, on_core
from benchmarks.table import Figure, Goal, Measurement, Round
from tests.servers import PostgresServer

ROOT = Path(__file__).parent.parent
SEARCH_LIMIT = 1_200.0  # seconds for one database
PARTY_LIMIT = 1_800.0  # seconds for all parties
APPEND_LIMIT = 300.0  # seconds for one round of one appender


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
    searched=2_000,
    searches=2,
    party=(6, 1.0, "1"),
    crowds=(20,),
    watching=0.5,
)
FEW_IDLERS = 5  # the second size of idle connections is this part of the first: 2,000 beside 10,000
COMMANDS = 20  # of the host of a crowd
STALLS = 5  # broadcasts to the big room

CPU = Figure("cpu_us", "CPU µs each")
SPEED = (CPU, Figure("rate", "per second", 0), Figure("p50_ms", "p50 ms"), Figure("p99_ms", "p99 ms"))

Measure = Callable[[Subject, Cores], Any]
"""Gives a dataclass of figures, with ``exact``."""


class Bench:
    """One run: its size, its subjects and its cores."""

    def __init__(self, size: Size, peers: Sequence[Subject], limit: Sequence[Subject], cores: Cores) -> None:
        self.size, self.peers, self.limit, self.cores = size, peers, limit, cores

    def connect(self) -> Measurement:
        size = self.size
        return self._turns(
            "connect",
            f"Connect: upgrade, auth, one room ({size.connects:,} clients)",
            SPEED,
            (Goal("cpu_us", 0.75, "node"),),
            self.peers,
            lambda subject, cores: connect.measure(subject, cores, size.connects),
        )

    def ack(self) -> Measurement:
        size = self.size
        return self._turns(
            "ack",
            f"Emit and ack ({size.ack_clients} clients, {size.echoes:,} echoes)",
            SPEED,
            (Goal("cpu_us", 1.2, "node"),),  # ours is a real command, with schema, guard, limit and metrics; 0.9 bare
            self.peers,
            lambda subject, cores: ack.measure(subject, cores, size.ack_clients, size.echoes),
        )

    def bare(self) -> Measurement:
        size = self.size
        plain = [
            replace(subject, door=Door(namespace="/bare")) if subject.name == "ours" else subject
            for subject in self.peers
        ]
        return self._turns(
            "bare",
            f"Bare emit and ack: no command, schema, limit ({size.ack_clients} clients, {size.echoes:,} echoes)",
            SPEED,
            (Goal("cpu_us", 0.9, "node"),),
            plain,
            lambda subject, cores: ack.measure(subject, cores, size.ack_clients, size.echoes),
        )

    def broadcast(self) -> Measurement:
        size = self.size
        return self._turns(
            "broadcast",
            f"Deliveries of a broadcast of 100 bytes to {size.room:,} clients ({size.broadcasts} broadcasts)",
            SPEED,
            (Goal("cpu_us", 1.35, "limit"), Goal("cpu_us", 0.6, "node")),
            [*self.limit, *self.peers],
            lambda subject, cores: broadcast.measure(subject, cores, size.room, size.broadcasts),
        )

    def stall(self) -> Measurement:
        size = self.size
        return self._turns(
            "stall",
            f"The loop during a broadcast to {size.big_room:,} clients ({STALLS} broadcasts)",
            (Figure("stall_ms", "longest stall ms"), Figure("p99_ms", "p99 ms of a delivery")),
            (Goal("stall_ms", 20.0),),
            self.peers,
            lambda subject, cores: stall.measure(subject, cores, size.big_room, STALLS),
        )

    def pair(self) -> Measurement:
        size = self.size
        with pair.redis(self.cores) as redis:
            return self._turns(
                "pair",
                f"Two nodes and a Redis: deliveries of a broadcast to {size.room:,} clients, half on each "
                f"({size.broadcasts} broadcasts)",
                SPEED,
                (Goal("cpu_us", 1.0, "node"), Goal("p99_ms", 1.0, "node")),
                self.peers,
                lambda subject, cores: pair.measure(subject, redis, cores, size.room, size.broadcasts),
            )

    def storm(self) -> Measurement:
        size = self.size
        with storm.stage(size.storm + storm.WARM_UP, self.cores) as stage:

            def measure(subject: Subject, cores: Cores) -> storm.Stormed:
                if subject.name == "ours":
                    return storm.measure_ours(stage, cores, size.storm)
                return storm.measure_bare(subject, cores, size.storm)

            return self._turns(
                "storm",
                f"{size.storm:,} clients come back at once; ours are brought up to date, the peers' only connect",
                (*SPEED, Figure("queries", "queries each", 4)),
                (Goal("cpu_us", 1.0, "node"), Goal("queries", 0.01)),
                self.peers,
                measure,
            )

    def room(self) -> Measurement:
        size = self.size
        with room.stage(size.big_room, self.cores) as stage:

            def measure(subject: Subject, cores: Cores) -> room.Talked:
                if subject.name == "ours":
                    return room.measure_ours(stage, cores, size.big_room, size.talk)
                return room.measure_bare(subject, cores, size.big_room, size.talk)

            return self._turns(
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
                self.peers,
                measure,
            )

    def idle(self) -> Measurement:
        return self._idle("idle", self.size.idlers)

    def idle_few(self) -> Measurement:
        return self._idle("idle-few", max(1, self.size.idlers // FEW_IDLERS))

    def _idle(self, name: str, idlers: int) -> Measurement:
        return self._turns(
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
            self.peers,
            lambda subject, cores: idle.measure(subject, cores, idlers, self.size.idle_seconds),
        )

    def append(self) -> Measurement:
        rounds: dict[str, list[Round]] = {name: [] for name in APPENDERS}
        with contextlib.ExitStack() as stack:
            with on_core(self.cores.load):
                postgres = stack.enter_context(PostgresServer(fsync=True))
            url = postgres.create_database("bench")
            for number in range(self.size.rounds):
                for name in APPENDERS:
                    progress("append", number, name)
                    rounds[name].append(self._append_round(url, name))
        return Measurement(
            "append",
            f"Durable appends to PostgreSQL, fsync on ({self.size.messages:,} messages to 8 streams)",
            (
                Figure("rate", "per second", 0),
                CPU,
                Figure("half_p50_ms", "p50 ms at half load"),
                Figure("half_p99_ms", "p99 ms at half load"),
            ),
            (Goal("rate", 8.0, "one-per-transaction", "≥"), Goal("half_p99_ms", 50.0)),
            rounds,
        )

    def search(self) -> Measurement:
        with on_core(self.cores.load):
            postgres = PostgresServer(fsync=True, options={"shared_buffers": "512MB"})
        with postgres:
            return self._search("search", "PostgreSQL", postgres.create_database("bench"))

    def search_sqlite(self) -> Measurement:
        with tempfile.TemporaryDirectory(prefix="mypick-search-") as folder:
            return self._search("search-sqlite", "SQLite", f"sqlite://{folder}/bench.sqlite3")

    def _search(self, name: str, database: str, url: str) -> Measurement:
        """One round: loading takes longer than asking."""
        progress(name, 0, "ours")
        arguments = ["--url", url, "--messages", str(self.size.searched), "--each", str(self.size.searches)]
        measured = self._child("search", arguments, SEARCH_LIMIT, database)
        return Measurement(
            name,
            f"Search in {self.size.searched:,} messages on {database}, a page of {search.PAGE} "
            "(in the first row all kinds of query together)",
            (
                Figure("p50_ms", "p50 ms"),
                Figure("p95_ms", "p95 ms"),
                Figure("p99_ms", "p99 ms"),
                *(Figure(f"{peer}_ms", f"p95 ms of {peer}") for peer in measured["peers"] if peer != "ours"),
            ),
            (Goal("p95_ms", 50.0),),
            search.rows_of(measured),
            tuple(search.notes_of(measured)),
        )

    def party(self) -> Measurement:
        return party_tables.party(self._parties)

    def party_faults(self) -> Measurement:
        return party_tables.faults(self._parties)

    def party_crowd(self) -> Measurement:
        size = self.size
        rounds, notes = self._crowds(
            "party-crowd", lambda stage, guests: crowd.measure(stage, self.cores, guests, COMMANDS, size.watching)
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

    def party_talk(self) -> Measurement:
        size = self.size
        rounds, notes = self._crowds(
            "party-talk", lambda stage, guests: talk.measure(stage, self.cores, guests, size.watching)
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
        self, name: str, measure: Callable[[Stage, int], crowd.Crowded | talk.Talked]
    ) -> tuple[dict[str, list[Round]], tuple[str, ...]]:
        """What each round of each size has measured, and what is to be said of it."""
        rounds: dict[str, list[Round]] = {}
        slow = False
        with crowd.stage(max(self.size.crowds), self.cores) as stage:
            for number in range(self.size.rounds):
                for guests in self.size.crowds:
                    progress(name, number, f"{guests:,}")
                    sample = measure(stage, guests)
                    if not sample.exact:
                        raise InexactError(f"{name}: {sample}")
                    slow = slow or sample.load_bound
                    row = {key: float(value) for key, value in asdict(sample).items()}
                    rounds.setdefault(f"{guests:,} guests", []).append(row)
        return rounds, ("the load was the slower side: its latencies are the load's",) if slow else ()

    @cached_property
    def _parties(self) -> dict[str, Any]:
        """Both tables are of the same parties. In a process of its own, since time is another one there."""
        guests, minutes, seeds = self.size.party
        arguments = ["--json", "--guests", str(guests), "--minutes", str(minutes), "--seeds", seeds]
        return self._child("party", arguments, PARTY_LIMIT, "SQLite")

    def _child(self, module: str, arguments: Sequence[str], limit: float, name: str) -> dict[str, Any]:
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

    def _append_round(self, url: str, name: str) -> Round:
        arguments = ["--url", url, "--appender", name, "--messages", str(self.size.messages)]
        with on_core(self.cores.server):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.append", *arguments],
                cwd=ROOT,
                capture_output=True,
                timeout=APPEND_LIMIT,
                check=False,
            )
        if done.returncode:
            raise SubjectError(f"{name} failed: {done.stderr.decode(errors='replace')[-800:]}")
        result = json.loads(done.stdout)
        if not result["exact"]:
            raise InexactError(f"{name}: {result}")
        return {key: float(value) for key, value in result.items()}

    def _turns(
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


MEASUREMENTS: dict[str, Callable[[Bench], Measurement]] = {
    "connect": Bench.connect,
    "ack": Bench.ack,
    "bare": Bench.bare,
    "broadcast": Bench.broadcast,
    "stall": Bench.stall,
    "pair": Bench.pair,
    "storm": Bench.storm,
    "room": Bench.room,
    "idle": Bench.idle,
    "idle-few": Bench.idle_few,
    "append": Bench.append,
    "search": Bench.search,
    "search-sqlite": Bench.search_sqlite,
    "party": Bench.party,
    "party-faults": Bench.party_faults,
    "party-crowd": Bench.party_crowd,
    "party-talk": Bench.party_talk,
}


def progress(name: str, number: int, subject: str) -> None:
    sys.stderr.write(f"{name} · round {number + 1} · {subject}\n")
