"""A connection that was upgraded: frames in, frames out, nothing of the HTTP request behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import structlog

from realtime.engine import frames
from realtime.engine.frames import BINARY, CLOSE, MASKED, PING, SHORTEST, SMALL, TEXT, FrameError, FrameReader
from realtime.engine.private import websocket_mask
from realtime.engine.reasons import TOO_LARGE, TRANSPORT_CLOSE, TRANSPORT_ERROR
from realtime.engine.reset import reset

if TYPE_CHECKING:
    from realtime.engine.session import Session

log = structlog.get_logger(__name__)

SMALL_TEXT = frames.FINAL | TEXT
Frames = Iterator[tuple[int, bytearray]]
WRITE_HIGH = 64 * 1024  # bytes in this process at which writing is no longer blind, at most


class WebSocket(asyncio.Protocol):
    """Carries a session, or probes whether it could (``probing``)."""

    __slots__ = ("_deaf", "_reader", "_unread", "closing", "paused", "probing", "session", "transport")

    def __init__(self, session: Session, *, probing: bool = False) -> None:
        self.session: Session = session
        self.transport: asyncio.Transport | None = None
        self.probing = probing
        self.paused = False
        self.closing = False
        self._deaf = False  # only the goodbye of the client means anything, where it is the first of what came
        self._reader: FrameReader | None = None  # while a frame is half read
        self._unread: tuple[Frames, bytearray] | None = None  # of one read, and what came behind it: not its turn yet

    # the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = own = cast(asyncio.Transport, transport)  # uvloop's are of no common class
        # by themselves those of TLS call only at 512 KiB; small bounds must be seen before they are passed
        own.set_write_buffer_limits(min(WRITE_HIGH, self.session.engine.bounds.dropping_bytes))

    def data_received(self, data: bytes) -> None:
        # Nearly always one read is one small text in one frame. It needs no reader, and is not copied twice.
        size = len(data)
        if (
            self._reader is None
            and SHORTEST <= size < SMALL + SHORTEST
            and data[0] == SMALL_TEXT
            and data[1] == MASKED | (size - SHORTEST)
        ):
            payload = bytearray(data[SHORTEST:])
            websocket_mask(data[2:SHORTEST], payload)
            if payload.isascii() or _is_utf8(payload):
                if self.closing or not self.session.within_rate():
                    return
                if self.probing:
                    self.session.engine.probe(self.session, self, TEXT, payload)
                else:
                    self.session.take_text(payload)
                return
        if not self._deaf:
            self._read(data)
        elif data[0] == frames.FINAL | CLOSE:
            self._let_go()

    def _read(self, data: bytes) -> None:
        if self._unread is not None:  # a transport may give what it had when reading was paused
            self._unread[1].extend(data)
            return
        reader = self._reader or FrameReader(self.session.engine.bounds.packet_bytes)
        self._reader = reader
        self._take_some(reader, reader.feed(data))

    def _take_some(self, reader: FrameReader, frames: Frames) -> None:
        """Every frame counts as a packet, be it a ping or an empty part of a message. Once the session is closed, of
        what lies in the same buffer only the client's goodbye is looked for."""
        engine = self.session.engine
        left = engine.bounds.packets_per_turn
        for opcode, payload in frames:
            if opcode == CLOSE:
                self._client_closes(payload)
                return
            if not self.session.within_rate():
                self._stop_reading()
                return
            if not self.closing:
                self._take(opcode, payload)
            left -= 1
            if left == 0 and self.transport is not None:
                self.transport.pause_reading()
                self._unread = frames, bytearray()
                engine.turns.later(self._go_on)
                return
        if reader.error is not None:
            self._stop_reading()
            self._fail(reader.error)
        elif reader.clean:
            self._reader = None

    def _go_on(self) -> None:
        """Others have had their turn."""
        unread, reader, transport = self._unread, self._reader, self.transport
        self._unread = None
        if unread is None or reader is None or transport is None:
            return
        self._take_some(reader, unread[0])
        if self._unread is not None:
            self._unread = self._unread[0], unread[1]
            return
        if not transport.is_closing():
            transport.resume_reading()
        if unread[1]:
            self.data_received(bytes(unread[1]))

    def _stop_reading(self) -> None:
        """What comes is thrown away unread. It goes on coming, so that a client in the midst of sending gets to hear
        why it is closed."""
        self._deaf = True
        self._reader = None

    def _take(self, opcode: int, payload: bytearray) -> None:
        if opcode == PING:
            if self.session.unsent < WRITE_HIGH:  # who does not read needs no answers
                self.write(frames.encode(frames.PONG, bytes(payload)))
        elif self.probing:
            self.session.engine.probe(self.session, self, opcode, payload)
        elif opcode == TEXT:
            self.session.take_text(payload)
        elif opcode == BINARY:
            self.session.take_binary(bytes(payload))

    def _client_closes(self, payload: bytearray) -> None:
        self._stop_reading()
        try:
            code = frames.close_code(bytes(payload))
        except FrameError as error:
            self._fail(error)
            return
        if not self.closing:
            self.closing = True
            self.write(frames.encode_close(frames.NORMAL if code == frames.NO_CODE else code))
            if not self.probing:
                self.session.end(TRANSPORT_CLOSE)
        self._let_go()

    def _fail(self, error: FrameError) -> None:
        """The client broke the protocol of WebSockets."""
        if self.probing:
            log.info("an upgrade came to nothing", eio_sid=self.session.sid, error=str(error))
            self.close(error.code, str(error))
        else:
            reason = TOO_LARGE if error.code == frames.TOO_BIG else TRANSPORT_ERROR
            self.session.refuse(reason, str(error), code=error.code)

    def pause_writing(self) -> None:
        self.paused = True
        if not self.probing:
            self.session.write = None

    def resume_writing(self) -> None:
        self.paused = False
        if not self.probing and not self.session.closed:
            self.session.write = self.unpaused_write
            self.session.caught_up()

    @property
    def unpaused_write(self) -> Callable[[bytes], None] | None:
        """The transport's own, with nothing between; None while it has too much to write."""
        return None if self.paused or self.transport is None else self.transport.write

    def eof_received(self) -> None:
        """The transport closes itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._reader = self._unread = None
        self.session.engine.lost(self.session, self)

    # the session calls

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def write(self, frame: bytes) -> None:
        """Hand a frame to the transport; dropped once the connection is gone."""
        if self.transport is not None:
            self.transport.write(frame)

    def close(self, code: int, why: str = "") -> None:
        """Say goodbye, and give the client ``Bounds.goodbye`` to answer: closed at once, what it has not read yet
        could be thrown away by a reset."""
        if self.closing or self.transport is None:
            return
        self.closing = True
        self.write(frames.encode_close(code, why))
        asyncio.get_running_loop().call_later(self.session.engine.bounds.goodbye, self.abort)

    def _let_go(self) -> None:
        if self.transport is not None:
            self.transport.close()
            asyncio.get_running_loop().call_later(self.session.engine.bounds.goodbye, self.abort)

    def abort(self) -> None:
        """Cut it: it does not read."""
        self.closing = True
        if self.transport is not None:
            reset(self.transport)


def _is_utf8(payload: bytearray) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
