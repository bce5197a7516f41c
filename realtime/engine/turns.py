"""How much of one turn of the loop those may have who are not in yet, or not in any more.

Clients that are in are answered as soon as they are read. Coming in and going out is work too, at each of its stages,
and of that many can be due at once: after a restart, in a flood, when a thousand connections break together. Here they
share what a turn has for them, first come, first served; the rest waits for the next turn, and between two turns
everybody who is in is read. The loop is never idle meanwhile, so nothing takes longer in all.

Connections are taken from the listener one a turn: libuv's own way since 1.45.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

REQUEST = 4  # steps that a request through aiohttp counts as: 300 to 400 µs, where others take 30 to 100


class Turns:
    """Bound of what waits: some steps for each connection of the process, ``Bounds.connections``."""

    __slots__ = ("_armed", "_left", "_most", "_waiting")

    def __init__(self, most: int) -> None:
        """``most``: steps of one turn, of all connections together."""
        self._most = self._left = most
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()
        self._armed = False

    def __len__(self) -> int:
        """Steps that wait."""
        return len(self._waiting)

    def soon(self, step: Callable[[], object], cost: int = 1) -> None:
        """Do ``step`` at once where this turn has room for it, else behind those that wait already."""
        if self._waiting or self._left <= 0:
            self.later(step, cost)
            return
        self._left -= cost
        self._arm()
        step()

    def later(self, step: Callable[[], object], cost: int = 1) -> None:
        """Do ``step`` in one of the next turns."""
        self._waiting.append((step, cost))
        self._arm()

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._armed = False
        self._left = self._most
        for _ in range(len(self._waiting)):  # those who come back wait for the next turn
            if self._left <= 0:
                break
            step, cost = self._waiting.popleft()
            self._left -= cost
            try:
                step()
            except Exception:  # one connection must not stop all others
                log.exception("a step of a connection failed")
        if self._waiting or self._left < self._most:
            self._arm()  # in the next turn there is room again
