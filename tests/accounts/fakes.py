"""Working stand-ins for what accounts are handed: limits, cache, listener, passwords."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from argon2 import Parameters
from argon2.low_level import Type

from mypick import db
from mypick.accounts.passwords import Passwords
from mypick.clock import Clock
from mypick.errors import Code, DomainError

QUICK = Parameters(
    type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1
)


class MemoryLimits:
    """Fixed windows of 60 s; a name that ``allowed`` does not hold is not limited."""

    WINDOW = 60

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: dict[tuple[object, ...], int] = defaultdict(int)
        self.allowed: dict[str, int] = {}

    async def spend(
        self,
        name: str,
        *,
        user_id: int | None,
        address: str | None,
        subject: str | None = None,
        cost: int = 1,
    ) -> None:
        window = int(self._clock.monotonic() // self.WINDOW)
        key = (name, user_id, address, subject, window)
        self._spent[key] += cost
        if self._spent[key] > self.allowed.get(name, 1_000_000):
            raise DomainError(Code.RATE_LIMITED, "too many; wait a minute", retry_after_ms=60_000)

    def subjects(self, name: str) -> list[object]:
        return [key[3] for key in self._spent if key[0] == name]


class MemoryCache:
    """Keeps what is loaded until its time is over or a tag of it is invalidated; counts the loads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Any, tuple[str, ...]]] = {}
        self.loads = 0

    async def get_or_load(
        self,
        key: str,
        loader: Callable[[], Awaitable[Any]],
        *,
        ttl: float,
        tags: Sequence[str],
        shared: bool = True,
    ) -> Any:
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock.monotonic():
            return kept[1]
        self.loads += 1
        value = await loader()
        self._kept[key] = (self._clock.monotonic() + ttl, value, tuple(tags))
        return value

    async def invalidate(self, *tags: str) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if not set(tags) & set(kept[2])}


class Listener:
    """Notes which sessions it was told of, and refuses to be told before the commit."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int, str]] = []
        self.fails = False

    async def __call__(self, user_id: int, session_id: int, reason: str) -> None:
        assert not db.in_a_transaction()
        self.heard.append((user_id, session_id, reason))
        if self.fails:
            raise ConnectionError("the sockets cannot be reached")


class GatedPasswords(Passwords):
    """Stops after each verification, while ``gate`` is closed, so that something can happen in between."""

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.gate = asyncio.Event()
        self.gate.set()
        self.verified = asyncio.Event()

    async def verify(self, stored: str | None, password: str) -> bool:
        matches = await super().verify(stored, password)
        self.verified.set()
        await asyncio.wait_for(self.gate.wait(), 10)
        return matches
