"""The domain as one process composes it: it starts, carries what a platform posts into inboxes, and ends clean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from config.wiring import domain_settings, on_emulator
from demo.youtube import PlatformEmulator
from mypick.creators.commands import AddCreator
from mypick.db import Database, DatabaseUnavailable, check_database, dialect
from mypick.domain import Domain, build_domain
from mypick.jobs.models import Job
from tests.creators.stage import person
from tests.servers import ValkeyServer

ALICE = person(1)
WITHIN = 30.0  # seconds


@pytest.fixture
async def emulator() -> AsyncIterator[PlatformEmulator]:
    async with PlatformEmulator() as server:
        yield server


@pytest.fixture
async def domain(database: Database, emulator: PlatformEmulator) -> AsyncIterator[Domain]:
    staged = on_emulator(
        Settings(), api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=emulator.api_key
    ).model_copy(update={"poll_interval": 1})
    async with aiohttp.ClientSession() as http:
        domain = build_domain(domain_settings(staged, node="test", works=True), http)
        await domain.start()
        try:
            yield domain
        finally:
            await domain.close()


async def test_what_a_platform_posts_is_in_the_inbox_of_who_follows(
    domain: Domain, emulator: PlatformEmulator
) -> None:
    channel = emulator.add_channel("morning", "Morning Notes")
    creator = await domain.creators.add(ALICE, AddCreator(source="@morning"))
    await domain.creators.subscribe(ALICE, creator.id)
    emulator.publish(channel, "first light")
    async with asyncio.timeout(WITHIN):
        while not (unread := await domain.notifications.unread(ALICE)).items:
            await asyncio.sleep(0.05)
    assert [item.data.body for item in unread.items] == ["first light"]
    assert [view.title for view in (await domain.contents.feed(ALICE, None, 10)).items] == ["first light"]
    assert (await domain.notifications.unread(person(2))).items == []


async def test_closed_domain_leaves_no_task_and_no_job_in_hand(
    database: Database, emulator: PlatformEmulator
) -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as http:
        domain = build_domain(domain_settings(Settings(), node="test", works=True), http)
        await domain.start()
        assert asyncio.all_tasks() - before
        await domain.close()
        assert domain.jobs.running == []
        left = {task for task in asyncio.all_tasks() - before if not task.done()}
        assert left == set(), left
    assert await Job.filter(lease__not_isnull=True, state="due").count() == 0


async def test_the_bus_may_be_elsewhere_and_sharded_while_the_rest_stays_on_one_redis(
    sqlite_database: Database, redis_url: str
) -> None:
    with ValkeyServer() as server:
        told = Settings(redis_url=redis_url, redis_bus="sharded", redis_bus_url=server.url)
        bus, rest = Redis.from_url(server.url), Redis.from_url(redis_url)
        async with aiohttp.ClientSession() as http, bus, rest:
            domain = build_domain(domain_settings(told, node="test", works=False), http)
            await domain.start()
            try:
                await domain.bus.subscribe(["s:room:1"])
                assert b"mypick:s:room:1" in await bus.pubsub_shardchannels()
                await domain.presence.arrived(1)
                assert await domain.room_presence.count("room:1") == 0
                assert await bus.dbsize() == 0
                assert await rest.pubsub_channels() == []
            finally:
                await domain.close()


async def test_built_domain_that_is_not_started_does_nothing(database: Database, emulator: PlatformEmulator) -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as http:
        domain = build_domain(domain_settings(Settings(), node="test", works=True), http)
        assert asyncio.all_tasks() == before
        domain.passwords.close()
    assert await Job.all().count() == 0


async def test_database_that_lacks_migrations_is_migrated_where_it_is_embedded_and_refused_where_it_is_not(
    database: Database,
) -> None:
    await check_database(database)
    await database.migrate("__first__")
    if dialect() == "sqlite":
        await check_database(database)
        assert await database.pending_migrations() == []
    else:
        with pytest.raises(DatabaseUnavailable, match=r"python run\.py migrate"):
            await check_database(database)
        assert await database.pending_migrations() != []
