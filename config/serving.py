"""The open doors of one process, and the order in which they open and close."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType

import orjson
import structlog
from aiohttp import web

from config.collector import collect_rarely
from config.ports import listen
from config.settings import Settings
from config.wiring import build_health, build_sockets, build_web
from mypick.db import Database
from mypick.domain import Domain
from mypick.operations.health import Phase
from mypick.operations.siblings import Place, Siblings

log = structlog.get_logger("run")

FINISH = 10.0  # seconds for requests under way
NOTHING: Mapping[str, Path] = MappingProxyType({})


@contextlib.asynccontextmanager
async def serving(
    settings: Settings,
    database: Database,
    domain: Domain,
    place: Place | None = None,
    *,
    folders: Mapping[str, Path] = NOTHING,
) -> AsyncIterator[int]:
    """The open doors; gives the port. At the end, and where the start fails half-way, each step is undone: not ready,
    no new clients, drain the sockets, finish requests, close the domain. With a ``place`` this is one of several
    processes on one port. ``folders``: files that anybody may have, by the address above them."""
    siblings = Siblings(place, domain.metrics.registry, lambda: health.phase is Phase.SERVING) if place else None
    door = build_sockets(settings, domain, polling=place is None)
    health = build_health(database, domain, siblings)
    runner = web.AppRunner(
        build_web(settings, domain, door, health, siblings, folders),
        access_log=None,
        shutdown_timeout=FINISH,
        keepalive_timeout=settings.http_idle,
    )
    async with contextlib.AsyncExitStack() as undo:
        if siblings:
            undo.push_async_callback(siblings.close)
            await siblings.start()
        undo.push_async_callback(domain.close)
        await domain.process.spawn("streams: deliver", lambda: domain.streams.delivery.run(door.deliver))
        await domain.process.spawn("sockets: session check", door.run_session_check)
        await domain.process.spawn("sockets: member check", door.run_member_check)
        await domain.process.spawn(
            "sockets: room presence", lambda: domain.room_presence.run(door.tell_presence)
        )
        await domain.start(door)
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        undo.push_async_callback(door.drain, domain.streams.delivery.flushed)
        if runner.server is None:
            raise RuntimeError("it was set up above")
        listener = await listen(
            door.front(runner.server), settings.app_host, settings.app_port, shared=place is not None
        )
        undo.callback(listener.close)
        undo.callback(setattr, health, "phase", Phase.DRAINING)
        port: int = listener.sockets[0].getsockname()[1]
        health.phase = Phase.SERVING
        collect_rarely()
        # the first line of output is for programs that start this one
        print(orjson.dumps({"event": "listening", "port": port}).decode(), flush=True)
        log.info("listening", port=port, url=settings.app_url, works=domain.settings.works)
        if not domain.settings.works and place is None:  # of several, their supervisor tells it
            log.info("background jobs are done elsewhere: start `python run.py worker` too")
        yield port
