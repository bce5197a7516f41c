"""What is measured: each subject is a server process on one core, with its account of CPU and memory."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.client import Door

PEERS = Path(__file__).parent / "peers"
NODE = PEERS / "socketio_node"
START_LIMIT = 90.0  # seconds from the start of a server to its first line; beside other work it takes half a minute
STOP_LIMIT = 10.0  # seconds from SIGTERM to SIGKILL
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class SubjectError(Exception):
    """A server did not start, or died; the message shows what it wrote last."""


@dataclass(frozen=True)
class Subject:
    """A server to start. ``{clients}`` and ``{frame}`` in the command: how many sockets, bytes of a frame."""

    name: str
    command: tuple[str, ...]
    door: Door = field(default_factory=Door)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cores:
    """The servers' core and the load's. Equal on a machine with one, which makes every rate worthless."""

    server: int
    load: int

    @property
    def apart(self) -> bool:
        return self.server != self.load


class Running:
    """A server process; it listens on ``port``."""

    def __init__(self, subject: Subject, process: subprocess.Popen[bytes]) -> None:
        self.subject = subject
        self.port = 0
        self._process = process
        self._proc = Path(f"/proc/{process.pid}")

    def cpu(self) -> float:
        """Seconds of CPU, user and system, of all threads since the start; in clock ticks (10 ms)."""
        after_name = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to a server that is still there after ``STOP_LIMIT``. May be called twice."""
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def resident(self) -> int:
        """Bytes of resident memory."""
        return int((self._proc / "statm").read_text().split()[1]) * _PAGE


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """This thread, and the processes that it starts inside, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> Cores:
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[-1])


def ours() -> list[Subject]:
    """Our own server in its bench dress. Its commands are objects and its acks wrapped, as on the wire."""
    return [Subject("ours", (sys.executable, "-m", "benchmarks.peers.ours"), Door(echo_field="text"))]


def stock() -> list[Subject]:
    return [Subject("stock", (sys.executable, "-m", "benchmarks.peers.stock"))]


def node(*, install: bool = True) -> list[Subject]:
    """socket.io on Node; absent where there is no Node, or no packages and ``install`` is off or fails."""
    program, installer = shutil.which("node"), shutil.which("npm")
    if program is None:
        return []
    if not (NODE / "node_modules" / "socket.io").is_dir():
        if not install or installer is None:
            return []
        sys.stderr.write("installing the Node peer…\n")
        done = subprocess.run(
            [installer, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=NODE,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            sys.stderr.write(f"the Node peer is left out: {done.stderr.decode(errors='replace')[-300:]}\n")
            return []
    # as it is run in production
    return [Subject("node", (program, str(NODE / "server.mjs")), environment={"NODE_ENV": "production"})]


@contextlib.contextmanager
def limit() -> Iterator[list[Subject]]:
    """The C program that only sends, compiled on the spot; absent where there is no compiler."""
    compiler = shutil.which("cc")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "bare_send")
        if compiler is None:
            yield []
            return
        subprocess.run([compiler, "-O2", "-o", program, PEERS / "bare_send.c"], check=True)
        yield [Subject("limit", (str(program), "{clients}", "{frame}"), Door(raw=True))]


@contextlib.contextmanager
def started(subject: Subject, core: int, *, clients: int = 0, frame: int = 0) -> Iterator[Running]:
    """The server of ``subject`` on ``core``, listening; stopped at the end."""
    command = [part.format(clients=clients, frame=frame) for part in subject.command]
    with tempfile.TemporaryFile() as errors:
        with on_core(core):
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=PEERS.parent.parent,
                env={**os.environ, **subject.environment},
            )
        running = Running(subject, process)
        try:
            running.port = _port(subject, process, errors)
            yield running
        finally:
            running.stop()
            if process.stdout is not None:
                process.stdout.close()


def _port(subject: Subject, process: subprocess.Popen[bytes], errors: IO[bytes]) -> int:
    late = threading.Timer(START_LIMIT, process.kill)  # ends the read below
    late.start()
    try:
        line = process.stdout.readline() if process.stdout else b""
        said = json.loads(line)
        return int(said["port"])
    except (ValueError, KeyError, TypeError) as failure:
        raise SubjectError(f"{subject.name} did not start: {line!r} {_tail(errors)}") from failure
    finally:
        late.cancel()


def _tail(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")[-800:]
