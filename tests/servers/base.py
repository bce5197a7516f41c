"""What every server out of a wheel has in common: its process, port, directory and watchdog."""

from __future__ import annotations

import atexit
import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self

import psutil  # type: ignore[import-untyped]  # the package ships no types

START_TIMEOUT = 30.0  # seconds until a starting server must answer
STOP_TIMEOUT = 10.0  # seconds until a server that was asked to stop is killed
_PORT_ATTEMPTS = 5  # another process may take a free port before the server does
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}  # nothing of the caller's, no PGHOST

# $1 the directory, $2 the signal that ends the server at once; the server's pid is in $1/pid while it runs.
_WATCHDOG = """
cat >/dev/null
if pid=$(cat "$1/pid" 2>/dev/null) && kill -CONT "$pid" 2>/dev/null; then
  kill "-$2" "$pid"; tries=50
  while kill -0 "$pid" 2>/dev/null && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"""


class ServerError(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


def package_directory(name: str) -> Path:
    """Where the wheel ``name`` is installed. Found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerError(f"the package {name} is not installed: install the development requirements")
    return Path(spec.origin).parent


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """One process with a directory, a port and a watchdog."""

    name: str
    signal_to_stop: signal.Signals
    signal_to_end_at_once: signal.Signals

    def __init__(self) -> None:
        self.port = 0
        self.directory = Path(tempfile.mkdtemp(prefix=f"mypick-{self.name}-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self.directory), str(int(self.signal_to_end_at_once))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        atexit.register(self.close)

    @abstractmethod
    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running server; 0 if there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> Self:
        """Start and return when the server answers. The first start picks the port; later ones keep it."""
        if self.running:
            return self
        if self.port:
            self._start_once()
            return self
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = free_port()
            try:
                self._start_once()
            except ServerError:
                if attempt == _PORT_ATTEMPTS:
                    raise
            else:
                break
        return self

    def _start_once(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = self._launch(log)
        (self.directory / "pid").write_text(str(self._process.pid))
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.name} did not start:\n{self.log()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Orderly end; what was committed is kept in the directory."""
        if self._process is None:
            return
        self.resume()
        self._process.send_signal(self.signal_to_stop)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """SIGKILL to the process and all its children, as a power cut does it. ``start`` or ``restart`` revives."""
        if self._process is None:
            return
        # Children may stand in groups of their own (PostgreSQL's do): stop the parent first, so that it makes no more.
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self._process.pid).children(recursive=True)
            for child in children:
                with contextlib.suppress(psutil.Error):
                    child.kill()
        self._process.kill()
        self._process.wait()
        self._forget()

    def restart(self) -> None:
        """Kill if running, then start again with the same directory and port."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: the connections stand, and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a ``pause``; harmless without one."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def log(self, last: int = 4_000) -> str:
        """The last characters of the server's log."""
        return (self.directory / "log").read_text(errors="replace")[-last:]

    def close(self) -> None:
        """End the server, remove its directory. May be called twice; the server cannot be started again."""
        atexit.unregister(self.close)
        if self._watchdog.poll() is None:
            self.kill()
            if self._watchdog.stdin:
                self._watchdog.stdin.close()
            self._watchdog.wait()

    def _forget(self) -> None:
        self._process = None
        (self.directory / "pid").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
