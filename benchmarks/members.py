"""The list of 10,000 members: how long a page and a search of it take, and how large the answer to ``join-room`` is.

Run by ``benchmarks.run`` as a child on an empty database: it prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta

import orjson
import uvloop

from benchmarks.inside import communities_on, streams_alone
from config.collector import collect_rarely
from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.clock import SystemClock
from mypick.community.commands import SendMessage
from mypick.community.models import Membership, Room
from mypick.community.policy import Role
from mypick.community.service import Communities
from mypick.creators.models import Creator
from mypick.db import open_database

SEARCHES = 100
PAGE = 50  # members on a page
SPOKEN = 50  # messages of 200 characters that whoever comes in is shown


@dataclass(frozen=True)
class Members:
    pages: int
    page_p95_ms: float
    search_p95_ms: float
    join_kib: float


async def measure(url: str, members: int) -> Members:
    """``url`` of an empty database."""
    async with open_database(url) as database:
        await database.migrate()
        collect_rarely()  # as the server does
        async with streams_alone() as streams:
            return await _measured(communities_on(streams), members)


async def _measured(communities: Communities, members: int) -> Members:
    now = SystemClock().now()
    rows = [
        User(
            email=f"fan{number}@example.com",
            password_hash="",
            display_name=f"fan {number} {chr(0xAC00 + number % 11_172)}",
            settings={},
            created_at=now,
        )
        for number in range(members)
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
    for _ in range(SEARCHES):
        q = f"fan {random.randrange(members)}"
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
        join_kib=round(len(orjson.dumps(joined.model_dump(mode="json"))) / 1_024, 1),
    )


def _p95(seconds: list[float]) -> float:
    return round(sorted(seconds)[int(len(seconds) * 0.95)] * 1_000, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description="One round on one database.")
    parser.add_argument("--url", required=True, help="the database, as DATABASE_URL")
    parser.add_argument("--members", type=int, default=10_000)
    chosen = parser.parse_args()
    sys.stdout.write(json.dumps(asdict(uvloop.run(measure(chosen.url, chosen.members)))) + "\n")


if __name__ == "__main__":
    main()
