"""An event loop whose time is not that of the world: it jumps to the next thing that is due.

Sockets and the database's threads work as ever; while any of them has something to do, time stands still. So a server
with all its parts lives through an hour of a party in a minute, and each of its timers rings when it should.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any
from unittest.mock import patch

from benchmarks.party.world import Happening

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATIENCE = 400  # looks of 5 ms at work that does not end, before time goes on all the same
LOOK = 0.005  # seconds


class Work:
    """How much is under way that no selector shows."""

    def __init__(self) -> None:
        self.under_way = 0


class WarpSelector(selectors.DefaultSelector):
    """Waits in no time at all where nothing happens."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work
        self.now = 1_000.0  # seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            found: list[tuple[selectors.SelectorKey, int]] = super().select(1.0)
            return found
        found = super().select(0)
        for _ in range(PATIENCE):
            if found or timeout == 0 or not self._work.under_way:
                break
            found = super().select(LOOK)
        if not found:
            self.now += timeout
        return found


class WarpLoop(asyncio.SelectorEventLoop):
    """``asyncio``'s own loop with that selector."""

    def __init__(self) -> None:
        self.work = Work()
        self._warp = WarpSelector(self.work)
        super().__init__(self._warp)

    def time(self) -> float:
        return self._warp.now


class WarpClock:
    """The clock that goes with it, for the server's parts."""

    def __init__(self, loop: WarpLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()


class LoopWorld:
    """A world on a loop: what ``World`` is without one. ``now`` in ms of the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        return self._loop.time() * 1_000

    def at(self, when: float, happening: Happening) -> None:
        # a loop calls up to its clock's resolution early, which would be before the moment: a microsecond later
        self._loop.call_at(max(when, self.now) / 1_000 + 1e-6, self._happen, happening)

    def every(self, pause: float, happening: Callable[[], None]) -> None:
        def once() -> None:
            happening()
            self.at(self.now + pause, once)

        self.at(self.now + pause, once)

    def _happen(self, happening: Happening) -> None:
        done = happening()
        if done is not None:
            task = self._loop.create_task(_awaited(done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _awaited(one: Awaitable[None]) -> None:
    await one


@contextmanager
def counted_queries(work: Work) -> Iterator[None]:
    """While this lasts, what SQLite's threads are given to do counts as work under way."""

    class Counted(SimpleQueue[Any]):
        def put_nowait(self, item: Any) -> None:
            future = item[0]
            if future is not None and not future.done():
                work.under_way += 1
                future.add_done_callback(done)
            super().put_nowait(item)

    def done(_: Any) -> None:
        work.under_way -= 1

    with patch("aiosqlite.core.SimpleQueue", Counted):
        yield
