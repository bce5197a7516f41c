"""The command that brings a chat along, as somebody meets it who gives it the wrong file first."""

from __future__ import annotations

import json
from pathlib import Path

from tests.community.test_imports import discord_message
from tests.e2e.stack import ran


async def test_a_log_of_another_program_is_recognised_and_the_bar_ends_at_the_end(tmp_path: Path) -> None:
    document = {"guild": {"id": "1"}, "messages": [discord_message(n, f"hello {n}") for n in range(30)]}
    log = tmp_path / "channel.json"
    log.write_text(json.dumps({**document, "messageCount": 30, "note": "x" * 200}))
    status, _, refusal = await ran(tmp_path, "seed")
    assert status == 0, refusal
    into = ("--creator", "1", "--room", "old chat", str(log))
    status, said, refusal = await ran(tmp_path, "import-chat", "--format", "youtube", *into)
    assert (status, said) == (2, "")
    assert "is no log of youtube, but looks like one of discord: try --format discord" in refusal
    status, said, progress = await ran(tmp_path, "import-chat", "--format", "discord", *into)
    assert status == 0, progress
    assert said.startswith("30 messages were brought in")
    assert f"{log.stat().st_size:,} of {log.stat().st_size:,} (100%)" in progress
    nothing = tmp_path / "notes.json"
    nothing.write_text('{"a": 1}\n{"b": 2}\n')
    status, said, _ = await ran(tmp_path, "import-chat", "--format", "youtube", *into[:-1], str(nothing))
    assert "Nothing in" in said
    assert "--format knows" in said
