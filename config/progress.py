"""How far a long command has come."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30  # signs of the bar
EVERY_TERMINAL, EVERY_LOG = 0.2, 5.0  # seconds between two lines


class ProgressBar:
    """A bar on one line of a terminal; in a log a line each five seconds. ``total`` may be less than what comes."""

    def __init__(self, what: str, total: int, out: TextIO | None = None) -> None:
        self._what, self._total, self._out = what, total, out or sys.stderr
        self._done, self._began = 0, time.monotonic()
        self._next = 0.0

    def add(self, count: int) -> None:
        self._done += count
        if time.monotonic() >= self._next:
            self._show()

    def finish(self) -> None:
        """All of it is done, also what was counted in ``total`` and came to nothing."""
        self._done = max(self._done, self._total)

    def close(self) -> None:
        self._show()
        if self._out.isatty():
            self._out.write("\n")

    def _show(self) -> None:
        terminal = self._out.isatty()
        now = time.monotonic()
        self._next = now + (EVERY_TERMINAL if terminal else EVERY_LOG)
        share = min(1.0, self._done / self._total) if self._total else 1.0
        line = f"{self._what}: {self._done:,} of {self._total:,} ({share:.0%}), {now - self._began:.0f} s"
        if terminal:
            bar = "#" * int(share * WIDTH)
            self._out.write(f"\r[{bar:.<{WIDTH}}] {line} ")
        else:
            self._out.write(f"{line}\n")
        self._out.flush()
