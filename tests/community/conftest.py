from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mypick.community.policy import Role
from mypick.db import Database
from tests.community.stage import Cast, Node, community, nodes
from tests.fakes import FakeClock


@pytest.fixture
async def two(database: Database, clock: FakeClock) -> AsyncIterator[list[Node]]:
    """Two nodes over each database in turn."""
    async with nodes(clock, "a", "b") as both:
        yield both


@pytest.fixture
async def node(sqlite_database: Database, clock: FakeClock) -> AsyncIterator[Node]:
    async with nodes(clock, "a") as (one,):
        yield one


@pytest.fixture
async def cast(node: Node, clock: FakeClock) -> Cast:
    """alice and bob, who are members, mo, who moderates, and oz, who owns."""
    return await community(
        node, clock, "alice", "bob", "mo", "oz", roles={"mo": Role.MODERATOR, "oz": Role.OWNER}
    )
