"""How long a Python server's loop was held: a timer each millisecond, and how late it came at most."""

from __future__ import annotations

import asyncio

EVERY = 0.001  # seconds


class Stall:
    """Watches from the first reading on."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._due = 0.0
        self._watching = False

    def read(self) -> float:
        """Milliseconds, since the reading before."""
        longest, self._longest = self._longest, 0.0
        if not self._watching:
            self._watching = True
            self._look_later(asyncio.get_running_loop())
        return longest * 1_000

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + EVERY
        loop.call_at(self._due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._longest = max(self._longest, loop.time() - self._due)
        self._look_later(loop)
