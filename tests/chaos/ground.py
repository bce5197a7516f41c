"""What a round stands on: PostgreSQL and Redis, the networks between all of them, and MyPick itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.chaos.bus import Dropper
from tests.chaos.logs import Outage
from tests.chaos.plan import Form, Shape, Target
from tests.chaos.proxy import Proxy
from tests.e2e.stack import Process, Stack, running
from tests.servers import PostgresServer, RedisServer

BESIDE: Mapping[Form, tuple[Mapping[str, str], ...]] = {
    "embedded": (),
    "full": (),
    "nodes": ({"WORKERS": "1"},),
    "chat": ({},),
}
WORKERS: Mapping[Form, str] = {"embedded": "1", "full": "1", "nodes": "2", "chat": "1"}  # of the first server
"""``nodes``: two share a port, and a third has its own. ``chat``: two, each with its own."""
PROXIED: Collection[Form] = ("nodes", "chat")


@dataclass(slots=True)
class Ground:
    """``redis`` and ``postgres`` are none in the embedded form. ``database_url`` leads past the proxies, which the form
    of several nodes has: ``links`` before Redis and PostgreSQL, and ``fronts`` before each server."""

    database_url: str
    redis: RedisServer | None = None
    postgres: PostgresServer | None = None
    links: dict[Target, Proxy] = field(default_factory=dict)
    fronts: list[Proxy] = field(default_factory=list)
    dropper: Dropper | None = None
    outages: list[Outage] = field(default_factory=list)

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """What fails meanwhile, and shortly after, is explained."""
        began = datetime.now(UTC)
        try:
            yield
        finally:
            self.outages.append(Outage(began, datetime.now(UTC)))

    def seen_by_processes(self) -> tuple[str, str]:
        """Addresses of database and Redis, through the proxies where there are any."""
        if self.redis is None or self.postgres is None:
            return self.database_url, ""
        if not self.links:
            return self.database_url, self.redis.url
        bus, database = self.links["bus"], self.links["database"]
        return (
            self.database_url.replace(f":{self.postgres.port}/", f":{database.port}/"),
            self.redis.url.replace(f":{self.redis.port}/", f":{bus.port}/"),
        )

    def addresses(self, stack: Stack) -> list[str]:
        """Where clients connect."""
        ports = [front.port for front in self.fronts] or [server.port for server in stack.servers]
        return [f"http://127.0.0.1:{port}" for port in ports]


@contextlib.asynccontextmanager
async def standing(shape: Shape, seed: int, folder: Path) -> AsyncIterator[Ground]:
    """Servers of this round alone: what is killed here disturbs nobody else."""
    if shape.form == "embedded":
        yield Ground(f"sqlite://{folder / 'mypick.sqlite3'}")
        return
    async with contextlib.AsyncExitStack() as undo:
        postgres = await asyncio.to_thread(undo.enter_context, PostgresServer())
        redis = await asyncio.to_thread(undo.enter_context, RedisServer())
        ground = Ground(await asyncio.to_thread(postgres.create_database, "chaos"), redis, postgres)
        if shape.form in PROXIED:
            ground.dropper = Dropper(Random(f"{seed}: dropped"), shape.deaf)
            bus = Proxy(lambda: redis.port, Random(f"{seed}: bus"), ground.dropper.sieve)
            database = Proxy(lambda: postgres.port, Random(f"{seed}: database"))
            ground.links["bus"] = await undo.enter_async_context(bus)
            ground.links["database"] = await undo.enter_async_context(database)
        yield ground


@contextlib.asynccontextmanager
async def opened(shape: Shape, seed: int, ground: Ground, folder: Path, **settings: str) -> AsyncIterator[Stack]:
    """MyPick on this ground, with ``settings`` over the others, and the network before it."""
    database_url, redis_url = ground.seen_by_processes()
    workers = WORKERS[shape.form]
    async with (
        running(
            folder, database_url, redis_url, development=False, beside=BESIDE[shape.form], WORKERS=workers, **settings
        ) as stack,
        contextlib.AsyncExitStack() as undo,
    ):
        if shape.form in PROXIED:
            for number, server in enumerate(stack.servers):
                front = Proxy(lambda server=server: server.port, Random(f"{seed}: front {number}"))  # type: ignore[misc]
                ground.fronts.append(await undo.enter_async_context(front))
        yield stack


def supervises(shape: Shape, stack: Stack, process: Process) -> bool:
    """Whether this one has workers below it that take the connections."""
    return process is stack.server and WORKERS[shape.form] != "1"
