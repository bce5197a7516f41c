"""One clock for all nodes, in milliseconds: the database's time, as each node estimates it.

A node asks the database for its time every two seconds, by one tiny query. Of the last ``WINDOW`` answers it takes the
one whose error has the least bound (D. Mills, "Internet time synchronization", 1991: the clock filter): half its delay,
and what two quartzes may part by since. Towards that the clock is slewed and never set: it is monotonic, and goes
between 0.9 and 1.1 times as fast as time while it corrects, whatever the database's clock does. Two nodes that have
sampled agree within half their least delays, on one site some tenths of a millisecond. Between two samples the clock
asks nobody: reading it takes under a microsecond.

With SQLite there is one process, and the time is the machine's own, slewed as well where somebody sets it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from mypick import db
from mypick.clock import Clock

log = structlog.get_logger(__name__)

EVERY = 2.0  # seconds between two samples
WINDOW = 8  # samples: 16 s
DRIFT = 50e-6  # by which quartzes part
FIRST = 5  # samples before the clock is used: the first query of a connection is slow
SLEW_OVER_MS = 5_000.0  # in which an error is made good, if it is small
MAX_SLEW = 0.1  # of the clock's speed

Source = Callable[[], Awaitable[float]]
"""The time that all nodes share, in ms since 1970."""

_STATEMENTS = {
    "postgres": "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::float8 AS ms",
    "mysql": "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS DOUBLE) AS ms",
}


@dataclass(frozen=True, slots=True)
class _Sample:
    offset_ms: float  # of the shared time to this process's monotonic clock
    delay_ms: float
    at: float

    def error_ms(self, now: float) -> float:
        """The most that it can be wrong by ``now``."""
        return self.delay_ms / 2 + (now - self.at) * DRIFT * 1_000


class SharedClock:
    """``now_ms`` may be called at any time; before ``start`` it is this machine's own time of day."""

    def __init__(self, clock: Clock, source: Source | None = None) -> None:
        self._monotonic = clock.monotonic
        self._own = clock.now
        self._source = source
        self._samples: deque[_Sample] = deque(maxlen=WINDOW)
        self._base_ms = clock.now().timestamp() * 1_000
        self._since = clock.monotonic()  # when it stood at the base
        self._slew = 0.0
        self._slew_ms = 0.0  # for how long from then
        self._started = False

    def now_ms(self) -> float:
        return self._at(self._monotonic())

    def _at(self, moment: float) -> float:
        passed = (moment - self._since) * 1_000
        return self._base_ms + passed + self._slew * min(passed, self._slew_ms)

    async def start(self) -> None:
        """Take the first samples. The clock is set to them once, before anybody has asked it."""
        for _ in range(FIRST):
            await self.sample()
        self._started = True

    async def run(self) -> None:
        """Sample for as long as the process lives. While the database is away the clock goes on by itself."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.sample()
            except db.FAILURES as failure:
                log.info("the shared clock goes on alone", error=repr(failure)[:200])

    async def sample(self) -> None:
        """Ask once, and correct the clock towards the best of the last answers."""
        asked = self._monotonic()
        shared = await self._ask()
        answered = self._monotonic()
        middle = (asked + answered) * 500  # ms
        self._samples.append(_Sample(shared - middle, (answered - asked) * 1_000, answered))
        best = min(reversed(self._samples), key=lambda sample: sample.error_ms(answered))
        self._steer(best.offset_ms + answered * 1_000, answered)

    async def _ask(self) -> float:
        if self._source is not None:
            return await self._source()
        statement = _STATEMENTS.get(db.dialect())
        if statement is None:
            return self._own().timestamp() * 1_000
        (row,) = await db.rows(statement)
        return float(row["ms"])

    def _steer(self, shared_ms: float, at: float) -> None:
        now = self._at(at) if self._started else shared_ms
        error = shared_ms - now
        self._base_ms, self._since = now, at
        self._slew = max(-MAX_SLEW, min(MAX_SLEW, error / SLEW_OVER_MS))
        self._slew_ms = error / self._slew if self._slew else 0.0
