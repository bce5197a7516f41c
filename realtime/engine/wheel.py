"""A timer wheel: one timer of the loop for the deadlines of all connections.

A timer of the loop for each connection costs about 400 bytes and some microseconds to move; an entry here costs eight
bytes and nothing to move, since what is due later than its entry says simply enters itself again. (Varghese and Lauck,
"Hashed and hierarchical timing wheels", 1987, scheme 6, with a dictionary for the table.)
"""

from __future__ import annotations

import asyncio
import math
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

TICK = 0.25  # seconds: how late a deadline may be; four of them are a second
AT_ONCE = 500  # entries looked at before the loop breathes: about 2 ms if each sends a ping


class Timed(Protocol):
    def on_tick(self, tick: int) -> None:
        """A deadline of this may be due: it looks at its own, and enters itself again for those still to come."""


class Wheel:
    """Bound: an entry for each deadline of each connection, until the deadline or a later one."""

    def __init__(self) -> None:
        self._slots: dict[int, list[Timed]] = {}
        self._timer: asyncio.Handle | None = None  # set while there are entries
        self._tick = 0  # the last one that was begun
        self._due: list[Timed] = []  # what is left of it
        self._closed = False

    @property
    def second(self) -> int:
        """The second of the last tick: a cheap clock while there are entries."""
        return self._tick >> 2

    def enter(self, item: Timed, seconds: float) -> int:
        """Look at ``item`` when ``seconds`` have passed, at most one tick later; at the next turn of the loop where
        none have to pass. The tick of its deadline. A closed wheel looks at nothing."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is None and not self._closed:
            self._tick = max(self._tick, int(now / TICK))
            self._timer = loop.call_at((self._tick + 1) * TICK, self._turn)
        if seconds <= 0:
            loop.call_soon(self._look, item, self._tick)
            return self._tick
        tick = max(math.ceil((now + seconds) / TICK), self._tick + 1)
        if not self._closed:
            self._slots.setdefault(tick, []).append(item)
        return tick

    def forget(self, item: Timed, tick: int) -> None:
        """Let go of an entry for ``tick`` before its time, where it would keep much alive for long. Costs a look at the
        entries of that tick; one that is not there is no error."""
        slot = self._slots.get(tick)
        if slot is not None and item in slot:
            slot.remove(item)

    def close(self) -> None:
        """Nothing is looked at any more."""
        self._closed = True
        self._slots.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        """Deal with the ticks that have passed; ``AT_ONCE`` entries at one turn of the loop."""
        loop = asyncio.get_running_loop()
        now = int(loop.time() / TICK)
        if not self._due:
            self._tick += 1
            while self._tick < now and self._tick not in self._slots:
                self._tick += 1
            self._due = self._slots.pop(self._tick, [])
        for _ in range(min(len(self._due), AT_ONCE)):
            self._look(self._due.pop(), self._tick)
            if self._closed:
                return
        if self._due or (self._slots and self._tick < now):
            self._timer = loop.call_soon(self._turn)
        elif self._slots:
            self._timer = loop.call_at((self._tick + 1) * TICK, self._turn)
        else:
            self._timer = None

    def _look(self, item: Timed, tick: int) -> None:
        if self._closed:
            return
        try:
            item.on_tick(tick)
        except Exception:  # one connection must not stop the clock of all others
            log.exception("a deadline could not be dealt with")
