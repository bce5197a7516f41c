"""Everything that is python-socketio and python-engineio, behind one module.

The socket engine will replace what is in here; the namespaces know only ``Transport`` and ``Door``. Names that begin
with an underscore in those packages are used in ``_Server`` and ``engine_io`` alone; the versions are pinned, and
``tests/realtime/test_transport.py`` fails loudly where an upgrade changes one of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import socketio
import socketio.packet
import structlog
from aiohttp import web

from mypick.errors import Code
from realtime.engine_io import PING_INTERVAL, PING_TIMEOUT, EngineServer
from realtime.packets import Json, Packet

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 5.0  # seconds that closing everything may take
ALONE_TIMEOUT = 45.0  # seconds that a connection may be in no namespace, as socket.io on Node has it
NOT_CONNECTED: dict[str, Any] = {
    "ok": False,
    "error": {
        "code": Code.UNAUTHENTICATED.name,
        "message": "connect to this namespace first",
        "retryable": Code.UNAUTHENTICATED.retryable,
    },
}


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


class _Server(socketio.AsyncServer):  # type: ignore[misc]  # the package is untyped
    """Hands the events of clients to the doors and keeps them away from the lifecycle handlers."""

    def __init__(self, doors: dict[str, Door], *, alone_timeout: float, **options: Any) -> None:
        super().__init__(serializer=Packet, logger=_quiet("socketio"), engineio_logger=_quiet("engineio"), **options)
        self._doors = doors
        self._alone_timeout = alone_timeout
        self._alone: dict[str, asyncio.TimerHandle] = {}  # connections without a namespace
        self._cuts: set[asyncio.Task[None]] = set()

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:  # noqa: A002
        # The stock method looks handlers up by the name that the client sent, so a client could call "connect".
        name = namespace or "/"
        sid = self.manager.sid_from_eio_sid(eio_sid, name)
        door = self._doors.get(name)
        if door is None or not self.manager.is_connected(sid, name):
            reply: dict[str, Any] | None = NOT_CONNECTED
        else:
            reply = await door.receive(sid, data if isinstance(data, list) else [])
        if id is not None and reply is not None:
            await self._send_packet(
                eio_sid, self.packet_class(socketio.packet.ACK, namespace=name, id=id, data=[reply])
            )

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        name = namespace or "/"
        if name not in self._doors:
            message = f"there is no such namespace; there are: {', '.join(sorted(self._doors))}"
            refusal = {"message": message, "data": {"code": Code.NOT_FOUND.name, "message": message}}
            await self._send_packet(
                eio_sid, self.packet_class(socketio.packet.CONNECT_ERROR, data=refusal, namespace=name)
            )
            return
        if self.manager.sid_from_eio_sid(eio_sid, name):
            return  # a second CONNECT for the same namespace would make a second member of one client
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, name)
        if not self.manager.is_connected(sid, name):
            return
        if eio_sid not in self.environ:
            # it went away while the door looked at its token, when the stock code had nothing yet to disconnect
            await self._handle_disconnect(eio_sid, name, self.reason.TRANSPORT_CLOSE)
            return
        self._joined(eio_sid)
        await self._doors[name].opened(sid)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._watch(eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if eio_sid not in self.environ:
            return  # closed: what was still on its way is nobody's
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as malformed:
            # what the parser of the protocol raises on packets that no client of ours makes
            log.info("malformed packet, closing", eio_sid=eio_sid, error=repr(malformed)[:200])
            await self.eio.cut_off(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._joined(eio_sid)  # leaving its namespaces made it a connection alone
        self._binary_packet.pop(eio_sid, None)

    async def _handle_disconnect(self, eio_sid: str, namespace: str | None, reason: str | None = None) -> None:
        await super()._handle_disconnect(eio_sid, namespace, reason)
        self._watch(eio_sid)

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace or "/")
        await super().disconnect(sid, namespace, ignore_queue)
        if eio_sid is not None:
            self._watch(eio_sid)

    # a connection that is in no namespace has shown no token, or one that is good no more: it may not stay

    def _watch(self, eio_sid: str) -> None:
        if eio_sid in self.environ and eio_sid not in self._alone and not self._namespaces_of(eio_sid):
            loop = asyncio.get_running_loop()
            self._alone[eio_sid] = loop.call_later(self._alone_timeout, self._close_alone, eio_sid)

    def _joined(self, eio_sid: str) -> None:
        if timer := self._alone.pop(eio_sid, None):
            timer.cancel()

    def _close_alone(self, eio_sid: str) -> None:
        self._alone.pop(eio_sid, None)
        log.info("a connection without a namespace, closing", eio_sid=eio_sid)
        task = asyncio.get_running_loop().create_task(self.eio.cut_off(eio_sid))
        self._cuts.add(task)
        task.add_done_callback(self._cuts.discard)

    def _namespaces_of(self, eio_sid: str) -> list[str]:
        return [name for name in self._doors if self.manager.sid_from_eio_sid(eio_sid, name)]


def _quiet(package: str) -> logging.Logger:
    """The package's logger, at ERROR: at INFO it writes every packet, tokens included. Made here, the package adds no
    handler of its own, which would write each failure a second time and not as JSON."""
    logger = logging.getLogger(f"{package}.server")
    logger.setLevel(logging.ERROR)
    return logger


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
                # all of them: a proxy may add a line of its own below the one that the client made up
                forwarded_for=",".join(request.headers.getall("X-Forwarded-For", ())),
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

    def __init__(
        self,
        *,
        origin_allowed: Callable[[str, str], bool],
        max_packet_bytes: int,
        alone_timeout: float = ALONE_TIMEOUT,
    ) -> None:
        """``origin_allowed(origin, host)`` decides for browsers; a client that sends no Origin is a program."""

        def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
            return origin is None or origin_allowed(origin, environ.get("HTTP_HOST", ""))

        self._doors: dict[str, Door] = {}
        self._server = _Server(
            self._doors,
            alone_timeout=alone_timeout,
            async_mode="aiohttp",
            json=Json,
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

    async def emit(self, namespace: str, to: str, event: str, data: Any, *, but: str = "") -> None:
        """Send ``event`` to a room, less the member ``but``, or to one client. Returns when it is queued; it does not
        wait for clients."""
        await self._server.emit(event, data, to=to, skip_sid=but or None, namespace=namespace)

    async def enter(self, namespace: str, sid: str, room: str) -> None:
        await self._server.enter_room(sid, room, namespace=namespace)

    async def leave(self, namespace: str, sid: str, room: str) -> None:
        await self._server.leave_room(sid, room, namespace=namespace)

    async def cut_off(self, namespace: str, sid: str) -> None:
        """Close the whole connection of a client, so that it opens a new one by itself."""
        if (eio_sid := self._server.manager.eio_sid_from_sid(sid, namespace)) is not None:
            await self._server.eio.cut_off(eio_sid)

    async def disconnect(self, namespace: str, sid: str) -> None:
        await self._server.disconnect(sid, namespace=namespace)

    @property
    def sockets(self) -> int:
        """Connections, each counted once whatever its namespaces."""
        return len(self._server.eio.sockets)

    def refuse_new(self) -> None:
        """From now on let nobody in: this process is about to close."""
        self._server.eio.draining = True

    async def close(self) -> None:
        """Close every connection and stop, within 5 s. What is queued for a client is sent first, if it reads."""
        self.refuse_new()
        closing = [asyncio.ensure_future(self._server.eio.cut_off(sid)) for sid in list(self._server.eio.sockets)]
        if closing:
            # what is late waits for a command under way, and ends with it; its connection does not wait
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT)
        self._server.eio.cut_all()
        await self._server.shutdown()
