"""The bytes of Engine.IO 4 and Socket.IO 5 over WebSocket, as far as the load program needs them.

Client frames are masked, as RFC 6455 asks, with one fixed key: the mask protects proxies from hostile pages,
and a load program is neither. Server frames are read whole; a fragmented one is refused: no peer makes any.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MASK = b"\x5a\xc3\x17\x88"
MAX_PAYLOAD = 1 << 20  # bytes; a larger server frame means that the bytes are misread

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


class MalformedError(Exception):
    """The server sent what this reader does not understand."""


class Frame(NamedTuple):
    opcode: int
    payload: bytes


def upgrade_request(port: int) -> bytes:
    """The HTTP request that opens an Engine.IO 4 session over WebSocket, without permessage-deflate."""
    return (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One final, masked frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    key = (MASK * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + MASK + masked


def server_frames(buffer: bytes) -> tuple[list[Frame], bytes]:
    """All whole frames at the start of ``buffer``, and what is left. Raises ``MalformedError``."""
    frames: list[Frame] = []
    at, end = 0, len(buffer)
    while end - at >= 2:
        first, size = buffer[at], buffer[at + 1]
        if not first & 0x80 or first & 0x70 or first & 0x0F not in (TEXT, BINARY, CLOSE, PING, PONG):
            raise MalformedError(f"unexpected first byte {first:#x} of a server frame")
        if size & 0x80:
            raise MalformedError("a server frame is masked")
        body = at + 2
        if size == 126:
            body += 2
            if end < body:
                break
            (size,) = struct.unpack_from("!H", buffer, at + 2)
        elif size == 127:
            body += 8
            if end < body:
                break
            (size,) = struct.unpack_from("!Q", buffer, at + 2)
        if size > MAX_PAYLOAD:
            raise MalformedError(f"a server frame of {size} bytes")
        if end < body + size:
            break
        frames.append(Frame(first & 0x0F, buffer[body : body + size]))
        at = body + size
    return frames, buffer[at:]
