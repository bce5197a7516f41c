"""The server, the guests and the party that ``real`` plays."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.party.guest import Guest
from benchmarks.party.line import Line
from benchmarks.party.scenario import Act
from benchmarks.party.simulation import Kind, Person, ours
from benchmarks.party.tape import unwire
from benchmarks.party.truth import Truth
from benchmarks.party.warp import BEGIN, LoopWorld, WarpClock, WarpLoop
from benchmarks.stage import bring_in
from config.serving import serving
from config.settings import Settings
from config.wiring import domain_settings
from mypick.accounts.tokens import Tokens
from mypick.content.models import Content
from mypick.creators.models import Creator
from mypick.db import open_database
from mypick.domain import build_domain

EPOCH_MS = BEGIN.timestamp() * 1_000
UNLIMITED = ("socket.handshake", "socket.connect")  # all come from one address
TRIES_MS = (300.0, 1_500.0)  # between two tries to connect
HOURS = 10  # of the video


class RealGuest:
    """A guest of ours with a connection that may be lost and found."""

    def __init__(self, stage: RealParty, person: Person, kind: Kind, token: str) -> None:
        self.stage, self.person, self.token = stage, person, token
        self.line = Line(stage.world, person.network, self._heard, self._gone)
        self.guest: Guest = ours(stage.world, person, self.line, kind, stage.party_id)
        self.guest.willing = not person.bad
        self.wanted = False
        self._came = False
        self._task: asyncio.Task[None] | None = None

    @property
    def player(self) -> Any:
        return self.guest.player

    @property
    def here(self) -> bool:
        """From the connection on; whose connection breaks before it has brought anything has not come."""
        return self.guest.here and not self.line.deaf and (self.line.open or self.guest.ready)

    @property
    def seeks(self) -> int:
        return self.guest.seeks

    @property
    def rate_changes(self) -> int:
        return self.guest.rate_changes

    def join(self) -> None:
        self.wanted, self._came = True, False
        self._connect()

    def leave(self) -> None:
        """Close the page: the socket goes with it."""
        self.wanted = False
        self.guest.leave()
        self.stage.run(self.line.cut())

    def vanish(self) -> None:
        """The network is gone, and nobody hears of it."""
        self.wanted = False
        self.line.deaf = True
        self.guest.leave()

    def _connect(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_trying())

    async def _keep_trying(self) -> None:
        while self.wanted:
            # three ways there and back: TCP, the upgrade, the namespace
            way = sum(way.delay() for way in (self.person.network.up, self.person.network.down) for _ in range(3))
            await asyncio.sleep(way / 1_000)
            try:
                await self.line.connect(self.stage.http, self.stage.url, self.token)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(self.person.random.uniform(*TRIES_MS) / 1_000)
                continue
            if self._came:
                self.guest.back()
            else:
                self._came = True
                self.guest.join()
            return

    def _gone(self) -> None:
        if self.wanted:
            self.guest.cut()
            self._connect()

    def _heard(self, event: str, data: Mapping[str, Any]) -> None:
        self.stage.told(event, data)
        if event in ("timeline", "host-changed"):
            self.guest.receive(event, data["seq"], data["data"])


class RealParty:
    """Everything around one party. ``world`` is on the loop's time, in ms."""

    def __init__(self, loop: WarpLoop, folder: Path, database: str) -> None:
        self.loop, self.clock = loop, WarpClock(loop)
        self.world = LoopWorld(loop)
        self.truth = Truth()
        self.party_id = 1
        self.url = ""
        self.http: aiohttp.ClientSession
        self.guests: list[RealGuest] = []
        self.host_changes: list[tuple[float, Mapping[str, Any]]] = []
        self._seen: set[int] = set()
        self._hosts: set[int] = set()
        self._cids = map(str, itertools.count(1))
        self._tasks: set[asyncio.Task[Any]] = set()
        secret = secrets.token_hex(32)
        self.settings = Settings(
            _env_file=None,
            app_env="test",
            app_host="127.0.0.1",
            app_port=0,
            database_url=database,
            storage_folder=str(folder),
            jwt_secret=secret,
            jwt_refresh_secret=secrets.token_hex(32),
            work_in_server="no",
            rate_limits=dict.fromkeys(UNLIMITED, "1000000/1s"),
        )
        self.tokens = Tokens(
            self.clock, access_secret=secret, refresh_secret=self.settings.jwt_refresh_secret.get_secret_value()
        )

    def run(self, work: Any) -> None:
        """In the background."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextlib.asynccontextmanager
    async def server(self, name: str) -> AsyncIterator[None]:
        """The whole server, until the end of the block."""
        database_url = self.settings.database_url.get_secret_value()
        async with open_database(database_url) as database, aiohttp.ClientSession() as platforms:
            domain = build_domain(domain_settings(self.settings, node=name, works=False), platforms, self.clock)
            with contextlib.redirect_stdout(io.StringIO()):
                up = serving(self.settings, database, domain)
                port = await up.__aenter__()
            try:
                self.url = f"http://127.0.0.1:{port}"
                self.domain = domain
                yield
            finally:
                await up.__aexit__(None, None, None)

    async def people(self, many: int) -> list[str]:
        """Users with a session each, and a video; their tokens."""
        ids = range(1, many + 1)
        await bring_in(ids, self.clock.now())
        creator = await Creator.create(name="A creator", description="", created_at=self.clock.now())
        await Content.create(
            id=1,
            creator_id=creator.id,
            channel_id=1,
            platform="youtube",
            external_id="film",
            kind="video",
            title="A film",
            description="",
            url="https://video.invalid/film",
            duration_s=HOURS * 3_600,
            published_at=self.clock.now(),
            discovered_at=self.clock.now(),
        )
        return [self.tokens.issue_access(user_id=i, session_id=i, role="fan") for i in ids]

    async def open(self, token: str) -> None:
        """The party, over REST, by its first host."""
        async with self.http.post(
            f"{self.url}/api/v1/watch-parties",
            json={"content_id": 1, "visibility": "public"},
            headers={"Authorization": f"Bearer {token}"},
        ) as answer:
            body = await answer.json()
        self.party_id = body["data"]["id"]
        self.host_id = body["data"]["host"]["id"]

    def told(self, event: str, data: Mapping[str, Any]) -> None:
        """An event as the server sends it; all guests get the same, so the first tells."""
        if event == "timeline" and data["seq"] not in self._seen:
            self._seen.add(data["seq"])
            self.truth.add(self.true(data["seq"], data["data"]))
        elif event == "host-changed" and data["seq"] not in self._hosts:
            self._hosts.add(data["seq"])
            self.host_id = data["data"]["host_id"]
            self.host_changes.append((self.world.now, data["data"]))

    def true(self, seq: int, data: Mapping[str, Any]) -> Any:
        """With its moments in true time."""
        moments = {name: data[name] - EPOCH_MS for name in ("anchor_at_ms", "effective_at_ms")}
        return unwire(seq, {**data, **moments})

    def act(self, act: Act) -> None:
        """As whoever hosts now."""
        host = self.guests[self.host_id - 1].guest
        if not host.here:
            return
        more: dict[str, Any] = {}
        if act.op in ("seek", "rate"):
            more = {"position_ms": round(act.value)} if act.op == "seek" else {"rate": act.value}
        command = {"party_id": self.party_id, "cid": next(self._cids), "base_seq": host.seq, "op": act.op, **more}
        host.ask("control", command, lambda _: None)
