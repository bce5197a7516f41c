"""Every name of aiohttp, python-engineio and python-socketio that is not part of their documented surface.

Nothing else in ``realtime`` uses one. Each has a contract test in ``tests/realtime/engine/test_private.py`` that fails
loudly where an upgrade changes it and says what to do; the versions are pinned. What ``rooms.Rooms`` takes from the
manager that it is a kind of is tested there as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import engineio
import engineio.packet
import socketio
from aiohttp import web
from aiohttp._websocket.helpers import websocket_mask

if TYPE_CHECKING:
    import asyncio

__all__ = ["Handed", "PollingServer", "SocketIOServer", "hand_over", "websocket_mask"]

OPEN = engineio.packet.OPEN


class _EarlyBytes:
    """Takes what the client sent behind its handshake, before anybody read frames."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Called when the protocol lets go."""


class Handed(web.Response):
    """What a handler returns whose connection is no longer aiohttp's: nothing is written."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> None:
        """There is nobody to write to."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nor an end."""


def hand_over(request: web.Request, protocol: asyncio.Protocol) -> Handed:
    """Give the connection of ``request`` to ``protocol``, for good; the caller returns what this returns.

    aiohttp's protocol is told that its connection is lost, and so lets go of the request, its task and its timers; its
    shutdown and keep-alive know nothing of this connection any more. Bytes that came early reach ``protocol``.
    """
    transport, http = request.transport, request.protocol
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client left during its handshake")
    early = _EarlyBytes()
    http.set_parser(early)  # type: ignore[arg-type]  # hands over the bytes behind the request
    http.transport = None  # or letting go would close it
    http.connection_lost(None)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if early.data:
        protocol.data_received(early.data)
    return Handed()


class PollingSession(Protocol):
    """What python-engineio asks of a session that polls."""

    @property
    def closed(self) -> bool: ...

    @property
    def connected(self) -> bool: ...

    @property
    def upgraded(self) -> bool: ...

    async def handle_get_request(self, environ: dict[str, Any]) -> Any: ...

    async def handle_post_request(self, environ: dict[str, Any]) -> None: ...


class PollingServer(engineio.AsyncServer):  # type: ignore[misc]  # the package is untyped
    """python-engineio's HTTP side: queries, versions, CORS, payloads. Sessions are the engine's; websockets never come
    here."""

    _async: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stock_translate: Callable[[web.Request], dict[str, Any]] = self._async["translate_request"]
        self._async = {**self._async, "translate_request": self._translate}
        self.sockets: dict[str, PollingSession] = {}
        self.check_body: Callable[[web.Request], Any]
        self.open_polling: Callable[[web.Request], tuple[PollingSession, dict[str, Any]]]
        self.on_refused: Callable[[str], None]

    async def _translate(self, request: web.Request) -> dict[str, Any]:
        environ = self._stock_translate(request)
        if request.method == "POST":
            environ["mypick.body"] = await self.check_body(request)
        return environ

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> dict[str, Any]:
        _, opening = self.open_polling(environ["aiohttp.request"])
        answer: dict[str, Any] = self._ok([engineio.packet.Packet(OPEN, opening)], jsonp_index=jsonp_index)
        return answer

    def _log_error_once(self, message: str, message_key: str) -> None:
        self.on_refused(message_key)  # what a client does wrong is no error of ours

    def refusal(self, text: str) -> dict[str, Any]:
        """What ``handle_get_request`` returns in place of packets."""
        answer: dict[str, Any] = self._bad_request(text)
        return answer


class SocketIOServer(socketio.AsyncServer):  # type: ignore[misc]  # the package is untyped
    """python-socketio's server over ``PollingServer``."""

    eio: PollingServer

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        """Put one client out of a namespace, and tell it."""
        self.manager.put_out(sid, namespace or "/")

    def _engineio_server_class(self) -> type[PollingServer]:
        return PollingServer
