"""Composition: the parts of a process, made from the settings and handed to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from config.settings import Settings
from handlers.app import build_app
from handlers.docs.events import EventDescription
from handlers.pages import Pages, setup_pages
from handlers.parts import RestParts, RestSettings
from mypick.accounts import queries as people
from mypick.addresses import client_address
from mypick.db import Database
from mypick.domain import Domain, DomainSettings
from mypick.errors import DomainError
from mypick.limits import Rate, place_of
from mypick.operations.checks import (
    backlog_check,
    memory_check,
    ping_check,
    platform_check,
    process_check,
    switched_off,
)
from mypick.operations.health import Health
from mypick.operations.idempotency import Idempotency
from mypick.operations.siblings import Siblings
from mypick.search.reindex import index_check
from realtime.community import CommunityNamespace
from realtime.connection import Connections
from realtime.engine.bounds import Bounds
from realtime.engine.handshake import Handshakes
from realtime.engine.server import Engine
from realtime.notifications import NotificationsNamespace
from realtime.parts import Parts
from realtime.server import SocketDoor
from realtime.watchparty import WatchPartyNamespace

MANY_DUE = 1_000  # jobs due at once before /health says that workers are too few
DEMO_POLL, DEMO_SWEEP = 4, 1  # seconds: a newcomer should see something within half a minute
DEMO_LIMITS = {"auth.register": "100/1h"}  # who shows it around signs up more than five people from one machine


def domain_settings(settings: Settings, *, node: str, works: bool) -> DomainSettings:
    return DomainSettings(
        node=node,
        redis_url=settings.redis_url.get_secret_value(),
        bus_url=settings.redis_bus_url.get_secret_value() or settings.redis_url.get_secret_value(),
        bus_sharded=settings.redis_bus == "sharded",
        works=works,
        access_secret=settings.jwt_secret.get_secret_value(),
        refresh_secret=settings.jwt_refresh_secret.get_secret_value(),
        access_life=settings.jwt_expires_in,
        refresh_life=settings.jwt_refresh_expires_in,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        youtube_api_key=settings.youtube_api_key.get_secret_value(),
        youtube_api_url=settings.youtube_api_url,
        youtube_feed_url=settings.youtube_feed_url,
        poll_interval=settings.poll_interval,
        poll_batch=settings.poll_batch,
        sweep_interval=settings.sweep_interval,
        cache_ttl=settings.cache_ttl,
        cache_max_size=settings.cache_max_size,
        general_rate=Rate(settings.rate_limit_max_requests, settings.rate_limit_window),
        rate_limits=settings.rate_limits,
        loop_look=settings.loop_look_ms / 1_000,
        preview_ports=settings.link_preview_ports,
        preview_networks=settings.link_preview_networks,
        media_origins=settings.party_media_origins,
        storage_folder=settings.storage_folder,
        export_keep=settings.export_keep,
        erasure_grace=settings.erasure_grace,
        party_capacity=settings.party_capacity,
    )


def on_emulator(settings: Settings, *, api_url: str, feed_url: str, api_key: str) -> Settings:
    """The same settings with a platform of our own, which is looked at often, and room for those who look around."""
    return settings.model_copy(
        update={
            "youtube_api_url": api_url,
            "youtube_feed_url": feed_url,
            "youtube_api_key": SecretStr(api_key),
            "poll_interval": DEMO_POLL,
            "sweep_interval": DEMO_SWEEP,
            "rate_limits": DEMO_LIMITS | settings.rate_limits,
        }
    )


def socket_bounds(settings: Settings) -> Bounds:
    return Bounds(
        packet_bytes=settings.max_packet_bytes,
        attachments=settings.socket_attachments,
        nesting=settings.socket_nesting,
        namespaces=settings.socket_namespaces,
        rooms=settings.socket_rooms,
        packets_per_second=settings.socket_packets_per_second,
        packets_per_turn=settings.socket_packets_per_turn,
        steps_per_turn=settings.socket_steps_per_turn,
        waiting=settings.socket_waiting,
        connections=settings.socket_connections,
        unsent_bytes=settings.socket_unsent_bytes,
        ping_interval=settings.socket_ping_interval,
        ping_timeout=settings.socket_ping_timeout,
        silent=settings.http_idle,
        alone=settings.socket_alone,
    )


def build_sockets(settings: Settings, domain: Domain, *, polling: bool) -> SocketDoor:
    allowed = settings.allowed_origins

    def origin_allowed(origin: str, host: str) -> bool:
        return origin in allowed or origin.split("://", 1)[-1] == host

    handshakes = domain.limits.meter("socket.handshake")

    def address(peer: object, forwarded_for: Sequence[str]) -> str:
        return client_address(peer, forwarded_for, settings.trusted_proxies)

    def wait(address: str) -> float:
        try:
            handshakes.spend(place_of(address))
        except DomainError as refused:
            return (refused.retry_after_ms or 0) / 1_000
        return 0.0

    engine = Engine(
        Handshakes(origin_allowed, address, wait),
        bounds=socket_bounds(settings),
        metrics=domain.metrics,
        polling=polling,
        rng=domain.rng,
    )
    connections = Connections()
    parts = Parts(
        engine=engine,
        connections=connections,
        streams=domain.streams,
        accounts=domain.accounts,
        limits=domain.limits,
        attendance=domain.presence,
        crowd=domain.room_presence,
        clock=domain.clock,
        shared=domain.shared,
        metrics=domain.metrics,
        connections_per_user=settings.socket_connections_per_user,
    )
    namespaces = [
        NotificationsNamespace(parts, domain.notifications),
        CommunityNamespace(parts, domain.communities),
        WatchPartyNamespace(parts, domain.parties),
    ]
    return SocketDoor(
        engine,
        connections,
        namespaces,
        ended_among=people.ended_among,
        revoked_among=people.revoked_among,
        rng=domain.rng,
        metrics=domain.metrics,
        crowd=domain.room_presence,
    )


def describe_sockets(door: SocketDoor) -> list[EventDescription]:
    """What the sockets take and send, for their documentation."""
    told: list[EventDescription] = []
    for name, namespace in door.namespaces.items():
        told += [
            EventDescription(
                name,
                "client-to-server",
                spec.name,
                spec.model,
                spec.reply if spec.acked else None,
                False,
                spec.summary,
            )
            for spec in namespace.commands.values()
        ]
        told += [
            EventDescription(name, "server-to-client", event.name, event.model, None, event.durable, event.summary)
            for event in namespace.sends
        ]
    return told


def build_health(database: Database, domain: Domain, siblings: Siblings | None) -> Health:
    async def due() -> int:
        return sum(lane.due for lane in (await domain.operator.summary()).lanes)

    def failed() -> list[str]:
        return [status.name for status in domain.process.status() if status.state == "failed"]

    redis = ping_check(domain.bus) if domain.redis else switched_off("everything is in this process")
    return Health(
        domain.clock,
        {
            "database": ping_check(database),
            "redis": redis,
            "platform": platform_check(list(domain.platforms.values())),
            "queue": backlog_check(due, degraded_above=MANY_DUE),
            "index": index_check(),
            "memory": memory_check(),
            "process": process_check(failed),
            **({"workers": siblings.check} if siblings else {}),
        },
        vital=frozenset({"database", "process"}),
    )


def build_web(
    settings: Settings,
    domain: Domain,
    door: SocketDoor,
    health: Health,
    siblings: Siblings | None,
    folders: Mapping[str, Path],
) -> web.Application:
    pages: list[Pages] = []

    async def error_page(request: web.Request, error: DomainError, status: int) -> web.StreamResponse:
        return pages[0].render(request, "not-found" if status < 500 else "failed", status=status)

    app = build_app(
        RestParts(
            settings=RestSettings(
                app_url=settings.app_url,
                allowed_origins=settings.allowed_origins,
                trusted_proxies=settings.trusted_proxies,
                max_body_bytes=settings.max_body_bytes,
                metrics_token=settings.metrics_token.get_secret_value(),
                in_production=settings.in_production,
            ),
            clock=domain.clock,
            accounts=domain.accounts,
            creators=domain.creators,
            contents=domain.contents,
            notifications=domain.notifications,
            communities=domain.communities,
            parties=domain.parties,
            personal=domain.personal,
            limits=domain.limits,
            idempotency=Idempotency(domain.clock),
            health=health,
            metrics=domain.metrics,
            siblings=siblings,
            events=describe_sockets(door),
            error_page=error_page,
        )
    )
    door.attach(app)
    secure = settings.app_url.startswith("https://")
    pages.append(setup_pages(app, secure_cookies=secure, media_origins=settings.party_media_origins))
    for address, folder in folders.items():
        app.router.add_static(address, folder)  # answers ranges, by which players go anywhere
    return app
