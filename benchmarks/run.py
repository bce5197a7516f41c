"""The benchmarks' command: ``python -m benchmarks.run``.

Subjects take turns within a round, each in a fresh process on the first core, the load on the last one, so
that all of a round stand in the same minute of a shared machine. Tables go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import idle, subjects
from benchmarks.bench import FULL, QUICK, ROOT, Bench, InexactError
from benchmarks.blocks import Blocks
from benchmarks.client import LoadError
from benchmarks.load import MAX_CONNECTIONS
from benchmarks.measurements import MEASUREMENTS
from benchmarks.subjects import Cores, SubjectError
from benchmarks.table import Measurement, render

PAGE = ROOT / "docs" / "performance.md"
BLOCKS = Blocks("benchmarks", tuple(MEASUREMENTS))


def taken(cores: Cores) -> str:
    """One line: when and on what the figures of the measurement that begins now are taken."""
    node, version = shutil.which("node"), ""
    if node:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        version = asked.stdout.strip()
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"Node {version.removeprefix('v')}" if version else "no Node",
        f"load average {os.getloadavg()[0]:.1f} at the start",
        "servers and load on cores of their own" if cores.apart else "ONE core: rates mean nothing",
    ]
    return " · ".join(parts)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    add = parser.add_argument
    add("--only", default=",".join(MEASUREMENTS), help="measurements, by commas (default: all)")
    add("--subjects", default="ours,node,stock", help="servers, by commas (default: all that can run)")
    add("--rounds", type=int, help=f"rounds (default {FULL.rounds}; {QUICK.rounds} with --quick)")
    add("--clients", type=int, help=f"idle connections (default {FULL.idlers:,})")
    add("--quick", action="store_true", help="a small run that proves the tools, not the speed")
    add("--write", action="store_true", help="put the tables into docs/performance.md, beside those not measured now")
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
    for name in wanted:
        if name not in able:
            sys.stdout.write(f"- {name} cannot run here and is left out\n")
    done: list[Measurement] = []
    try:
        with subjects.limit() as limit:
            bench = Bench(size, peers, limit, cores)
            for name in chosen.only.split(","):
                when = taken(cores)
                measurement = MEASUREMENTS[name](bench)
                done.append(measurement)
                text = render(measurement, when)
                sys.stdout.write(text + "\n")
                if chosen.write:  # at once: half an hour of figures is not lost with the last one
                    BLOCKS.write(PAGE, {name: text})
    except (SubjectError, LoadError, InexactError) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    if chosen.json:
        chosen.json.write_text(json.dumps({one.name: one.rounds for one in done}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
