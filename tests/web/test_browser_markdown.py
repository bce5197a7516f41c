"""Runs the test of the small markdown in Chromium."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.installed import CHROMIUM, NODE

pytestmark = pytest.mark.browser


async def test_markdown_shows_what_it_should_and_runs_nothing() -> None:
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        "--test",
        str(Path(__file__).parent / "markdown.browser.mjs"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "CHROMIUM": str(CHROMIUM)},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
