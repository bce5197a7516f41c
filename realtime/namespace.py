"""What every namespace does: admission, one command at a time, acks and errors in one place, sync and clock."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar

import orjson
import structlog
from pydantic import BaseModel

from mypick.accounts.actor import Actor
from mypick.control import Eviction
from mypick.errors import Code, DomainError
from mypick.limits import place_of
from mypick.streams import Frame
from realtime import commands as shapes
from realtime.admission import authenticate
from realtime.connection import Connection
from realtime.engine.member import Member, Refused, error_body
from realtime.engine.messages import Kind, Message, durable, event, evicted
from realtime.engine.reasons import SERVER_DISCONNECT
from realtime.membership import Crowd, Memberships
from realtime.parts import Parts
from realtime.registry import ServerEvent, command, commands_of
from realtime.runner import Runner, name_in_logs

log = structlog.get_logger(__name__)

EXPIRY_NOTICE = 60  # seconds before the end of a token that the client is told

PRESENCE = ServerEvent(
    "presence", shapes.RoomPresence, False, "How many people are in a room; at most one each 2 s.", droppable=True
)
"""A namespace that has it among what it sends has its streams counted, and their members told. Their keys end with the
room's id: ``room:3``."""


class Namespace:
    """The base of a namespace. Subclasses declare commands, what they send, and which streams a client may read."""

    name: ClassVar[str]
    streams: ClassVar[str]  # the prefix of the keys of its streams: "inbox:"
    more_streams: ClassVar[tuple[str, ...]] = ()  # prefixes of others, in which nobody counts who is there
    timed: ClassVar[frozenset[str]] = frozenset()  # events whose handing to all sockets is measured
    above: ClassVar[str | None] = None  # of more_streams: who is put out of one may not be in streams beneath it either
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
        self._runner = Runner(self, self.name, self.commands, parts)
        if PRESENCE in self.sends and parts.crowd is None:
            raise RuntimeError(f"{self.name} sends presence, and nobody counts")
        self.members = Memberships(
            self.name,
            parts.engine,
            parts.streams.delivery,
            parts.connections,
            self.crowd(),
            self.message,
            self.more_streams,
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

    def crowd(self) -> Crowd | None:
        """Who is told of everybody who enters and leaves a stream."""
        return self.parts.crowd if PRESENCE in self.sends else None

    def took(self, frame: Frame) -> bool:
        """Whether a signal is one that nodes tell each other, and not their members."""
        return False

    def handed_out(self, frame: Frame, took_ms: float) -> None:
        """An event that is ``timed`` was handed to all sockets here."""
        self.parts.metrics.fanout_ms.observe(took_ms)

    def presence(self, room: str, online: int) -> BaseModel:
        """What the members of ``room`` are told of how many they are."""
        return shapes.RoomPresence(room_id=int(room.partition(":")[2]), online=online)

    # what subclasses use

    def send(self, conn: Connection, name: str, body: BaseModel | dict[str, Any]) -> None:
        """One event to one client; ``body`` may be what the model would be in JSON. Never waits."""
        text = orjson.dumps(body) if isinstance(body, dict) else body.__pydantic_serializer__.to_json(body)
        conn.member.session.send(event(self.name, name, text))

    def message(self, frame: Frame) -> Message:
        """What the members of a stream are sent for ``frame``."""
        if frame.seq is not None:
            return durable(self.name, frame.type, frame.body, frame.stream, frame.seq)
        kind = Kind.DROPPABLE if frame.type in self._droppable else Kind.NEEDED
        return event(self.name, frame.type, frame.body, kind)

    # the engine calls

    async def admit(self, member: Member, auth: Any) -> None:
        parts = self.parts
        before = parts.connections.puttings_out
        try:
            await self._runner.spend("socket.connect", place_of(member.session.address))
            actor = await authenticate(parts.accounts, auth, self.scope)
            self._refuse_ended(actor)
            self._refuse_put_out(actor, before)
            self._find_place(actor.user_id)
        except DomainError as refused:
            parts.metrics.socket_connects.labels(self.name, refused.code.name).inc()
            raise Refused(error_body(refused)) from None
        except Exception as problem:
            unexpected = self._runner.unexpected("connect", problem)
            parts.metrics.socket_connects.labels(self.name, unexpected.code.name).inc()
            raise Refused(error_body(unexpected)) from None
        self._let_in.inc()
        member.context = conn = Connection(member, self, actor, self._monotonic())
        parts.connections.add(conn)

    def _refuse_ended(self, actor: Actor) -> None:
        """The session may have ended while its token was looked at."""
        if self.parts.connections.has_ended(actor.session_id):
            raise DomainError(Code.UNAUTHENTICATED, "the session has ended")

    def _refuse_put_out(self, actor: Actor, before: int) -> None:
        if self.parts.connections.was_put_out(actor.user_id, before):
            raise DomainError(Code.UNAUTHENTICATED, "you were signed out everywhere while you connected")

    def _find_place(self, user_id: int) -> None:
        here = sum(conn.owner is self for conn in self.parts.connections.of_user(user_id))
        if here >= self.parts.connections_per_user:
            raise DomainError(Code.FULL, f"{here} connections of yours are open already: close one")

    async def opened(self, member: Member) -> None:
        conn: Connection = member.context
        if conn.closed:  # it was cut while it was told that it is in
            return
        conn.opened = True
        self._arm(conn)  # not before: what it may send must come behind the answer to the connect
        self._here.inc()
        name_in_logs(conn)
        log.debug("socket opened", namespace=self.name, address=conn.address)
        try:
            await self.parts.attendance.arrived(conn.actor.user_id)
            with self._runner.patience.here():
                await self.start(conn)
        except Exception as problem:
            if conn.closed:  # it left while it was let in: there was no room any more that it could enter
                log.info("gone before it was started", namespace=self.name, error=repr(problem)[:200])
                return
            self._runner.unexpected("start", problem)
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
        name_in_logs(conn)
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
        return self._runner.receive(member.context, arguments)

    # until when a client is in

    def _arm(self, conn: Connection, *, renewed: bool = False) -> None:
        """One deadline: first the notice, then the end. A client that has just renewed a token of under a minute hears
        half-way to its end: told at once, it would renew at once, for ever."""
        self.parts.engine.wheel.forget(conn, conn.deadline)
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
        """Measure the distance between the client's clock and the one that all nodes share."""
        received = self.parts.shared.now_ms()
        return shapes.ClockReply(t0=cmd.t0, t1=received, t2=self.parts.shared.now_ms())

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
