"""The short form of clocks that step: one server, hours to and fro, while people talk and a platform posts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.stepped import round_of_steps
from tests.chaos.steps import Size

pytestmark = pytest.mark.clocks

SEED = 6
SHORT = Size(followers=2, official=2, talkers=2, steps=4)


async def test_steps_of_the_clock_lose_double_and_reorder_nothing(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path / 'mypick.sqlite3'}"
    stepped = await round_of_steps(SHORT, SEED, tmp_path, url, None, lambda _: None)
    assert stepped.problems == []
    assert (stepped.lost, stepped.doubled, stepped.reordered) == (0, 0, 0)
    assert stepped.notifications == 6 * SHORT.steps
    assert stepped.back > 0, "the steps were not felt"
    assert stepped.renewals > 0, "no token was met by a clock that was hours ahead"
