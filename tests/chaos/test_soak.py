"""The short form of the soak: 20 seconds of everything at once."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.soak import Soaked, render, soak

SECONDS, SEED = 20.0, 2
LIFE = 75  # seconds of an access token: a socket hears 60 s before the end


async def test_nothing_grows_under_mixed_traffic(tmp_path: Path) -> None:
    soaked = await soak(SECONDS, SEED, tmp_path, lambda _: None, LIFE)
    assert soaked.problems == [], render(soaked)
    assert soaked.compared > 0
    assert soaked.visits > 0
    assert soaked.drops > 0
    assert soaked.renewals > 0
    assert len(soaked.at) > SECONDS / 2


def test_what_grows_is_told() -> None:
    level = {name: [50.0] * 100 for name in ("worker MiB", "server descriptors", "worker descriptors", "server tasks")}
    leak = [100 + 0.3 * number for number in range(100)]
    soaked = Soaked(100.0, at=[float(at) for at in range(100)], samples={"server MiB": leak, **level}, p99=[0.002] * 99)
    soaked.judge()
    assert soaked.problems == ["server MiB grew by 22.2, the bound is 16"]
    soaked = Soaked(100.0, at=soaked.at, samples={"server MiB": [100.0] * 100, **level}, p99=[0.002] * 50 + [0.05] * 49)
    soaked.judge()
    assert soaked.problems == ["the p99 of acks went from 2.0 to 50.0 ms"]
