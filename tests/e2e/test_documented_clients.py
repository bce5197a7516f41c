"""The clients that the socket document shows, run as they stand."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.stack import PASSWORD, ROOT, WAIT, Rest, Stack


async def shown_client(stack: Stack, beginning: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{stack.url}/api/docs/events") as response:
        page = await response.text()
    blocks = [html.unescape(block) for block in re.findall("<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)]
    (found,) = [block for block in blocks if block.startswith(beginning)]
    # a server that takes any free port cannot know its own address
    text, replaced = re.subn(r'SERVER = "[^"]+"', f'SERVER = "{stack.url}"', found)
    assert replaced == 1
    return text


@pytest.mark.parametrize(("name", "beginning"), [("client.mjs", "// npm install"), ("client.py", "# pip install")])
async def test_a_documented_client_shows_what_arrives(
    stack: Stack, alice: Rest, tmp_path: Path, name: str, beginning: str
) -> None:
    program = sys.executable
    if name.endswith(".mjs"):
        program = shutil.which("node") or ""
        if not program or not (ROOT / "node_modules" / "socket.io-client").is_dir():
            pytest.skip("needs Node and `npm ci`")
        (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    path = tmp_path / name
    path.write_text(await shown_client(stack, beginning))
    channel = stack.emulator.add_channel("morning", "Morning Notes")
    await alice.follow("@morning")
    client = await asyncio.create_subprocess_exec(
        program, str(path), alice.user["email"], PASSWORD, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert client.stdout is not None
    try:
        assert await asyncio.wait_for(client.stdout.readline(), WAIT) == b"0 unread\n"
        stack.emulator.publish(channel, "first light")
        assert await asyncio.wait_for(client.stdout.readline(), WAIT) == b"1 Morning Notes: first light\n"
    finally:
        client.kill()
        await client.wait()
