"""Every service with the parts it needs."""

from __future__ import annotations

import random
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

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
from mypick.contributions import contributions
from mypick.control import Control
from mypick.creators.poller import FixedInterval, Poller
from mypick.creators.proofs import ChannelProofs
from mypick.creators.service import Creators
from mypick.creators.videos import Videos
from mypick.domain.duties import give_duties
from mypick.domain.parts import Domain
from mypick.domain.settings import DomainSettings
from mypick.ids import Ids
from mypick.jobs.leadership import Leadership
from mypick.jobs.measures import CountedJobs
from mypick.jobs.operator import JobsOperator
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.schedule import Schedules
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.notifications.service import Notifications
from mypick.outages import Outage
from mypick.personal.erasures import call_off
from mypick.personal.service import PersonalData
from mypick.platforms.protocol import Platform
from mypick.platforms.youtube import YouTube
from mypick.presence import MOVED, MemoryBoard, MemoryPresence, Presence, RedisBoard, RedisPresence, RoomPresence
from mypick.previews.fetching import Fetcher
from mypick.previews.guard import Guard
from mypick.previews.service import Previews
from mypick.shared_clock import SharedClock
from mypick.storage import FolderStorage
from mypick.streams import Streams
from mypick.watchparty.leads import NoBoard, RedisDelays
from mypick.watchparty.service import WatchParties
from mypick.watchparty.telemetry import NoTelemetryBoard, RedisTelemetry


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
        look=control.look_again,
        proofs=ChannelProofs(platforms, clock),
    )
    creators = Creators(platforms, clock, jobs, followed=communities.open_for)
    shared = SharedClock(clock)
    parties = WatchParties(
        streams,
        contents,
        node=settings.node,
        clock=clock,
        shared=shared,
        ids=ids,
        delays=RedisDelays(redis) if redis else NoBoard(),
        telemetry=RedisTelemetry(redis) if redis else NoTelemetryBoard(),
        jobs=jobs,
        videos=Videos(platforms, creators, contents, limits=limits, jobs=jobs, ids=ids, clock=clock),
        rules=communities.elsewhere,
        limits=limits,
        secret=settings.access_secret,
        capacity=settings.party_capacity,
        evict=control.evict,
        look=control.look_again,
        metrics=metrics,
        media_origins=settings.media_origins,
    )
    accounts = Accounts(
        clock, tokens, passwords, limits, control.session_ended, cache, on_log_in=call_off
    )
    domain = Domain(
        settings=settings,
        clock=clock,
        shared=shared,
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
        accounts=accounts,
        creators=creators,
        contents=contents,
        notifications=Notifications(streams, clock),
        communities=communities,
        parties=parties,
        previews=Previews(
            Fetcher(
                Guard([ip_network(network) for network in settings.preview_networks]), ports=settings.preview_ports
            ),
            clock,
        ),
        personal=PersonalData(
            contributions(streams, communities, parties),
            accounts,
            FolderStorage(Path(settings.storage_folder)),
            disconnect=control.disconnect,
            secret=settings.access_secret,
            jobs=jobs,
            limits=limits,
            clock=clock,
            ids=ids,
            keep=timedelta(seconds=settings.export_keep),
            grace=timedelta(seconds=settings.erasure_grace),
        ),
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
    give_duties(domain)
    return domain
