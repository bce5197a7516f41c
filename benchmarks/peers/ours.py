"""This server in its bench dress: the real socket door with a namespace for the bench.

Real are the transport, admission (a signed token is checked for each client), the registry of commands, schema,
guards, rate limits, metrics, logs in production's format, presence, and streams and delivery: the room is a stream,
joined and told as any other. Not real are the rates (nobody is refused), the session behind the token (no database
is asked) and the database, an SQLite in memory that is read when the first client comes in. With a REDIS_URL the bus
is Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import orjson
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import Field

from benchmarks.peers.stall import Stall
from config.collector import collect_rarely
from config.logs import configure_logs
from mypick.accounts.actor import Actor
from mypick.accounts.tokens import Tokens
from mypick.bus import Bus
from mypick.bus.memory import MemoryBus
from mypick.bus.redis import RedisBus
from mypick.clock import SystemClock
from mypick.db import open_database
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.presence import MemoryPresence
from mypick.shared_clock import SharedClock
from mypick.streams import Position, Streams
from mypick.wire import Command, Text, View
from realtime.connection import Connection, Connections
from realtime.engine.bounds import Bounds
from realtime.engine.handshake import Handshakes
from realtime.engine.member import Member
from realtime.engine.server import Engine
from realtime.namespace import Namespace
from realtime.parts import Parts
from realtime.registry import command
from realtime.server import SocketDoor

ROOM = "bench:1"
TOKEN = "bench"  # what the load shows; the door checks a signed token in its place
PLENTY = "1000000/1s"
MAX_PACKET = 256 * 1024  # bytes
BACKLOG = 4096
FILLED = 8 * 1024 * 1024  # bytes by which the memory has grown when nothing is free any more


class Echo(Command):
    text: Text = Field(max_length=2000)


class Echoed(View):
    text: str


class Broadcast(Command):
    n: int
    text: Text = Field(max_length=60_000)


class Anything(Command):
    pass


class Stalled(View):
    ms: float


class Bare:
    """A namespace without ours: what the engine alone costs. No accounts, no commands, no schema, no limits."""

    async def admit(self, member: Member, auth: object) -> None: ...

    async def opened(self, member: Member) -> None: ...

    def closed(self, member: Member, reason: str) -> None: ...

    async def ended(self, member: Member) -> None: ...

    def receive(self, member: Member, arguments: list[Any]) -> bytes:  # noqa: ARG002 - a door's
        return orjson.dumps(arguments[1])


class Nothing(View):
    """An ack without news."""


class BenchAccounts:
    """Gives each client a user of its own, whose token is read and checked as in production."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._users = itertools.count(1)
        self._token = tokens.issue_access(user_id=1, session_id=1, role="fan")

    async def authenticate(self, access_token: str, *, kept: bool = True) -> Actor:  # noqa: ARG002 - accounts' own
        if access_token != TOKEN:
            raise DomainError(Code.UNAUTHENTICATED, "the bench's token is another")
        claims = self._tokens.read_access(self._token)
        user_id = next(self._users)
        return Actor(user_id, claims.role, session_id=user_id, scopes=None, expires_at=claims.expires_at)

    async def authenticate_key(self, _: str) -> Actor:
        raise DomainError(Code.UNAUTHENTICATED, "the bench has no keys")


def member(conn: Connection, _: Command) -> None:
    """Only who is in the room, as every command of a room asks."""
    if ROOM not in conn.streams:
        raise DomainError(Code.NOT_MEMBER, "join the room first")


class BenchNamespace(Namespace):
    name = "/app"
    streams = "bench:"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._stall = Stall()

    async def start(self, conn: Connection) -> None:
        async def read() -> tuple[Position, None]:
            return await self.parts.streams.store.position(ROOM), None

        await self.members.join(conn, ROOM, read, lambda _: None)

    async def may_read(self, _: Connection, stream: str) -> bool:
        return stream == ROOM

    @command("echo", guards=[member])
    def echo(self, _: Connection, cmd: Echo) -> Echoed:
        """Say it again."""
        return Echoed(text=cmd.text)

    @command("stall")
    def stall(self, _: Connection, __: Anything) -> Stalled:
        """How long the loop was held at most since this was asked last, in milliseconds."""
        return Stalled(ms=self._stall.read())

    @command("broadcast", guards=[member])
    async def broadcast(self, _: Connection, cmd: Broadcast) -> Nothing:
        """Tell everybody in the room."""
        await self.parts.streams.signal(ROOM, "news", {"n": cmd.n, "text": cmd.text})
        return Nothing()


async def nobody(_: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    return {}


async def none_ended(_: Collection[int]) -> set[int]:
    return set()


@contextlib.asynccontextmanager
async def door() -> AsyncIterator[tuple[web.Application, SocketDoor]]:
    """The socket door, open, in an application of its own."""
    clock, rng, node = SystemClock(), random.Random(), secrets.token_hex(4)
    metrics = Metrics.on(CollectorRegistry())
    redis = os.environ.get("REDIS_URL")
    bus: Bus = RedisBus(redis, metrics=metrics) if redis else MemoryBus(metrics=metrics)
    streams = Streams(bus=bus, ids=Ids(), clock=clock, people=nobody, node=node, rng=rng, metrics=metrics)
    tokens = Tokens(clock, access_secret=secrets.token_hex(32), refresh_secret=secrets.token_hex(32))
    engine = Engine(
        Handshakes(lambda *_: False, lambda *_: "127.0.0.1", lambda _: 0.0),
        bounds=Bounds(packet_bytes=MAX_PACKET, packets_per_second=1_000_000),
        metrics=metrics,
    )
    connections = Connections()
    parts = Parts(
        engine=engine,
        connections=connections,
        streams=streams,
        accounts=BenchAccounts(tokens),
        limits=Limits(clock=clock, overrides={"socket.connect": PLENTY, "socket.command": PLENTY}, metrics=metrics),
        attendance=MemoryPresence(metrics=metrics),
        clock=clock,
        shared=SharedClock(clock),
        metrics=metrics,
    )
    sockets = SocketDoor(
        engine,
        connections,
        [BenchNamespace(parts)],
        ended_among=none_ended,
        revoked_among=none_ended,
        rng=rng,
        metrics=metrics,
    )
    engine.add("/bare", Bare())
    app = web.Application()
    sockets.attach(app)
    async with open_database("sqlite://:memory:") as database:
        await database.migrate()
        await bus.start(streams.delivery.on_message, streams.delivery.look_now)
        delivering = asyncio.create_task(streams.delivery.run(sockets.deliver))
        try:
            yield app, sockets
        finally:
            delivering.cancel()
            await streams.delivery.close()
            await bus.close()


def fill_what_is_free() -> list[bytes]:
    """Bytes in the places that the start left free, to be held: they would hide the memory of the first thousands of
    connections."""
    held: list[bytes] = []
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * page

    for sizes in (range(16, 513, 16), range(528, 4_096, 16)):  # Python's own places, then those of the C library
        full = resident() + FILLED
        while resident() < full:
            held += [bytes(size - 33) for size in sizes for _ in range(20) if size > 33]
    return held


async def serve() -> None:
    configure_logs(level="INFO", json_lines=True)
    async with door() as (app, sockets):
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        loop = asyncio.get_running_loop()
        if runner.server is None:
            raise AssertionError("it was set up")
        listener = await loop.create_server(sockets.front(runner.server), "127.0.0.1", 0, backlog=BACKLOG)
        collect_rarely()
        held = fill_what_is_free()
        sys.stdout.write(json.dumps({"event": "listening", "port": listener.sockets[0].getsockname()[1]}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
        held.clear()


if __name__ == "__main__":
    uvloop.run(serve())
