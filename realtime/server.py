"""The socket door as a whole: namespaces, frames to rooms, ended sessions, drain."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from time import perf_counter

import structlog
from aiohttp import web

from mypick.control import Eviction
from mypick.errors import Code
from mypick.metrics import Metrics
from mypick.presence import MOVED
from mypick.streams import Frame
from realtime.commands import ServerDraining
from realtime.connection import Connections
from realtime.engine.messages import Message
from realtime.engine.server import Engine
from realtime.membership import Crowd
from realtime.namespace import PRESENCE, Namespace

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 8.0  # seconds: half for commands under way and unsent bytes, half for clients to say goodbye
HAND_OVER = 1.0  # seconds between the two, for what those commands told; a room of 10,000 is behind by half of one
SESSION_CHECK_EVERY = 30.0  # seconds; the bus tells of ended sessions at once, this finds what the bus lost
MEMBER_CHECK_EVERY = 5.0  # seconds; as above, of evictions
MEMBERS_IN_A_QUERY = 1_000
CALMING = 1.0  # seconds between two looks after the database failed
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
        crowd: Crowd | None = None,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._ended_among = ended_among
        self._revoked_among = revoked_among
        self._rng = rng
        self._metrics = metrics
        self._crowd = crowd
        self.namespaces = {namespace.name: namespace for namespace in namespaces}
        self._check_sessions_now, self._check_members_now = asyncio.Event(), asyncio.Event()
        self._by_prefix = {
            prefix: namespace
            for namespace in namespaces
            for prefix in (namespace.streams, *namespace.more_streams)
        }

    def attach(self, app: web.Application) -> None:
        """Serve ``/socket.io/`` in ``app``."""
        self._engine.attach(app)

    def front(self, http: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The protocols of new connections: sockets are taken here, all else is given to those of ``http``."""
        return self._engine.front(http)

    @property
    def sockets(self) -> int:
        return len(self._engine.sessions)

    async def deliver(self, frames: Sequence[Frame]) -> None:
        """Hand frames of one stream, in their order, to its members on this node. Does not wait for them. One that
        fails is logged, and keeps none of the others from them."""
        stream = frames[0].stream
        namespace = self._of_stream(stream)
        members = self._engine.rooms.count(namespace.name, stream) if namespace is not None else 0
        told: list[tuple[Frame, Message]] = []
        for frame in frames:
            try:
                if not self._took(namespace, frame) and namespace is not None and members:
                    told.append((frame, namespace.message(frame)))
            except Exception:
                log.exception("an event could not be told", stream=stream, type=frame.type, seq=frame.seq)
        if namespace is None:
            return
        for but, alike in groupby(told, lambda one: one[0].but):
            await self._broadcast(namespace, list(alike), members, but)

    def _took(self, namespace: Namespace | None, frame: Frame) -> bool:
        """Whether it goes from node to node, and not to members."""
        if frame.type == MOVED:
            if self._crowd is not None:
                self._crowd.moved(frame.stream)
            return True
        return namespace is not None and frame.seq is None and namespace.took(frame)

    async def _broadcast(
        self, namespace: Namespace, told: Sequence[tuple[Frame, Message]], members: int, but: str
    ) -> None:
        began = perf_counter()
        await self._engine.rooms.broadcast(
            namespace.name, told[0][0].stream, [message for _, message in told], but=but
        )
        took_ms = (perf_counter() - began) * 1_000
        for frame, _ in told:
            self._metrics.events_delivered.labels(frame.type).inc(members)
            if frame.type in namespace.timed:
                namespace.handed_out(frame, took_ms)

    async def tell_presence(self, room: str, online: int) -> None:
        """Tell the members of ``room`` on this node how many people are there."""
        if namespace := self._of_stream(room):
            body = namespace.presence(room, online).model_dump_json().encode()
            await self.deliver([Frame(room, "", None, PRESENCE.name, body)])

    # what other parts, on this node or another, want of the sockets here

    def end_session(self, session_id: int) -> None:
        """Close the sockets of a session that has ended, and refuse who is being let in with it."""
        for conn in self._connections.session_ended(session_id):
            self.namespaces[conn.namespace].evict(conn, Code.UNAUTHENTICATED, "the session has ended")

    def disconnect(self, user_id: int, code: Code, reason: str) -> None:
        """Put all sockets of a person out of their namespaces, and refuse those that are being let in."""
        for conn in self._connections.put_out(user_id):
            self.namespaces[conn.namespace].evict(conn, code, reason)

    def evict(self, eviction: Eviction) -> None:
        """Put a person's sockets out of a stream; out of those beneath it when the database has said which."""
        namespace = self._of_stream(eviction.stream)
        if namespace is None:
            return
        namespace.members.evict(eviction)
        if namespace.above is not None and eviction.stream.startswith(namespace.above):
            others = [(stream, eviction.user_id) for stream in self._streams_of(eviction.user_id, namespace)]
            if others:
                self._engine.spawn(self._evict_among(namespace, others))

    def _streams_of(self, user_id: int, namespace: Namespace) -> set[str]:
        """In which a person is here, or is being let in."""
        found: set[str] = set()
        for conn in self._connections.of_user(user_id):
            if conn.namespace == namespace.name:
                found.update(conn.streams)
                if conn.entry is not None:
                    found.add(conn.entry.stream)
        return found

    def tell(self, user_id: int, namespace: str, name: str, body: bytes) -> None:
        """One event to a person's sockets in a namespace."""
        if (space := self.namespaces.get(namespace)) is None:
            return
        message = space.message(Frame("", "", None, name, body))
        for conn in self._connections.of_user(user_id):
            if conn.namespace == namespace and conn.opened:
                conn.member.session.send(message)

    def look_again(self) -> None:
        """The bus may have lost something: the checks run at once."""
        for news in (self._check_sessions_now, self._check_members_now):
            news.set()
        if self._crowd is not None:
            self._crowd.look_again()

    def _of_stream(self, stream: str) -> Namespace | None:
        return self._by_prefix.get(stream.partition(":")[0] + ":")

    # what finds what was missed

    async def run_session_check(self) -> None:
        """Every 30 s ask the database which of the sessions and keys here have ended; one query for each 1,000."""
        await self._check_again_and_again(self.check_sessions, SESSION_CHECK_EVERY, self._check_sessions_now)

    async def run_member_check(self) -> None:
        """Every 5 s ask the namespaces which members of their streams may not be there any more."""
        await self._check_again_and_again(self.check_members, MEMBER_CHECK_EVERY, self._check_members_now)

    async def _check_again_and_again(
        self, check: Callable[[], Awaitable[None]], every: float, now: asyncio.Event
    ) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await now.wait()
            now.clear()
            try:
                await check()
            except Exception as failure:
                log.warning("a check failed", check=check.__name__, error=repr(failure))
                await asyncio.sleep(CALMING)

    async def check_sessions(self) -> None:
        sessions = self._connections.sessions()
        for start in range(0, len(sessions), 1_000):
            for session_id in await self._ended_among(sessions[start : start + 1_000]):
                self.end_session(session_id)
        keys = self._connections.keys()
        for start in range(0, len(keys), 1_000):
            for key_id in await self._revoked_among(keys[start : start + 1_000]):
                for conn in self._connections.of_key(key_id):
                    self.namespaces[conn.namespace].evict(conn, Code.UNAUTHENTICATED, "the key was revoked")

    async def check_members(self) -> None:
        asking = [
            space
            for space in self.namespaces.values()
            if type(space).evicted_among is not Namespace.evicted_among
        ]
        for namespace in asking:
            batch: dict[tuple[str, int], None] = {}
            for number, conn in enumerate(self._connections):
                if conn.namespace == namespace.name:
                    batch.update(((stream, conn.actor.user_id), None) for stream in conn.streams)
                    if conn.entry is not None:  # it was allowed in before, and is not in yet
                        batch[conn.entry.stream, conn.actor.user_id] = None
                if len(batch) >= MEMBERS_IN_A_QUERY:
                    await self._evict_among(namespace, batch)
                    batch = {}
                elif number % 1_000 == 999:  # under 1 ms
                    await asyncio.sleep(0)
            await self._evict_among(namespace, batch)

    async def _evict_among(self, namespace: Namespace, members: Iterable[tuple[str, int]]) -> None:
        listed = list(members)
        for start in range(0, len(listed), MEMBERS_IN_A_QUERY):
            for eviction in await namespace.evicted_among(listed[start : start + MEMBERS_IN_A_QUERY]):
                namespace.members.evict(eviction)

    async def drain(self, flushed: Callable[[], Awaitable[None]] | None = None) -> None:
        """Tell every client to come back after a random delay, finish what they have under way, hand over what that
        says to others, then close. Newcomers are refused. ``flushed`` returns when all is handed over."""
        self._engine.refuse_new()
        for number, conn in enumerate(self._connections):
            delay = ServerDraining(reconnect_after_ms=self._rng.randrange(DRAIN_SPREAD_MS))
            self.namespaces[conn.namespace].send(conn, "server-draining", delay)
            if number % 500 == 499:  # about 5 ms
                await asyncio.sleep(0)
        log.info("sockets drained", sockets=self.sockets)
        await self._engine.finish(CLOSE_TIMEOUT / 2)
        if flushed is not None:
            try:
                async with asyncio.timeout(HAND_OVER):
                    await flushed()
            except TimeoutError:
                log.warning("some events were not handed over; clients read them when they come back")
        await self._engine.close(CLOSE_TIMEOUT / 2)
