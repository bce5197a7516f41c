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
async def test_an_idle_connection_is_closed(tmp_path: Path, sqlite_url: str, said: bytes) -> None:
    """Silent, in the midst of its request, or after an answer; a busy one stays."""
    async with running(tmp_path, sqlite_url, development=False, HTTP_IDLE="1") as stack:
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


async def test_a_second_server_is_told_in_one_line_what_the_first_one_holds(tmp_path: Path) -> None:
    file = tmp_path / "mypick.sqlite3"

    async def second(database: Path, port: int) -> str:
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(ROOT / "run.py"), "serve", "--host", "127.0.0.1", "--port", str(port)],
            env={"PATH": "/usr/bin:/bin", "DATABASE_URL": f"sqlite://{database}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        return ended.stderr.splitlines()[-1]

    async with running(tmp_path, f"sqlite://{file}", development=False) as stack:
        port = stack.server.port
        assert await second(tmp_path / "other.sqlite3", port) == (
            f"mypick: port {port} cannot be opened (Address already in use, by another MyPick or another program): "
            "set APP_PORT or --port to another"
        )
        assert await second(file, 0) == (
            f"mypick: another MyPick (process {stack.server.pid}) serves {file}: "
            "end it, or take another file with DATABASE_URL"
        )
