"""Everything that is python-socketio and python-engineio, behind one module.

The socket engine will replace what is in here; the namespaces know only ``Transport`` and ``Door``. Names that begin
with an underscore in those packages are used in ``_Server`` and ``_WebSocket`` alone; the versions are pinned, and
``tests/realtime/test_transport.py`` fails loudly where an upgrade changes one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import engineio
import engineio.async_drivers.aiohttp
import orjson
import socketio
import socketio.packet
import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

PING_INTERVAL = 25  # seconds, the default of the protocol's own servers
PING_TIMEOUT = 20
CLOSE_TIMEOUT = 5.0  # seconds that closing everything may take


class Refused(Exception):
    """The door does not let this client in; ``data`` reaches it as ``connect_error.data``."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(str(data.get("message", "refused")))
        self.data = data


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of a client before it says who it is."""

    address: str
    forwarded_for: str
    user_agent: str


class Door(Protocol):
    """One namespace, as the transport sees it. ``sid`` is the id of one client in one namespace."""

    async def admit(self, sid: str, peer: Peer, auth: Any) -> None:
        """Let the client in, or raise ``Refused``."""

    async def opened(self, sid: str) -> None:
        """The client has been told that it is in; what it gets first can be sent."""

    async def closed(self, sid: str, reason: str) -> None:
        """The client is gone; ``reason`` as the protocol names it."""

    async def receive(self, sid: str, arguments: list[Any]) -> dict[str, Any] | None:
        """One event of the client: its name, then what came with it. The answer is the ack. Never raises."""


class _Json:
    """orjson in the shape of the standard module: it refuses NaN, lone surrogates and nesting beyond 1,024."""

    JSONDecodeError = orjson.JSONDecodeError

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class _WebSocket(engineio.async_drivers.aiohttp.WebSocket):  # type: ignore[misc]  # the package is untyped
    """The stock driver without compression (123 KB a connection with it, 31 KB without) and with packets looked at
    before the stock loop decodes them, which would take a wrong first character for a crash of the handler."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock

    async def wait(self) -> str | bytes:
        data: str | bytes = await super().wait()
        if isinstance(data, str) and data[:1] not in tuple("0123456"):
            raise OSError("not an Engine.IO packet")
        return data


class _Server(socketio.AsyncServer):  # type: ignore[misc]  # the package is untyped
    """Hands the events of clients to the doors and keeps them away from the lifecycle handlers."""

    def __init__(self, doors: dict[str, Door], **options: Any) -> None:
        super().__init__(**options)
        self._doors = doors
        self.eio._async = {**self.eio._async, "websocket": _WebSocket}

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:  # noqa: A002
        # The stock method looks handlers up by the name that the client sent, so a client could call "connect".
        name = namespace or "/"
        sid = self.manager.sid_from_eio_sid(eio_sid, name)
        door = self._doors.get(name)
        if door is None or not self.manager.is_connected(sid, name):
            return
        reply = await door.receive(sid, data if isinstance(data, list) else [])
        if id is not None and reply is not None:
            await self._send_packet(
                eio_sid, self.packet_class(socketio.packet.ACK, namespace=name, id=id, data=[reply])
            )

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        name = namespace or "/"
        if name in self._doors and self.manager.sid_from_eio_sid(eio_sid, name):
            return  # a second CONNECT for the same namespace would make a second member of one client
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, name)
        if name in self._doors and self.manager.is_connected(sid, name):
            await self._doors[name].opened(sid)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as malformed:
            # what the parser of the protocol raises on packets that no client of ours makes
            log.info("malformed packet, closing", eio_sid=eio_sid, error=repr(malformed)[:200])
            await self.eio.disconnect(eio_sid)


class _Lifecycle(socketio.AsyncNamespace):  # type: ignore[misc]  # the package is untyped
    """Connect and disconnect of one namespace; nothing else comes this way."""

    def __init__(self, name: str, door: Door) -> None:
        super().__init__(name)
        self._door = door

    async def trigger_event(self, event: str, *args: Any) -> Any:
        if event == "connect":
            sid, environ, auth = args
            request: web.BaseRequest = environ["aiohttp.request"]
            peer = Peer(
                address=request.remote or "",
                forwarded_for=request.headers.get("X-Forwarded-For", ""),
                user_agent=request.headers.get("User-Agent", "")[:200],
            )
            try:
                await self._door.admit(sid, peer, auth)
            except Refused as refused:
                raise socketio.exceptions.ConnectionRefusedError(str(refused), refused.data) from None
        elif event == "disconnect":
            await self._door.closed(args[0], str(args[1]) if len(args) > 1 else "unknown")
        return None


class Transport:
    """The Socket.IO server of this process."""

    def __init__(self, *, origin_allowed: Callable[[str, str], bool], max_packet_bytes: int) -> None:
        """``origin_allowed(origin, host)`` decides for browsers; a client that sends no Origin is a program."""

        def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
            return origin is None or origin_allowed(origin, environ.get("HTTP_HOST", ""))

        self._doors: dict[str, Door] = {}
        self._server = _Server(
            self._doors,
            async_mode="aiohttp",
            json=_Json,
            namespaces=[],
            cors_allowed_origins=allowed,
            cors_credentials=False,
            max_http_buffer_size=max_packet_bytes,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            http_compression=False,
        )

    def add(self, namespace: str, door: Door) -> None:
        self._doors[namespace] = door
        self._server.register_namespace(_Lifecycle(namespace, door))

    def attach(self, app: web.Application) -> None:
        """Serve ``/socket.io/`` in ``app``."""
        self._server.attach(app)

    def members(self, namespace: str, room: str) -> int:
        """How many clients of this node are in ``room``."""
        return len(self._server.manager.rooms.get(namespace, {}).get(room, ()))

    async def emit(self, namespace: str, to: str, event: str, data: Any) -> None:
        """Send ``event`` to a room or to one client. Returns when it is queued; it does not wait for clients."""
        await self._server.emit(event, data, to=to, namespace=namespace)

    async def enter(self, namespace: str, sid: str, room: str) -> None:
        await self._server.enter_room(sid, room, namespace=namespace)

    async def leave(self, namespace: str, sid: str, room: str) -> None:
        await self._server.leave_room(sid, room, namespace=namespace)

    async def disconnect(self, namespace: str, sid: str) -> None:
        await self._server.disconnect(sid, namespace=namespace)

    @property
    def sockets(self) -> int:
        """Connections, each counted once whatever its namespaces."""
        return len(self._server.eio.sockets)

    async def close(self) -> None:
        """Close every connection and stop. What is queued for a client is sent first, within a bound."""
        sockets = list(self._server.eio.sockets.values())
        closing = [asyncio.ensure_future(socket.close(wait=False)) for socket in sockets]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT)
        await self._server.shutdown()
