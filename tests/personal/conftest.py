from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mypick.accounts.actor import Actor
from mypick.db import Database
from mypick.domain import Domain
from tests.fakes import FakeClock
from tests.personal.stage import domain_on, room_of_a_creator, sign_up


@pytest.fixture
async def domain(sqlite_database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Domain]:
    async with domain_on(clock, tmp_path / "storage") as built:
        yield built


@pytest.fixture
async def alice(domain: Domain) -> Actor:
    return await sign_up(domain, "alice")


@pytest.fixture
async def bob(domain: Domain) -> Actor:
    return await sign_up(domain, "bob")


@pytest.fixture
async def room(domain: Domain) -> int:
    return await room_of_a_creator(domain)
