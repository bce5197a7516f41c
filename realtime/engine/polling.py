"""What waits for a client that polls, and the bodies that it posts."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import deque
from urllib.parse import parse_qs

from aiohttp import web

from realtime.engine.frames import BINARY, TEXT, encode
from realtime.engine.messages import Message
from realtime.engine.reset import reset

NOOP = b"6"
UNREADABLE = (web.RequestPayloadError, web.PayloadAccessError)  # chunks or lengths that are none
MOST_TAKEN = 16  # packets of one poll: python-engineio's client refuses more, and is gone
_POSTED = ("1", "3", "4")  # what a client may post: CLOSE, PONG, MESSAGE


class TooLargeError(Exception):
    """The body is over the bound."""


class TooManyError(Exception):
    """The body has more packets than a client may send."""


class _Outgoing:
    """A packet in the shape that python-engineio's payloads take."""

    __slots__ = ("binary", "payload")

    def __init__(self, payload: bytes, binary: bool = False) -> None:
        self.payload, self.binary = payload, binary

    def encode(self, b64: bool = True) -> str:
        return "b" + base64.b64encode(self.payload).decode() if self.binary else self.payload.decode()


class Mailbox:
    """Packets for the next poll, oldest first. Bound: ``Bounds.unsent_bytes``, which the session keeps."""

    __slots__ = ("_carrier", "_packets", "_poll", "_size", "ended", "probed")

    def __init__(self) -> None:
        self._packets: deque[_Outgoing] = deque()
        self._poll: asyncio.Future[None] | None = None  # the poll that is open
        self._carrier: asyncio.Transport | None = None  # of the last poll, until its client has all of it
        self._size = 0  # bytes
        self.ended = False
        self.probed = False  # an upgrade is under way: what comes waits for it

    @property
    def unsent(self) -> int:
        """Bytes that wait, and those of the last poll that its client has not read."""
        return self._size + self._unread()

    def _unread(self) -> int:
        return self._carrier.get_write_buffer_size() if self._carrier and not self._carrier.is_closing() else 0

    @property
    def empty(self) -> bool:
        return not self._packets

    def put(self, message: Message) -> None:
        self._put(_Outgoing(message.payload, message.binary))

    def put_control(self, payload: bytes) -> None:
        self._put(_Outgoing(payload))

    def _put(self, packet: _Outgoing) -> None:
        self._packets.append(packet)
        self._size += len(packet.payload)
        if not self.probed:
            self._wake()

    def _wake(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def probe(self) -> None:
        """A WebSocket stands beside: the open poll ends, and packets are kept for it."""
        self.probed = True
        self._wake()

    def unprobe(self) -> None:
        """The WebSocket came to nothing."""
        self.probed = False

    def end(self) -> None:
        """The session is closed: one more poll takes what is left."""
        self.ended, self.probed = True, False
        self._wake()

    async def take(self, request: web.Request) -> list[_Outgoing] | None:
        """The oldest packets, as soon as there is one. None where another poll is open already, or not read to its
        end: else each poll would hold as many bytes as a client may.

        What a poll takes whose client has gone is lost to it, as a frame on a broken connection is; so the client is
        looked at last.
        """
        if self._poll is not None or (self._carrier is not request.transport and self._unread()):
            return None
        while not self._packets or self.probed:
            if self.probed or self.ended:
                return [_Outgoing(NOOP)]
            self._poll = asyncio.get_running_loop().create_future()
            try:
                await self._poll
            finally:
                self._poll = None
        self._carrier = request.transport
        if self._carrier is None or self._carrier.is_closing():
            return []
        # of a session that has ended this is the last one
        most = len(self._packets) if self.ended else min(len(self._packets), MOST_TAKEN)
        taken = [self._packets.popleft() for _ in range(most)]
        self._size -= sum(len(packet.payload) for packet in taken)
        return taken

    def answer(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        """``answer`` so that it is known when its client has all of it, where ``request`` took something."""
        if self._carrier is None or self._carrier is not request.transport or not isinstance(answer, web.Response):
            return answer
        return _Carried(answer, self, self._carrier)

    def carried(self, carrier: asyncio.Transport) -> None:
        """What the poll on ``carrier`` took has left this process; behind a proxy the connection is others' now."""
        if self._carrier is carrier:
            self._carrier = None

    def abort(self) -> None:
        """Reset the connection of a poll whose client has not read it."""
        if self._carrier is not None and self._unread():
            reset(self._carrier)

    def close(self) -> list[bytes]:
        """The frames of all that waited; the open poll ends."""
        frames = [encode(BINARY if packet.binary else TEXT, packet.payload) for packet in self._packets]
        self._packets.clear()
        self._size = 0
        self.end()
        return frames


class _Carried(web.Response):
    """The answer to a poll. Written, it waits until the kernel has taken all of it."""

    def __init__(self, answer: web.Response, mailbox: Mailbox, carrier: asyncio.Transport) -> None:
        super().__init__(status=answer.status, headers=answer.headers, body=answer.body)
        self._mailbox, self._transport = mailbox, carrier

    async def write_eof(self, data: bytes = b"") -> None:
        with contextlib.suppress(RuntimeError):  # uvloop's: it is gone, which writing finds too
            self._transport.set_write_buffer_limits(high=1, low=0)
        try:
            await super().write_eof(data)
        finally:
            self._mailbox.carried(self._transport)
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()


async def read_body(request: web.Request, limit: int, most: int) -> list[str | bytes]:
    """The packets of a POST: text with its type in front, or an attachment. At most ``limit`` bytes and ``most``
    packets: clients put all that they were given in one turn into one body, and know no bound but bytes. Raises
    ``TooLargeError``, ``TooManyError``, ``ValueError`` for what no client may post, and what reading a broken request
    raises."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ValueError("compressed")  # a few kilobytes can unpack to gigabytes
    if (request.content_length or 0) > limit:
        raise TooLargeError
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise TooLargeError
    text = body.decode()
    if text.startswith("d="):  # a script's form
        text = parse_qs(text, max_num_fields=1)["d"][0]
    if not text:
        return []
    parts = text.split("\x1e", most)
    if len(parts) > most:
        raise TooManyError
    return [base64.b64decode(part[1:], validate=True) if part[:1] == "b" else _checked(part) for part in parts]


def _checked(part: str) -> str:
    if part[:1] not in _POSTED:
        raise ValueError(f"packets of type {part[:1]!r}")
    return part
