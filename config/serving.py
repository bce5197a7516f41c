"""The open doors of one process, and the order in which they open and close."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson
import structlog
from aiohttp import web

from config.refusal import Refusal
from config.settings import Settings
from config.wiring import build_health, build_sockets, build_web
from mypick.db import Database
from mypick.domain import Domain
from mypick.operations.health import Phase
from realtime.server import SocketDoor

log = structlog.get_logger("run")

BACKLOG = 4_096  # connections that wait to be accepted; with the default of 128 a storm of 5,000 takes 28 s
FINISH = 10.0  # seconds for requests under way


@contextlib.asynccontextmanager
async def serving(settings: Settings, database: Database, domain: Domain) -> AsyncIterator[int]:
    """The open doors; gives the port. At the end, and where the start fails half-way, each step is undone: not ready,
    no new clients, drain the sockets, finish requests, close the domain."""
    door = build_sockets(settings, domain)
    health = build_health(database, domain)
    runner = web.AppRunner(
        build_web(settings, domain, door, health),
        access_log=None,
        shutdown_timeout=FINISH,
        keepalive_timeout=settings.http_idle,
    )
    async with contextlib.AsyncExitStack() as undo:
        undo.push_async_callback(domain.close)
        await domain.process.spawn("streams: deliver", lambda: domain.streams.delivery.run(door.deliver))
        await domain.process.spawn("sockets: session check", door.run_session_check)
        await domain.start(door.end_session)
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        undo.push_async_callback(door.drain)
        listener = await listen(door, runner, settings.app_host, settings.app_port)
        undo.callback(listener.close)
        undo.callback(setattr, health, "phase", Phase.DRAINING)
        port: int = listener.sockets[0].getsockname()[1]
        health.phase = Phase.SERVING
        # the first line of output is for programs that start this one
        print(orjson.dumps({"event": "listening", "port": port}).decode(), flush=True)
        log.info("listening", port=port, url=settings.app_url, works=domain.settings.works)
        if not domain.settings.works:
            log.info("background jobs are done elsewhere: start `python run.py worker` too")
        yield port


async def listen(door: SocketDoor, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Take connections on every address of ``host``. Raises ``Refusal`` where the port is taken."""
    if runner.server is None:
        raise RuntimeError("set the runner up first")
    try:
        return await asyncio.get_running_loop().create_server(door.front(runner.server), host, port, backlog=BACKLOG)
    except OSError as taken:
        raise Refusal(f"port {port} cannot be opened ({taken.strerror}): set APP_PORT or --port to another") from taken
