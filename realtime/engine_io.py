"""Engine.IO as python-engineio has it, with what clients send looked at before its code sees it.

As it comes, the package takes a malformed body for a crash of its own, waits without end for closed clients to fetch
what is queued, leaves the connection of a client that it closed open for as long as the client likes, and bounds no
queue. Names that begin with an underscore in the package are used here and in ``transport`` alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

import engineio
import engineio.async_drivers.aiohttp
import engineio.packet
import engineio.payload
import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

PING_INTERVAL = 25  # seconds, the default of the protocol's own servers
PING_TIMEOUT = 20
GOODBYE = 3.0  # seconds that a closed client has to take what is queued for it; then its connection is cut
READ_TIMEOUT = 30.0  # seconds for the body of a POST to arrive
MAX_QUEUED = 1_000  # packets for one client, about 500 KB; one that has more does not read, and is closed
RETRY_AFTER = 5  # seconds, for clients that come while this process closes

# what a client may send over polling; over a websocket also PING "probe" and UPGRADE, and the rest is ignored
_POSTED = (engineio.packet.CLOSE, engineio.packet.PONG, engineio.packet.MESSAGE)
_UNREADABLE = (web.RequestPayloadError, web.PayloadAccessError)  # chunks or lengths that are none
_FIRST = tuple("0123456")  # of a text packet: its type


class WebSocket(engineio.async_drivers.aiohttp.WebSocket):  # type: ignore[misc]  # the package is untyped
    """The stock driver without compression (123 KB a connection with it, 31 KB without) and with packets looked at
    before the stock loop decodes them, which would take a wrong first character for a crash of the handler."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        self._sock = web.WebSocketResponse(
            max_msg_size=self.server.max_http_buffer_size, compress=False, timeout=GOODBYE
        )
        await self._sock.prepare(request)
        # the handler is a method of the Engine.IO socket: what closes that must find this connection
        self.handler.__self__.connection = request.transport
        self.environ = environ
        await self.handler(self)
        return self._sock

    async def wait(self) -> str | bytes:
        # bounded, or an upgrade that is never finished would hold its connection for ever; TimeoutError is an OSError
        async with asyncio.timeout(PING_INTERVAL + PING_TIMEOUT):
            data: str | bytes = await super().wait()
        if isinstance(data, str) and data[:1] not in _FIRST:
            raise OSError("not an Engine.IO packet")
        return data


class _Body:
    """A body that was read and checked, in the shape in which the package reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, _: int) -> bytes:
        return self._body


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]  # the package is untyped
    """The package's server. ``draining`` makes it refuse new clients."""

    _async: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stock_translate = self._async["translate_request"]
        self._async = {**self._async, "websocket": WebSocket, "translate_request": self._translate}
        self._closings: set[asyncio.Task[None]] = set()  # of clients that do not read, at most one each
        self.draining = False

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        if self.draining and "sid" not in request.query:
            return web.Response(
                status=503, text="this server is closing: come back", headers={"Retry-After": str(RETRY_AFTER)}
            )
        response = await super().handle_request(request)
        if isinstance(response, web.StreamResponse):
            return response
        # Upgrade without Connection: the package hands out the packets of the first poll as they are
        return web.Response(status=400, text="a websocket needs both headers, Connection: Upgrade and Upgrade")

    async def _translate(self, request: web.Request) -> dict[str, Any]:
        environ: dict[str, Any] = self._stock_translate(request)
        if request.method == "POST":
            body = await self._posted(request)
            environ.update({"wsgi.input": _Body(body), "CONTENT_LENGTH": str(len(body))})
        return environ

    async def _posted(self, request: web.Request) -> bytes:
        """The body of a POST, if it is packets that a client may send. Otherwise the client is closed, as a websocket
        is that sends the like."""
        sid = request.query.get("sid", "")
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                body = await _read(request, self.max_http_buffer_size)
            _check(body)
        except _TooLargeError:
            await self.cut_off(sid)
            raise web.HTTPRequestEntityTooLarge(self.max_http_buffer_size) from None
        except (ValueError, KeyError, TimeoutError, ConnectionError, *_UNREADABLE) as malformed:
            log.info("malformed payload, closing", eio_sid=sid[:64], error=repr(malformed)[:200])
            await self.cut_off(sid)
            raise web.HTTPBadRequest(text="these are no packets of Engine.IO 4") from None
        socket = self.sockets.get(sid)
        if socket is None or socket.closed:
            raise web.HTTPBadRequest(text="this connection is closed: open a new one")
        return body

    def _log_error_once(self, message: str, message_key: str) -> None:
        # what a client does wrong is no error of ours
        log.info("request refused", reason=message_key)

    async def send_packet(self, sid: str, pkt: engineio.packet.Packet) -> None:
        socket = self.sockets.get(sid)
        if socket is not None and not socket.closing and socket.queue.qsize() >= MAX_QUEUED:
            log.info("a client does not read, closing", eio_sid=sid, queued=socket.queue.qsize())
            while not socket.queue.empty():  # what it does not read it gets from sync when it is back
                socket.queue.get_nowait()
                socket.queue.task_done()
            self._apart(self.cut_off(sid))
            return
        await super().send_packet(sid, pkt)

    def _apart(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    async def cut_off(self, sid: str) -> None:
        """Close a client. It gets what is queued if it reads within 3 s."""
        socket = self.sockets.get(sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)

    def cut_all(self) -> None:
        """Forget whoever is still here; their connections end within 3 s."""
        for socket in list(self.sockets.values()):
            self._end(socket)

    async def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        result = await super()._trigger_event(event, *args, **kwargs)
        if event == "disconnect" and (socket := self.sockets.get(args[0])):
            # on the next turn of the loop: the package queues its CLOSE packet when this has returned
            asyncio.get_running_loop().call_soon(self._end, socket)
        return result

    def _end(self, socket: Any) -> None:
        """Forget a closed client; its writer ends behind what is queued."""
        self.sockets.pop(socket.sid, None)
        socket.queue.put_nowait(None)
        connection: asyncio.Transport | None = getattr(socket, "connection", None)
        if connection is not None and not connection.is_closing():
            asyncio.get_running_loop().call_later(GOODBYE, connection.abort)


class _TooLargeError(Exception):
    """The body is over the bound."""


async def _read(request: web.Request, limit: int) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ValueError("compressed")  # a few kilobytes can unpack to gigabytes
    if (request.content_length or 0) > limit:
        raise _TooLargeError
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise _TooLargeError
    return bytes(body)


def _check(body: bytes) -> None:
    """Raises ``ValueError`` or ``KeyError`` for what is no payload that a client may send."""
    packets = engineio.payload.Payload(encoded_payload=body.decode()).packets
    if wrong := [packet.packet_type for packet in packets if packet.packet_type not in _POSTED]:
        raise ValueError(f"packets of type {wrong[0]}")
