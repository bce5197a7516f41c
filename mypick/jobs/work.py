"""What a handler of a job holds and what it may answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mypick.clock import Clock
from mypick.errors import DomainError
from mypick.jobs.backoff import BackOff
from mypick.jobs.models import Job


class LeaseLost(Exception):
    """Another worker holds the job now. The transaction that meets this must roll back: let it pass."""


class Retry(Exception):
    """Raised by a handler: not now, try again in ``after_s`` seconds.

    With ``counts=False`` the try is not counted, for waits that are nobody's failure (a quota that opens tomorrow);
    such a wait is a second or more, since nothing else bounds their number.
    """

    def __init__(self, after_s: float, reason: str = "asked to wait", *, counts: bool = True) -> None:
        super().__init__(reason)
        self.after_s = max(after_s, 0.0 if counts else 1.0)
        self.counts = counts


class Permanent(Exception):
    """Raised by a handler: no try can help. The job is dead at once, with ``reason`` for the operator."""


@dataclass(slots=True)
class Work:
    """One claimed job in its handler's hands. ``attempt`` counts from 1; ``cursor`` is None at the first.

    A handler may run twice for one job: its worker may die after the effect and before the end is noted. So it
    commits each effect together with the progress that proves it::

        async with db.transaction():
            ...                                # the effect
            await work.checkpoint(next_cursor)  # or work.complete(), for the last one

    and begins from ``work.cursor``. Whatever is killed when, each effect is then done once.
    """

    id: int
    kind: str
    args: Any
    cursor: Any
    attempt: int
    lease: str = field(repr=False)
    lease_s: float
    _clock: Clock = field(repr=False)
    completed: bool = False  # the handler wrote the end itself

    async def checkpoint(self, cursor: Any) -> None:
        """Note how far the job has come and extend the lease; ``LeaseLost`` if another holds it. A job that gets on is
        not dying: a cursor that has moved counts its tries from the beginning.

        Inside a transaction it commits or rolls back with it. ``cursor`` is a JSON object, list or number, and
        small: it is written each time.
        """
        refuse_bare(cursor, "cursor")
        until = self._clock.now() + timedelta(seconds=self.lease_s)
        moved = {"attempts": 1} if cursor != self.cursor else {}
        await self._write(cursor=cursor, leased_until=until, **moved)
        self.cursor = cursor

    async def complete(self) -> None:
        """The job is done: for a handler whose last effect must commit together with the end."""
        await self._write(state="done", finished_at=self._clock.now(), lease=None, leased_until=None, last_error=None)
        self.completed = True

    async def keep(self) -> None:
        """Extend the lease; ``LeaseLost`` if another holds it. The worker calls this while the handler runs."""
        await self._write(leased_until=self._clock.now() + timedelta(seconds=self.lease_s))

    async def _write(self, **columns: Any) -> None:
        if await Job.filter(id=self.id, lease=self.lease, state="due").update(**columns):
            return
        # MySQL counts rows that changed, not rows that matched. The token is never given twice, so a look tells.
        if not await Job.filter(id=self.id, lease=self.lease, state="due").exists():
            raise LeaseLost(f"job {self.id} is held by another worker")


def refuse_bare(value: Any, what: str) -> None:
    """The column takes a bare string for JSON already encoded: it would come back as something else."""
    if value is None or isinstance(value, (str, bytes)):
        raise TypeError(f"{what} must be a JSON object, list or number, neither null nor a bare string")


Handler = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How jobs of one kind are worked. Bounds: ``max_attempts`` tries, ``timeout_s`` seconds for each."""

    name: str
    handler: Handler
    priority: int
    max_attempts: int
    lease_s: float
    timeout_s: float
    back_off: BackOff


_SECRETS = (
    (re.compile(r"://[^\s/@]+@"), "://***@"),
    (re.compile(r"(https?://[^\s?#'\"]+)\?[^\s'\"]*"), r"\1?***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\"]+"), r"\1 ***"),
    (re.compile(r"(?i)([\w-]*(?:key|token|secret|password))(['\"]?\s*[=:]\s*)[^\s,;&]+"), r"\1\2***"),
)
ERROR_TEXT = 300  # characters kept of an error's text


def describe(failure: BaseException) -> str:
    """``failure`` for an operator: its type and a short text without credentials, query strings and tokens."""
    text = failure.message if isinstance(failure, DomainError) else str(failure)
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    name = failure.code.name if isinstance(failure, DomainError) else type(failure).__name__
    return f"{name}: {text}"[:ERROR_TEXT] if text else name
