"""What nodes tell each other about people's sockets: an event for one person, an eviction, the end of a session.

Done on this node at once, on the others when the bus has brought it, within milliseconds. Like every message of the bus
it may be lost. So each rests on something in the database that is written first, and that whoever has sockets looks at
from time to time: sessions every 30 s, who may be in a stream every 5 s, both at once after the bus was interrupted.
``tell`` rests on nothing and is for what may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
import structlog

from mypick.bus import Bus
from mypick.errors import Code
from mypick.streams.delivery import CHANNEL as STREAMS
from mypick.streams.delivery import Delivery

log = structlog.get_logger(__name__)

CHANNEL = "c:sockets"  # of the bus: every node with sockets listens


@dataclass(frozen=True, slots=True)
class Eviction:
    """Somebody may not be in a stream any more; ``until`` where that ends by itself. The client is told all of it."""

    stream: str
    user_id: int
    code: Code
    reason: str | None = None
    until: datetime | None = None


class Sockets(Protocol):
    """The sockets of one node. None of these waits or raises, and twice is once but for ``tell``."""

    def end_session(self, session_id: int) -> None:
        """Close the sockets of a session, and those that are being let in with it."""

    def disconnect(self, user_id: int, code: Code, reason: str) -> None:
        """Put all sockets of a person out of their namespaces, and refuse those that are being let in."""

    def evict(self, eviction: Eviction) -> None:
        """Take the person's sockets out of the stream and tell them; refuse those that are being let in."""

    def tell(self, user_id: int, namespace: str, name: str, body: bytes) -> None:
        """Send an event of the namespace to the person's sockets in it. ``body``: its JSON."""

    def look_again(self) -> None:
        """The bus may have lost something: look at once at what it rests on."""


class Control:
    """Takes every message of the bus: those of streams go to the delivery, the others to the sockets of this node.

    ``node`` names this process on the bus, as in ``Streams``.
    """

    def __init__(self, bus: Bus, delivery: Delivery, *, node: str) -> None:
        self._bus = bus
        self._delivery = delivery
        self._node = node
        self._sockets: Sockets | None = None

    async def start(self, sockets: Sockets | None = None) -> None:
        """Begin to listen; without ``sockets`` this node only tells others."""
        self._sockets = sockets
        await self._bus.start(self._heard, self._gap)
        if sockets:
            await self._bus.subscribe([CHANNEL])

    async def tell(self, user_id: int, namespace: str, name: str, data: Mapping[str, Any]) -> None:
        """Send the event ``name`` of ``namespace`` ("/watch-party") to all sockets that the person has there, whatever
        streams they are in. It is in no log and may be lost: what must arrive goes into a stream."""
        await self._everywhere(["tell", user_id, namespace, name, orjson.dumps(data).decode()])

    async def evict(self, eviction: Eviction) -> None:
        """Take a person out of a stream on every node, within a second, and send ``evicted`` to their sockets, which
        stay open. Called after the commit that bans, kicks or removes them: whoever is being let in at this moment is
        refused, whoever comes later must be refused by what was committed. A node that misses this finds it through
        its namespace's ``evicted_among``."""
        until = eviction.until.isoformat() if eviction.until else None
        await self._everywhere(
            ["evict", eviction.stream, eviction.user_id, eviction.code.name, eviction.reason, until]
        )

    async def look_again(self) -> None:
        """Let every node look at once who may still be in its streams: for a change that puts out more people than can
        be named. A node that misses this looks within 5 s."""
        await self._everywhere(["look"])

    async def disconnect(self, user_id: int, code: Code, reason: str) -> None:
        """Close all sockets of a person on every node, with ``evicted``. Called after their sessions were ended, which
        keeps them from coming back, and by which a node that misses this finds them."""
        log.info("a person is disconnected", user_id=user_id, code=code.name, reason=reason)
        await self._everywhere(["disconnect", user_id, code.name, reason])

    async def session_ended(self, user_id: int, session_id: int, reason: str) -> None:
        """Close the sockets of a session on every node. Called after the commit that ended it."""
        log.info("session ended", user_id=user_id, session_id=session_id, reason=reason)
        await self._everywhere(["end-session", session_id])

    async def _everywhere(self, message: list[Any]) -> None:
        self._do(message)
        await self._bus.publish([(CHANNEL, orjson.dumps([self._node, *message]))])

    def _heard(self, channel: str, payload: bytes) -> None:
        if channel.startswith(STREAMS):
            self._delivery.on_message(channel, payload)
        elif channel == CHANNEL:
            try:
                node, *message = orjson.loads(payload)
                if node != self._node:  # our own was done when it was published
                    self._do(message)
            except (ValueError, TypeError, KeyError, AttributeError):
                log.warning("unreadable bus message", channel=channel, size=len(payload))

    def _do(self, message: list[Any]) -> None:
        sockets = self._sockets
        match message:
            case _ if sockets is None:
                return
            case ["tell", user_id, namespace, name, body]:
                sockets.tell(user_id, namespace, name, body.encode())
            case ["evict", stream, user_id, code, reason, until]:
                ends = datetime.fromisoformat(until) if until else None
                sockets.evict(Eviction(stream, user_id, Code[code], reason, ends))
            case ["disconnect", user_id, code, reason]:
                sockets.disconnect(user_id, Code[code], reason)
            case ["look"]:
                sockets.look_again()
            case ["end-session", session_id]:
                sockets.end_session(session_id)
            case _:  # of a newer version, while nodes are replaced one by one
                log.warning("unknown bus message", message=str(message)[:100])

    def _gap(self) -> None:
        self._delivery.look_now()
        if self._sockets:
            self._sockets.look_again()
