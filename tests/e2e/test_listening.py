"""The port of a real process: who may have it, and how long a connection may idle on it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT, running

WAIT = 20.0  # seconds


@pytest.mark.parametrize("said", [b"", b"GET /health/live HT", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_an_idle_connection_is_closed(tmp_path: Path, said: bytes) -> None:
    """Silent, in the midst of its request, or after an answer; a busy one stays."""
    async with running(tmp_path, f"sqlite://{tmp_path / 'mypick.sqlite3'}", development=False, HTTP_IDLE="1") as stack:
        reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
        writer.write(said)
        heard = b""
        try:
            async with asyncio.timeout(WAIT):
                heard = await reader.read()
        except ConnectionResetError:
            assert not said, "only who said nothing is cut without an end"
        assert heard.startswith(b"HTTP/1.1 200 ") == said.endswith(b"\r\n\r\n")
        writer.close()


async def test_a_port_that_is_taken_is_refused_in_one_line(tmp_path: Path) -> None:
    async with running(tmp_path, f"sqlite://{tmp_path / 'mypick.sqlite3'}", development=False) as stack:
        port = str(stack.server.port)
        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(ROOT / "run.py"), "serve", "--host", "127.0.0.1", "--port", port],
            env={"PATH": "/usr/bin:/bin", "DATABASE_URL": f"sqlite://{tmp_path / 'other.sqlite3'}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert second.returncode == 2
    assert second.stdout == ""
    line = second.stderr.splitlines()[-1]
    assert line.startswith(f"mypick: port {port} cannot be opened (")
    assert line.endswith("set APP_PORT or --port to another")
