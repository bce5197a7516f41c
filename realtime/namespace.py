"""What every namespace does: admission, one command at a time, acks and errors in one place, sync and clock."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import orjson
import structlog
from pydantic import BaseModel

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.control import Eviction
from mypick.errors import Code, DomainError
from mypick.limits import place_of
from mypick.metrics import Metrics
from mypick.streams import Frame, Streams
from realtime import commands as shapes
from realtime.admission import Authenticator, authenticate
from realtime.connection import Connection, Connections
from realtime.engine.member import Member, Refused, error_body, failure
from realtime.engine.messages import Kind, Message, durable, event, evicted
from realtime.engine.reasons import SERVER_DISCONNECT
from realtime.engine.server import Engine
from realtime.membership import Crowd, Memberships
from realtime.registry import CommandSpec, ServerEvent, command, commands_of
from realtime.replies import decode, succeeded

log = structlog.get_logger(__name__)

EXPIRY_NOTICE = 60  # seconds before the end of a token that the client is told
RETRY_AWAY_MS = 2_000  # a database that restarts is back within seconds; clients add their own jitter
SLOW_COMMAND = 30.0  # seconds after which a command is given up; services answer in milliseconds


class Meter(Protocol):
    """A limit that is decided at once."""

    def spend(self, key: int | str) -> object: ...


class Limiter(Protocol):
    async def spend(self, name: str, *, user_id: int | None = None, address: str | None = None) -> object: ...

    def counts_here(self, name: str) -> bool: ...

    def meter(self, name: str) -> Meter: ...


class Attendance(Protocol):
    """Who is online, over all nodes."""

    async def arrived(self, user_id: int) -> None: ...

    async def left(self, user_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What all namespaces share."""

    engine: Engine
    connections: Connections
    streams: Streams
    accounts: Authenticator
    limits: Limiter
    attendance: Attendance
    clock: Clock
    metrics: Metrics
    connections_per_user: int = 20  # in one namespace, on this node
    crowd: Crowd | None = None  # needed where a namespace sends PRESENCE


PRESENCE = ServerEvent(
    "presence", shapes.RoomPresence, False, "How many people are in a room; at most one each 2 s.", droppable=True
)
"""A namespace that has it among what it sends has its streams counted, and their members told. Their keys end with the
room's id: ``room:3``."""


class Namespace:
    """The base of a namespace. Subclasses declare commands, what they send, and which streams a client may read."""

    name: ClassVar[str]
    streams: ClassVar[str]  # the prefix of the keys of its streams: "inbox:"
    scope: ClassVar[str] = "read"  # that an API key needs to come in
    sends: ClassVar[tuple[ServerEvent, ...]] = (
        ServerEvent("auth-expiring", shapes.AuthExpiring, False, "Call refresh-auth, or the socket is closed."),
        ServerEvent("lagged", shapes.Lagged, False, "Events were dropped for you: call sync."),
        ServerEvent("evicted", shapes.Evicted, False, "You were removed from the stream; an empty one is all."),
        ServerEvent("server-draining", shapes.ServerDraining, False, "Come back after that delay."),
    )

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.commands = commands_of(type(self))
        self._monotonic = parts.clock.monotonic
        self._droppable = frozenset(sent.name for sent in self.sends if sent.droppable)
        metrics = parts.metrics
        self._let_in = metrics.socket_connects.labels(self.name, "ok")
        self._here = metrics.socket_connections.labels(self.name)
        self._resumed = {True: metrics.stream_resumes.labels("reset"), False: metrics.stream_resumes.labels("events")}
        self._succeeded = {name: metrics.commands.labels(name, "ok") for name in self.commands}
        self._seconds = {name: metrics.command_seconds.labels(name) for name in (*self.commands, "unknown")}
        limits = {"socket.connect", "socket.command", *(spec.limit for spec in self.commands.values())}
        self._meters = {name: parts.limits.meter(name) for name in limits if parts.limits.counts_here(name)}
        self._at_once = {
            name: (spec, self._meters[spec.limit])
            for name, spec in self.commands.items()
            if spec.inline and spec.limit in self._meters
        }
        if PRESENCE in self.sends and parts.crowd is None:
            raise RuntimeError(f"{self.name} sends presence, and nobody counts")
        crowd = parts.crowd if PRESENCE in self.sends else None
        self.members = Memberships(
            self.name, parts.engine, parts.streams.delivery, parts.connections, crowd, self.message
        )
        parts.engine.add(self.name, self)

    # what subclasses say

    async def start(self, conn: Connection) -> None:
        """The client is in: enter its rooms and send it what it gets first."""

    async def may_read(self, conn: Connection, stream: str) -> bool:
        """Whether ``sync`` of ``stream`` is allowed."""
        raise NotImplementedError

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> Sequence[Eviction]:
        """Those of ``members`` (stream and user id, at most 1,000) who may not be there any more. One query, asked
        every 5 s: the bus tells of evictions at once, and this finds what it lost."""
        return ()

    async def snapshot(self, conn: Connection, stream: str) -> None:
        """Send the fresh state of ``stream`` to a client whose past was reset."""

    # what subclasses use

    def send(self, conn: Connection, name: str, body: BaseModel | dict[str, Any]) -> None:
        """One event to one client; ``body`` may be what the model would be in JSON. Never waits."""
        text = orjson.dumps(body) if isinstance(body, dict) else body.__pydantic_serializer__.to_json(body)
        conn.member.session.send(event(self.name, name, text))

    def enter(self, conn: Connection, room: str) -> None:
        self.parts.engine.rooms.enter(conn.member, room)

    def leave(self, conn: Connection, room: str) -> None:
        self.parts.engine.rooms.leave(conn.member, room)

    def message(self, frame: Frame) -> Message:
        """What the members of a stream are sent for ``frame``."""
        if frame.seq is not None:
            return durable(self.name, frame.type, frame.body, frame.stream, frame.seq)
        kind = Kind.DROPPABLE if frame.type in self._droppable else Kind.NEEDED
        return event(self.name, frame.type, frame.body, kind)

    # the engine calls

    async def admit(self, member: Member, auth: Any) -> None:
        parts = self.parts
        try:
            await self._spend("socket.connect", place_of(member.session.address))
            actor = await authenticate(parts.accounts, auth, self.scope)
            self._refuse_ended(actor)
            self._find_place(actor.user_id)
        except DomainError as refused:
            parts.metrics.socket_connects.labels(self.name, refused.code.name).inc()
            raise Refused(error_body(refused)) from None
        except Exception as problem:
            unexpected = self._unexpected("connect", problem)
            parts.metrics.socket_connects.labels(self.name, unexpected.code.name).inc()
            raise Refused(error_body(unexpected)) from None
        self._let_in.inc()
        member.context = conn = Connection(member, self, actor, self._monotonic())
        parts.connections.add(conn)

    def _refuse_ended(self, actor: Actor) -> None:
        """The session may have ended while its token was looked at."""
        if self.parts.connections.has_ended(actor.session_id):
            raise DomainError(Code.UNAUTHENTICATED, "the session has ended")

    def _find_place(self, user_id: int) -> None:
        here = sum(conn.owner is self for conn in self.parts.connections.of_user(user_id))
        if here >= self.parts.connections_per_user:
            raise DomainError(Code.FULL, f"{here} connections of yours are open already: close one")

    async def opened(self, member: Member) -> None:
        conn: Connection = member.context
        conn.opened = True
        self._arm(conn)  # not before: what it may send must come behind the answer to the connect
        self._here.inc()
        _name_in_logs(conn)
        log.debug("socket opened", namespace=self.name, address=conn.address)
        try:
            await self.parts.attendance.arrived(conn.actor.user_id)
            async with asyncio.timeout(SLOW_COMMAND):
                await self.start(conn)
        except Exception as problem:
            if conn.closed:  # it left while it was let in: there was no room any more that it could enter
                log.info("gone before it was started", namespace=self.name, error=repr(problem)[:200])
                return
            self._unexpected("start", problem)
            # not the namespace alone: a client whose connection is cut comes back by itself
            member.session.close(SERVER_DISCONNECT)

    def closed(self, member: Member, reason: str) -> None:
        conn: Connection = member.context
        conn.closed = True
        self.parts.engine.wheel.forget(conn, conn.deadline)  # which may be an hour away
        self.parts.connections.remove(conn)
        if conn.opened:  # and did not go away while it was let in, when nobody had counted it yet
            self._here.dec()
            self.parts.metrics.socket_closes.labels(self.name, reason).inc()

    async def ended(self, member: Member) -> None:
        conn: Connection = member.context
        if not conn.opened:
            return
        _name_in_logs(conn)
        await self.parts.attendance.left(conn.actor.user_id)
        await self.members.leave_all(conn)
        # the one line of a connection, as an access log has one of a request
        log.info(
            "socket closed",
            namespace=self.name,
            reason=member.reason,
            address=conn.address,
            seconds=round(self._monotonic() - conn.since, 1),
        )

    def receive(self, member: Member, arguments: Any) -> bytes | Awaitable[bytes]:
        conn: Connection = member.context
        began = self._monotonic()
        given = arguments if isinstance(arguments, list) else []
        name = given[0] if given and isinstance(given[0], str) else ""
        at_once = self._at_once.get(name)
        if at_once is None:
            return self._run(conn, self.commands.get(name), given, began)
        spec, meter = at_once
        try:
            meter.spend(conn.actor.user_id)
            cmd = self._decoded(conn, spec, given)
            for guard in spec.guards:
                guard(conn, cmd)
            answer = succeeded(spec.function(self, conn, cmd))  # type: ignore[arg-type]  # inline: it does not wait
        except Exception as problem:
            return self._failed(conn, name, problem, began)
        self._count(name, began)
        return answer

    async def _run(self, conn: Connection, spec: CommandSpec | None, given: list[Any], began: float) -> bytes:
        name = spec.name if spec else "unknown"
        _name_in_logs(conn, name)
        try:
            async with asyncio.timeout(SLOW_COMMAND):
                answer = succeeded(await self._execute(conn, spec, given))
        except Exception as problem:
            return self._failed(conn, name, problem, began)
        self._count(name, began)
        return answer

    async def _execute(self, conn: Connection, spec: CommandSpec | None, given: list[Any]) -> BaseModel:
        await self._spend(spec.limit if spec else "socket.command", conn.actor.user_id)
        if spec is None:
            known = ", ".join(sorted(self.commands))
            raise DomainError(Code.INVALID, f"there is no such command in {self.name}; there are: {known}")
        cmd = self._decoded(conn, spec, given)
        for guard in spec.guards:
            if (waiting := guard(conn, cmd)) is not None:
                await waiting
        reply = spec.function(self, conn, cmd)
        return reply if isinstance(reply, BaseModel) else await reply

    async def _spend(self, limit: str, whose: int | str) -> None:
        """``whose``: a user's id or the place of an address."""
        if meter := self._meters.get(limit):
            meter.spend(whose)
        elif isinstance(whose, int):
            await self.parts.limits.spend(limit, user_id=whose)
        else:
            await self.parts.limits.spend(limit, address=whose)

    def _decoded(self, conn: Connection, spec: CommandSpec, given: list[Any]) -> BaseModel:
        if spec.scope is not None and not conn.actor.has_scope(spec.scope):
            raise DomainError(Code.FORBIDDEN, f"this key lacks the scope {spec.scope}")
        return decode(spec, given)

    def _count(self, name: str, began: float) -> None:
        self._succeeded[name].value += 1
        self._seconds[name].observe(self._monotonic() - began)

    def _failed(self, conn: Connection, name: str, problem: Exception, began: float) -> bytes:
        """The one place where what went wrong becomes what the client is told."""
        if isinstance(problem, DomainError):
            error = problem
        elif isinstance(problem, TimeoutError):
            log.error("command given up", seconds=SLOW_COMMAND, command=name, connection_id=conn.sid)
            error = DomainError(Code.UNAVAILABLE, "it took too long: try again", retry_after_ms=1_000)
        else:
            with structlog.contextvars.bound_contextvars(connection_id=conn.sid, user_id=conn.actor.user_id):
                error = self._unexpected(name, problem)
        self.parts.metrics.commands.labels(name, error.code.name).inc()
        self._seconds[name].observe(self._monotonic() - began)
        return failure(error)

    def _unexpected(self, doing: str, problem: Exception) -> DomainError:
        if isinstance(problem, db.AWAY):
            log.warning("a part is away", doing=doing, namespace=self.name, error=repr(problem)[:200])
            return DomainError(Code.UNAVAILABLE, retry_after_ms=RETRY_AWAY_MS)
        incident = secrets.token_hex(6)
        log.error("unexpected failure", incident=incident, doing=doing, namespace=self.name, exc_info=problem)
        return DomainError(
            Code.INTERNAL, f"something failed here, not with you; incident {incident}", details={"incident": incident}
        )

    # until when a client is in

    def _arm(self, conn: Connection, *, renewed: bool = False) -> None:
        """One deadline: first the notice, then the end. A client that has just renewed a token of under a minute hears
        half-way to its end: told at once, it would renew at once, for ever."""
        conn.noticed, conn.deadline = False, 0
        left = self._left(conn)
        if left is None:
            return
        wait = left / 2 if renewed and left <= EXPIRY_NOTICE else left - EXPIRY_NOTICE
        if wait > 0:
            conn.deadline = self.parts.engine.wheel.enter(conn, wait)
        else:
            self.token_ends(conn)

    def token_ends(self, conn: Connection) -> None:
        """The deadline of ``conn`` has come."""
        left = self._left(conn)
        if left is None:
            return
        if not conn.noticed:
            conn.noticed = True
            conn.deadline = self.parts.engine.wheel.enter(conn, max(0.0, left))
            self.send(conn, "auth-expiring", shapes.AuthExpiring(expires_in=max(0, round(left))))
        else:
            self.evict(conn, Code.UNAUTHENTICATED, "the access token has expired")

    def _left(self, conn: Connection) -> float | None:
        ends = conn.actor.expires_at
        return None if ends is None else (ends - self.parts.clock.now()).total_seconds()

    def evict(self, conn: Connection, code: Code, reason: str) -> None:
        """Tell the client why, then put it out. A second time is no error."""
        if conn.evicted or conn.closed:
            return
        conn.evicted = True
        stream = min(conn.streams, default="")
        log.info("socket evicted", code=code.name, reason=reason, connection_id=conn.sid, user_id=conn.actor.user_id)
        conn.member.session.send(evicted(self.name, stream, code, reason))
        conn.member.disconnect(SERVER_DISCONNECT)

    # the commands of every namespace

    @command("clock", limit="socket.clock")
    def clock(self, conn: Connection, cmd: shapes.Clock) -> shapes.ClockReply:
        """Measure the distance between the client's clock and the server's."""
        received = self.parts.clock.now().timestamp() * 1000
        return shapes.ClockReply(t0=cmd.t0, t1=received, t2=self.parts.clock.now().timestamp() * 1000)

    @command("sync", limit="socket.sync")
    async def sync(self, conn: Connection, cmd: shapes.Sync) -> shapes.SyncReply:
        """Read the events of a stream that came after a seq."""
        if not await self.may_read(conn, cmd.stream):
            raise DomainError(Code.NOT_FOUND, "there is no such stream for you in this namespace")
        answer = await self.parts.streams.store.resume(cmd.stream, cmd.epoch, cmd.after_seq, cmd.limit)
        reply = shapes.SyncReply.model_construct(**answer)
        self._resumed[reply.reset].inc()
        if reply.reset:
            await self.snapshot(conn, cmd.stream)
        return reply

    @command("refresh-auth", limit="socket.refresh-auth")
    async def refresh_auth(self, conn: Connection, cmd: shapes.RefreshAuth) -> shapes.RefreshAuthReply:
        """Go on with a new access token of the same user."""
        actor = await self.parts.accounts.authenticate(cmd.token, kept=False)
        self._refuse_ended(actor)
        if actor.user_id != conn.actor.user_id:
            raise DomainError(Code.FORBIDDEN, "this token is another user's: open a new socket for it")
        if actor.expires_at is None:
            raise AssertionError("an access token always ends")
        if not conn.closed:  # meanwhile: it is in no index any more, and must not come back
            self.parts.connections.remove(conn)
            conn.actor = actor
            self.parts.connections.add(conn)
            self._arm(conn, renewed=True)
        return shapes.RefreshAuthReply(
            expires_in=max(0, round((actor.expires_at - self.parts.clock.now()).total_seconds()))
        )


def _name_in_logs(conn: Connection, command: str = "") -> None:
    """From here on the lines of this task name the client and what it asked; the task is the client's alone."""
    ids: dict[str, Any] = {"connection_id": conn.sid, "user_id": conn.actor.user_id}
    structlog.contextvars.bind_contextvars(**ids, **({"command": command} if command else {}))
