"""True time, in which everything of a simulation happens in order. It jumps from one thing to the next."""

from __future__ import annotations

import heapq
import inspect
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Happening = Callable[[], Awaitable[None] | None]


class Clocked(Protocol):
    """A time in which things happen: a simulation's, or that of a loop."""

    @property
    def now(self) -> float:
        """In ms."""

    def at(self, when: float, happening: Callable[[], Any]) -> None: ...


class World:
    """``now`` in ms. What happens may be a coroutine: time stands still until it is done."""

    def __init__(self) -> None:
        self.now = 0.0
        self._coming: list[tuple[float, int, Happening]] = []
        self._count = itertools.count()

    def at(self, when: float, happening: Happening) -> None:
        """Let it happen at ``when``, or now if that is past; of one moment in the order given."""
        heapq.heappush(self._coming, (max(when, self.now), next(self._count), happening))

    def every(self, pause: float, happening: Callable[[], None]) -> None:
        """Again and again."""

        def once() -> None:
            happening()
            self.at(self.now + pause, once)

        self.at(self.now + pause, once)

    async def run(self, until: float) -> None:
        """Live until ``until``."""
        while self._coming and self._coming[0][0] <= until:
            self.now, _, happening = heapq.heappop(self._coming)
            done = happening()
            if inspect.isawaitable(done):
                await done
        self.now = until
