"""What every namespace does: admission, one command at a time, acks and errors in one place, sync and clock."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import structlog
from pydantic import BaseModel

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.metrics import Metrics
from mypick.streams import Streams
from realtime import commands as shapes
from realtime.addresses import client_address
from realtime.connection import MAX_WAITING, Connection, Connections
from realtime.registry import CommandSpec, ServerEvent, command, commands_of
from realtime.replies import decode, failed, wire_error
from realtime.transport import Peer, Refused, Transport

log = structlog.get_logger(__name__)

EXPIRY_NOTICE = 60  # seconds before the end of a token that the client is told
RETRY_AWAY_MS = 2_000  # a database that restarts is back within seconds; clients add their own jitter
SLOW_COMMAND = 30.0  # seconds after which a command is given up; services answer in milliseconds


class Authenticator(Protocol):
    """What the sockets need of accounts."""

    async def authenticate(self, access_token: str) -> Actor: ...

    async def authenticate_key(self, key: str) -> Actor: ...


class Limiter(Protocol):
    async def spend(self, name: str, *, user_id: int | None = None, address: str | None = None) -> object: ...


class Attendance(Protocol):
    """Who is online, over all nodes."""

    async def arrived(self, user_id: int) -> None: ...

    async def left(self, user_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What all namespaces share."""

    transport: Transport
    connections: Connections
    streams: Streams
    accounts: Authenticator
    limits: Limiter
    attendance: Attendance
    clock: Clock
    metrics: Metrics
    trusted_proxies: int


class Namespace:
    """The base of a namespace. Subclasses declare commands, what they send, and which streams a client may read."""

    name: ClassVar[str]
    streams: ClassVar[str]  # the prefix of the keys of its streams: "inbox:"
    scope: ClassVar[str] = "read"  # that an API key needs to come in
    sends: ClassVar[tuple[ServerEvent, ...]] = (
        ServerEvent("auth-expiring", shapes.AuthExpiring, False, "Call refresh-auth, or the socket is closed."),
        ServerEvent("lagged", shapes.Lagged, False, "Events were dropped for you: call sync."),
        ServerEvent("evicted", shapes.Evicted, False, "You were removed from the stream."),
        ServerEvent("server-draining", shapes.ServerDraining, False, "Come back after that delay."),
    )

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.commands = commands_of(type(self))
        self._tasks: set[asyncio.Task[None]] = set()  # expiries under way, at most one a connection
        parts.transport.add(self.name, self)

    # what subclasses say

    async def start(self, conn: Connection) -> None:
        """The client is in: enter its rooms and send it what it gets first."""

    async def may_read(self, conn: Connection, stream: str) -> bool:
        """Whether ``sync`` of ``stream`` is allowed."""
        raise NotImplementedError

    async def snapshot(self, conn: Connection, stream: str) -> None:
        """Send the fresh state of ``stream`` to a client whose past was reset."""

    # the transport calls

    async def admit(self, sid: str, peer: Peer, auth: Any) -> None:
        address = client_address(peer, self.parts.trusted_proxies)
        try:
            await self.parts.limits.spend("socket.connect", address=address)
            actor = await self._authenticate(auth)
        except DomainError as refused:
            self.parts.metrics.socket_connects.labels(self.name, refused.code.name).inc()
            raise Refused(wire_error(refused)) from None
        except Exception as failure:
            unexpected = self._unexpected("connect", failure)
            self.parts.metrics.socket_connects.labels(self.name, unexpected.code.name).inc()
            raise Refused(wire_error(unexpected)) from None
        self.parts.metrics.socket_connects.labels(self.name, "ok").inc()
        conn = Connection(sid=sid, namespace=self.name, actor=actor, address=address)
        self.parts.connections.add(conn)

    async def opened(self, sid: str) -> None:
        conn = self.parts.connections.get(self.name, sid)
        if conn is None:
            return
        conn.opened = True
        self._arm(conn)  # not before: what it may send must come behind the answer to the connect
        self.parts.metrics.socket_connections.labels(self.name).inc()
        with structlog.contextvars.bound_contextvars(connection_id=sid, user_id=conn.actor.user_id):
            log.info("socket opened", namespace=self.name, address=conn.address)
            try:
                await self.parts.attendance.arrived(conn.actor.user_id)
                async with conn.turn:
                    async with asyncio.timeout(SLOW_COMMAND):
                        await self.start(conn)
            except Exception as failure:
                if conn.closed:  # it left while it was let in: there was no room any more that it could enter
                    log.info("gone before it was started", namespace=self.name, error=repr(failure)[:200])
                    return
                self._unexpected("start", failure)
                # not the namespace alone: a client whose connection is cut comes back by itself
                await self.parts.transport.cut_off(self.name, sid)

    async def closed(self, sid: str, reason: str) -> None:
        conn = self.parts.connections.get(self.name, sid)
        if conn is None:
            return
        conn.closed = True
        self.parts.connections.remove(conn)
        if conn.expiry:
            conn.expiry.cancel()
        if not conn.opened:
            return  # it went away while it was let in: nobody has counted it yet
        self.parts.metrics.socket_connections.labels(self.name).dec()
        self.parts.metrics.socket_closes.labels(self.name, reason).inc()
        # Apart: this may be called from within the writing of a frame, which must not wait for a client's command.
        self._spawn(self._leave(conn, reason))

    async def _leave(self, conn: Connection, reason: str) -> None:
        with structlog.contextvars.bound_contextvars(connection_id=conn.sid, user_id=conn.actor.user_id):
            await self.parts.attendance.left(conn.actor.user_id)
            async with conn.turn:  # a join that is under way must be seen to be left
                for stream in conn.streams:
                    await self.parts.streams.delivery.leave(stream)
            log.info("socket closed", namespace=self.name, reason=reason)

    async def receive(self, sid: str, arguments: list[Any]) -> dict[str, Any] | None:
        conn = self.parts.connections.get(self.name, sid)
        if conn is None:
            return None
        if conn.waiting >= MAX_WAITING:
            return failed(
                DomainError(
                    Code.RATE_LIMITED,
                    f"{MAX_WAITING} commands wait already: wait for their acks",
                    retry_after_ms=1_000,
                )
            )
        conn.waiting += 1
        try:
            async with conn.turn:
                # closed while this waited: the session may have ended, and nobody reads the ack
                return None if conn.closed else await self._run(conn, arguments)
        finally:
            conn.waiting -= 1

    async def _run(self, conn: Connection, arguments: list[Any]) -> dict[str, Any]:
        began = self.parts.clock.monotonic()
        name = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        spec = self.commands.get(name)
        shown_name = spec.name if spec else "unknown"
        with structlog.contextvars.bound_contextvars(
            connection_id=conn.sid, user_id=conn.actor.user_id, command=shown_name
        ):
            try:
                async with asyncio.timeout(SLOW_COMMAND):
                    reply = await self._execute(conn, spec, arguments)
                answer, result = {"ok": True, "data": reply.model_dump(mode="json")}, "ok"
            except DomainError as refused:
                answer, result = failed(refused), refused.code.name
            except TimeoutError:
                log.error("command given up", seconds=SLOW_COMMAND)
                unavailable = DomainError(Code.UNAVAILABLE, "it took too long: try again", retry_after_ms=1_000)
                answer, result = failed(unavailable), unavailable.code.name
            except Exception as failure:
                unexpected = self._unexpected(shown_name, failure)
                answer, result = failed(unexpected), unexpected.code.name
        self.parts.metrics.commands.labels(shown_name, result).inc()
        self.parts.metrics.command_seconds.labels(shown_name).observe(self.parts.clock.monotonic() - began)
        return answer

    async def _execute(self, conn: Connection, spec: CommandSpec | None, arguments: list[Any]) -> BaseModel:
        limit = spec.limit if spec else "socket.command"
        await self.parts.limits.spend(limit, user_id=conn.actor.user_id)
        if spec is None:
            known = ", ".join(sorted(self.commands))
            raise DomainError(Code.INVALID, f"there is no such command in {self.name}; there are: {known}")
        if spec.scope is not None and not conn.actor.has_scope(spec.scope):
            raise DomainError(Code.FORBIDDEN, f"this key lacks the scope {spec.scope}")
        cmd = decode(spec, arguments[1:])
        for guard in spec.guards:
            await guard(conn, cmd)
        reply: BaseModel = await spec.function(self, conn, cmd)
        return reply

    def _unexpected(self, doing: str, failure: Exception) -> DomainError:
        if isinstance(failure, db.AWAY):
            log.warning("a part is away", doing=doing, namespace=self.name, error=repr(failure)[:200])
            return DomainError(Code.UNAVAILABLE, retry_after_ms=RETRY_AWAY_MS)
        incident = secrets.token_hex(6)
        log.error("unexpected failure", incident=incident, doing=doing, namespace=self.name, exc_info=failure)
        return DomainError(
            Code.INTERNAL, f"something failed here, not with you; incident {incident}", details={"incident": incident}
        )

    # authentication

    async def _authenticate(self, auth: Any) -> Actor:
        if isinstance(auth, Mapping) and isinstance(token := auth.get("token"), str):
            return await self.parts.accounts.authenticate(token)
        if isinstance(auth, Mapping) and isinstance(key := auth.get("api_key"), str):
            actor = await self.parts.accounts.authenticate_key(key)
            if not actor.has_scope(self.scope):
                raise DomainError(Code.FORBIDDEN, f"this key lacks the scope {self.scope}")
            return actor
        raise DomainError(Code.UNAUTHENTICATED, "connect with auth: {token: <access token>}")

    def _arm(self, conn: Connection, *, renewed: bool = False) -> None:
        """One timer: first the notice, then the end. A client that has just renewed a token of under a minute hears
        half-way to its end: told at once, it would renew at once, for ever."""
        if conn.expiry:
            conn.expiry.cancel()
            conn.expiry = None
        if conn.actor.expires_at is None:
            return
        left = (conn.actor.expires_at - self.parts.clock.now()).total_seconds()
        loop = asyncio.get_running_loop()
        wait = left / 2 if renewed and left <= EXPIRY_NOTICE else left - EXPIRY_NOTICE
        conn.expiry = loop.call_later(max(0.0, wait), self._notify_expiry, conn)

    def _notify_expiry(self, conn: Connection) -> None:
        if conn.closed or conn.actor.expires_at is None:
            return
        left = max(0.0, (conn.actor.expires_at - self.parts.clock.now()).total_seconds())
        loop, actor = asyncio.get_running_loop(), conn.actor
        conn.expiry = loop.call_later(left, lambda: self._spawn(self._expired(conn, actor)))
        self._spawn(self.parts.transport.emit(self.name, conn.sid, "auth-expiring", {"expires_in": round(left)}))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expired(self, conn: Connection, actor: Actor) -> None:
        if conn.actor is actor:  # and not another, whose token came in the last moment
            await self.evict(conn, Code.UNAUTHENTICATED, "the access token has expired")

    async def evict(self, conn: Connection, code: Code, reason: str) -> None:
        """Tell the client why, then close it. A second time is no error."""
        if conn.evicted or conn.closed:
            return
        conn.evicted = True
        stream = next(iter(sorted(conn.streams)), "")
        with structlog.contextvars.bound_contextvars(connection_id=conn.sid, user_id=conn.actor.user_id):
            log.info("socket evicted", code=code.name, reason=reason)
            await self.parts.transport.emit(
                self.name, conn.sid, "evicted", {"stream": stream, "code": code.name, "reason": reason}
            )
            await self.parts.transport.disconnect(self.name, conn.sid)

    # the commands of every namespace

    @command("clock", limit="socket.clock")
    async def clock(self, conn: Connection, cmd: shapes.Clock) -> shapes.ClockReply:
        """Measure the distance between the client's clock and the server's."""
        received = self.parts.clock.now().timestamp() * 1000
        return shapes.ClockReply(t0=cmd.t0, t1=received, t2=self.parts.clock.now().timestamp() * 1000)

    @command("sync", limit="socket.sync")
    async def sync(self, conn: Connection, cmd: shapes.Sync) -> shapes.SyncReply:
        """Read the events of a stream that came after a seq."""
        if not await self.may_read(conn, cmd.stream):
            raise DomainError(Code.NOT_FOUND, "there is no such stream for you in this namespace")
        reply = shapes.SyncReply(
            **await self.parts.streams.store.resume(cmd.stream, cmd.epoch, cmd.after_seq, cmd.limit)
        )
        self.parts.metrics.stream_resumes.labels("reset" if reply.reset else "events").inc()
        if reply.reset:
            await self.snapshot(conn, cmd.stream)
        return reply

    @command("refresh-auth", limit="socket.refresh-auth")
    async def refresh_auth(self, conn: Connection, cmd: shapes.RefreshAuth) -> shapes.RefreshAuthReply:
        """Go on with a new access token of the same user."""
        actor = await self.parts.accounts.authenticate(cmd.token)
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
