"""The emulator, spoken to as any client would: over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from demo.youtube import PlatformEmulator
from tests.fakes import FakeClock


@pytest.fixture
async def emulator(clock: FakeClock) -> AsyncIterator[PlatformEmulator]:
    async with PlatformEmulator(seed=3, now=clock.now) as server:
        yield server


class Api:
    """The Data API of an emulator: ``await api("videos", part="id", id=…)`` gives status and JSON."""

    def __init__(self, session: aiohttp.ClientSession, emulator: PlatformEmulator) -> None:
        self.session = session
        self.emulator = emulator

    async def __call__(self, method: str, *, headers: Any = None, **params: str) -> tuple[int, Any]:
        params.setdefault("key", self.emulator.api_key)
        url = f"{self.emulator.api_url}/{method}"
        async with self.session.get(url, params=params, headers=headers or {}) as response:
            body = await response.read()
            return response.status, await response.json() if body and response.content_type.endswith("json") else body

    async def page(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.emulator.address + path) as response:
            return response.status, await response.text()

    async def control(self, action: str, **fields: Any) -> tuple[int, Any]:
        url = f"{self.emulator.address}/_control/{action}"
        async with self.session.post(url, json=fields) as response:
            return response.status, await response.json()


@pytest.fixture
async def api(emulator: PlatformEmulator) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, emulator)
