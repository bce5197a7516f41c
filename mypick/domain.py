"""The domain, put together: every service with the parts it needs, and nothing global.

``build_domain`` connects nothing and starts nothing; ``Domain.start`` and ``Domain.close`` do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from mypick import db
from mypick.accounts import queries as people
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.bounded_redis import BoundedRedis
from mypick.bus import Bus
from mypick.bus.memory import MemoryBus
from mypick.bus.redis import RedisBus
from mypick.cache import Cache
from mypick.clock import Clock, SystemClock
from mypick.community.service import Communities
from mypick.content.service import Contents
from mypick.control import Control, Sockets
from mypick.creators.poller import FixedInterval, Poller
from mypick.creators.service import POLL, Creators
from mypick.ids import Ids
from mypick.jobs.leadership import Leadership
from mypick.jobs.measures import CountedJobs
from mypick.jobs.operator import JobsOperator
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.schedule import Schedules
from mypick.limits import Limits, Rate
from mypick.metrics import Metrics
from mypick.notifications.announcements import FAN_OUT, TELL
from mypick.notifications.fan_out import FanOut
from mypick.notifications.service import Notifications
from mypick.outages import Outage
from mypick.platforms.protocol import Platform
from mypick.platforms.youtube import YouTube
from mypick.presence import MOVED, MemoryBoard, MemoryPresence, Presence, RedisBoard, RedisPresence, RoomPresence
from mypick.streams import Streams
from mypick.streams.retention import Trimmer

log = structlog.get_logger(__name__)

HOUR = 3_600  # seconds
KEEP_DONE = timedelta(days=7)  # jobs, for an operator who asks what happened
MEASURE_EVERY = 15  # seconds between two looks at the queue, as often as Prometheus scrapes by default
LAG_EVERY = 0.25  # seconds
WRITE_OUT = 5.0  # seconds that waiting appends have to be written at the end


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """What the domain needs of the settings, as plain values. Times in seconds."""

    node: str  # unique to this run of this process
    redis_url: str
    bus_url: str  # a Redis that carries the bus: the same, or any server of a cluster
    bus_sharded: bool
    works: bool  # whether background jobs are done in this process
    access_secret: str = field(repr=False)
    refresh_secret: str = field(repr=False)
    access_life: int
    refresh_life: int
    issuer: str
    audience: str
    youtube_api_key: str = field(repr=False)
    youtube_api_url: str
    youtube_feed_url: str
    poll_interval: int
    poll_batch: int
    sweep_interval: int
    cache_ttl: int
    cache_max_size: int
    general_rate: Rate
    rate_limits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Domain:
    """The services of one process and the ground that they stand on."""

    settings: DomainSettings
    clock: Clock
    rng: random.Random
    metrics: Metrics
    redis: BoundedRedis | None
    bus: Bus
    control: Control
    cache: Cache
    limits: Limits
    presence: Presence
    room_presence: RoomPresence
    ids: Ids
    streams: Streams
    process: ProcessJobs
    jobs: Jobs
    schedules: Schedules
    operator: JobsOperator
    passwords: Passwords
    platforms: Mapping[str, Platform]
    accounts: Accounts
    creators: Creators
    contents: Contents
    notifications: Notifications
    communities: Communities
    poller: Poller

    async def start(self, sockets: Sockets | None = None) -> None:
        """Begin to listen, to write and, where this process works, to work. Not inside a transaction."""
        await self.control.start(sockets)
        await self.cache.start()
        await self.presence.start()
        await self.process.spawn("streams: append", self.streams.appender.run)
        await self.process.spawn("streams: head check", self.streams.delivery.run_head_check)
        await self.process.spawn("measure the loop", self._measure_loop)
        await self.jobs.start(self.process)
        if self.settings.works:
            await self.schedules.start(self.process)

    async def _measure_loop(self) -> None:
        """How late a timer runs is how late everything runs."""
        while True:
            due = self.clock.monotonic() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            self.metrics.loop_lag_seconds.observe(max(0.0, self.clock.monotonic() - due))
            self.metrics.loop_tasks.set(len(asyncio.all_tasks()))

    async def close(self) -> None:
        """Stop in the opposite order: first what asks, then what writes, then what carries. A step that fails keeps
        none of the others from being done."""
        async with AsyncExitStack() as undo:  # runs from the last to the first
            if self.redis:
                undo.push_async_callback(self.redis.close)
            undo.callback(self.passwords.close)
            for platform in self.platforms.values():
                undo.push_async_callback(platform.aclose)
            undo.push_async_callback(self.bus.close)
            undo.push_async_callback(self.cache.close)
            undo.push_async_callback(self.presence.close)
            undo.push_async_callback(self.room_presence.close)
            undo.push_async_callback(self.streams.delivery.close)
            undo.push_async_callback(self.process.close)
            undo.push_async_callback(self.streams.appender.written, WRITE_OUT)
            undo.callback(self.streams.appender.close)
            undo.push_async_callback(self.jobs.close)
            if self.settings.works:
                undo.push_async_callback(self.schedules.close)


def build_domain(settings: DomainSettings, http: ClientSession, clock: Clock | None = None) -> Domain:
    """Everything wired; ``http`` is the transport of the platform clients and stays the caller's."""
    clock, rng = clock or SystemClock(), random.Random()  # noqa: S311 - spreads retries, guards nothing
    metrics = Metrics.on(CollectorRegistry())
    outage = Outage("redis", clock)
    redis = BoundedRedis(settings.redis_url, clock=clock, outage=outage) if settings.redis_url else None
    bus: Bus = MemoryBus(metrics=metrics)
    cache_bus: Bus | None = None
    if redis:
        bus_outage = outage if settings.bus_url == settings.redis_url else Outage("the bus", clock)
        bus = RedisBus(settings.bus_url, metrics=metrics, sharded=settings.bus_sharded, outage=bus_outage)
        cache_bus = RedisBus(
            settings.bus_url, prefix="mypick:cache:", sharded=settings.bus_sharded, outage=bus_outage
        )
    cache = Cache(
        clock=clock,
        redis=redis,
        bus=cache_bus,
        ttl=settings.cache_ttl,
        max_size=settings.cache_max_size,
        metrics=metrics,
    )
    limits = Limits(
        clock=clock, redis=redis, overrides=settings.rate_limits, general=settings.general_rate, metrics=metrics
    )
    presence: Presence = (
        RedisPresence(redis, clock=clock, metrics=metrics)
        if redis
        else MemoryPresence(metrics=metrics)
    )
    ids = Ids()
    streams = Streams(
        bus=bus, ids=ids, clock=clock, people=people.people, node=settings.node, rng=rng, metrics=metrics
    )
    control = Control(bus, streams.delivery, node=settings.node)
    room_presence = RoomPresence(
        RedisBoard(redis) if redis else MemoryBoard(clock),
        clock,
        node=settings.node,
        announce=lambda rooms: streams.wake(rooms, MOVED),
    )
    measures = CountedJobs(metrics)
    process = ProcessJobs(clock, rng=rng)
    jobs = Jobs(
        clock,
        redis_url=settings.redis_url,
        sweep_interval_s=settings.sweep_interval,
        work=settings.works,
        measures=measures,
        rng=rng,
        outage=outage,
    )
    schedules = Schedules(jobs, Leadership("schedules", settings.node, clock, rng=rng), clock)
    operator = JobsOperator(clock, measures)
    passwords = Passwords()
    tokens = Tokens(
        clock,
        access_secret=settings.access_secret,
        refresh_secret=settings.refresh_secret,
        access_life=settings.access_life,
        refresh_life=settings.refresh_life,
        issuer=settings.issuer,
        audience=settings.audience,
    )
    youtube = YouTube(
        http,
        clock,
        api_url=settings.youtube_api_url,
        feed_url=settings.youtube_feed_url,
        api_key=settings.youtube_api_key,
    )
    platforms: dict[str, Platform] = {youtube.name: youtube}
    contents = Contents(clock)
    communities = Communities(
        streams,
        people.people,
        clock=clock,
        ids=ids,
        jobs=jobs,
        meter=limits.meter("community.send"),
        evict=control.evict,
    )
    domain = Domain(
        settings=settings,
        clock=clock,
        rng=rng,
        metrics=metrics,
        redis=redis,
        bus=bus,
        control=control,
        cache=cache,
        limits=limits,
        presence=presence,
        room_presence=room_presence,
        ids=ids,
        streams=streams,
        process=process,
        jobs=jobs,
        schedules=schedules,
        operator=operator,
        passwords=passwords,
        platforms=platforms,
        accounts=Accounts(clock, tokens, passwords, limits, control.session_ended, cache),
        creators=Creators(platforms, clock, jobs, followed=communities.open_for),
        contents=contents,
        notifications=Notifications(streams, clock),
        communities=communities,
        poller=Poller(
            platforms=platforms,
            contents=contents,
            jobs=jobs,
            ids=ids,
            clock=clock,
            rng=rng,
            intervals=FixedInterval(settings.poll_interval),
            batch=settings.poll_batch,
        ),
    )
    _register(domain)
    return domain


def _register(domain: Domain) -> None:
    """Say who works which kind of job, and what is done on a clock."""
    settings, jobs, every = domain.settings, domain.jobs, domain.schedules.every
    fan_out = FanOut(domain.streams, domain.presence, domain.clock)
    # people wait for what is new: it goes before the looking for more
    jobs.register(FAN_OUT, fan_out.run, priority=2, max_attempts=20)
    jobs.register(TELL, fan_out.tell_named, priority=1, max_attempts=20)
    jobs.register(POLL, domain.poller.run, priority=5, timeout_s=900)
    every(settings.sweep_interval, POLL)

    trimmer = Trimmer(domain.clock)

    async def measure() -> None:
        await domain.operator.summary()

    async def clear_up() -> None:
        removed = {
            "events": await trimmer.trim(),
            "receipts": await trimmer.drop_old_receipts(),
            "notifications": await domain.notifications.purge(),
            "sessions": await domain.accounts.sessions.purge(),
            "jobs": await domain.operator.purge(KEEP_DONE),
        }
        if any(removed.values()):
            log.info("cleared up", **removed)

    every(MEASURE_EVERY, measure, "measure the queue")
    every(HOUR, clear_up, "clear up")


async def check_database(database: db.Database) -> None:
    """Migrate the embedded database; refuse a server database that is not migrated, with the command to run."""
    pending = await database.pending_migrations()
    if not pending:
        return
    if not database.embedded:
        raise db.DatabaseUnavailable(
            f"the database lacks {len(pending)} migration(s), the first is {pending[0]}. "
            "Run `python run.py migrate` or `make migrate`, then start again."
        )
    done = await database.migrate()
    log.info("embedded database migrated", migrations=done)
