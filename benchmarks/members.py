"""The list of 10,000 members: how long a page and a search of it take, and how large the answer to ``join-room`` is.

``await measure(url)`` with the address of an empty, migrated database.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import timedelta

import orjson

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.bus.memory import MemoryBus
from mypick.clock import SystemClock
from mypick.community.commands import SendMessage
from mypick.community.models import Membership, Room
from mypick.community.policy import Role
from mypick.community.service import Communities
from mypick.control import Eviction
from mypick.creators.models import Creator
from mypick.creators.proofs import ChannelProofs
from mypick.db import open_database
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.streams import Streams

MEMBERS = 10_000
PAGE = 50  # members on a page
SPOKEN = 50  # messages of 200 characters that whoever comes in is shown


@dataclass(frozen=True)
class Members:
    pages: int
    page_p95_ms: float
    search_p95_ms: float
    join_bytes: int


async def measure(url: str) -> Members:
    async with open_database(url) as database:
        await database.migrate()
        communities, streams = _communities()
        appending = asyncio.create_task(streams.appender.run())
        try:
            return await _measured(communities)
        finally:
            streams.appender.close()
            await appending


async def _measured(communities: Communities) -> Members:
    now = SystemClock().now()
    rows = [
        User(
            email=f"fan{number}@example.com",
            password_hash="",
            display_name=f"fan {number} {chr(0xAC00 + number)}",
            settings={},
            created_at=now,
        )
        for number in range(MEMBERS)
    ]
    await User.bulk_create(rows, batch_size=500)
    ids = await User.all().order_by("id").values_list("id", flat=True)
    creator = await Creator.create(name="somebody", description="", created_at=now)
    community_id = await communities.open_for(creator.id)
    await Membership.bulk_create(
        [
            Membership(community_id=community_id, user_id=user_id, rank=Role.MEMBER, joined_at=now - timedelta(days=30))
            for user_id in ids
        ],
        batch_size=500,
    )
    asker = Actor(user_id=int(str(ids[0])), role="fan", session_id=1, scopes=None, expires_at=None)
    pages: list[float] = []
    cursor: str | None = None
    while True:
        began = time.perf_counter()
        page = await communities.members.list(asker, community_id, None, cursor, PAGE)
        pages.append(time.perf_counter() - began)
        cursor = page.next_cursor
        if cursor is None:
            break
    searches: list[float] = []
    for _ in range(100):
        q = f"fan {random.randrange(MEMBERS)}"
        began = time.perf_counter()
        await communities.members.list(asker, community_id, q, None, PAGE)
        searches.append(time.perf_counter() - began)
    room = await Room.get(community_id=community_id)
    for number in range(SPOKEN):
        said = SendMessage(room_id=room.id, cid=f"c{number}", text=f"{number:03d} " + "x" * 196)
        await communities.messages.send(asker, said)
    _, joined = await communities.reading.join(asker, room.id, None, None)
    return Members(
        pages=len(pages),
        page_p95_ms=_p95(pages),
        search_p95_ms=_p95(searches),
        join_bytes=len(orjson.dumps(joined.model_dump(mode="json"))),
    )


def _communities() -> tuple[Communities, Streams]:
    clock, ids = SystemClock(), Ids()

    async def evict(_: Eviction) -> None:
        return

    async def look() -> None:
        return

    streams = Streams(
        bus=MemoryBus(),
        ids=ids,
        clock=clock,
        people=people.people,
        node="members",
        rng=random.Random(1),
        metrics=Metrics.unread(),
    )
    communities = Communities(
        streams,
        people.people,
        clock=clock,
        ids=ids,
        jobs=Jobs(clock, work=False),
        meter=Limits(clock=clock, overrides={"community.send": "1000000/1s"}).meter("community.send"),
        evict=evict,
        look=look,
        proofs=ChannelProofs({}, clock),
    )
    return communities, streams


def _p95(seconds: list[float]) -> float:
    return round(sorted(seconds)[int(len(seconds) * 0.95)] * 1_000, 2)
