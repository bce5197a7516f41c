"""The benchmarks' command: ``python -m benchmarks.run``.

Subjects take turns within a round, each in a fresh process on the first core, the load on the last one, so
that all of a round stand in the same minute of a shared machine. Tables go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import ack, broadcast, connect, idle, subjects
from benchmarks.append import APPENDERS
from benchmarks.load import MAX_CONNECTIONS, LoadError
from benchmarks.sample import Held, Sample
from benchmarks.subjects import Cores, Subject, SubjectError, on_core
from benchmarks.table import Figure, Goal, Measurement, Round, render, write_between_markers
from tests.servers import PostgresServer

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
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
    idlers: int
    idle_seconds: float | None  # None is one ping interval
    messages: int


FULL = Size(5, 2_000, 100, 20_000, 1_000, 200, 10_000, None, 5_000)
QUICK = Size(1, 40, 10, 400, 50, 10, 60, 0.3, 200)

CPU = Figure("cpu_us", "CPU µs each")
SPEED = (CPU, Figure("rate", "per second", 0), Figure("p50_ms", "p50 ms"), Figure("p99_ms", "p99 ms"))
Measure = Callable[[Subject, Cores], Sample | Held]


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

    def idle(self) -> Measurement:
        size = self.size
        return self._turns(
            "idle",
            f"Idle connections ({size.idlers:,} clients, default pings)",
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
            lambda subject, cores: idle.measure(subject, cores, size.idlers, size.idle_seconds),
        )

    def append(self) -> Measurement:
        rounds: dict[str, list[Round]] = {name: [] for name in APPENDERS}
        with contextlib.ExitStack() as stack:
            with on_core(self.cores.load):
                postgres = stack.enter_context(PostgresServer(fsync=True))
            url = postgres.create_database("bench")
            for number in range(self.size.rounds):
                for name in APPENDERS:
                    _progress("append", number, name)
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
                _progress(name, number, subject.name)
                sample = measure(subject, self.cores)
                if not sample.exact:
                    raise InexactError(f"{name}, {subject.name}: {sample}")
                if isinstance(sample, Sample) and sample.load_bound:
                    slow.add(subject.name)
                rounds[subject.name].append({key: float(value) for key, value in asdict(sample).items()})
        names = ", ".join(sorted(slow))
        note = f"the load was the slower side for {names}: their rate and latency are the load's"
        return Measurement(name, title, figures, goals, rounds, (note,) if slow else ())


MEASUREMENTS: dict[str, Callable[[Bench], Measurement]] = {
    "connect": Bench.connect,
    "ack": Bench.ack,
    "broadcast": Bench.broadcast,
    "idle": Bench.idle,
    "append": Bench.append,
}


def machine(cores: Cores) -> str:
    """One line: what the figures were taken on."""
    node, version = shutil.which("node"), ""
    if node:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        version = asked.stdout.strip()
    parts = [
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"Node {version.removeprefix('v')}" if version else "no Node",
        f"load average {os.getloadavg()[0]:.1f} at the start",
        "servers and load on cores of their own" if cores.apart else "ONE core: rates mean nothing",
    ]
    return " · ".join(parts)


def _progress(name: str, number: int, subject: str) -> None:
    sys.stderr.write(f"{name} · round {number + 1} · {subject}\n")


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    add = parser.add_argument
    add("--only", default=",".join(MEASUREMENTS), help="measurements, by commas (default: all)")
    add("--subjects", default="ours,node,stock", help="servers, by commas (default: all that can run)")
    add("--rounds", type=int, help=f"rounds (default {FULL.rounds}; {QUICK.rounds} with --quick)")
    add("--clients", type=int, help=f"idle connections (default {FULL.idlers:,})")
    add("--quick", action="store_true", help="a small run that proves the tools, not the speed")
    add("--write", action="store_true", help="put the tables into docs/performance.md")
    add("--json", type=Path, metavar="FILE", help="write every round's figures to FILE")
    chosen = parser.parse_args(given)
    unknown = set(chosen.only.split(",")) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    most = MAX_CONNECTIONS - idle.WARM_UP
    if chosen.clients is not None and not 1 <= chosen.clients <= most:
        parser.error(f"--clients must be 1 to {most}")
    return chosen


def main(given: Sequence[str] | None = None) -> int:
    chosen = _arguments(given)
    size = QUICK if chosen.quick else FULL
    size = replace(size, rounds=chosen.rounds or size.rounds, idlers=chosen.clients or size.idlers)
    cores = subjects.cores()
    wanted = chosen.subjects.split(",")
    able = {subject.name: subject for subject in [*subjects.ours(), *subjects.node(), *subjects.stock()]}
    peers = [able[name] for name in wanted if name in able]
    lines = [f"{machine(cores)} · rounds: {size.rounds}, median (least–most)", ""]
    lines += [f"- {name} cannot run here and is left out" for name in wanted if name not in able]
    done: list[Measurement] = []
    try:
        with subjects.limit() as limit:
            bench = Bench(size, peers, limit, cores)
            done.extend(MEASUREMENTS[name](bench) for name in chosen.only.split(","))
    except (SubjectError, LoadError, InexactError) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    text = "\n".join([*lines, "", *(render(measurement) for measurement in done)])
    sys.stdout.write(text + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps({one.name: one.rounds for one in done}, indent=1))
    if chosen.write:
        write_between_markers(PAGE, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
