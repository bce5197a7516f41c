"""Two processes whose clocks step to and fro, apart from each other, while a platform posts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from random import Random
from time import monotonic

import aiohttp
import pytest

from config.settings import Settings
from config.wiring import domain_settings, on_emulator
from demo.youtube import PlatformEmulator
from mypick.accounts.commands import Refresh, Register
from mypick.accounts.device import Device
from mypick.creators.commands import AddCreator
from mypick.db import Database
from mypick.domain import Domain, build_domain
from mypick.errors import Code, DomainError
from tests.chaos import truth
from tests.chaos.storm import LEFT
from tests.creators.stage import person

SEED = 4
STEPS = (-3600.0, -30.0, -2.0, 2.0, 30.0, 3600.0)  # seconds; a clock stands wrong so far, then right again
WRONG_FOR = 0.5  # seconds
FANS = [person(number) for number in range(1, 6)]
LATER = 3_700.0  # seconds: what was planned by a clock that ran an hour ahead waits for that hour, and a lease
WITHIN = 30.0  # seconds, once those have passed

_NOTIFICATIONS = """
SELECT user_id, body FROM notification JOIN notice ON notice.id = notification.notice_id ORDER BY user_id, seq
"""
_STREAMS = "SELECT key, head_seq FROM stream WHERE key LIKE 'inbox:%'"
_EVENTS = "SELECT key, seq FROM stream_event JOIN stream ON stream.id = stream_id WHERE key LIKE 'inbox:%' ORDER BY seq"


class SteppedClock:
    """The machine's, ``offset`` seconds wrong. Its monotonic half never steps."""

    offset = 0.0
    monotonic = staticmethod(monotonic)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)


@pytest.fixture
async def emulator() -> AsyncIterator[PlatformEmulator]:
    async with PlatformEmulator() as server:
        yield server


@pytest.fixture
def clocks() -> list[SteppedClock]:
    return [SteppedClock(), SteppedClock()]


@pytest.fixture
def taskiq_clock(clocks: list[SteppedClock], monkeypatch: pytest.MonkeyPatch) -> None:
    """taskiq keeps the schedules of the first process, which leads, and looks at the machine's clock by itself."""

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # Self cannot be made of it
            return clocks[0].now().astimezone(tz)

    monkeypatch.setattr("taskiq.cli.scheduler.run.datetime", Stepped)


@pytest.fixture
async def domains(
    database: Database, redis_url: str, emulator: PlatformEmulator, clocks: list[SteppedClock], taskiq_clock: None
) -> AsyncIterator[list[Domain]]:
    given = Settings(redis_url=redis_url, poll_interval=1, sweep_interval=1)
    staged = on_emulator(given, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=emulator.api_key)
    staged = staged.model_copy(update={"poll_interval": 1})
    async with aiohttp.ClientSession() as http:
        opened = [
            build_domain(domain_settings(staged, node=f"node{number}", works=True), http, clock)
            for number, clock in enumerate(clocks)
        ]
        for domain in opened:
            await domain.start()
        try:
            yield opened
        finally:
            for domain in opened:
                await domain.close()


async def test_steps_of_two_clocks_lose_double_and_reorder_nothing(
    postgres_url: str, domains: list[Domain], clocks: list[SteppedClock], emulator: PlatformEmulator
) -> None:
    rng = Random(SEED)
    channel = emulator.add_channel("late", "Late Show")
    creator = await domains[0].creators.add(FANS[0], AddCreator(source="@late"))
    for fan in FANS:
        await domains[0].creators.subscribe(fan, creator.id)
    titles: list[str] = []
    for step in rng.sample(STEPS * 2, 2 * len(STEPS)):
        clock = rng.choice(clocks)
        clock.offset = step
        for _ in range(2):
            titles.append(f"post {len(titles)}")
            emulator.publish(channel, titles[-1])
            await asyncio.sleep(WRONG_FOR / 2)
        clock.offset = 0.0
    for clock in clocks:
        clock.offset = LATER
    wanted = Counter((fan.user_id, title) for fan in FANS for title in titles)
    async with asyncio.timeout(WITHIN):
        while (await truth.rows(postgres_url, "SELECT count(*) FROM notification"))[0][0] != (len(wanted),):
            await asyncio.sleep(0.1)
        while (await truth.rows(postgres_url, LEFT))[0][0] != (0,):
            await asyncio.sleep(0.1)
    notifications, streams, events = await truth.rows(postgres_url, _NOTIFICATIONS, _STREAMS, _EVENTS)
    assert Counter(notifications) == wanted
    for key, head in streams:
        assert [seq for name, seq in events if name == key] == list(range(1, head + 1))
    unread = await domains[1].notifications.unread(FANS[0])
    assert unread.unread_count == len(titles)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


async def test_tokens_outlive_a_clock_that_steps(
    domains: list[Domain], clocks: list[SteppedClock]
) -> None:
    accounts, clock = domains[0].accounts, clocks[0]
    device = Device("", "127.0.0.1")
    opened = await accounts.register(
        Register(email="fan@example.com", password="a long enough password", display_name="fan"), device
    )
    assert (await accounts.authenticate(opened.access_token)).user_id == opened.user.id
    for wrong, refused in ((-2.0, False), (-3600.0, False), (2 * 3600.0, True), (0.0, False)):
        clock.offset = wrong
        if refused:
            with pytest.raises(DomainError) as failure:
                await accounts.authenticate(opened.access_token)
            assert failure.value.code is Code.UNAUTHENTICATED
        else:
            assert (await accounts.authenticate(opened.access_token)).user_id == opened.user.id
    clock.offset = 2 * 3600.0
    renewed = await accounts.refresh(Refresh(refresh_token=opened.refresh_token), device)
    clock.offset = 0.0
    assert (await accounts.authenticate(renewed.access_token)).user_id == opened.user.id
    again = await accounts.refresh(Refresh(refresh_token=renewed.refresh_token), device)
    assert (await accounts.authenticate(again.access_token)).user_id == opened.user.id
