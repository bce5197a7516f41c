"""One connected pair of Redis connections: one that publishes, one that listens.

A link lives from a successful connect to its first failure and is never mended: the bus makes a new one. So nothing
in here knows of reconnecting, and a reply can never be taken for the answer to another question.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import AskError, RedisError, ResponseError

from mypick.bus.redis_dialects import Dialect, LinkError, Speaker, identify
from mypick.patience import Patience

OUTBOX_COMMANDS = 10_000  # waiting for the round trip in flight; beyond it publishers are refused
MESSAGES_IN_A_ROW = 64  # read without letting the loop breathe: hiredis has many in its buffer after a flood

Command = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class _Awaited:
    """What Redis has still to confirm of one command."""

    verb: bytes
    channels: deque[bytes]
    confirmed: asyncio.Future[bool]
    refused: bool = False


class Link:
    """Use: ``await Link.connect(...)``, run ``listen`` and ``send`` as tasks, and close it once either of them raises
    or ``failed`` is done.

    ``on_moved`` is called when a cluster says that a channel is another server's now, with the channel if it is one
    that was subscribed to, or was to be. It must not raise, and the link goes on.
    """

    def __init__(
        self,
        speaker: AbstractConnection,
        listener: AbstractConnection,
        *,
        patience: float,
        dialect: Dialect,
        on_moved: Callable[[bytes | None], None],
    ) -> None:
        self.speaker: Speaker | None = None
        self.dialect = dialect
        self._speaker, self._listener = speaker, listener
        self._patience = patience
        self._within = Patience(patience)
        self._on_moved = on_moved
        self._outbox: list[tuple[Sequence[Command], asyncio.Future[bool]]] = []
        self._outbox_commands = 0
        self._mail = asyncio.Event()
        self._replies: deque[_Awaited] = deque()  # in the order of sending
        self._sending = asyncio.Lock()  # of the listener: commands are written in the order of the calls
        self._asked: list[tuple[str, Callable[[], Sequence[bytes]], asyncio.Future[bool]]] = []
        self._closed = False
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(
        cls,
        pool: ConnectionPool,
        *,
        patience: float,
        dialect: Dialect,
        on_moved: Callable[[bytes | None], None],
        predecessor: Speaker | None = None,
    ) -> Self:
        """Raises ``RedisError`` or ``OSError``. ``patience``: seconds that one round trip may take.

        ``predecessor`` is the ``speaker`` of the link before: should Redis still hold unread messages of it (it
        hung, and we gave up waiting), they are discarded, since they would arrive after newer ones.
        """
        # of its own, outside the pool: a pooled connection reconnects by itself
        speaker, listener = (pool.make_connection() for _ in range(2))  # type: ignore[no-untyped-call]  # redis-py
        link = cls(speaker, listener, patience=patience, dialect=dialect, on_moved=on_moved)
        try:
            await speaker.connect()
            link.speaker = await identify(speaker, dialect)
            if predecessor and predecessor.server == link.speaker.server:
                await speaker.send_command("CLIENT", "KILL", "ID", predecessor.id)
                with contextlib.suppress(ResponseError):  # it is gone, or this user may not kill
                    await speaker.read_response()
            await listener.connect()
        except BaseException as failure:
            await link.close()
            if isinstance(failure, RuntimeError):  # what uvloop raises where the server has just closed
                raise LinkError("the connection was closed while it was made") from failure
            raise
        return link

    async def close(self) -> None:
        """Close both connections and let go of all who wait. May be called twice."""
        self._closed = True
        for _, done in self._outbox:
            _resolve(done, False)
        for awaited in self._replies:
            _resolve(awaited.confirmed, False)
        for _, _, confirmed in self._asked:
            _resolve(confirmed, False)
        self._outbox.clear()
        self._replies.clear()
        self._asked.clear()
        for connection in (self._speaker, self._listener):
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    # speaking

    async def command(self, commands: Sequence[Command]) -> bool:
        """Have ``commands`` sent in one round trip, together with those of other callers. False if they were lost.

        Waits for the round trip in flight and its own, each at most ``patience`` seconds; a dead link lets go at once.
        """
        if self._closed or self._outbox_commands + len(commands) > OUTBOX_COMMANDS:
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outbox.append((commands, done))
        self._outbox_commands += len(commands)
        self._mail.set()
        return await done

    async def send(self) -> None:
        """Carry the outbox to Redis until something fails. Run as one task."""
        while True:
            await self._mail.wait()
            self._mail.clear()
            batch, self._outbox = self._outbox, []
            self._outbox_commands = 0
            packed = self._speaker.pack_commands([command for part, _ in batch for command in part])
            taken: list[bool] = []
            try:
                with self._within.here():
                    await _write(self._speaker, packed)
                    for part, _ in batch:
                        # all are read, whatever the first says: each has its reply
                        taken.append(all([await self._is_taken() for _ in part]))
            except BaseException as failure:
                for _, done in batch:
                    _resolve(done, False)
                if isinstance(failure, TimeoutError):
                    raise LinkError(f"no answer within {self._patience} s") from failure
                raise
            for (_, done), is_taken in zip(batch, taken, strict=True):
                _resolve(done, is_taken)

    async def _is_taken(self) -> bool:
        try:
            await self._speaker.read_response(timeout=math.inf)
        except AskError:  # or its kind MovedError
            self._on_moved(None)
            return False
        return True

    # listening

    async def subscribe(self, channels: Callable[[], Sequence[bytes]]) -> bool:
        """Subscribe and wait for the confirmation. False if it did not come: then the link has failed, or ``on_moved``
        has heard of it.

        ``channels`` is asked at the moment of writing, here and below: what is written is what is wanted then,
        whatever was called while others were writing.
        """
        return await self._ask(self.dialect.subscribe, channels)

    async def unsubscribe(self, channels: Callable[[], Sequence[bytes]]) -> bool:
        return await self._ask(self.dialect.unsubscribe, channels)

    async def _ask(self, verb: str, channels: Callable[[], Sequence[bytes]]) -> bool:
        if self._closed:
            return False
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((verb, channels, confirmed))
        try:
            async with self._sending:  # bounded: whoever holds it writes what all who wait have asked, with patience
                if not confirmed.done():
                    with self._within.here():
                        await self._write_asked()
            with self._within.here():
                return await confirmed
        except (RedisError, OSError, TimeoutError) as failure:
            if not self.failed.done():
                self.failed.set_result(f"{verb} was not confirmed: {type(failure).__name__}")
            return False

    async def _write_asked(self) -> None:
        """Write all that was asked until now at once: when thousands of clients come back together, each for a
        stream of its own, one round trip for each would take longer than the patience of the last."""
        asked, self._asked = self._asked, []
        packed: list[Any] = []
        for verb, channels, confirmed in asked:
            if names := channels():
                self._replies.append(_Awaited(verb.lower().encode(), deque(names), confirmed))
                for some in batches(names, self.dialect.channels_in_a_command or len(names)):
                    packed += self._listener.pack_command(verb, *some)
            else:
                _resolve(confirmed, True)
        if packed:
            await _write(self._listener, packed)

    async def listen(self, on_message: Callable[[bytes, bytes], None]) -> None:
        """Read until something fails. ``on_message`` must not raise. Run as one task."""
        in_a_row = 0
        while True:
            try:
                kind, channel, payload = await self._listener.read_response(timeout=math.inf)
            except AskError:
                self._refused()
                continue
            if kind == self.dialect.message:
                on_message(channel, payload)
                in_a_row += 1
                if in_a_row == MESSAGES_IN_A_ROW:
                    in_a_row = 0
                    await asyncio.sleep(0)
            else:
                self._confirm(kind, channel)

    def _confirm(self, kind: bytes, channel: bytes) -> None:
        """Redis confirms each channel of each command, in order; a cluster also takes channels away unasked."""
        awaited = self._replies[0] if self._replies else None
        if awaited is not None and kind == awaited.verb and channel == awaited.channels[0]:
            self._answered(awaited)
        elif kind == b"sunsubscribe":
            self._on_moved(channel)
        elif kind in (b"subscribe", b"unsubscribe", b"ssubscribe"):
            raise LinkError("confirmations are out of step")

    def _refused(self) -> None:
        """The oldest that waits for its confirmation is another server's."""
        if not self._replies:
            raise LinkError("a refusal of nothing that was asked")
        awaited = self._replies[0]
        awaited.refused = True
        self._on_moved(awaited.channels[0])
        self._answered(awaited)

    def _answered(self, awaited: _Awaited) -> None:
        awaited.channels.popleft()
        if not awaited.channels:
            self._replies.popleft()
            _resolve(awaited.confirmed, not awaited.refused)


def batches(channels: Iterable[bytes], size: int) -> Iterable[list[bytes]]:
    """Lists of at most ``size``, so that one command never holds Redis for long."""
    rest = list(channels)
    return (rest[start : start + size] for start in range(0, len(rest), size))


async def _write(connection: AbstractConnection, packed: Any) -> None:
    if not connection.is_connected:  # redis-py would connect anew behind our back, without the subscriptions
        raise LinkError("the connection is closed")
    try:
        await connection.send_packed_command(packed)
    except AttributeError as failure:
        # redis-py writes in a task of its own; a link that was closed before that task ran has no writer any more
        if connection.is_connected:
            raise
        raise LinkError("the connection was closed") from failure
    except RuntimeError as failure:  # what uvloop raises where asyncio would lose the bytes in silence
        raise LinkError("the connection was closed") from failure


def _resolve(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():  # its owner may have been cancelled
        future.set_result(result)
