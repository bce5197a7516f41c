"""``python -m tests.chaos``: the long form."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.chat.round import Talked, round_of_chat
from tests.chaos.chat.script import Size as Talk
from tests.chaos.plan import Shape
from tests.chaos.report import render, write_between_markers
from tests.chaos.siege import Attack, siege_of
from tests.chaos.silence import Links, Silent, round_of_silence
from tests.chaos.stepped import on_three_machines
from tests.chaos.steps import Size, Stepped
from tests.chaos.storm import Result, round_of
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


BESIDE = ("chat", "clocks", "silence", "siege")
"""Rounds of another kind."""


async def one(name: str, seed: int, kept: Path | None) -> Result:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"  {name} {seed}, {time.monotonic() - began:4.0f} s: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="mypick-chaos-") as folder:
        try:
            return await round_of(LONG[name], seed, Path(folder), say)
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"{name}-{seed}", dirs_exist_ok=True)


async def clocks(seed: int, kept: Path | None) -> Stepped:
    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    print(f"clocks, seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mypick-clocks-") as folder:
        try:
            return await on_three_machines(CLOCKS, seed, Path(folder), say)
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"clocks-{seed}", dirs_exist_ok=True)


async def silence(seed: int, kept: Path | None) -> Silent:
    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    print(f"silence, seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mypick-silence-") as folder:
        try:
            return await round_of_silence(SILENCE, seed, Path(folder), say)
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"silence-{seed}", dirs_exist_ok=True)


async def chat(seed: int, kept: Path | None) -> Talked:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"  chat {seed}, {time.monotonic() - began:4.0f} s: {text}", file=sys.stderr, flush=True)

    print(f"chat, seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mypick-chat-") as folder:
        try:
            talked = await round_of_chat(CHAT, seed, Path(folder), say)
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"chat-{seed}", dirs_exist_ok=True)
    for problem in talked.problems:
        print(f"  WRONG: {problem}", file=sys.stderr)
    return talked


async def siege(seed: int, kept: Path | None) -> list[Attack]:
    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    print(f"siege, seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mypick-siege-") as folder:
        try:
            return await siege_of(SIEGE, seed, Path(folder), say)
        finally:
            if kept is not None:
                shutil.copytree(folder, kept / f"siege-{seed}", dirs_exist_ok=True)


async def rounds(names: list[str], seeds: list[int], kept: Path | None) -> list[Result]:
    results = []
    for seed in seeds:
        for name in names:
            print(f"{name}, seed {seed}", file=sys.stderr)
            result = await one(name, seed, kept)
            for problem in result.problems:
                print(f"  WRONG: {problem}", file=sys.stderr)
            results.append(result)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill everything, lose nothing.")
    parser.add_argument("--only", choices=[*sorted(LONG), *BESIDE], help="one form")
    parser.add_argument("--seed", type=int, help=f"one seed; otherwise {', '.join(map(str, SEEDS))}")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="copy logs, and the SQLite file, there")
    options = parser.parse_args()
    names = [options.only] if options.only else [*sorted(LONG), *BESIDE]
    if "clocks" in names and missing("clocks"):
        print("\n".join(left_out()), file=sys.stderr)
        names.remove("clocks")
    seeds = [options.seed] if options.seed is not None else list(SEEDS)
    load = os.getloadavg()[0]
    results = asyncio.run(rounds([name for name in names if name in LONG], seeds, options.keep))
    talked = [asyncio.run(chat(seed, options.keep)) for seed in seeds if "chat" in names]
    stepped = [asyncio.run(clocks(seed, options.keep)) for seed in seeds if "clocks" in names]
    silent = [asyncio.run(silence(seeds[0], options.keep))] if "silence" in names else []
    attacks = asyncio.run(siege(seeds[0], options.keep)) if "siege" in names else []
    text = render(results, talked, stepped, silent, attacks, load)
    print(text)
    if options.write:
        write_between_markers(PAGE, text)
    problems = [done.problems for those in (results, talked, stepped, silent, attacks) for done in those]
    return 1 if any(problems) else 0


if __name__ == "__main__":
    raise SystemExit(main())
