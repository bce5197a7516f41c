"""The short form of the siege: who reads nothing, drips, floods or fuzzes is felt by nobody, and leaves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tests.chaos.siege import Attack, Vitals, besieged

SIZES: Mapping[str, int] = {"slow": 200, "drip": 90, "flood": 1_000, "fuzz": 10_000}
SEED = 3


async def test_those_who_mean_harm_harm_nobody(tmp_path: Path) -> None:
    attacks = {}
    async with besieged(tmp_path) as siege, aiohttp.ClientSession() as http:
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
    assert all(attack.acks > 0 for attack in attacks.values())


def test_what_is_wrong_is_told() -> None:
    well = Vitals(100 * 2**20, 30, 20, 10)

    def problems(p99: float = 0.01, after: Vitals = well, back_after: float = 0.0) -> list[str]:
        return Attack("fuzz", {}, 0.002, p99, 1_000, well, after, 1.0, back_after).problems

    assert problems() == []
    assert problems(p99=0.03) == ["fuzz: p99 30.0 ms, allowed are 20.0"]
    assert problems(after=Vitals(120 * 2**20, 30, 20, 10)) == ["fuzz: memory grew by 20.0 MiB"]
    assert "not given back" in problems(after=Vitals(100 * 2**20, 99, 20, 10), back_after=31.0)[0]
