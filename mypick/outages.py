"""An outage, told once: what many users of a part notice, each again and again, is a few lines in the log."""

from __future__ import annotations

import structlog

from mypick.clock import Clock

log = structlog.get_logger(__name__)

REMIND_EVERY = 60.0  # seconds between two lines about a part that stays away


class Outage:
    """One part that this process uses in several places, Redis for one.

    The first user that misses it makes a line, whoever misses it then makes one each ``remind_every`` seconds at most,
    and the first that has it again makes the last.
    """

    def __init__(self, part: str, clock: Clock, remind_every: float = REMIND_EVERY) -> None:
        self._part, self._clock, self._remind_every = part, clock, remind_every
        self._since: float | None = None
        self._told = 0.0

    def away(self, user: str, failure: BaseException) -> None:
        """``user`` tried and failed."""
        now = self._clock.monotonic()
        error = f"{type(failure).__name__}: {failure}"[:200]
        if self._since is None:
            self._since = self._told = now
            log.warning(f"{self._part} is away", seen_by=user, error=error)
        elif now - self._told >= self._remind_every:
            self._told = now
            log.warning(f"{self._part} is still away", seen_by=user, error=error, for_s=round(now - self._since))

    def back(self, user: str) -> None:
        """``user`` tried and succeeded; of no effect where nobody has missed it."""
        if self._since is not None:
            log.info(f"{self._part} is back", seen_by=user, after_s=round(self._clock.monotonic() - self._since, 1))
            self._since = None
