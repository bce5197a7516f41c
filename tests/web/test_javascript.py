"""Runs the tests of the JavaScript client where Node.js is."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE = shutil.which("node")


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
async def test_the_client_keeps_its_promises(name: str) -> None:
    if name == "client.test.mjs" and not (ROOT / "node_modules/socket.io-client").is_dir():
        pytest.skip("the official client is not installed: run npm ci")
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        "--test",
        str(HERE / name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 120)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
