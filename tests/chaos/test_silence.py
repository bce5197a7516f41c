"""The short form of links that are dead and do not say so, and of members who read nothing."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.silence import Links, round_of_silence

SEED = 7
SHORT = Links(followers=3, official=2, library=1, deaf=6, greedy=0, history=3, losses=1, interval=1, timeout=1)


async def test_dead_links_are_noticed_from_both_sides_and_nothing_is_lost(tmp_path: Path) -> None:
    silent = await round_of_silence(SHORT, SEED, tmp_path, lambda _: None)
    assert silent.problems == []
    assert (silent.lost, silent.doubled, silent.reordered) == (0, 0, 0)
    assert silent.dead >= 6
    assert silent.notifications >= 12 * SHORT.history
