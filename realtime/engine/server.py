"""The engine of one process: its sessions, and what becomes of them."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from mypick.errors import Code
from mypick.metrics import Metrics
from realtime.engine import reasons
from realtime.engine.bounds import Bounds
from realtime.engine.entry import Entry
from realtime.engine.frames import NORMAL, TEXT, encode
from realtime.engine.front import Front
from realtime.engine.handshake import Handshakes
from realtime.engine.member import CONNECT_FIRST, Door, Member, Space
from realtime.engine.messages import Message, address, packet
from realtime.engine.packets import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Event,
    Json,
    Packet,
)
from realtime.engine.private import SocketIOServer
from realtime.engine.rooms import Rooms
from realtime.engine.session import PROBE_ANSWER, Session
from realtime.engine.turns import Turns
from realtime.engine.websocket import WebSocket
from realtime.engine.wheel import Wheel

log = structlog.get_logger(__name__)

DRAIN_LOOK = 0.02  # seconds between two looks whether all is sent


class Engine:
    """Serves Socket.IO 5 over Engine.IO 4: WebSockets by itself, long polling through python-engineio."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        handshakes: Handshakes,
        *,
        bounds: Bounds | None = None,
        metrics: Metrics | None = None,
        polling: bool = True,
        rng: random.Random | None = None,
    ) -> None:
        """``polling`` is off where several processes share a port, since polls of one client would reach others."""
        self.bounds = bounds or Bounds()
        self.metrics = metrics or Metrics.unread()
        self.wheel = Wheel()
        self.turns = Turns(self.bounds.steps_per_turn)
        self.rooms = Rooms(self.bounds.rooms)
        self._rng = rng or random.Random()  # noqa: S311 - spreads pings
        self._tasks: set[asyncio.Task[Any]] = set()  # departures: at most one a member
        self.draining = False

        self.packet_class = _packets(self.bounds.attachments)
        self.sio = SocketIOServer(
            client_manager=self.rooms,
            serializer=self.packet_class,
            logger=_quiet("socketio"),
            engineio_logger=_quiet("engineio"),
            async_mode="aiohttp",
            json=Json,
            namespaces=[],
            cors_allowed_origins=lambda origin, environ: handshakes.permits(origin, environ.get("HTTP_HOST", "")),
            cors_credentials=False,
            max_http_buffer_size=self.bounds.packet_bytes,
            http_compression=False,
            monitor_clients=False,
            transports=["polling", "websocket"] if polling else ["websocket"],
        )
        self.eio = self.sio.eio
        self.sessions: dict[str, Session] = self.eio.sockets  # type: ignore[assignment]  # Sessions, all of them
        self._entry = Entry(self, handshakes, polling=polling)

    def add(self, namespace: str, door: Door) -> None:
        self.rooms.spaces[namespace] = Space(namespace, door)

    def attach(self, app: web.Application) -> None:
        """Serve ``/socket.io/`` in ``app``."""
        for method in ("GET", "POST", "OPTIONS"):
            app.router.add_route(method, "/socket.io/", self._entry.handle)

    def front(self, http: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """What makes the protocol of each new connection: handshakes of WebSockets end here, all else is ``http``'s."""
        return lambda: Front(self._entry, http)

    @property
    def open_to_newcomers(self) -> bool:
        return not self.draining and len(self.sessions) < self.bounds.connections

    def first_ping(self) -> float:
        """Seconds: spread, so that those who came together are not pinged together for ever."""
        return self.bounds.ping_interval * self._rng.uniform(0.6, 1)

    # sessions call

    def probe(self, session: Session, link: WebSocket, opcode: int, payload: bytearray) -> None:
        """A packet on a WebSocket beside a session that is polled: "probe" is answered, then it is carried over."""
        mailbox = session.mailbox
        if opcode == TEXT and payload == b"2probe" and mailbox is not None and not mailbox.probed:
            link.write(encode(TEXT, PROBE_ANSWER))
            mailbox.probe()
        elif opcode == TEXT and payload == b"5" and mailbox is not None and mailbox.probed and not session.closed:
            link.probing = False
            session.upgrade(link)
        else:
            log.info("an upgrade came to nothing", eio_sid=session.sid)
            link.close(NORMAL)

    def take_packet(self, session: Session, packet: Packet) -> None:
        """A packet that is no plain event. Raises ``ValueError`` for what no client may send."""
        kind, namespace = packet.packet_type, packet.namespace or "/"
        member = session.member(namespace)
        if kind == CONNECT:
            self.connect(session, namespace, packet.data)
        elif kind == DISCONNECT:
            if member is not None:
                member.leave(reasons.CLIENT_DISCONNECT)
        elif kind in (EVENT, BINARY_EVENT):
            if member is None:
                self.answer_stranger(session, Event(namespace, packet.id, packet.data))
            elif kind == BINARY_EVENT:
                member.refuse_binary(packet.id)
            else:
                member.receive(packet.data, packet.id)
        elif kind in (ACK, BINARY_ACK):
            if member is not None and self.rooms.awaits(member, packet.id) and isinstance(packet.data, list):
                self.spawn(self.rooms.trigger_callback(member.sid, packet.id, packet.data))
        else:
            raise ValueError(f"packets of type {kind}")

    def connect(self, session: Session, namespace: str, auth: Any, *, too_deep: bool = False) -> None:
        """A client asks to be let into a namespace. ``too_deep``: its auth is nested deeper than it may be."""
        space = self.rooms.spaces.get(namespace)
        if space is None:
            known = ", ".join(sorted(self.rooms.spaces))
            message = f"there is no such namespace; there are: {known}"
            self._refuse_namespace(session, namespace, Code.NOT_FOUND, message)
        elif session.member(namespace) is not None:
            return  # a second CONNECT for the same namespace would make a second member of one client
        elif too_deep:
            self._refuse_namespace(
                session,
                namespace,
                Code.INVALID,
                f"auth is nested deeper than {self.bounds.nesting} lists and objects",
            )
        elif len(session.members) >= self.bounds.namespaces:
            self._refuse_namespace(
                session, namespace, Code.FULL, f"one connection is in at most {self.bounds.namespaces} namespaces"
            )
        else:
            member = Member(secrets.token_urlsafe(15), space, session)
            session.members.append(member)
            member.enter(auth)

    def _refuse_namespace(self, session: Session, namespace: str, code: Code, message: str) -> None:
        body = {"message": message, "data": {"code": code.name, "message": message, "retryable": code.retryable}}
        session.send(packet(CONNECT_ERROR, namespace, body))

    def answer_stranger(self, session: Session, event: Event) -> None:
        """An event for a namespace that its sender is not in."""
        if event.ack_id is not None:
            session.send(Message(b"43%b%d[%b]" % (address(event.namespace), event.ack_id, CONNECT_FIRST)))

    def log_refused(self, session: Session, reason: str, why: str, error: Exception | None) -> None:
        told = {} if error is None else {"error": repr(error)[:200]}
        log.info("closing a client", eio_sid=session.sid, address=session.address, reason=reason, why=why, **told)

    def dropped(self, message: Message) -> None:
        self.metrics.socket_dropped.labels(message.kind.value).inc()

    def cut(self, session: Session, reason: str, **told: Any) -> None:
        log.info("cutting a connection", eio_sid=session.sid, reason=reason, address=session.address, **told)
        session.cut(reason)

    def lost(self, session: Session, link: WebSocket) -> None:
        """A WebSocket is gone."""
        if session.link is not link:
            return
        session.link = None
        if link.probing:
            if session.mailbox is not None:
                session.mailbox.unprobe()
        else:
            session.write = None  # at once: the transport takes nothing any more
            self.turns.soon(partial(session.close, reasons.TRANSPORT_CLOSE))

    def forget(self, session: Session) -> None:
        """A session has ended; the poll that is open takes what is left."""
        self.sessions.pop(session.sid, None)

    def spawn(self, work: Coroutine[Any, Any, Any] | Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work, loop=self.loop)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # the end

    def refuse_new(self) -> None:
        """From now on let nobody in: this process is about to close."""
        self.draining = True

    async def finish(self, within: float) -> None:
        """Let nobody in, finish what is under way and flush; ``within`` seconds."""
        self.refuse_new()
        everybody = list(self.sessions.values())
        if late := await _settle(everybody, lambda session: session.closed or session.drained(), within):
            log.warning("some commands or clients were not waited for", sockets=late)

    async def close(self, within: float) -> None:
        """Close every connection, which gets ``within`` seconds to say goodbye; then all are cut."""
        self.refuse_new()
        everybody = list(self.sessions.values())
        for number, session in enumerate(everybody):
            session.close(reasons.SHUTDOWN)
            if number % 500 == 499:  # about 5 ms
                await asyncio.sleep(0)
        await _settle(everybody, lambda session: session.link is None and not self.turns, within)
        for session in everybody:
            if session.link is not None:
                session.link.abort()
        self.sessions.clear()
        self.wheel.close()


async def _settle(sessions: list[Session], done: Callable[[Session], bool], within: float) -> int:
    """Wait until all are done, ``within`` seconds at most. How many are not."""
    left = sessions
    for _ in range(math.ceil(within / DRAIN_LOOK)):
        left = [session for session in left if not done(session)]
        if not left:
            break
        await asyncio.sleep(DRAIN_LOOK)
    return len(left)


def _packets(attachments: int) -> type[Packet]:
    return type("BoundedPacket", (Packet,), {"max_attachments": attachments})


def _quiet(package: str) -> logging.Logger:
    """The package's logger, at ERROR: at INFO it writes every packet, tokens included. Made here, the package adds no
    handler of its own, which would write each failure a second time and not as JSON."""
    logger = logging.getLogger(f"{package}.server")
    logger.setLevel(logging.ERROR)
    return logger

