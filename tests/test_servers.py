"""The servers that all other tests stand on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # the package ships no types
import pytest
import redis

from mypick import db
from mypick.accounts.models import User
from mypick.db import Database
from tests.fakes import FakeClock
from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).parent.parent


def assert_becomes_true(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_postgres_keeps_what_was_committed_over_kill_and_restart() -> None:
    with PostgresServer() as server:
        server.create_database("kept")
        server.execute("CREATE TABLE note(text text)", "kept")
        server.execute("INSERT INTO note VALUES ('here')", "kept")
        port = server.port
        processes = [p.pid for p in psutil.Process(server.pid).children(recursive=True)] + [server.pid]
        server.kill()
        assert len(processes) > 3
        assert_becomes_true(lambda: all(map(is_gone, processes)), "every process of the group is dead")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
        server.restart()
        assert server.port == port
        assert server.execute("SELECT text FROM note", "kept") == "here"
        server.stop()
        server.start()
        assert server.execute("SELECT text FROM note", "kept") == "here"
    assert not server.directory.exists()


def test_postgres_writes_safely_when_asked() -> None:
    with PostgresServer(fsync=True) as server:
        assert server.execute("SHOW fsync") == "on"
        assert server.execute("SHOW full_page_writes") == "on"


def test_redis_pauses_resumes_and_comes_back_empty_on_the_same_port() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client:
        client.set("key", "value")
        server.pause()
        with pytest.raises(redis.TimeoutError):
            client.get("key")
        server.resume()
        assert client.get("key") == b"value"
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        server.restart()
        assert client.get("key") is None
    assert not server.directory.exists()


def test_a_server_dies_with_its_owner_and_leaves_no_files(tmp_path: Path) -> None:
    script = (
        "import tests.servers as s, time\n"
        "p, r = s.PostgresServer().start(), s.RedisServer().start()\n"
        "r.pause()\n"
        "print(p.pid, r.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:  # pytest makes them private; the server may run as another user
        parent.chmod(0o755)
    owner = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(pids) == 2
    assert len(list(tmp_path.glob("mypick-*"))) == 2
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert_becomes_true(lambda: all(map(is_gone, pids)), "both servers are dead")
    assert_becomes_true(lambda: not list(tmp_path.glob("mypick-*")), "their directories are removed")


async def test_each_test_has_a_migrated_database_of_its_own(database: Database, clock: FakeClock) -> None:
    assert await database.pending_migrations() == []
    assert await User.all().count() == 0  # the twin below would leave its row in a shared database
    await User.create(email="a@example.org", password_hash="", display_name="A", settings={}, created_at=clock.now())


async def test_another_test_does_not_see_its_rows(database: Database, clock: FakeClock) -> None:
    assert await User.all().count() == 0
    await User.create(email="a@example.org", password_hash="", display_name="A", settings={}, created_at=clock.now())


async def test_the_cheap_database_is_sqlite(sqlite_database: Database) -> None:
    assert sqlite_database.embedded
    assert db.dialect() == "sqlite"


def test_the_clock_moves_only_when_told(clock: FakeClock) -> None:
    before, ticks = clock.now(), clock.monotonic()
    assert (clock.now(), clock.monotonic()) == (before, ticks)
    clock.advance(1.5)
    assert (clock.now() - before).total_seconds() == 1.5
    assert clock.monotonic() - ticks == 1.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
