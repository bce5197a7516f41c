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
        self._done = 0  # the last tick that was dealt with
        self._closed = False

    @property
    def second(self) -> int:
        """The second of the last tick: a cheap clock while there are entries."""
        return self._done >> 2

    def enter(self, item: Timed, seconds: float) -> int:
        """Look at ``item`` when ``seconds`` have passed, at most one tick later. The tick of its deadline."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is None and not self._closed:
            self._done = max(self._done, int(now / TICK) - 1)
            self._timer = loop.call_at((self._done + 1) * TICK, self._turn)
        tick = max(math.ceil((now + seconds) / TICK), self._done + 2)  # not into the slot that may be in hand
        self._slots.setdefault(tick, []).append(item)
        return tick

    def close(self) -> None:
        """Nothing is looked at any more."""
        self._closed = True
        self._slots.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        """Deal with the ticks that have passed; ``AT_ONCE`` entries at one turn of the loop."""
        loop = asyncio.get_running_loop()
        tick, now = self._done + 1, int(loop.time() / TICK)
        while tick < now and tick not in self._slots:
            tick += 1
        slot = self._slots.get(tick, [])
        for _ in range(min(len(slot), AT_ONCE)):
            item = slot.pop()
            try:
                item.on_tick(tick)
            except Exception:  # one connection must not stop the clock of all others
                log.exception("a deadline could not be dealt with")
        if slot:
            self._timer = loop.call_soon(self._turn)
            return
        self._slots.pop(tick, None)
        self._done = tick
        if self._closed or not self._slots:
            self._timer = None
        elif tick < now:
            self._timer = loop.call_soon(self._turn)
        else:
            self._timer = loop.call_at((tick + 1) * TICK, self._turn)
