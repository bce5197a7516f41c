"""WebSocket frames as RFC 6455 has them, on the server's side and without extensions.

Why not aiohttp's reader: it accepts frames that no mask hides, which the RFC (5.1) tells a server to refuse; and it
costs 1.6 KB a connection for as long as that lives, while this one exists only between the halves of a frame. It
reads what the tests in ``tests/realtime/engine/test_frames.py`` list, and whatever aiohttp's reads, it reads as that
does: they are fed the same bytes by a fuzz test.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack

from realtime.engine.private import websocket_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL = 0x80
MASKED = 0x80
SMALL = 126  # a length below stands in the second byte
SHORTEST = 6  # bytes of a frame of a client: two and the mask

NORMAL, GOING_AWAY, PROTOCOL_ERROR, NO_CODE, INVALID_TEXT, POLICY, TOO_BIG = 1000, 1001, 1002, 1005, 1007, 1008, 1009
_SAYABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class FrameError(Exception):
    """The client broke the protocol; ``code`` is what the connection is closed with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def encode(opcode: int, payload: bytes) -> bytes:
    """One whole frame from the server, which masks nothing."""
    size = len(payload)
    if size < SMALL:
        return bytes((FINAL | opcode, size)) + payload
    if size < 65_536:
        return pack(">BBH", FINAL | opcode, 126, size) + payload
    return pack(">BBQ", FINAL | opcode, 127, size) + payload


def encode_close(code: int, reason: str = "") -> bytes:
    return encode(CLOSE, pack(">H", code) + reason.encode()[:123])


def close_code(payload: bytes) -> int:
    """The code of a CLOSE that came. Raises ``FrameError`` for one that may not be sent."""
    if not payload:
        return NO_CODE
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or (code not in _SAYABLE and not 3000 <= code < 5000):
        raise FrameError(PROTOCOL_ERROR, f"close code {code}")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_TEXT, "a reason that is no UTF-8") from None
    return code


class FrameReader:
    """Puts the frames of one client together to messages, however the network cut them.

    Holds at most ``max_bytes`` of one message and one read of the socket. Where data comes byte by byte, each byte
    costs the same: nothing is looked at before there is enough of it.
    """

    __slots__ = ("_buffer", "_max_bytes", "_message", "_need", "_opcode", "error")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._need = SHORTEST  # bytes in the buffer with which something can be done
        self._opcode = 0  # of the message whose fragments are gathered; 0: none is
        self._message = bytearray()
        self.error: FrameError | None = None

    @property
    def clean(self) -> bool:
        """Nothing is half read, so that a fresh reader would do as well."""
        return not self._buffer and not self._opcode and self.error is None

    def feed(self, data: bytes) -> Iterator[tuple[int, bytearray]]:
        """One item for each frame that is all there: ``(opcode, payload)`` of a message or a control frame, and
        ``(CONTINUATION, b"")`` for a part of a message that is not whole yet. The text of a message is UTF-8. A frame
        is read when it is asked for; who stops asking drops the reader. After a mistake ``error`` is set and nothing
        more is read."""
        if self.error is not None:
            return
        self._buffer += data
        start, available = 0, len(self._buffer)
        try:
            while available - start >= self._need:
                size = self._size(start, available)
                if size == 0:
                    continue  # more is needed than there is
                frame = self._frame(start, size)
                start += size
                yield frame
        except FrameError as error:
            self.error = error
            self._buffer.clear()
            self._message.clear()
        else:
            del self._buffer[:start]

    def _size(self, start: int, available: int) -> int:
        """Bytes of the frame that begins at ``start``; 0 while it is not all there, and then ``_need`` says what is."""
        buffer = self._buffer
        first, second = buffer[start], buffer[start + 1]
        opcode, length = first & 0x0F, second & 0x7F
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if not second & MASKED:
            raise FrameError(PROTOCOL_ERROR, "a client's frame without a mask")
        if opcode >= CLOSE:
            if opcode > PONG or not first & FINAL or length >= SMALL:
                raise FrameError(PROTOCOL_ERROR, "no control frame is like this")
        elif opcode > BINARY:
            raise FrameError(PROTOCOL_ERROR, f"opcode {opcode}")
        elif bool(opcode) == bool(self._opcode):
            raise FrameError(PROTOCOL_ERROR, "a message within another, or the rest of none")
        header = SHORTEST if length < SMALL else 8 if length == SMALL else 14
        if available - start < header:
            self._need = header
            return 0
        if length == SMALL:
            length = int.from_bytes(buffer[start + 2 : start + 4], "big")
        elif length > SMALL:
            length = int.from_bytes(buffer[start + 2 : start + 10], "big")
        if opcode < CLOSE and length + len(self._message) > self._max_bytes:
            raise FrameError(TOO_BIG, f"messages have at most {self._max_bytes} bytes")
        if available - start < header + length:
            self._need = header + length
            return 0
        self._need = SHORTEST
        return header + length

    def _frame(self, start: int, size: int) -> tuple[int, bytearray]:
        buffer = self._buffer
        first, length = buffer[start], buffer[start + 1] & 0x7F
        header = SHORTEST if length < SMALL else 8 if length == SMALL else 14
        payload = buffer[start + header : start + size]
        websocket_mask(bytes(buffer[start + header - 4 : start + header]), payload)
        opcode = first & 0x0F
        if opcode >= CLOSE:
            return opcode, payload
        if opcode:
            if first & FINAL:
                return opcode, _checked(opcode, payload)
            self._opcode, self._message = opcode, payload
            return CONTINUATION, bytearray()
        self._message += payload
        if not first & FINAL:
            return CONTINUATION, bytearray()
        opcode, whole = self._opcode, self._message
        self._opcode, self._message = 0, bytearray()
        return opcode, _checked(opcode, whole)


def _checked(opcode: int, payload: bytearray) -> bytearray:
    if opcode == TEXT and not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise FrameError(INVALID_TEXT, "a text that is no UTF-8") from None
    return payload
