"""The short form of the siege: who reads nothing, drips, floods or fuzzes is felt by nobody, and leaves nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tests.chaos.siege import Acks, Attack, Vitals, besieged, held_between

SIZES: Mapping[str, int] = {"slow": 200, "drip": 90, "flood": 1_000, "fuzz": 10_000}
SEED = 3


async def test_those_who_mean_harm_harm_nobody(tmp_path: Path) -> None:
    attacks = {}
    async with besieged(tmp_path, calm=1.0, own_core=False) as siege, aiohttp.ClientSession() as http:
        for name, count in SIZES.items():
            attacks[name] = await siege.attacked(name, count, SEED)
        async with http.get(f"{siege.stack.url}/metrics") as response:
            told = await response.text()
    # how late acks are is measured by the long form: here other tests take their turns on the same cores
    assert [problem for attack in attacks.values() for problem in attack.left] == []
    assert attacks["slow"].figures["asked"] < 5 * 12_000, "nobody was cut who did not read"
    assert 'reason="too slow"} 5.0' in told
    assert attacks["drip"].figures["closed"] == SIZES["drip"]
    assert attacks["fuzz"].figures["sent"] >= SIZES["fuzz"]
    assert 'reason="malformed packet"}' in told
    assert all(attack.acks.count > 0 for attack in attacks.values())


def test_what_is_wrong_is_told() -> None:
    well = Vitals(100 * 2**20, 30, 20, 10)

    def attack(p99: float = 0.003, after: Vitals = well, back_after: float = 0.0, late: float = 0.0) -> Attack:
        acks = Acks(1_000, p99, 2 * p99, late)
        return Attack("fuzz", {}, Acks(1_000, 0.002, 0.003, 0.0), acks, well, after, 1.0, back_after)

    def problems(p99: float = 0.003, after: Vitals = well, back_after: float = 0.0) -> list[str]:
        return attack(p99, after, back_after).problems

    assert problems() == []
    assert problems(p99=0.005) == ["fuzz: p99 5.0 ms, allowed are 4.0"]
    assert problems(after=Vitals(120 * 2**20, 30, 20, 10)) == ["fuzz: memory grew by 20.0 MiB"]
    assert "not given back" in problems(after=Vitals(100 * 2**20, 99, 20, 10), back_after=31.0)[0]
    assert attack(late=0.004).load_was_slower
    assert not attack(late=0.002).load_was_slower


def test_how_long_the_loop_was_held_is_told_by_its_timers() -> None:
    before = Vitals(0, 0, 0, 0, {0.001: 90, 0.0025: 95, 0.005: 99, 0.01: 100, math.inf: 100})
    after = Vitals(0, 0, 0, 0, {0.001: 180, 0.0025: 194, 0.005: 199, 0.01: 200, math.inf: 200})
    assert held_between(before, after) == 0.005
