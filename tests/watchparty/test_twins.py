"""The client's algorithm stands twice, in JavaScript for people and in Python for simulations: one answer to all."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.party.model import ModelServer
from benchmarks.party.player import YOUTUBE_RATES
from benchmarks.party.scenario import drawn
from benchmarks.party.simulation import Kind, cast, come_and_go, ours
from benchmarks.party.tape import Step, play
from benchmarks.party.world import World

NODE = shutil.which("node")
TWINS = Path(__file__).with_name("twins.mjs")
SETTLE = 500.0

pytestmark = [pytest.mark.node, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]


async def in_javascript(cases: list[dict[str, Any]]) -> list[list[Any]]:
    process = await asyncio.create_subprocess_exec(
        str(NODE), str(TWINS), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(cases).encode())
    assert process.returncode == 0
    answers: list[list[Any]] = json.loads(output)
    return answers


async def assert_twins_agree(cases: list[dict[str, Any]]) -> None:
    for case, theirs in zip(cases, await in_javascript(cases), strict=True):
        mine = json.loads(json.dumps(play(case["rates"], case["settle"], case["steps"])))
        for number, (python, javascript) in enumerate(zip(mine, theirs, strict=True)):
            assert python == javascript, (case["rates"], number, case["steps"][number])


async def recorded(rates: str | tuple[float, ...], has: tuple[float, ...]) -> list[dict[str, Any]]:
    """What eight guests of a party went through."""
    scenario = drawn(7, guests=8, minutes=3, faults=False)
    world, kind = World(), Kind(alike=0.0, rates=rates, has=has, stall_every=30_000.0)
    server = ModelServer(world)
    tapes: list[list[Step]] = [[] for _ in scenario.stays]
    people = cast(7, scenario, kind)
    guests = [ours(world, person, server, kind, tape=tape) for person, tape in zip(people, tapes, strict=True)]
    for guest in guests:
        server.listeners.append(guest.receive)
        world.at(90_000, guest.drift.catch_up)
    come_and_go(world, scenario, guests)
    for act in scenario.acts:
        world.at(act.at, partial(server.act, act))
    await world.run(scenario.length)
    return [{"rates": rates, "settle": SETTLE, "steps": tape} for tape in tapes]


@pytest.mark.parametrize(
    ("rates", "has"),
    [("fine", ()), (YOUTUBE_RATES, YOUTUBE_RATES), ("unknown", YOUTUBE_RATES), ("unknown", ())],
    ids=["fine", "coarse", "coarse, found out", "fine, found out"],
)
async def test_both_answer_alike_through_a_party(rates: str | tuple[float, ...], has: tuple[float, ...]) -> None:
    cases = await recorded(rates, has)
    assert sum(step[0] == "tick" for case in cases for step in case["steps"]) > 4_000
    await assert_twins_agree(cases)


async def test_both_answer_alike_to_anything() -> None:
    await assert_twins_agree([nonsense(Random(seed)) for seed in range(150)])


def nonsense(random: Random) -> dict[str, Any]:
    """No party was ever like this: seqs in any order, states that follow from nothing, clocks that leap."""
    steps: list[Step] = []
    now, local = random.uniform(0, 1e6), random.uniform(0, 1e5)
    for _ in range(120):
        now += random.choice((0.0, random.uniform(0, 600), random.uniform(0, 20_000)))
        local += random.uniform(0, 6_000)
        what = random.choices(
            ("tick", "announce", "exchange", "awake", "settle", "catch-up", "burst"), (12, 3, 3, 2, 1, 1, 1)
        )[0]
        if what == "tick":
            states = ("playing", "playing", "playing", "paused", "stalled", "seeking", "ad", "ended", "blocked", "none")
            steps.append([what, now, random.choice(states), now + random.gauss(0, math.exp(random.uniform(0, 10)))])
        elif what == "announce":
            at = now + random.uniform(-3_000, 1_500)
            data = {
                "status": random.choice(("playing", "playing", "paused", "waiting", "idle", "ended")),
                "content_id": 1,
                "anchor_position_ms": now + random.gauss(0, 2_000),
                "anchor_at_ms": at,
                "rate": random.choice((1.0, 1.0, 1.25, 0.5, 2.0)),
                "effective_at_ms": at,
            }
            steps.append([what, random.randint(1, 30), data])
        elif what == "exchange":
            ours_, there = local + random.uniform(-5, 300), now + random.gauss(0, 200)
            steps.append([what, local, there, there + random.uniform(-0.1, 2), ours_])
        elif what == "awake":
            steps.append([what, local, local + random.choice((0.0, 0.0, random.gauss(0, 400)))])
        elif what == "settle":
            steps.append([what, now])
        else:
            steps.append([what])
    rates: Any = random.choice(("fine", "unknown", list(YOUTUBE_RATES), [0.5, 1, 2], [1]))
    return {"rates": rates, "settle": SETTLE, "steps": steps}
