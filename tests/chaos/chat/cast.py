"""The people of a round, their community and its rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
from tortoise.backends.base.executor import EXECUTOR_CACHE

from mypick.clock import SystemClock
from mypick.community.models import Membership, Room
from mypick.community.policy import Role
from mypick.db import open_database
from tests.chaos.chat.script import Part
from tests.chaos.plan import EVERYONE
from tests.e2e.stack import Rest

HELD = "gooseberry"  # who says it has to wait for a moderator
MEMBER_FOR = timedelta(days=30)
RANKS: Mapping[Part, Role] = {"owner": Role.OWNER, "moderator": Role.MODERATOR, "member": Role.MEMBER}


@dataclass(slots=True)
class Cast:
    """``parts`` by user id. ``waiting`` are held messages that somebody may decide on, ``banned`` whom somebody put
    out."""

    community: int
    rooms: Sequence[int]
    parts: Mapping[int, Part]
    waiting: list[tuple[int, int]] = field(default_factory=list)  # room, message
    banned: list[int] = field(default_factory=list)

    @property
    def moderators(self) -> set[int]:
        return {user_id for user_id, part in self.parts.items() if part in ("owner", "moderator")}


async def make_cast(
    database_url: str,
    url: str,
    tokens: Mapping[int, str],
    parts: Sequence[Part],
    rooms: int,
    http: aiohttp.ClientSession,
) -> Cast:
    """Somebody follows a creator, so that the community opens; the rest is written, since it is another test's."""
    by_user = dict(zip(tokens, parts, strict=True))
    owner = Rest(url, http)
    owner.token = next(iter(tokens.values()))
    creator = await owner.follow(f"@{EVERYONE}")
    (community,) = await owner.ok("GET", f"/communities?creator_id={creator}")
    now = SystemClock().now()
    EXECUTOR_CACHE.clear()  # Tortoise keeps the text of INSERTs by table, whatever the dialect of the last round
    async with open_database(database_url):
        for number in range(1, rooms):
            await Room.create(community_id=community["id"], name=f"room {number}", position=number, created_at=now)
        await Room.filter(community_id=community["id"]).update(previews=False)  # nobody fetches pages here
        await Membership.bulk_create(
            [
                Membership(
                    community_id=community["id"], user_id=user_id, rank=RANKS[part], joined_at=now - MEMBER_FOR
                )
                for user_id, part in by_user.items()
                if part in RANKS
            ]
        )
        found = [room.id for room in await Room.filter(community_id=community["id"]).order_by("id")]
    EXECUTOR_CACHE.clear()
    term = {"cid": "term", "text": HELD, "effect": "hold"}
    await owner.ok("PUT", f"/communities/{community['id']}/terms", term)
    return Cast(community["id"], found, by_user)
