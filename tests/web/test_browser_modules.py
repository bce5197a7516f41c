"""Runs the tests of modules of the pages in Chromium, each on a page of its own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.installed import CHROMIUM, NODE

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.browser.mjs")))
async def test_a_module_keeps_its_promises_in_a_browser(name: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        "--test",
        str(HERE / name),
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
