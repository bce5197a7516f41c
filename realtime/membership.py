"""Who of this node is in which stream of a namespace: letting in, letting out, and putting out.

A stream's members are a room of the engine and members of the delivery; both are entered and left here, together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from mypick.clock import to_wire
from mypick.control import Eviction
from mypick.errors import DomainError
from mypick.streams.delivery import Delivery
from mypick.streams.events import Frame, Position
from realtime.commands import Evicted
from realtime.connection import Connection, Connections
from realtime.engine.messages import Message, event
from realtime.engine.server import Engine

log = structlog.get_logger(__name__)

Snapshot = TypeVar("Snapshot")


class Crowd(Protocol):
    """Counts who is in a room, over all nodes."""

    def joined(self, room: str, user_id: int) -> None:
        """Once for each socket."""

    def left(self, room: str, user_id: int) -> None: ...

    async def count(self, room: str) -> int:
        """People there now."""

    def moved(self, room: str) -> None:
        """Another node has other people there."""

    def look_again(self) -> None:
        """What other nodes told may be lost."""


class Entry:
    """A client that is being let into a stream."""

    __slots__ = ("refusal", "stream")

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.refusal: Eviction | None = None


class Memberships:
    """The streams of one namespace. ``crowd`` is None where nobody asks how many there are; nobody does in streams
    whose keys begin with one of ``uncounted``."""

    def __init__(
        self,
        namespace: str,
        engine: Engine,
        delivery: Delivery,
        connections: Connections,
        crowd: Crowd | None,
        message: Callable[[Frame], Message],
        uncounted: tuple[str, ...] = (),
    ) -> None:
        self._namespace = namespace
        self._engine = engine
        self._delivery = delivery
        self._connections = connections
        self._crowd = crowd
        self._message = message
        self._uncounted = uncounted

    async def join(
        self,
        conn: Connection,
        stream: str,
        read: Callable[[], Awaitable[tuple[Position, Snapshot]]],
        send: Callable[[Snapshot], None],
    ) -> None:
        """Let ``conn`` into ``stream`` without a gap and without a repeat.

        ``read`` decides whether it may (``DomainError`` if not), and gives what it is shown first with the position up
        to whose head that is true; ``send`` hands it to the client. Who is in already gets a fresh one in its place.
        An eviction that comes between the two is ``DomainError`` too.
        """
        if stream in conn.streams:

            async def send_only(snapshot: Snapshot, missed: Sequence[Frame]) -> None:
                if stream not in conn.streams:  # put out while it read
                    return
                send(snapshot)
                for frame in missed:
                    conn.member.session.send(self._message(frame))

            await self._delivery.between(stream, read, send_only)
            return
        entry = conn.entry = Entry(stream)

        async def enter(snapshot: Snapshot, missed: Sequence[Frame]) -> None:
            if entry.refusal:
                raise _refused(entry.refusal)
            self._engine.rooms.enter(conn.member, stream)
            send(snapshot)
            for frame in missed:
                conn.member.session.send(self._message(frame))

        try:
            await self._delivery.join(stream, read, enter)
        finally:
            conn.entry = None
        # not one turn of the loop after the room was entered: whoever evicts finds an entry or a membership
        conn.streams.append(stream)
        if self._crowd is not None and not stream.startswith(self._uncounted):
            self._crowd.joined(stream, conn.actor.user_id)

    async def leave(self, conn: Connection, stream: str) -> None:
        """Who is not there is no error."""
        if self._step_out(conn, stream):
            await self._delivery.leave(stream)

    async def leave_all(self, conn: Connection) -> None:
        """It has gone, and nothing of it is under way any more."""
        for stream in tuple(conn.streams):
            await self.leave(conn, stream)

    def evict(self, eviction: Eviction) -> None:
        """Put the person's clients out of the stream, and refuse those that are on their way in. Never waits."""
        for conn in self._connections.of_user(eviction.user_id):
            if conn.namespace != self._namespace:
                continue
            if conn.entry is not None and conn.entry.stream == eviction.stream:
                conn.entry.refusal = eviction
            elif self._step_out(conn, eviction.stream):
                conn.member.session.send(event(self._namespace, "evicted", _told(eviction)))
                self._engine.spawn(self._delivery.leave(eviction.stream))
                log.info(
                    "evicted from a stream",
                    stream=eviction.stream,
                    code=eviction.code.name,
                    user_id=eviction.user_id,
                    connection_id=conn.sid,
                )

    def _step_out(self, conn: Connection, stream: str) -> bool:
        if stream not in conn.streams:
            return False
        conn.streams.remove(stream)
        self._engine.rooms.leave(conn.member, stream)
        if self._crowd is not None and not stream.startswith(self._uncounted):
            self._crowd.left(stream, conn.actor.user_id)
        return True


def _told(eviction: Eviction) -> bytes:
    until = to_wire(eviction.until) if eviction.until else None
    body = Evicted(stream=eviction.stream, code=eviction.code.name, until=until, reason=eviction.reason)
    return body.model_dump_json(exclude_none=True).encode()


def _refused(eviction: Eviction) -> DomainError:
    details = {"until": to_wire(eviction.until)} if eviction.until else None
    return DomainError(eviction.code, eviction.reason or eviction.code.text, details=details)
