"""What `serve --workers 2` does not start with: status 2 and one line that says what to do."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT
from tests.servers import PostgresServer
from tests.workers.crowd import crowd, workers

NOWHERE = "postgres://mypick@127.0.0.1:9/mypick"


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "serve", "--host", "127.0.0.1", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("mypick: ")
    return line


@pytest.mark.parametrize("kind", ["development", "production"])
def test_sqlite_and_a_lack_of_redis_are_refused_everywhere(tmp_path: Path, kind: str) -> None:
    secrets = {"APP_ENV": kind, "JWT_SECRET": "s" * 40, "JWT_REFRESH_SECRET": "r" * 40}
    said = refused(tmp_path, "--workers", "2", **secrets, REDIS_URL="redis://127.0.0.1:9/0")
    assert "SQLite serves one process" in said
    assert "DATABASE_URL" in said
    assert "REDIS_URL" not in said
    said = refused(tmp_path, "--workers", "2", **secrets)
    assert "DATABASE_URL" in said
    assert "REDIS_URL" in said, "both are told at once"
    assert "REDIS_URL" in refused(tmp_path, "--workers", "2", **secrets, DATABASE_URL=NOWHERE)
    assert "WORKERS" in refused(tmp_path, "--workers", "0", **secrets)


def test_what_would_stop_every_worker_is_told_once(
    tmp_path: Path, postgres_server: PostgresServer, redis_url: str
) -> None:
    url = postgres_server.create_database("without_tables")
    try:
        said = refused(tmp_path, "--port", "0", "--workers", "2", DATABASE_URL=url, REDIS_URL=redis_url)
        assert "python run.py migrate" in said
    finally:
        postgres_server.drop_database("without_tables")


def test_a_port_that_another_program_has_is_refused(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = refused(tmp_path, "--port", port, "--workers", "2", DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    assert said.startswith(f"mypick: port {port} cannot be opened (")


async def test_the_port_of_other_workers_is_not_shared_with_strangers(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    """Nor while one of them is away: the system would let in whoever asks for SO_REUSEPORT too."""
    async with crowd(tmp_path, postgres_url, redis_url) as people:
        port, given = str(people.stack.server.port), {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
        workers(people.stack)[1].kill()
        said = await asyncio.to_thread(refused, tmp_path, "--port", port, "--workers", "2", **given)
        assert said.startswith(f"mypick: port {port} cannot be opened (")


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    given = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    assert "set TMPDIR" in refused(tmp_path, "--port", "0", "--workers", "2", TMPDIR=str(long), **given)
