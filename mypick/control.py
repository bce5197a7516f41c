"""What nodes tell each other that is of no stream: a session has ended.

Like every message of the bus it may be lost, so whoever listens also looks at the database from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from mypick.bus import Bus
from mypick.streams.delivery import CHANNEL as STREAMS
from mypick.streams.delivery import Delivery

log = structlog.get_logger(__name__)

SESSION_ENDED = "c:session-ended"
MAX_CLOSING = 10_000  # sessions whose sockets are being closed; more is found by the periodic look

SessionEnded = Callable[[int], Awaitable[None]]


class Control:
    """Takes every message of the bus: those of streams go to the delivery, the others are handled here."""

    def __init__(self, bus: Bus, delivery: Delivery) -> None:
        self._bus = bus
        self._delivery = delivery
        self._listener: SessionEnded | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self, on_session_ended: SessionEnded | None = None) -> None:
        """Begin to listen; ``on_session_ended`` closes the sockets of a session on this node."""
        self._listener = on_session_ended
        await self._bus.start(self._heard, self._delivery.look_now)
        if on_session_ended:
            await self._bus.subscribe([SESSION_ENDED])

    async def session_ended(self, user_id: int, session_id: int, reason: str) -> None:
        """Tell every node, this one first. Called after the commit that ended the session."""
        log.info("session ended", user_id=user_id, session_id=session_id, reason=reason)
        self._close_sockets_of(session_id)
        await self._bus.publish([(SESSION_ENDED, str(session_id).encode())])

    def _heard(self, channel: str, payload: bytes) -> None:
        if channel.startswith(STREAMS):
            self._delivery.on_message(channel, payload)
        elif channel == SESSION_ENDED and payload.isdigit():
            self._close_sockets_of(int(payload))

    def _close_sockets_of(self, session_id: int) -> None:
        """Once more does no harm: there are no sockets left."""
        if self._listener and len(self._closing) < MAX_CLOSING:
            task = asyncio.get_running_loop().create_task(self._end(session_id, self._listener))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _end(self, session_id: int, listener: SessionEnded) -> None:
        try:
            await listener(session_id)
        except Exception:
            log.exception("the sockets of an ended session were not closed", session_id=session_id)
