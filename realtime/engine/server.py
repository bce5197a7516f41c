"""The engine of one process: handshakes, sessions, and what becomes of them."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson
import structlog
from aiohttp import web

from mypick.errors import Code
from mypick.metrics import Metrics
from realtime.engine import session as reasons
from realtime.engine.bounds import Bounds
from realtime.engine.frames import NORMAL, TEXT, encode
from realtime.engine.front import Front, Handshake
from realtime.engine.handshake import Handshakes, answer_to_key
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
from realtime.engine.polling import UNREADABLE, Mailbox, TooLargeError, read_body
from realtime.engine.private import SocketIOServer, hand_over
from realtime.engine.rooms import Rooms
from realtime.engine.session import Session
from realtime.engine.websocket import WebSocket
from realtime.engine.wheel import Wheel

log = structlog.get_logger(__name__)

RETRY_AFTER = 5  # seconds, for clients that come while this process closes or is full
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
        self.rooms = Rooms(self.bounds.rooms)
        self._handshakes = handshakes
        self._rng = rng or random.Random()  # noqa: S311 - spreads pings
        self._tasks: set[asyncio.Task[Any]] = set()  # departures: at most one a member
        self._draining = False

        def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
            return origin is None or handshakes.origin_allowed(origin, environ.get("HTTP_HOST", ""))

        self.sio = SocketIOServer(
            client_manager=self.rooms,
            serializer=_packets(self.bounds.attachments),
            logger=_quiet("socketio"),
            engineio_logger=_quiet("engineio"),
            async_mode="aiohttp",
            json=Json,
            namespaces=[],
            cors_allowed_origins=allowed,
            cors_credentials=False,
            max_http_buffer_size=self.bounds.packet_bytes,
            http_compression=False,
            monitor_clients=False,
            transports=["polling", "websocket"] if polling else ["websocket"],
        )
        self.eio = self.sio.eio
        self.eio.check_body = self._check_body
        self.eio.open_polling = self._open_polling
        self.eio.on_refused = lambda key: log.info("request refused", reason=key)
        self._polling = polling
        self.sessions: dict[str, Session] = self.eio.sockets  # type: ignore[assignment]  # Sessions, all of them

    def add(self, namespace: str, door: Door) -> None:
        self.rooms.spaces[namespace] = Space(namespace, door)

    def attach(self, app: web.Application) -> None:
        """Serve ``/socket.io/`` in ``app``."""
        for method in ("GET", "POST", "OPTIONS"):
            app.router.add_route(method, "/socket.io/", self.handle)

    # handshakes

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.loop = asyncio.get_running_loop()
        if "sid" not in request.query:
            self._refuse_where_none_may_come(request)
        if request.method == "GET" and (
            request.query.get("transport") == "websocket" or request.headers.get("Upgrade", "").lower() == "websocket"
        ):
            return self._open_websocket(request)
        answer: web.StreamResponse = await self.eio.handle_request(request)
        return answer

    def _refuse_where_none_may_come(self, request: web.Request) -> None:
        if self._draining or len(self.sessions) >= self.bounds.connections:
            what = "this server is closing" if self._draining else "this server is full"
            self.metrics.socket_handshakes.labels("closing" if self._draining else "full").inc()
            raise web.HTTPServiceUnavailable(text=f"{what}: come back", headers={"Retry-After": str(RETRY_AFTER)})
        if wait := self._handshakes.wait(self._handshakes.address_of(request)):
            self.metrics.socket_handshakes.labels("too many").inc()
            raise web.HTTPTooManyRequests(
                text=f"too many connections from your address: wait {math.ceil(wait)} s",
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def _open_websocket(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        origin = headers.get("Origin")
        if origin is not None and not self._handshakes.origin_allowed(origin, headers.get("Host", "")):
            raise self._refusal("origin", f"{origin} is not an accepted origin.")
        if request.query.get("transport") != "websocket":
            raise self._refusal("transport", "a websocket is asked for with transport=websocket")
        sid = request.query.get("sid")
        if sid is None and request.query.get("EIO") != "4":
            raise self._refusal("version", "this server speaks version 4 of Engine.IO: EIO=4")
        answer = answer_to_key(
            connection=headers.get("Connection", ""),
            upgrade=headers.get("Upgrade", ""),
            version=headers.get("Sec-WebSocket-Version", ""),
            key=headers.get("Sec-WebSocket-Key", ""),
        )
        if answer is None:
            raise self._refusal(
                "upgrade",
                "a websocket needs the headers Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13 and "
                "Sec-WebSocket-Key",
            )
        if sid is None:
            session = self._new_session(self._handshakes.address_of(request))
            link = WebSocket(session)
        else:
            found = self.sessions.get(sid)
            if found is None or found.closed or found.mailbox is None or found.link is not None:
                raise self._refusal("session", "there is no connection that could be upgraded: open a new one")
            session, link = found, WebSocket(found, probing=True)
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left during its handshake")
        session.link = link  # where it probes, the session goes on being polled
        transport.write(answer)
        if sid is None:
            self._begin(session, transport)
        response = hand_over(request, link)
        if sid is None and not session.closed:
            session.upgrade(link)
        return response

    def _begin(self, session: Session, transport: asyncio.Transport) -> None:
        self.sessions[session.sid] = session
        transport.write(encode(TEXT, b"0" + orjson.dumps(self._opening(session, []))))
        self.metrics.socket_handshakes.labels("websocket").inc()

    def front(self, http: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """What makes the protocol of each new connection: handshakes of WebSockets end here, all else is ``http``'s."""
        return lambda: Front(self, http)

    def greet(self, transport: asyncio.Transport, handshake: Handshake) -> bool:
        """Make a connection a WebSocket, if it may be one; who may not be goes the long way and is told why."""
        rules = self._handshakes
        if self._draining or len(self.sessions) >= self.bounds.connections:
            return False
        if handshake.origin is not None and not rules.origin_allowed(handshake.origin, handshake.host):
            return False
        address = rules.address(transport.get_extra_info("peername"), handshake.forwarded_for)
        if rules.wait(address):
            return False
        self.loop = asyncio.get_running_loop()
        session = self._new_session(address)
        session.link = link = WebSocket(session)
        transport.write(handshake.answer)
        self._begin(session, transport)
        transport.set_protocol(link)
        link.connection_made(transport)
        session.upgrade(link)
        if handshake.early:
            link.data_received(handshake.early)
        return True

    def _open_polling(self, request: web.Request) -> tuple[Session, dict[str, Any]]:
        session = self._new_session(self._handshakes.address_of(request))
        session.mailbox = Mailbox()
        self.sessions[session.sid] = session
        self.metrics.socket_handshakes.labels("polling").inc()
        return session, self._opening(session, ["websocket"])

    def _new_session(self, address: str) -> Session:
        return Session(self, secrets.token_urlsafe(15), address)

    def _opening(self, session: Session, upgrades: list[str]) -> dict[str, Any]:
        return {
            "sid": session.sid,
            "upgrades": upgrades,
            "pingTimeout": int(self.bounds.ping_timeout * 1_000),
            "pingInterval": int(self.bounds.ping_interval * 1_000),
            "maxPayload": self.bounds.packet_bytes,
        }

    def _refusal(self, key: str, text: str) -> web.HTTPBadRequest:
        log.info("request refused", reason=key)
        self.metrics.socket_handshakes.labels(key).inc()
        return web.HTTPBadRequest(text=text)

    async def _check_body(self, request: web.Request) -> list[str | bytes]:
        """The packets of a POST. A client that posts none is closed, as a websocket is that sends the like."""
        session = self.sessions.get(request.query.get("sid", ""))
        try:
            async with asyncio.timeout(self.bounds.body):
                packets = await read_body(request, self.bounds.packet_bytes)
        except TooLargeError:
            if session is not None:
                session.close(reasons.MALFORMED_PACKET)
            raise web.HTTPRequestEntityTooLarge(self.bounds.packet_bytes) from None
        except (ValueError, KeyError, TimeoutError, ConnectionError, *UNREADABLE) as malformed:
            if session is not None:
                self.malformed(session, malformed)
                session.close(reasons.MALFORMED_PACKET)
            raise web.HTTPBadRequest(text="these are no packets of Engine.IO 4") from None
        if session is None or session.closed:
            raise web.HTTPBadRequest(text="this connection is closed: open a new one")
        return packets

    def first_ping(self) -> float:
        """Seconds: spread, so that those who came together are not pinged together for ever."""
        return self.bounds.ping_interval * self._rng.uniform(0.6, 1)

    # sessions call

    def probe(self, session: Session, link: WebSocket, opcode: int, payload: bytearray) -> None:
        """A packet on a WebSocket beside a session that is polled: "probe" is answered, then it is carried over."""
        mailbox = session.mailbox
        if opcode == TEXT and payload == b"2probe" and mailbox is not None and not mailbox.probed:
            link.write(encode(TEXT, reasons.PROBE_ANSWER))
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
            else:
                member.receive(packet.data, packet.id)
        elif kind in (ACK, BINARY_ACK):
            if member is not None:
                self.spawn(self.rooms.trigger_callback(member.sid, packet.id, packet.data))
        else:
            raise ValueError(f"packets of type {kind}")

    def connect(self, session: Session, namespace: str, auth: Any) -> None:
        """A client asks to be let into a namespace."""
        space = self.rooms.spaces.get(namespace)
        if space is None:
            known = ", ".join(sorted(self.rooms.spaces))
            message = f"there is no such namespace; there are: {known}"
            self._refuse_namespace(session, namespace, Code.NOT_FOUND, message)
        elif session.member(namespace) is not None:
            return  # a second CONNECT for the same namespace would make a second member of one client
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

    def malformed(self, session: Session, problem: Exception) -> None:
        log.info("malformed packet, closing", eio_sid=session.sid, error=repr(problem)[:200])

    def dropped(self, message: Message) -> None:
        self.metrics.socket_dropped.labels(message.kind.value).inc()

    def cut(self, session: Session, reason: str, **told: Any) -> None:
        log.info("cutting a connection", eio_sid=session.sid, reason=reason, address=session.address, **told)
        session.cut(reason)

    def broken(self, session: Session, link: WebSocket, code: int) -> None:
        """The frames of a WebSocket are wrong; it says so when it closes."""
        log.info("malformed frame, closing", eio_sid=session.sid, code=code)
        if session.link is link and not link.probing:
            session.end(reasons.TRANSPORT_ERROR)

    def lost(self, session: Session, link: WebSocket) -> None:
        """A WebSocket is gone."""
        if session.link is not link:
            return
        session.link = None
        if link.probing:
            if session.mailbox is not None:
                session.mailbox.unprobe()
        else:
            session.close(reasons.TRANSPORT_CLOSE)

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
        self._draining = True

    async def close(self, within: float) -> None:
        """Finish what is under way and flush, then close every connection; ``within`` seconds in all."""
        self.refuse_new()
        everybody = list(self.sessions.values())
        if late := await _settle(everybody, lambda session: session.closed or session.drained(), within / 2):
            log.warning("some commands or clients were not waited for", sockets=late)
        for number, session in enumerate(everybody):
            session.go_away()
            if number % 500 == 499:  # about 5 ms
                await asyncio.sleep(0)
        await _settle(everybody, lambda session: session.link is None, within / 2)
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

