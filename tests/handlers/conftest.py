from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from handlers.app import build_app
from handlers.parts import RestParts, RestSettings
from mypick.accounts import queries as people
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.community.service import Communities
from mypick.content.service import Contents
from mypick.contributions import contributions
from mypick.control import Control
from mypick.creators.service import POLL, Creators
from mypick.creators.videos import Videos
from mypick.db import Database
from mypick.endings import end
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.limits import Limits, Rate
from mypick.metrics import Metrics
from mypick.notifications.announcements import TELL
from mypick.notifications.service import Notifications
from mypick.operations.checks import ping_check
from mypick.operations.health import Health, Phase
from mypick.operations.idempotency import Idempotency
from mypick.personal.erasures import ERASE, call_off
from mypick.personal.exports import EXPORT
from mypick.personal.service import PersonalData
from mypick.shared_clock import SharedClock
from mypick.storage import FolderStorage
from mypick.streams import Streams
from mypick.watchparty.entry.reminders import REMIND
from mypick.watchparty.leads import NoBoard
from mypick.watchparty.queue.queue import SHOW_VOTES
from mypick.watchparty.service import WatchParties
from mypick.watchparty.telemetry import NoTelemetryBoard
from tests.fakes import FakeClock, NoChannels
from tests.handlers.events import EVENTS
from tests.handlers.fakes import QUICK, HandlePlatform, Unlimited

PASSWORD = "a horse walks into a bar"
ORIGIN = "https://fans.example"
Body = dict[str, Any]


@dataclass
class Fan:
    """Someone who is logged in."""

    id: int
    headers: dict[str, str]
    refresh_token: str


@dataclass
class Rest:
    """A running server and a client of it."""

    client: TestClient[web.Request, web.Application]
    parts: RestParts
    incidents: list[tuple[BaseException, str]] = field(default_factory=list)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Body, ClientResponse]:
        """Status, JSON body and response of ``/api/v1`` + ``path``."""
        response = await self.client.request(method, "/api/v1" + path, **options)
        return response.status, await response.json(), response

    async def register(self, name: str) -> Fan:
        body = {"email": f"{name}@example.com", "password": PASSWORD, "display_name": name}
        status, answer, _ = await self.call("POST", "/auth/register", json=body)
        assert status == 201, answer
        data = answer["data"]
        headers = {"Authorization": f"Bearer {data['access_token']}"}
        return Fan(data["user"]["id"], headers, data["refresh_token"])


def code_of(body: dict[str, Any]) -> str:
    assert body["success"] is False
    assert set(body["error"]) <= {"code", "message", "details"}
    return str(body["error"]["code"])


def fields_of(body: dict[str, Any]) -> list[str]:
    return [problem["field"] for problem in body["error"]["details"]]


class PatientServer(TestServer):
    """As in production: a client that goes away does not end its handler half-way."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


StartRest = Callable[..., Awaitable[Rest]]


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords(QUICK)
    yield passwords
    passwords.close()


async def no_listener(user_id: int, session_id: int, reason: str) -> None: ...


@pytest.fixture
async def start_rest(
    sqlite_database: Database, clock: FakeClock, passwords: Passwords, tmp_path: Path
) -> AsyncIterator[StartRest]:
    """Starts the REST door with real services on SQLite; settings by name."""
    started: list[TestClient[web.Request, web.Application]] = []
    bus = MemoryBus(MemoryExchange())
    ids = Ids()
    streams = Streams(
        bus=bus, ids=ids, clock=clock, people=people.people, node="test", rng=random.Random(1), metrics=Metrics.unread()
    )
    await bus.start(streams.delivery.on_message, streams.delivery.look_now)
    jobs = Jobs(clock, work=False)
    jobs.register(POLL, _no_work)
    jobs.register(TELL, _no_work)
    jobs.register(REMIND, _no_work)
    jobs.register(SHOW_VOTES, _no_work)
    jobs.register(EXPORT, _no_work, priority=8)
    jobs.register(ERASE, _no_work, priority=8)
    control = Control(bus, streams.delivery, node="test")
    appender = asyncio.create_task(streams.appender.run())

    async def start(
        *,
        general: str = "10000/1m",
        log_ins: str = "",
        change: Callable[[web.Application], None] | None = None,
        **settings: Any,
    ) -> Rest:
        incidents: list[tuple[BaseException, str]] = []
        numbers = itertools.count(1)
        tokens = Tokens(clock, access_secret="a" * 40, refresh_secret="r" * 40)
        health = Health(clock, {"database": ping_check(sqlite_database)})
        health.phase = Phase.SERVING
        limits = Limits(
            clock=clock,
            general=Rate.parse(general),
            overrides={
                **dict.fromkeys(("search", "creator.resolve", "subscribe", "party.open", "party.invite"), "10000/1m"),
                **({"auth.login.account": log_ins} if log_ins else {}),
            },
        )
        accounts = Accounts(
            clock, tokens, passwords, limits if log_ins else Unlimited(), no_listener, on_log_in=call_off
        )
        communities = Communities(
            streams,
            people.people,
            clock=clock,
            ids=ids,
            jobs=jobs,
            meter=limits.meter("community.send"),
            evict=control.evict,
            look=control.look_again,
            proofs=NoChannels(),
        )
        platforms = {"youtube": HandlePlatform()}
        creators, contents = Creators(platforms, clock, jobs), Contents(clock)
        parties = WatchParties(
            streams,
            contents,
            node="test",
            clock=clock,
            shared=SharedClock(clock),
            ids=ids,
            delays=NoBoard(),
            telemetry=NoTelemetryBoard(),
            jobs=jobs,
            videos=Videos(platforms, creators, contents, limits=limits, jobs=jobs, ids=ids, clock=clock),
            rules=communities.elsewhere,
            limits=limits,
            secret="a" * 40,
            evict=control.evict,
            look=control.look_again,
            metrics=Metrics.unread(),
            media_origins=("https://media.example",),
        )
        parts = RestParts(
            settings=replace(
                RestSettings(app_url="http://localhost:4000", allowed_origins=frozenset({ORIGIN})), **settings
            ),
            clock=clock,
            accounts=accounts,
            creators=creators,
            contents=contents,
            notifications=Notifications(streams, clock),
            communities=communities,
            parties=parties,
            personal=PersonalData(
                contributions(streams, communities, parties),
                accounts,
                FolderStorage(tmp_path / "storage"),
                disconnect=control.disconnect,
                secret="s" * 40,
                jobs=jobs,
                limits=limits,
                clock=clock,
                ids=ids,
                keep=timedelta(days=7),
                grace=timedelta(days=7),
            ),
            limits=limits,
            idempotency=Idempotency(clock),
            health=health,
            metrics=Metrics.unread(),
            events=EVENTS,
            report=lambda problem, incident: incidents.append((problem, incident)),
            new_id=lambda: f"made-{next(numbers)}",
        )
        app = build_app(parts)
        if change is not None:
            change(app)
        client = TestClient(PatientServer(app))
        await client.start_server()
        started.append(client)
        return Rest(client, parts, incidents)

    yield start
    for client in started:
        await client.close()
    await end(appender)
    await streams.delivery.close()
    await bus.close()


async def _no_work(work: Work) -> None: ...


@pytest.fixture
async def rest(start_rest: StartRest) -> Rest:
    return await start_rest()


@pytest.fixture
async def alice(rest: Rest) -> Fan:
    return await rest.register("alice")


@pytest.fixture
async def bob(rest: Rest) -> Fan:
    return await rest.register("bob")
