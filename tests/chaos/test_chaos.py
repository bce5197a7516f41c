"""The short form: both ways to run MyPick, some kills, 2,000 notifications to 200 clients."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.plan import Fault, Form, Post, Shape, draw
from tests.chaos.storm import Result, round_of

SHORT: dict[Form, Shape] = {
    "embedded": Shape("embedded", 200, 10, 0, 0, {"server": 1, "connections": 1}),
    "nodes": Shape(
        "nodes",
        *(200, 5, 4, 5),
        {
            "server": 2,
            "worker": 1,
            "restart": 1,
            "redis": 1,
            "redis paused": 1,
            "postgres paused": 1,
            "network": 4,
            "bus": 2,
            "database": 1,
        },
        deaf=0.01,
    ),
}
SEED = 11


@pytest.mark.parametrize("form", list(SHORT))
async def test_every_clients_log_equals_the_database_after_any_kills(form: Form, tmp_path: Path) -> None:
    result = await round_of(SHORT[form], SEED, tmp_path, lambda _: None)

    assert result.problems == []
    assert_nothing_is_lost(result)
    assert result.faults == SHORT[form].faults
    assert result.reconnects > 100  # which node was struck, and who was on it, is chance
    assert result.official == (40 if form == "nodes" else 0)
    assert (result.dropped > 0) == (form == "nodes")


def assert_nothing_is_lost(result: Result) -> None:
    judged = result.judged
    assert (judged.lost, judged.doubled, judged.reordered) == (0, 0, 0)
    assert judged.compared == result.shape.notifications == 2_000


def test_a_seed_gives_the_same_round_again_and_another_seed_another() -> None:
    shape = SHORT["nodes"]
    assert draw(shape, 7) == draw(shape, 7)
    assert draw(shape, 7) != draw(shape, 8)


@pytest.mark.parametrize("seed", range(5))
def test_a_round_has_all_its_posts_and_faults_and_ends_with_posts(seed: int) -> None:
    shape = SHORT["nodes"]
    steps = draw(shape, seed)
    posts = [step for step in steps if isinstance(step, Post)]
    faults = Counter(step.target for step in steps if isinstance(step, Fault))
    assert len({post.title for post in posts}) == shape.posts
    assert faults == shape.faults
    assert isinstance(steps[0], Post)
    assert isinstance(steps[-1], Post)
