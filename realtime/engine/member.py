"""One client in one namespace: its events run one at a time, in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from mypick.errors import Code, DomainError
from realtime.engine.frames import TEXT, encode
from realtime.engine.messages import Message, address, packet
from realtime.engine.packets import CONNECT, CONNECT_ERROR, DISCONNECT

if TYPE_CHECKING:
    from realtime.engine.session import Session

log = structlog.get_logger(__name__)

AT_ONCE = 8  # events of one client in one turn of the loop, where each is done without waiting: 40 to 80 µs each


class Refused(Exception):
    """The door does not let this client in; ``data`` reaches it as ``connect_error.data``."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(str(data.get("message", "refused")))
        self.data = data


class Door(Protocol):
    """One namespace, as the engine sees it. None of these may raise, but for ``Refused``."""

    async def admit(self, member: Member, auth: Any) -> None:
        """Let the client in, or raise ``Refused``."""

    async def opened(self, member: Member) -> None:
        """The client has been told that it is in; what it gets first can be sent. Its events wait until this ends."""

    def receive(self, member: Member, arguments: Any) -> bytes | Awaitable[bytes | None] | None:
        """One event of the client: its name, then what came with it. The JSON of the ack, now or when it is done."""

    def closed(self, member: Member, reason: str) -> None:
        """The client is gone; ``reason`` as the protocol names it. Called at once, and only after ``admit`` ended."""

    async def ended(self, member: Member) -> None:
        """What was under way for a client that is gone has ended too."""


class Space:
    """A namespace of this process: its door, who is in it, and in which of its rooms."""

    __slots__ = ("ack_head", "door", "event_head", "members", "name", "rooms")

    def __init__(self, name: str, door: Door) -> None:
        self.name = name
        self.door = door
        self.members: dict[str, Member] = {}  # bound: Bounds.connections
        self.rooms: dict[str, dict[str, Session]] = {}  # bound: Bounds.rooms for each member
        self.ack_head = b"43" + address(name)
        self.event_head = b"42" + address(name)


class Member:
    """``sid`` names it within its namespace; ``context`` is the door's, for what it knows of the client."""

    __slots__ = ("_queue", "_reason", "_task", "context", "open", "rooms", "session", "sid", "space")

    def __init__(self, sid: str, space: Space, session: Session) -> None:
        self.sid = sid
        self.space = space
        self.session = session
        self.context: Any = None
        self.open = False  # it was let in, and is not gone
        self.rooms: list[str] = []  # bound: Bounds.rooms
        self._queue: deque[tuple[Any, int | None]] | None = None  # bound: Bounds.waiting
        self._task: asyncio.Task[None] | None = None  # while something is under way
        self._reason = ""

    @property
    def namespace(self) -> str:
        return self.space.name

    @property
    def busy(self) -> bool:
        return self._task is not None

    @property
    def reason(self) -> str:
        """Why it is gone."""
        return self._reason

    @property
    def waiting(self) -> int:
        """Events that wait or are under way."""
        return len(self._queue or ()) + self.busy

    def enter(self, auth: Any) -> None:
        """Ask the door, and tell the client what it said."""
        self.session.engine.turns.soon(partial(self._begin, auth))

    def _begin(self, auth: Any) -> None:
        if not self._reason:  # else it went before anybody looked at it
            self._task = self.session.engine.loop.create_task(self._enter(auth))

    async def _enter(self, auth: Any) -> None:
        try:
            await self.space.door.admit(self, auth)
        except Refused as refused:
            self._task = None
            if not self._reason:
                self.session.members.remove(self)
                self.session.send(
                    packet(CONNECT_ERROR, self.namespace, {"message": str(refused), "data": refused.data})
                )
                self.session.left(was_in=False)
            return
        if self._reason:  # it went away while the door looked at its token
            self._task = None
            self.space.door.closed(self, self._reason)
            await self.space.door.ended(self)
            return
        self.open = True
        self.space.members[self.sid] = self
        self.session.send(packet(CONNECT, self.namespace, {"sid": self.sid}))
        await self._work(self.space.door.opened(self), None)

    def receive(self, arguments: Any, ack_id: int | None) -> None:
        """One event. Never waits."""
        if not self.open:
            self.ack(ack_id, CONNECT_FIRST)
        elif self._task is None:
            outcome = self.space.door.receive(self, arguments)
            if outcome is None or isinstance(outcome, bytes):
                self.ack(ack_id, outcome)
            else:
                self._task = self.session.engine.loop.create_task(self._work(outcome, ack_id))
        else:
            self._queue = self._queue if self._queue is not None else deque()
            bound = self.session.engine.bounds.waiting
            if self.waiting < bound:
                self._queue.append((arguments, ack_id))
            else:
                self.ack(ack_id, failure(DomainError(
                    Code.RATE_LIMITED,
                    f"{bound} commands wait already: wait for their acks",
                    retry_after_ms=1_000,
                )))

    async def _work(self, outcome: Awaitable[bytes | None], ack_id: int | None) -> None:
        """One outcome after the other until none is left; then the member is idle again."""
        done = 0
        try:
            while True:
                self.ack(ack_id, await outcome)
                while self._queue and self.open:
                    done += 1
                    if done % AT_ONCE == 0:
                        await asyncio.sleep(0)
                        continue
                    arguments, ack_id = self._queue.popleft()
                    now = self.space.door.receive(self, arguments)
                    if now is not None and not isinstance(now, bytes):
                        outcome = now
                        break
                    self.ack(ack_id, now)
                else:
                    break
        except Exception:
            log.exception("a door failed", namespace=self.namespace, connection_id=self.sid)
        self._queue = self._task = None
        if not self.open:
            await self.space.door.ended(self)

    def ack(self, ack_id: int | None, reply: bytes | None) -> None:
        if ack_id is None or reply is None:
            return
        payload = b"%b%d[%b]" % (self.space.ack_head, ack_id, reply)
        session = self.session
        if session.write is not None:
            session.write(encode(TEXT, payload))
        else:
            session.send(Message(payload))

    def refuse_nesting(self, ack_id: int | None) -> None:
        bound = self.session.engine.bounds.nesting
        self.ack(ack_id, failure(DomainError(Code.INVALID, f"it is nested deeper than {bound} lists and objects")))

    def refuse_binary(self, ack_id: int | None) -> None:
        """No door takes any; pydantic would read bytes as text."""
        self.ack(ack_id, failure(DomainError(Code.INVALID, "commands take JSON, not binary data")))

    def leave(self, reason: str) -> None:
        """Out of the namespace and its rooms, in as many steps as it is in rooms."""
        if self._reason:
            return
        self._reason = reason
        self.session.members.remove(self)
        if not self.open:
            self.session.left(was_in=False)
            return  # _enter sees to the rest
        self.open = False
        space = self.space
        space.members.pop(self.sid, None)
        self.session.engine.rooms.callbacks.pop(self.sid, None)
        for room in self.rooms:
            members = space.rooms[room]
            del members[self.sid]
            if not members:
                del space.rooms[room]
        self.rooms.clear()
        space.door.closed(self, reason)
        if self._task is None:
            engine = self.session.engine
            engine.turns.soon(lambda: engine.spawn(space.door.ended(self)))
        self.session.left(was_in=True)

    def disconnect(self, reason: str) -> None:
        """Put it out of the namespace, and tell it."""
        if self.open:
            self.session.send(packet(DISCONNECT, self.namespace))
            self.leave(reason)


def failure(error: DomainError) -> bytes:
    """The ack of a command that was refused."""
    return orjson.dumps({"ok": False, "error": error_body(error)})


def error_body(error: DomainError) -> dict[str, Any]:
    """An error as clients see it."""
    shown = {**error.body(), "retryable": error.code.retryable}
    if error.retry_after_ms is not None:
        shown["retry_after_ms"] = error.retry_after_ms
    return shown


CONNECT_FIRST = failure(DomainError(Code.UNAUTHENTICATED, "connect to this namespace first"))
