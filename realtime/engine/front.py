"""The first look at a connection: the plain handshake of a WebSocket is answered here, all else is aiohttp's.

Of a connect through aiohttp, its parser, request, task, routes and middlewares take more than the rest together. What
is answered here has to look exactly as clients write it: one whole request in one read, each header once, nothing
escaped, no body. Whatever differs in anything goes to aiohttp untouched, which answers it, or refuses it with a reason;
so there is one place that refuses.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.engine.handshake import answer_to_key
from realtime.engine.turns import REQUEST

if TYPE_CHECKING:
    from realtime.engine.entry import Entry

LARGEST = 8_192  # bytes of a request, as aiohttp has it for a line
_REQUEST = re.compile(
    rb"GET /socket\.io/\?([\w=&.-]{1,500}) HTTP/1\.1\r\n((?:[A-Za-z0-9-]{1,64}: [!-~](?:[ -~]{0,4000})\r\n){4,60})\r\n"
)
_BODIES = (b"content-length", b"transfer-encoding", b"expect")


@dataclass(frozen=True, slots=True)
class Handshake:
    """A request for a new WebSocket."""

    answer: bytes  # that makes the connection one
    origin: str | None
    host: str
    forwarded_for: tuple[str, ...]
    early: bytes  # what came behind it


def read_handshake(data: bytes) -> Handshake | None:
    """The handshake in the first bytes of a connection; None for whatever is not exactly that."""
    match = _REQUEST.match(data) if len(data) <= LARGEST else None
    if match is None:
        return None
    query: dict[bytes, bytes] = {}
    for part in match[1].split(b"&"):
        name, equals, value = part.partition(b"=")
        if not equals or name in query:
            return None
        query[name] = value
    if query.get(b"transport") != b"websocket" or query.get(b"EIO") != b"4" or b"sid" in query:
        return None
    headers: dict[bytes, bytes] = {}
    for line in match[2].split(b"\r\n")[:-1]:
        name, _, value = line.partition(b": ")
        name = name.lower()
        if name in headers:
            return None
        headers[name] = value
    if any(name in headers for name in _BODIES):
        return None
    answer = answer_to_key(
        connection=headers.get(b"connection", b"").decode(),
        upgrade=headers.get(b"upgrade", b"").decode(),
        version=headers.get(b"sec-websocket-version", b"").decode(),
        key=headers.get(b"sec-websocket-key", b"").decode(),
    )
    if answer is None:
        return None
    origin = headers.get(b"origin")
    forwarded = headers.get(b"x-forwarded-for")
    return Handshake(
        answer=answer,
        origin=None if origin is None else origin.decode(),
        host=headers.get(b"host", b"").decode(),
        forwarded_for=() if forwarded is None else (forwarded.decode(),),
        early=data[match.end() :],
    )


class Front(asyncio.Protocol):
    """A connection that has sent nothing yet. ``http`` makes the protocol that speaks HTTP."""

    __slots__ = ("_data", "_entry", "_http", "_transport")

    def __init__(self, entry: Entry, http: Callable[[], asyncio.Protocol]) -> None:
        self._entry = entry
        self._http = http
        self._transport: asyncio.Transport | None = None
        self._data = b""  # what came while its turn had not; bound: LARGEST and one read

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are of no common class
        self._entry.watch(self)

    def data_received(self, data: bytes) -> None:
        if self._data:
            self._data += data
            if len(self._data) > LARGEST and self._transport is not None:
                self._transport.pause_reading()
        elif self._transport is not None:
            self._data = data
            self._entry.turns.soon(self._look)

    def _look(self) -> None:
        transport = self._still_there()
        if transport is None:
            return
        handshake = read_handshake(self._data)
        if handshake is None or not self._entry.greet(transport, handshake):
            self._entry.turns.soon(self._speak_http, REQUEST)
            return
        self._let_go(transport)

    def _speak_http(self) -> None:
        transport = self._still_there()
        if transport is None:
            return
        http = self._http()
        transport.set_protocol(http)
        http.connection_made(transport)
        http.data_received(self._data)
        self._let_go(transport)

    def _still_there(self) -> asyncio.Transport | None:
        """aiohttp must not be given a connection that is lost before its task begins."""
        return None if self._transport is None or self._transport.is_closing() else self._transport

    def _let_go(self, transport: asyncio.Transport) -> None:
        if len(self._data) > LARGEST and not transport.is_closing():
            transport.resume_reading()
        self._transport, self._data = None, b""

    def on_tick(self, _: int) -> None:
        """It has been silent for too long, unless it is a front no more."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
