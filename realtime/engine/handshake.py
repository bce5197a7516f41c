"""Who may open a connection, and the answer that makes it a WebSocket."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

KEY_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
KEY_LENGTH = 24  # of 16 bytes in base64


@dataclass(frozen=True, slots=True)
class Handshakes:
    """Who may open connections.

    ``origin_allowed(origin, host)`` decides for browsers; a client that sends no Origin is a program.
    ``address(peer, forwarded_for)`` is where the client is: of what the socket names as its other end and all lines of
    ``X-Forwarded-For``. ``wait(address)`` is how many seconds an address with too many handshakes has to wait, 0 for
    none, and counts this one.
    """

    origin_allowed: Callable[[str, str], bool]
    address: Callable[[object, Sequence[str]], str]
    wait: Callable[[str], float]

    def permits(self, origin: str | None, host: str) -> bool:
        return origin is None or self.origin_allowed(origin, host)

    def address_of(self, request: web.Request) -> str:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        return self.address(peer, request.headers.getall("X-Forwarded-For", []))


def answer_to_key(*, connection: str, upgrade: str, version: str, key: str) -> bytes | None:
    """The response that turns a connection into a WebSocket; None for headers that do not ask for it as the RFC has
    it (4.2.1)."""
    if (
        "upgrade" not in [token.strip().lower() for token in connection.split(",")]
        or upgrade.lower() != "websocket"
        or version != "13"
        or len(key) != KEY_LENGTH
    ):
        return None
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return None
    digest = base64.b64encode(hashlib.sha1(key.encode() + KEY_SALT).digest())  # noqa: S324 - what the RFC asks for
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % digest
    )
