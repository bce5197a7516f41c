"""The socket door as a whole: namespaces, frames to rooms, ended sessions, drain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web

from mypick.errors import Code
from mypick.metrics import Metrics
from mypick.streams import Frame
from realtime.commands import ServerDraining
from realtime.connection import Connections
from realtime.engine.server import Engine
from realtime.namespace import Namespace

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 8.0  # seconds for commands under way and unsent bytes, then for clients to say goodbye
SESSION_CHECK_EVERY = 30.0  # seconds; the bus tells of ended sessions at once, this finds what the bus lost
DRAIN_SPREAD_MS = 5_000  # clients come back spread over this time, so that the next node is not stormed


EndedAmong = Callable[[Sequence[int]], Awaitable[set[int]]]
"""Those of the given sessions, or API keys, that open nothing any more."""


class SocketDoor:
    """All namespaces of this process over one engine."""

    def __init__(
        self,
        engine: Engine,
        connections: Connections,
        namespaces: Sequence[Namespace],
        *,
        ended_among: EndedAmong,
        revoked_among: EndedAmong,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._ended_among = ended_among
        self._revoked_among = revoked_among
        self._rng = rng
        self._metrics = metrics
        self.namespaces = {namespace.name: namespace for namespace in namespaces}
        self._by_prefix = {namespace.streams: namespace for namespace in namespaces}

    def attach(self, app: web.Application) -> None:
        """Serve ``/socket.io/`` in ``app``."""
        self._engine.attach(app)

    def front(self, http: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The protocols of new connections: sockets are taken here, all else is given to those of ``http``."""
        return self._engine.front(http)

    @property
    def sockets(self) -> int:
        return len(self._engine.sessions)

    async def deliver(self, frame: Frame) -> None:
        """Hand one frame to the members of its stream on this node. Does not wait for them."""
        prefix = frame.stream.partition(":")[0] + ":"
        if namespace := self._by_prefix.get(prefix):
            rooms = self._engine.rooms
            if members := rooms.count(namespace.name, frame.stream):
                self._metrics.events_delivered.labels(frame.type).inc(members)
                await rooms.broadcast(namespace.name, frame.stream, namespace.message(frame), but=frame.but)

    async def end_session(self, session_id: int) -> None:
        """Close the sockets of a session that has ended."""
        for conn in self._connections.of_session(session_id):
            self.namespaces[conn.namespace].evict(conn, Code.UNAUTHENTICATED, "the session has ended")

    async def run_session_check(self) -> None:
        """Every 30 s ask the database which of the sessions and keys here have ended; one query for each 1,000."""
        while True:
            await asyncio.sleep(SESSION_CHECK_EVERY)
            try:
                await self.check_sessions()
            except Exception as failure:
                log.warning("session check failed", error=repr(failure))

    async def check_sessions(self) -> None:
        sessions = self._connections.sessions()
        for start in range(0, len(sessions), 1_000):
            for session_id in await self._ended_among(sessions[start : start + 1_000]):
                await self.end_session(session_id)
        keys = self._connections.keys()
        for start in range(0, len(keys), 1_000):
            for key_id in await self._revoked_among(keys[start : start + 1_000]):
                for conn in self._connections.of_key(key_id):
                    self.namespaces[conn.namespace].evict(conn, Code.UNAUTHENTICATED, "the key was revoked")

    async def drain(self) -> None:
        """Tell every client to come back after a random delay, finish what they have under way, then close. Newcomers
        are refused."""
        self._engine.refuse_new()
        for number, conn in enumerate(self._connections):
            delay = ServerDraining(reconnect_after_ms=self._rng.randrange(DRAIN_SPREAD_MS))
            self.namespaces[conn.namespace].send(conn, "server-draining", delay)
            if number % 500 == 499:  # about 5 ms
                await asyncio.sleep(0)
        log.info("sockets drained", sockets=self.sockets)
        await self._engine.close(CLOSE_TIMEOUT)
