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
from redis.exceptions import RedisError, ResponseError

OUTBOX_COMMANDS = 10_000  # waiting for the round trip in flight; beyond it publishers are refused
MESSAGES_IN_A_ROW = 64  # read without letting the loop breathe: hiredis has many in its buffer after a flood

Command = tuple[Any, ...]


class LinkError(ConnectionError):
    """The link is dead; make another."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A publishing connection as Redis knows it. Ids begin anew with each run of a server."""

    server: bytes
    id: int


class Link:
    """Use: ``await Link.connect(...)``, run ``listen`` and ``send`` as tasks, and close it once either of them raises
    or ``failed`` is done."""

    def __init__(self, speaker: AbstractConnection, listener: AbstractConnection, patience: float) -> None:
        self.speaker: Speaker | None = None
        self._speaker, self._listener = speaker, listener
        self._patience = patience
        self._outbox: list[tuple[Sequence[Command], asyncio.Future[bool]]] = []
        self._outbox_commands = 0
        self._mail = asyncio.Event()
        self._replies: deque[list[Any]] = deque()  # [confirmations still to come, future], in the order of sending
        self._sending = asyncio.Lock()  # of the listener: commands are written in the order of the calls
        self._asked: list[tuple[str, Callable[[], Sequence[bytes]], asyncio.Future[bool]]] = []
        self._closed = False
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, pool: ConnectionPool, *, patience: float, predecessor: Speaker | None = None) -> Self:
        """Raises ``RedisError`` or ``OSError``. ``patience``: seconds that one round trip may take.

        ``predecessor`` is the ``speaker`` of the link before: should Redis still hold unread messages of it (it
        hung, and we gave up waiting), they are discarded, since they would arrive after newer ones.
        """
        # of its own, outside the pool: a pooled connection reconnects by itself
        speaker, listener = (pool.make_connection() for _ in range(2))  # type: ignore[no-untyped-call]  # redis-py
        link = cls(speaker, listener, patience)
        try:
            await speaker.connect()
            link.speaker = await _identify(speaker)
            if predecessor and predecessor.server == link.speaker.server:
                await speaker.send_command("CLIENT", "KILL", "ID", predecessor.id)
                with contextlib.suppress(ResponseError):  # it is gone, or this user may not kill
                    await speaker.read_response()
            await listener.connect()
        except BaseException:
            await link.close()
            raise
        return link

    async def close(self) -> None:
        """Close both connections and let go of all who wait. May be called twice."""
        self._closed = True
        for _, done in self._outbox:
            _resolve(done, False)
        for _, done in self._replies:
            _resolve(done, False)
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
            commands = [command for part, _ in batch for command in part]
            try:
                async with asyncio.timeout(self._patience):
                    await _write(self._speaker, self._speaker.pack_commands(commands))
                    for _ in commands:
                        await self._speaker.read_response(timeout=math.inf)
            except BaseException as failure:
                for _, done in batch:
                    _resolve(done, False)
                if isinstance(failure, TimeoutError):
                    raise LinkError(f"no answer within {self._patience} s") from failure
                raise
            for _, done in batch:
                _resolve(done, True)

    # listening

    async def subscribe(self, channels: Callable[[], Sequence[bytes]]) -> bool:
        """Subscribe and wait for the confirmation. False if it did not come: then the link has failed.

        ``channels`` is asked at the moment of writing, here and below: what is written is what is wanted then,
        whatever was called while others were writing.
        """
        return await self._ask("SUBSCRIBE", channels)

    async def unsubscribe(self, channels: Callable[[], Sequence[bytes]]) -> bool:
        return await self._ask("UNSUBSCRIBE", channels)

    async def _ask(self, verb: str, channels: Callable[[], Sequence[bytes]]) -> bool:
        if self._closed:
            return False
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((verb, channels, confirmed))
        try:
            async with self._sending:  # bounded: whoever holds it writes what all who wait have asked, with patience
                if not confirmed.done():
                    async with asyncio.timeout(self._patience):
                        await self._write_asked()
            async with asyncio.timeout(self._patience):
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
                self._replies.append([len(names), confirmed])
                packed += self._listener.pack_command(verb, *names)
            else:
                _resolve(confirmed, True)
        if packed:
            await _write(self._listener, packed)

    async def listen(self, on_message: Callable[[bytes, bytes], None]) -> None:
        """Read until something fails. ``on_message`` must not raise. Run as one task."""
        in_a_row = 0
        while True:
            kind, channel, payload = await self._listener.read_response(timeout=math.inf)
            if kind == b"message":
                on_message(channel, payload)
                in_a_row += 1
                if in_a_row == MESSAGES_IN_A_ROW:
                    in_a_row = 0
                    await asyncio.sleep(0)
            elif kind in (b"subscribe", b"unsubscribe"):
                self._confirm()

    def _confirm(self) -> None:
        """Redis confirms each channel of each command, in order."""
        oldest = self._replies[0]
        oldest[0] -= 1
        if oldest[0] == 0:
            self._replies.popleft()
            _resolve(oldest[1], True)


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


async def _identify(connection: AbstractConnection) -> Speaker:
    await connection.send_command("CLIENT", "ID")
    id_ = int(await connection.read_response())
    await connection.send_command("INFO", "server")
    lines: bytes = await connection.read_response()
    return Speaker(next(line for line in lines.splitlines() if line.startswith(b"run_id:")), id_)


def _resolve(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():  # its owner may have been cancelled
        future.set_result(result)
