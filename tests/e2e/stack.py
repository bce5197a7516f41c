"""A whole MyPick in processes of its own, and people who use it through its doors."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import socketio

from demo.youtube import PlatformEmulator

ROOT = Path(__file__).resolve().parents[2]
START = 120.0  # seconds that a process has to open: it needs 2.5 s of CPU, and may get a fifth of a busy one
WAIT = 20.0  # seconds that something has to happen
PASSWORD = "a long enough password"
ACCESS_SECRET = "an access secret for tests, long enough"
REFRESH_SECRET = "a refresh secret for tests, long enough"


async def until(condition: Callable[[], Any], within: float = WAIT, what: str = "it did not happen") -> Any:
    """Look again and again, every 10 ms, until ``condition`` is true."""
    try:
        async with asyncio.timeout(within):
            while not (found := condition()):
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(what) from None
    return found


async def ran(folder: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Status, output and errors of one ``run.py …`` in ``folder``, on the embedded database."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "run.py"),
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


class Process:
    """One ``python run.py …``, whose log goes to a file.

    In ``development`` Python warns of everything and asyncio of slow callbacks, at three times the CPU.
    """

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], log: Path, *, development: bool = True
    ) -> None:
        self._interpreter = [sys.executable, *(["-X", "dev"] if development else [])]
        self._arguments = arguments
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/tmp"),
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.log = log
        self.port = 0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._popen is not None
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*self._interpreter, str(ROOT / "run.py"), *self._arguments],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.log.parent,
            )
        assert self._popen.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._popen.stdout.readline), START)
        if not line:
            self._end(5)
            raise AssertionError(f"it did not open: {self.log.read_text()[-2000:]}")
        self.port = orjson.loads(line).get("port", self.port)
        if self.port and "--port" in self._arguments:
            # after a crash it comes back where its clients look for it
            self._arguments[self._arguments.index("--port") + 1] = str(self.port)

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        assert self._popen is not None
        self._popen.kill()
        self._end(5)

    def stop(self, within: float = 20.0) -> int:
        """SIGTERM, as an orchestrator does; the exit status."""
        if self._popen is None or self._popen.poll() is not None:
            return 0 if self._popen is None else int(self._popen.returncode)
        self._popen.send_signal(signal.SIGTERM)
        return self._end(within)

    def _end(self, within: float) -> int:
        assert self._popen is not None
        try:
            self._popen.wait(within)
        finally:
            if self._popen.poll() is None:
                self._popen.kill()
                self._popen.wait(5)
            if self._popen.stdout:
                self._popen.stdout.close()
        return int(self._popen.returncode)


class Stack:
    """Server, or several of them, worker where there is one, and the platform they watch."""

    def __init__(self, emulator: PlatformEmulator, servers: Sequence[Process], worker: Process | None) -> None:
        self.emulator = emulator
        self.servers = servers
        self.worker = worker

    @property
    def server(self) -> Process:
        """The first."""
        return self.servers[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def processes(self) -> list[Process]:
        return [process for process in (*self.servers, self.worker) if process]

    def logs(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for process in self.processes:
            lines += [orjson.loads(line) for line in process.log.read_bytes().splitlines() if line.startswith(b"{")]
        return lines

    def failures(self) -> list[dict[str, Any]]:
        """Lines that tell of an exception that nobody expected."""
        return [
            line
            for line in self.logs()
            if "exception" in line or line.get("event") in ("unexpected failure",) or line.get("level") == "critical"
        ]


@asynccontextmanager
async def running(
    folder: Path,
    database_url: str,
    redis_url: str = "",
    *,
    development: bool = True,
    beside: Sequence[Mapping[str, str]] = (),
    **settings: str,
) -> AsyncIterator[Stack]:
    """A MyPick on this database, and with Redis a worker beside it. Polls its platform all the time. For each of
    ``beside`` one more server, with these settings over the others."""
    async with PlatformEmulator() as emulator:
        environment = {
            "APP_ENV": "production",
            "APP_HOST": "127.0.0.1",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "JWT_SECRET": ACCESS_SECRET,
            "JWT_REFRESH_SECRET": REFRESH_SECRET,
            "YOUTUBE_API_URL": emulator.api_url,
            "YOUTUBE_FEED_URL": emulator.feed_url,
            "YOUTUBE_API_KEY": emulator.api_key,
            "POLL_INTERVAL": "1",
            "SWEEP_INTERVAL": "1",
            "RATE_LIMIT_MAX_REQUESTS": "100000",
            "RATE_LIMITS": orjson.dumps(
                dict.fromkeys(
                    ("auth.register", "socket.handshake", "socket.connect", "subscribe", "community.send"), "100000/1m"
                )
            ).decode(),
            **settings,
        }
        servers = [
            Process(["serve", "--port", "0"], {**environment, **own}, folder / f"{name}.log", development=development)
            for name, own in (("server", {}), *((f"server{number}", own) for number, own in enumerate(beside, 2)))
        ]
        worker = (
            Process(["worker"], environment, folder / "worker.log", development=development) if redis_url else None
        )
        stack = Stack(emulator, servers, worker)
        try:
            for process in stack.processes:
                await process.start()
            yield stack
        finally:
            for process in stack.processes:
                await asyncio.to_thread(process.stop)  # the platform in this loop still answers them


class Rest:
    """One person at the REST door."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http
        self.token = ""
        self.refresh_token = ""
        self.user: dict[str, Any] = {}
        self._renewing = asyncio.Lock()  # of two who show one refresh token, one is taken for a thief

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        async with self._http.request(method, f"{self._url}/api/v1{path}", json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, answer = await self.call(method, path, body, **headers)
        assert answer["success"], (status, answer)
        return answer["data"]

    async def register(self, name: str) -> None:
        await self._take(
            await self.ok(
                "POST",
                "/auth/register",
                {"email": f"{name}@example.com", "password": PASSWORD, "display_name": name},
            )
        )

    async def log_in(self, name: str) -> None:
        self.token = ""
        await self._take(
            await self.ok("POST", "/auth/login", {"email": f"{name}@example.com", "password": PASSWORD})
        )

    async def renew(self) -> str:
        """The next access token, by the refresh token; who asks meanwhile gets the same."""
        old = self.token
        async with self._renewing:
            if self.token == old:
                nobody = Rest(self._url, self._http)  # an old token would be refused before the new one is made
                await self._take(await nobody.ok("POST", "/auth/refresh", {"refresh_token": self.refresh_token}))
            return self.token

    async def _take(self, data: dict[str, Any]) -> None:
        self.token, self.refresh_token, self.user = data["access_token"], data["refresh_token"], data["user"]

    async def follow(self, source: str) -> int:
        creator = await self.ok("POST", "/creators", {"source": source})
        await self.ok("POST", f"/creators/{creator['id']}/subscribe")
        return int(creator["id"])


class Device:
    """One socket of a person in ``/notifications``, over python-socketio's client. Remembers all it is sent."""

    def __init__(self, url: str, rest: Rest, *, transports: list[str] | None = None) -> None:
        self._url = url
        self._rest = rest
        self._transports = transports or ["websocket"]
        self.client = socketio.AsyncClient(reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.5)
        self.unread: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self.read: list[dict[str, Any]] = []
        self.evicted: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        on = self.client.on
        on("unread-notifications", self.unread.append, namespace="/notifications")
        on("new-notification", self.notifications.append, namespace="/notifications")
        on("notifications-read", self.read.append, namespace="/notifications")
        on("evicted", self.evicted.append, namespace="/notifications")
        on("connect_error", self.refused.append, namespace="/notifications")

    async def open(self, token: str | None = None) -> None:
        auth = {"token": self._rest.token if token is None else token}
        await self.client.connect(
            self._url, namespaces=["/notifications"], auth=auth, transports=self._transports, wait_timeout=10
        )
        await until(lambda: self.unread, what="no unread-notifications came")

    async def ask(self, event: str, data: Any = None) -> dict[str, Any]:
        reply = await self.client.call(event, data, namespace="/notifications", timeout=15)
        assert isinstance(reply, dict)
        return reply

    async def close(self) -> None:
        await self.client.disconnect()

    def titles(self) -> list[str]:
        return [event["data"]["body"] for event in self.notifications]
