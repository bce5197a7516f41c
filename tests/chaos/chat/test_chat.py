"""The short form: people talk on two nodes while some of it breaks."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.chat.round import round_of_chat
from tests.chaos.chat.script import Size, draw
from tests.installed import missing

SIZE = Size(clients=30, deeds=6, rooms=2, faults={"server": 1, "bus": 1, "network": 1, "connections": 1}, gap=0.5)
SEED = 6


async def test_what_everybody_saw_was_told_and_did_agrees_with_the_tables(tmp_path: Path) -> None:
    talked = await round_of_chat(SIZE, SEED, tmp_path, lambda _: None)
    assert talked.problems == []
    assert talked.faults == SIZE.faults
    assert talked.reconnects > 0
    assert talked.twins > 0
    assert talked.kinds["ban-member"] > 0
    assert talked.verdict.done > 100
    assert talked.official == (6 if not missing("node") else 3)


def test_a_seed_gives_the_same_script_again_and_another_seed_another() -> None:
    assert draw(SIZE, 7) == draw(SIZE, 7)
    assert draw(SIZE, 7) != draw(SIZE, 8)
    script = draw(SIZE, 7)
    assert len(script.parts) == len(script.deeds) == SIZE.clients
    assert {*script.parts} == {"owner", "moderator", "member", "guest"}
