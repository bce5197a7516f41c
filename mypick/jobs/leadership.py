"""One leader among many processes, by a row in the table ``lease``.

Why there are never two: the row changes hands in one statement that compares and sets, and only the database's clock
decides whether it has expired, so the clocks of two machines need not agree. A leader counts its own time from
*before* it asked, on a clock that never steps, and gives up ``SAFETY`` of the lease early; that covers clocks that
run at different rates (they differ by less than 0.1 %) and the way back from the database. SQLite has no clock
of its own and no second machine: there the injected clock decides.

What no lease can prevent is a process that is frozen between the look at ``leading`` and the act. So what a leader
does must be harmless when done twice; ``Jobs.arm`` is.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from tortoise.expressions import Q, RawSQL

from mypick import db
from mypick.clock import Clock
from mypick.jobs.models import Lease

log = structlog.get_logger(__name__)

LEASE_S = 6.0  # a dead leader's lease ends so long after its last renewal
RENEW_S = 2.0  # between two tries to take or to renew: a new leader within LEASE_S + RENEW_S and a query
SAFETY = 0.2  # of the lease that its holder does not use
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Leadership:
    """``leading`` tells whether this process leads, at this moment. ``holder`` is unique to the process' run."""

    def __init__(
        self,
        name: str,
        holder: str,
        clock: Clock,
        *,
        lease_s: float = LEASE_S,
        renew_s: float = RENEW_S,
        rng: random.Random | None = None,
    ) -> None:
        if not renew_s * 2 < lease_s * (1 - SAFETY):
            raise ValueError("a leader needs time for two renewals: lease_s is too short for renew_s")
        if not 0 < len(name) <= 64 or not 0 < len(holder) <= 64:
            raise ValueError("name and holder have 1 to 64 characters")
        self._name = name
        self._holder = holder
        self._clock = clock
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._rng = rng or random.Random()  # noqa: S311 - spreads renewals, guards nothing
        self._leads_until = 0.0  # monotonic
        self._led = False

    @property
    def leading(self) -> bool:
        """Looks at no database; turns false by itself when renewing fails for too long."""
        return self._clock.monotonic() < self._leads_until

    async def run(self) -> None:
        """Take the lease when it is free and renew it, for ever. For ``ProcessJobs``."""
        while True:
            await self.renew()
            await asyncio.sleep(self._renew_s * self._rng.uniform(0.8, 1.0))

    async def renew(self) -> bool:
        """One try to take or renew the lease, at most ``renew_s`` seconds; whether this process leads now."""
        asked = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._renew_s):
                held = await self._take_or_renew()
        except Exception as failure:
            # The database is away: lead until the time that was promised ends, and no longer.
            log.warning("a lease could not be renewed", lease=self._name, error=type(failure).__name__)
        else:
            self._leads_until = asked + self._lease_s * (1 - SAFETY) if held else 0.0
        if self.leading != self._led:
            self._led = self.leading
            log.info("leadership changed", lease=self._name, holder=self._holder, leading=self._led)
        return self._led

    async def resign(self) -> None:
        """Give the lease back, so that another leads at its next try. A database that is away is no error."""
        self._leads_until = 0.0
        self._led = False
        try:
            async with asyncio.timeout(self._renew_s):
                await Lease.filter(name=self._name, holder=self._holder).update(expires_at=_LONG_AGO)
        except Exception as failure:
            log.warning("a lease could not be given back", lease=self._name, error=type(failure).__name__)

    async def _take_or_renew(self) -> bool:
        if await self._compare_and_set():
            return True
        # Refused, or the row was never made. Made expired, it decides nothing: the next statement does.
        if await Lease.filter(name=self._name).exists():
            return False
        await Lease.bulk_create(
            [Lease(name=self._name, holder="", expires_at=_LONG_AGO)], ignore_conflicts=True
        )
        return await self._compare_and_set()

    async def _compare_and_set(self) -> bool:
        now, until = self._moments()
        free_or_mine = Q(holder=self._holder) | Q(expires_at__lte=now)
        return bool(
            await Lease.filter(free_or_mine, name=self._name).update(holder=self._holder, expires_at=until)
        )

    def _moments(self) -> tuple[Any, Any]:
        """Now and the end of a lease that begins now, on the database's clock where it has one."""
        milliseconds = int(self._lease_s * 1000)
        if db.dialect() == "postgres":
            now = "clock_timestamp()"
            return RawSQL(now), RawSQL(f"{now} + interval '{milliseconds:d} milliseconds'")
        if db.dialect() == "mysql":
            now = "UTC_TIMESTAMP(6)"
            return RawSQL(now), RawSQL(f"{now} + INTERVAL {milliseconds * 1000:d} MICROSECOND")
        moment = self._clock.now()
        return moment, moment + timedelta(milliseconds=milliseconds)
