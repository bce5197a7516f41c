"""One Engine.IO session: packets in, packets out, over long polling or over a WebSocket.

A session lives as its members do: each is this client in one namespace. It keeps no task and no queue while nothing
is under way; its deadlines stand in the engine's wheel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mypick.errors import Code
from realtime.engine import reasons
from realtime.engine.frames import TEXT, encode
from realtime.engine.incoming import take_message
from realtime.engine.messages import Message, evicted, lagged
from realtime.engine.outgoing import send_slowly
from realtime.engine.packets import MALFORMED, Packet
from realtime.engine.polling import Mailbox
from realtime.engine.reasons import close_code_for, too_many_packets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from realtime.engine.member import Member
    from realtime.engine.server import Engine
    from realtime.engine.websocket import WebSocket

PING, PROBE_ANSWER, CLOSE, NOOP = b"2", b"3probe", b"1", b"6"
MESSAGE, PONG, CLOSES, IGNORED = ord("4"), ord("3"), ord("1"), b"0256"
JOIN = "a connection has to be in a namespace"
PING_FRAME = encode(TEXT, PING)
CLOSE_FRAME = encode(TEXT, CLOSE)

# what its members are told of the reasons that are the client's own fault
_TOLD = {reasons.TOO_LARGE: Code.TOO_LARGE, reasons.TOO_MANY: Code.RATE_LIMITED}


class Probe(Protocol):
    """Measures how long a client takes to answer."""

    def sent(self) -> None:
        """A ping is on its way."""

    def answered(self) -> float:
        """The pong is here. Seconds until the next ping; never more than ``Bounds.ping_interval`` pass."""


class Session:
    """One client's connection, whatever carries it. ``sid`` is Engine.IO's."""

    __slots__ = (
        "_alone_until",
        "_attachments",
        "_awaits_pong",
        "_packets",
        "_ping_at",
        "_second",
        "address",
        "closed",
        "engine",
        "link",
        "mailbox",
        "members",
        "missed",
        "probe",
        "sid",
        "write",
    )

    def __init__(self, engine: Engine, sid: str, address: str) -> None:
        self.engine = engine
        self.sid = sid
        self.address = address
        self.members: list[Member] = []  # bound: Bounds.namespaces
        self.link: WebSocket | None = None
        self.mailbox: Mailbox | None = None  # what waits for the next poll
        self.write: Callable[[bytes], None] | None = None  # takes frames, while nothing stands before them
        self.closed = False
        self.probe: Probe | None = None
        self._attachments: Packet | None = None  # an event that waits for its binary attachments
        self._awaits_pong = False
        # newest seq that was dropped, by namespace and stream; bound: Bounds.rooms for each
        self.missed: dict[tuple[str, str], int] | None = None
        self._second = self._packets = 0
        self._ping_at = engine.wheel.enter(self, engine.first_ping())
        self._alone_until = engine.wheel.enter(self, engine.bounds.alone)

    # what python-engineio asks of a session that polls

    connected = True

    @property
    def upgraded(self) -> bool:
        return self.link is not None and self.mailbox is None

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        if (mailbox := self.mailbox) is None:
            return self.engine.eio.refusal("this connection is no more polled")
        if mailbox.probed:  # it is answered at once, where others wait until there is something to say
            self.within_rate()
        packets = await mailbox.take(environ["aiohttp.request"])
        if packets is None:  # two polls at once: nobody can tell which of them is read
            self.close(reasons.TRANSPORT_ERROR)
            return self.engine.eio.refusal("another poll of this connection is open")
        if mailbox.empty:
            self.caught_up()
        return packets

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        body: list[str | bytes] = environ["mypick.body"]
        if not body:
            self.within_rate()
        for packet in body:
            if self.closed or not self.within_rate():
                return
            if isinstance(packet, bytes):
                self.take_binary(packet)
            else:
                self.take_text(bytearray(packet.encode()))

    # what is sent

    def send(self, message: Message) -> None:
        """Behind all that was sent before. Never waits."""
        if self.write is not None:
            self.write(message.frame)
        elif not self.closed:
            send_slowly(self, (message,))

    def send_all(self, messages: Sequence[Message]) -> None:
        """As ``send``, one after the other."""
        if self.write is not None:
            self.write(b"".join([message.frame for message in messages]))
        elif not self.closed:
            send_slowly(self, messages)

    @property
    def unsent(self) -> int:
        """Bytes that are held for this client in this process."""
        held = self.mailbox.unsent if self.mailbox is not None else 0
        return held + (self.link.unsent if self.link is not None else 0)

    def caught_up(self) -> None:
        """The client has read what was held for it: it hears what it missed."""
        if self.missed and not self.closed:
            missed, self.missed = self.missed, None
            for (namespace, stream), seq in missed.items():
                if self.member(namespace) is not None:
                    self.send(lagged(namespace, stream, seq))

    # what comes

    def take_text(self, payload: bytearray) -> None:
        """One Engine.IO packet; its text is UTF-8."""
        if self.closed:
            return
        kind = payload[0] if payload else 0
        if kind == MESSAGE:
            try:
                if self._attachments is not None:
                    raise ValueError("an attachment was to come")
                self._attachments = take_message(self, payload)
            except MALFORMED as malformed:
                self._malformed(malformed)
        elif kind == PONG:
            if self._awaits_pong:
                self._awaits_pong = False
                wait = self.engine.bounds.ping_interval
                if self.probe is not None:
                    wait = min(wait, self.probe.answered())
                self._ping_at = self.engine.wheel.enter(self, wait)
        elif kind == CLOSES:
            self.close(reasons.CLIENT_DISCONNECT)
        elif kind not in IGNORED:
            self._malformed(ValueError("no packet of Engine.IO 4"))

    def take_binary(self, payload: bytes) -> None:
        """An attachment of the event before it."""
        if self.closed:
            return
        packet = self._attachments
        try:
            if packet is None:
                raise ValueError("an attachment of nothing")
            if packet.add_attachment(payload):
                self._attachments = None
                self.engine.take_packet(self, packet)
        except MALFORMED as malformed:
            self._malformed(malformed)

    def member(self, namespace: str) -> Member | None:
        for member in self.members:
            if member.namespace == namespace:
                return member
        return None

    def within_rate(self) -> bool:
        """Count one packet, whatever it is. Over the bound the client is closed, and nothing more is to be read.

        Counted over seconds of the wheel: of a burst at their border twice as many may pass.
        """
        second = self.engine.wheel.second
        if second != self._second:
            self._second, self._packets = second, 0
        self._packets += 1
        bound = self.engine.bounds.packets_per_second
        if self._packets <= bound:
            return True
        self.refuse(reasons.TOO_MANY, too_many_packets(bound))
        return False

    def _malformed(self, problem: Exception) -> None:
        self.refuse(reasons.MALFORMED_PACKET, "this is no packet of Socket.IO 5 over Engine.IO 4", error=problem)

    def refuse(self, reason: str, why: str, *, code: int | None = None, error: Exception | None = None) -> None:
        """The client did what none may do: it is told ``why``, in each of its namespaces and by its WebSocket's close,
        and is closed. Logged once."""
        if self.closed:
            return
        self.engine.log_refused(self, reason, why, error)
        for member in list(self.members):
            if member.open:
                self.send(evicted(member.namespace, "", _TOLD.get(reason, Code.INVALID), why))
        self.close(reason, code=code, why=why)

    # its life

    def on_tick(self, tick: int) -> None:
        """A deadline may be due: the next ping, the answer to the last, or a namespace to be in."""
        if self.closed:
            return
        if self._alone_until and tick >= self._alone_until:
            self._alone_until = 0
            if not self.members:
                self.close(reasons.ALONE, why=JOIN)
                return
        if tick < self._ping_at:
            return
        bounds = self.engine.bounds
        if self._awaits_pong:
            self.engine.cut(self, reasons.PING_TIMEOUT)
            return
        self._awaits_pong = True
        self._ping_at = self.engine.wheel.enter(self, bounds.ping_timeout)
        if self.probe is not None:
            self.probe.sent()
        if self.write is not None:
            self.write(PING_FRAME)
        elif self.mailbox is not None:
            self.mailbox.put_control(PING)
        elif self.link is not None and self.link.unsent < bounds.unsent_bytes:
            self.link.write(PING_FRAME)

    def measure(self, probe: Probe) -> None:
        """From now on ``probe`` hears of each ping and its answer, and says when the next is due; the first goes out at
        once."""
        self.probe = probe
        if not self._awaits_pong and not self.closed:
            self._ping_at = self.engine.wheel.enter(self, 0)

    def left(self, *, was_in: bool) -> None:
        """A member is gone. Whoever never was in gets no more time by trying."""
        if self.closed:
            return
        if was_in:
            self._alone_until = self.engine.wheel.enter(self, self.engine.bounds.alone)
        elif not self.members and not self._alone_until:
            self.close(reasons.ALONE, why=JOIN)

    def upgrade(self, link: WebSocket) -> None:
        """From now on the WebSocket carries it; what waited for a poll goes first."""
        self.link = link
        if self.mailbox is not None:
            waiting, self.mailbox = self.mailbox, None
            if frames := waiting.close():
                link.write(b"".join(frames))  # of small ones a megabyte is 30,000
        self.write = link.unpaused_write
        if self.write is not None:
            self.caught_up()

    def close(self, reason: str, *, code: int | None = None, why: str = "") -> None:
        """End it. The client gets what was sent before, if it reads within ``Bounds.goodbye``."""
        if self.closed:
            return
        self.end(reason)
        if self.mailbox is not None:
            self.mailbox.put_control(CLOSE)
            self.mailbox.end()
            self.engine.loop.call_later(self.engine.bounds.goodbye, self.mailbox.abort)
        if self.link is not None:
            if not self.link.probing and reason not in (reasons.CLIENT_DISCONNECT, reasons.TRANSPORT_CLOSE):
                self.link.write(CLOSE_FRAME)
            self.link.close(code or close_code_for(reason), why)

    def cut(self, reason: str) -> None:
        """End it without a word: it does not read."""
        if self.closed:
            return
        self.end(reason)
        if self.mailbox is not None:
            self.mailbox.end()
            self.mailbox.abort()
        if self.link is not None:
            self.link.abort()

    def drained(self) -> bool:
        """Nothing is under way or unsent."""
        return self.unsent == 0 and not any(member.busy for member in self.members)

    def end(self, reason: str) -> None:
        """Over, whatever becomes of the connection."""
        self.closed = True
        self.write = None
        self._attachments = self.missed = None
        for member in list(self.members):
            member.leave(reason)
        self.engine.forget(self)
