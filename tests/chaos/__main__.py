"""``python -m tests.chaos``: the long form."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos.chat.round import round_of_chat
from tests.chaos.chat.script import Size as Talk
from tests.chaos.plan import Shape
from tests.chaos.report import BLOCKS, Done, render, taken
from tests.chaos.siege import siege_of
from tests.chaos.silence import Links, round_of_silence
from tests.chaos.stepped import on_three_machines
from tests.chaos.steps import Size
from tests.chaos.storm import round_of
from tests.installed import left_out, missing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
SEEDS = (1, 2)  # of each form
LONG = {
    "embedded": Shape("embedded", 200, 5, 4, 5, {"server": 6, "connections": 3}),
    "full": Shape(
        "full",
        *(200, 5, 4, 5),
        {"server": 4, "worker": 4, "both": 1, "redis": 3, "postgres": 1, "connections": 2},
    ),
    "nodes": Shape(
        "nodes",
        *(100, 100, 4, 100),
        {
            "server": 4,
            "worker": 2,
            "both": 1,
            "restart": 2,
            "redis": 3,
            "redis paused": 2,
            "postgres": 1,
            "postgres paused": 2,
            "connections": 40,  # times 50
            "network": 10,
            "bus": 6,
            "database": 3,
        },
        down=3.0,
        cut=0.5,
        deaf=0.01,
    ),
}
"""2,000 notifications to 200 clients, and of several nodes 20,000 to 100: half by posts to all of them, half on four
channels that a quarter follows."""
CLOCKS = Size(followers=8, official=6, talkers=6, steps=30)
SILENCE = Links(followers=24, official=12, library=6, deaf=36, greedy=6, history=40, losses=3, interval=10, timeout=8)
CHAT = Talk(
    clients=100,
    deeds=40,
    rooms=3,
    faults={
        "server": 5,
        "worker": 3,
        "both": 1,
        "redis": 3,
        "redis paused": 2,
        "postgres paused": 1,
        "connections": 20,  # times 40
        "network": 8,
        "bus": 5,
        "database": 2,
    },
)
SIEGE = {"slow": 1_000, "drip": 300, "flood": 10_000, "fuzz": 100_000}  # connections, and broken packets


ONCE = ("silence", "siege")
"""One seed is enough: what befalls whom is the same with each."""


Told = Callable[[str], None]


async def _one(form: str, seed: int, folder: Path, say: Told) -> Sequence[Done]:
    match form:
        case "chat":
            return [await round_of_chat(CHAT, seed, folder, say)]
        case "clocks":
            return [await on_three_machines(CLOCKS, seed, folder, say)]
        case "silence":
            return [await round_of_silence(SILENCE, seed, folder, say)]
        case "siege":
            return await siege_of(SIEGE, seed, folder, say)
        case _:
            return [await round_of(LONG[form], seed, folder, say)]


def run(form: str, seed: int, kept: Path | None) -> Sequence[Done]:
    """One round, told to stderr as it goes."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"  {form} {seed}, {time.monotonic() - began:4.0f} s: {text}", file=sys.stderr, flush=True)

    print(f"{form}, seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix=f"mypick-{form}-") as folder:
        try:
            done = asyncio.run(_one(form, seed, Path(folder), say))
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"{form}-{seed}", dirs_exist_ok=True)
    for problem in [problem for each in done for problem in each.problems]:
        print(f"  WRONG: {problem}", file=sys.stderr)
    return done


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill everything, lose nothing.")
    add = parser.add_argument
    add("--only", default=",".join(BLOCKS.order), help="forms, by commas (default: all)")
    add("--seed", type=int, help=f"one seed; otherwise {', '.join(map(str, SEEDS))}")
    add("--write", action="store_true", help="put the tables into docs/reliability.md, beside those not run now")
    add("--keep", type=Path, metavar="FOLDER", help="copy logs, and the SQLite file, there")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(BLOCKS.order)
    if unknown:
        parser.error(f"no such form: {', '.join(sorted(unknown))}; known: {', '.join(BLOCKS.order)}")
    return options


def main() -> int:
    options = _arguments()
    forms = options.only.split(",")
    if "clocks" in forms and missing("clocks"):
        print("\n".join(left_out()), file=sys.stderr)
        forms.remove("clocks")
    seeds = SEEDS if options.seed is None else (options.seed,)
    wrong = False
    for form in forms:
        when = taken()
        done = [each for seed in (seeds[:1] if form in ONCE else seeds) for each in run(form, seed, options.keep)]
        text = render(done, when)
        print(f"{form}\n\n{text}\n")
        if options.write:  # at once: the rounds take half an hour
            BLOCKS.write(PAGE, {form: text})
        wrong = wrong or any(each.problems for each in done)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
