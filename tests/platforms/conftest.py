"""An emulated YouTube with one channel, and a client for it with a key and without."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from demo.youtube import PlatformEmulator
from mypick.platforms.youtube import YouTube
from tests.fakes import FakeClock


@pytest.fixture
async def emulator(clock: FakeClock) -> AsyncIterator[PlatformEmulator]:
    async with PlatformEmulator(seed=7, now=clock.now) as server:
        yield server


@pytest.fixture
def channel(emulator: PlatformEmulator) -> str:
    """The id of a channel that has a name of every kind."""
    return emulator.add_channel(
        "하늘의부엌",
        "하늘의 부엌 & <친구들>",
        description='한 끼 "혼밥" > 두 끼',
        custom="SkyKitchen",
        user="skykitchen09",
    )


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def with_key(emulator: PlatformEmulator, session: aiohttp.ClientSession, clock: FakeClock) -> YouTube:
    return YouTube(session, clock, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=emulator.api_key)


@pytest.fixture
def without_key(emulator: PlatformEmulator, session: aiohttp.ClientSession, clock: FakeClock) -> YouTube:
    return YouTube(session, clock, api_url=emulator.api_url, feed_url=emulator.feed_url)


@pytest.fixture(params=["with_key", "without_key"])
def youtube(request: pytest.FixtureRequest) -> YouTube:
    """Each of the two in turn."""
    client: YouTube = request.getfixturevalue(request.param)
    return client
