"""Followers, made without their passwords: hashing 200 of them as the door does takes half a minute of two cores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

import aiohttp
from tortoise.backends.base.executor import EXECUTOR_CACHE

from mypick.accounts.models import RefreshToken, Session, User
from mypick.accounts.tokens import Tokens, digest
from mypick.clock import SystemClock
from mypick.db import open_database
from tests.chaos.plan import Shape
from tests.e2e.stack import ACCESS_SECRET, REFRESH_SECRET, Rest

AT_ONCE = 8  # requests
DAY = timedelta(days=1)


async def make_people(database_url: str, count: int, refresh: dict[int, str] | None = None) -> dict[int, str]:
    """Migrate the empty database and write ``count`` users with a session each. Access tokens by user id, good for an
    hour; ``refresh`` takes refresh tokens by user id."""
    EXECUTOR_CACHE.clear()  # Tortoise keeps the text of INSERTs by table, whatever the dialect of the last round
    clock = SystemClock()
    tokens = Tokens(clock, access_secret=ACCESS_SECRET, refresh_secret=REFRESH_SECRET)
    now = clock.now()
    async with open_database(database_url) as database:
        await database.migrate()
        await User.bulk_create(
            [
                User(
                    email=f"fan{number}@example.com",
                    password_hash="none",
                    display_name=f"fan {number}",
                    settings={},
                    created_at=now,
                )
                for number in range(count)
            ]
        )
        users = await User.all().order_by("id")
        await Session.bulk_create(
            [
                Session(
                    user_id=user.id,
                    user_agent="chaos",
                    address="127.0.0.1",
                    created_at=now,
                    last_used_at=now,
                    expires_at=now + DAY,
                )
                for user in users
            ]
        )
        sessions = await Session.all().order_by("user_id")
        if refresh is not None:
            for session in sessions:
                refresh[session.user_id] = tokens.issue_refresh(
                    user_id=session.user_id, session_id=session.id, role="fan"
                )
            await RefreshToken.bulk_create(
                [
                    RefreshToken(
                        session_id=session.id, token_hash=digest(refresh[session.user_id]), issued_at=now
                    )
                    for session in sessions
                ]
            )
    EXECUTOR_CACHE.clear()
    return {
        session.user_id: tokens.issue_access(user_id=session.user_id, session_id=session.id, role="fan")
        for session in sessions
    }


async def register(persons: Sequence[Rest]) -> None:
    """At the REST door, with a password each: ``fan0@example.com`` and so on."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, person: Rest) -> None:
        async with places:
            await person.register(f"fan{number}")

    await asyncio.gather(*(one(number, person) for number, person in enumerate(persons)))


async def all_renewed(persons: Iterable[Rest]) -> None:
    """Everybody has the next access token."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(person: Rest) -> None:
        async with places:
            await person.renew()

    await asyncio.gather(*(one(person) for person in persons))


async def follow(url: str, tokens: dict[int, str], shape: Shape, http: aiohttp.ClientSession) -> dict[str, list[int]]:
    """Let everybody follow what the shape says, at the REST door. Followers by channel."""
    people = [Rest(url, http) for _ in tokens]
    for rest, token in zip(people, tokens.values(), strict=True):
        rest.token = token
    creators = {
        name: (await people[0].ok("POST", "/creators", {"source": f"@{name}"}))["id"] for name in shape.channels()
    }
    followers: dict[str, list[int]] = {name: [] for name in creators}
    places = asyncio.Semaphore(AT_ONCE)

    async def one(rest: Rest, name: str) -> None:
        async with places:
            await rest.ok("POST", f"/creators/{creators[name]}/subscribe")

    async with asyncio.TaskGroup() as group:
        for number, (user_id, rest) in enumerate(zip(tokens, people, strict=True)):
            for name in shape.followed_by(number):
                followers[name].append(user_id)
                group.create_task(one(rest, name))
    return followers
