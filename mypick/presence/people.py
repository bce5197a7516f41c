"""Who is online: has at least one connection, to any node. This is the part of one process."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from typing import Protocol, TypeVar

from mypick.metrics import Metrics

T = TypeVar("T")

CHUNK = 1_000  # users in one round trip: at most 10 ms of this process


class Presence(Protocol):
    """Call ``arrived`` once for each socket that opens and ``left`` once for each that closes."""

    async def start(self) -> None: ...

    async def close(self) -> None:
        """Everybody here has left. May be called twice."""

    async def arrived(self, user_id: int) -> None: ...

    async def left(self, user_id: int) -> None:
        """Who was not here is no error."""

    async def online_among(self, user_ids: Collection[int]) -> set[int]:
        """Those of ``user_ids`` who are online; while Redis is away, on this node. Never raises for Redis."""

    async def online_count(self) -> int:
        """People online, each once; while Redis is away, on this node."""

    def online_in_chunks(self) -> AsyncIterator[set[int]]:
        """All who are online, each in one chunk, in no order; while Redis is away, those on this node."""


class MemoryPresence:
    """The presence of one process."""

    def __init__(self, *, metrics: Metrics | None = None) -> None:
        self._metrics = metrics or Metrics.unread()
        self._sockets: Counter[int] = Counter()  # bound: open sockets of this node

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        self._sockets.clear()

    async def arrived(self, user_id: int) -> None:
        self._sockets[user_id] += 1
        if self._sockets[user_id] == 1:
            self._changed(user_id)

    async def left(self, user_id: int) -> None:
        if user_id not in self._sockets:
            return
        self._sockets[user_id] -= 1
        if self._sockets[user_id] == 0:
            del self._sockets[user_id]
            self._changed(user_id)

    async def online_among(self, user_ids: Collection[int]) -> set[int]:
        return {user_id for user_id in user_ids if user_id in self._sockets}

    async def online_count(self) -> int:
        return len(self._sockets)

    async def online_in_chunks(self) -> AsyncIterator[set[int]]:
        for chunk in chunks(list(self._sockets), CHUNK):
            yield set(chunk)

    def _changed(self, _user_id: int) -> None:
        """Somebody is here who was not, or the other way round."""
        self._metrics.users_online.set(len(self._sockets))


def chunks(items: Collection[T], size: int) -> Iterable[list[T]]:
    listed = list(items)
    return (listed[start : start + size] for start in range(0, len(listed), size))
