"""The watch party of the goals: ``python -m benchmarks.party``. Tables to stdout, progress to stderr.

Fifty guests for ten minutes against the whole server, once for each seed; then the same party by the models of what
others do. The same seed gives the same party.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from benchmarks.party import model, peers, real, tables
from benchmarks.party.player import YOUTUBE_RATES
from benchmarks.party.scenario import drawn
from benchmarks.party.simulation import Kind
from benchmarks.table import render

VARIANTS = {
    "no two starts alike": Kind(alike=0.0),
    "ways equally long": Kind(symmetric=True),
    "coarse speeds": Kind(rates=YOUTUBE_RATES, has=YOUTUBE_RATES),
}


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.party", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3", help="by commas (default 1,2,3)")
    parser.add_argument("--guests", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json", action="store_true", help="figures instead of tables")
    chosen = parser.parse_args(given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    figures = measured([int(seed) for seed in chosen.seeds.split(",")], chosen.guests, chosen.minutes)
    if chosen.json:
        print(json.dumps(figures))
    else:
        print("\n".join(render(table, when) for table in (tables.party(figures), tables.faults(figures))))
    return 0


def measured(seeds: Sequence[int], guests: int, minutes: float) -> dict[str, Any]:
    """Figures of each subject, one entry for each seed."""
    subjects: dict[str, list[dict[str, float]]] = {}
    faults: list[dict[str, float]] = []
    with TemporaryDirectory(prefix="mypick-party-") as name:
        template = real.migrated(Path(name))
        for seed in seeds:
            every = (30_000.0, 50_000.0) if minutes >= 3 else (8_000.0, 12_000.0)
            scenario = drawn(seed, guests=guests, minutes=minutes, every=every)
            calm = drawn(seed, guests=guests, minutes=minutes, every=every, faults=False)
            progress(seed, "ours")
            with contextlib.redirect_stdout(io.StringIO()):
                happened = real.play(seed, scenario, Kind(), template)
            subjects.setdefault("ours", []).append(tables.figures_of(happened.outcome))
            faults.append(tables.faults_of(happened))
            for variant, kind in VARIANTS.items():
                progress(seed, variant)
                outcome = asyncio.run(model.party(seed, calm, kind))
                subjects.setdefault(f"ours, {variant}", []).append(tables.figures_of(outcome))
            for peer in peers.PEERS:
                progress(seed, peer)
                outcome = asyncio.run(peers.party(peer, seed, calm, Kind()))
                subjects.setdefault(peer, []).append(tables.figures_of(outcome))
    return {"seeds": list(seeds), "guests": guests, "minutes": minutes, "subjects": subjects, "faults": faults}


def progress(seed: int, subject: str) -> None:
    sys.stderr.write(f"party · seed {seed} · {subject}\n")


if __name__ == "__main__":
    sys.exit(main())
