"""How connections come in: handshakes of WebSockets and of polling, upgrades, and the bodies that polling posts."""

from __future__ import annotations

import asyncio
import math
import secrets
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from aiohttp import web

from realtime.engine import reasons
from realtime.engine.frames import TEXT, encode
from realtime.engine.front import Handshake
from realtime.engine.handshake import Handshakes, answer_to_key
from realtime.engine.polling import UNREADABLE, Mailbox, TooLargeError, TooManyError, read_body
from realtime.engine.private import Handed, hand_over
from realtime.engine.reasons import too_many_packets
from realtime.engine.session import Session
from realtime.engine.websocket import WebSocket
from realtime.engine.wheel import Timed

if TYPE_CHECKING:
    from realtime.engine.server import Engine

log = structlog.get_logger(__name__)

RETRY_AFTER = 5  # seconds, for clients that come while this process closes or is full
NO_POLLING = (
    "long polling is off, since several processes share this port and each request may reach another: connect with "
    'transports: ["websocket"], or put nginx with stickiness in front of single processes (docs/operations.md).'
)
_TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
)


class Entry:
    """The side of ``engine`` that speaks HTTP. What no client may open is refused here, with the reason."""

    def __init__(self, engine: Engine, handshakes: Handshakes, *, polling: bool) -> None:
        self._engine = engine
        self.turns = engine.turns
        self._handshakes = handshakes
        self._polling = polling
        eio = engine.eio
        eio.check_body = self._check_body
        eio.open_polling = self._open_polling
        eio.on_refused = lambda key: log.info("request refused", reason=key)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._engine.loop = asyncio.get_running_loop()
        if request.method == "GET" and (
            request.query.get("transport") == "websocket" or request.headers.get("Upgrade", "").lower() == "websocket"
        ):
            return self._open_websocket(request)
        if not self._polling and request.method != "OPTIONS":
            raise self._no_polling(request)
        session = self._engine.sessions.get(request.query.get("sid", ""))
        mailbox = session.mailbox if session is not None else None
        answer: web.StreamResponse = await self._engine.eio.handle_request(request)
        return answer if mailbox is None else mailbox.answer(request, answer)

    def watch(self, newcomer: Timed) -> None:
        """Look at a connection that has sent nothing yet when it may be silent no longer."""
        self._engine.wheel.enter(newcomer, self._engine.bounds.silent)

    def greet(self, transport: asyncio.Transport, handshake: Handshake) -> bool:
        """Make a connection a WebSocket, if it may be one; who may not be goes the long way and is told why,
        but for those who come too often. False: nothing was done."""
        engine, rules = self._engine, self._handshakes
        if not engine.open_to_newcomers or not rules.permits(handshake.origin, handshake.host):
            return False
        address = rules.address(transport.get_extra_info("peername"), handshake.forwarded_for)
        if wait := rules.wait(address):
            self._turn_away(transport, wait)
            return True
        engine.loop = asyncio.get_running_loop()
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

    def _turn_away(self, transport: asyncio.Transport, wait: float) -> None:
        """As ``_refuse_where_none_may_come``, for a tenth of its cost: of these there are many."""
        self._engine.metrics.socket_handshakes.labels("too many").inc()
        text = _too_many(wait).encode()
        transport.write(_TOO_MANY % (math.ceil(wait), len(text), text))
        transport.close()

    def _refuse_where_none_may_come(self, request: web.Request) -> None:
        engine = self._engine
        if not engine.open_to_newcomers:
            what = "this server is closing" if engine.draining else "this server is full"
            engine.metrics.socket_handshakes.labels("closing" if engine.draining else "full").inc()
            raise web.HTTPServiceUnavailable(text=f"{what}: come back", headers={"Retry-After": str(RETRY_AFTER)})
        if wait := self._handshakes.wait(self._handshakes.address_of(request)):
            engine.metrics.socket_handshakes.labels("too many").inc()
            raise web.HTTPTooManyRequests(
                text=_too_many(wait),
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def _open_websocket(self, request: web.Request) -> web.StreamResponse:
        sid = request.query.get("sid")
        if sid is None:
            self._refuse_where_none_may_come(request)
        headers = request.headers
        origin = headers.get("Origin")
        if not self._handshakes.permits(origin, headers.get("Host", "")):
            raise self._refusal("origin", f"{origin} is not an accepted origin.")
        if request.query.get("transport") != "websocket":
            raise self._refusal("transport", "a websocket is asked for with transport=websocket")
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
        transport = request.transport
        if transport is None or transport.is_closing():
            return Handed()  # the client left during its handshake; a failure would be logged as one of ours
        if sid is None:
            session = self._new_session(self._handshakes.address_of(request))
            link = WebSocket(session)
        else:
            found = self._engine.sessions.get(sid)
            if found is None or found.closed or found.mailbox is None or found.link is not None:
                raise self._refusal("session", "there is no connection that could be upgraded: open a new one")
            if not found.within_rate():
                raise self._too_many_packets()
            session, link = found, WebSocket(found, probing=True)
        session.link = link  # where it probes, the session goes on being polled
        transport.write(answer)
        if sid is None:
            self._begin(session, transport)
        try:
            response = hand_over(request, link)
        except ConnectionResetError:  # it left while it was answered
            self._engine.lost(session, link)
            return Handed()
        if sid is None and not session.closed:
            session.upgrade(link)
        return response

    def _begin(self, session: Session, transport: asyncio.Transport) -> None:
        self._engine.sessions[session.sid] = session
        transport.write(encode(TEXT, b"0" + orjson.dumps(self._opening(session, []))))
        self._engine.metrics.socket_handshakes.labels("websocket").inc()

    def _open_polling(self, request: web.Request) -> tuple[Session, dict[str, Any]]:
        self._refuse_where_none_may_come(request)  # here, since python-engineio reads `sid=` as none
        session = self._new_session(self._handshakes.address_of(request))
        session.mailbox = Mailbox()
        self._engine.sessions[session.sid] = session
        self._engine.metrics.socket_handshakes.labels("polling").inc()
        return session, self._opening(session, ["websocket"])

    def _new_session(self, address: str) -> Session:
        return Session(self._engine, secrets.token_urlsafe(15), address)

    def _opening(self, session: Session, upgrades: list[str]) -> dict[str, Any]:
        bounds = self._engine.bounds
        return {
            "sid": session.sid,
            "upgrades": upgrades,
            "pingTimeout": int(bounds.ping_timeout * 1_000),
            "pingInterval": int(bounds.ping_interval * 1_000),
            "maxPayload": bounds.packet_bytes,
        }

    def _refusal(self, key: str, text: str) -> web.HTTPBadRequest:
        log.info("request refused", reason=key, why=text)
        self._engine.metrics.socket_handshakes.labels(key).inc()
        return web.HTTPBadRequest(text=text)

    def _too_many_packets(self) -> web.HTTPTooManyRequests:
        why = too_many_packets(self._engine.bounds.packets_per_second)
        return web.HTTPTooManyRequests(text=why, headers={"Retry-After": "1"})

    def _no_polling(self, request: web.Request) -> web.HTTPBadRequest:
        """Readable in browsers too, whose first try this is where nobody chose the transport."""
        refusal, origin = self._refusal("polling", NO_POLLING), request.headers.get("Origin")
        if origin is not None and self._handshakes.permits(origin, request.headers.get("Host", "")):
            refusal.headers["Access-Control-Allow-Origin"] = origin
        return refusal

    async def _check_body(self, request: web.Request) -> list[str | bytes]:
        """The packets of a POST. A client that posts none is closed, as a websocket is that sends the like."""
        engine = self._engine
        session = engine.sessions.get(request.query.get("sid", ""))
        try:
            async with asyncio.timeout(engine.bounds.body):
                packets = await read_body(request, engine.bounds.packet_bytes, engine.bounds.packets_per_second)
        except TooLargeError:
            why = f"a body has at most {engine.bounds.packet_bytes} bytes"
            if session is not None:
                session.refuse(reasons.TOO_LARGE, why)
            raise web.HTTPRequestEntityTooLarge(engine.bounds.packet_bytes, text=why) from None
        except TooManyError:
            if session is not None:
                session.refuse(reasons.TOO_MANY, too_many_packets(engine.bounds.packets_per_second))
            raise self._too_many_packets() from None
        except (ValueError, KeyError, TimeoutError, ConnectionError, *UNREADABLE) as malformed:
            why = "these are no packets of Engine.IO 4"
            if session is not None:
                session.refuse(reasons.MALFORMED_PACKET, why, error=malformed)
            raise web.HTTPBadRequest(text=why) from None
        if session is None or session.closed:
            raise web.HTTPBadRequest(text="this connection is closed: open a new one")
        return packets


def _too_many(wait: float) -> str:
    return f"too many connections from your address: wait {math.ceil(wait)} s"
