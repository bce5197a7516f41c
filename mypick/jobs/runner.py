"""One lane of one process: claims its jobs one by one, runs their handlers, writes down how each ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from mypick.clock import Clock
from mypick.jobs.claims import Claim, Claims
from mypick.jobs.lanes import Lane
from mypick.jobs.measures import JobMeasures, Outcome
from mypick.jobs.work import LeaseLost, Permanent, Retry, Work, describe

log = structlog.get_logger(__name__)

CANCEL_TIMEOUT_S = 2.0  # for a cancelled handler to end and its job to be given back


class LaneRunner:
    """Runs at most ``lane.concurrency`` handlers at once.

    ``spread(lane)`` wakes another place for a lane that has more; ``soon(moment)`` says when a retry comes due.
    """

    def __init__(
        self,
        lane: Lane,
        claims: Claims,
        clock: Clock,
        rng: random.Random,
        measures: JobMeasures,
        *,
        spread: Callable[[Lane], None],
        soon: Callable[[datetime], None],
    ) -> None:
        self.lane = lane
        self._claims = claims
        self._clock = clock
        self._rng = rng
        self._measures = measures
        self._spread = spread
        self._soon = soon
        self._busy = 0
        self._again = False
        self._closing = False
        self._handlers: dict[int, asyncio.Task[None]] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def full(self) -> bool:
        return self._busy >= self.lane.concurrency

    @property
    def running(self) -> list[int]:
        """Ids of the jobs whose handlers run now."""
        return list(self._handlers)

    async def drain(self) -> None:
        """Claim and run until nothing is due. In a full lane: see that one of its runs looks once more, and return."""
        if self._closing:
            return
        if self.full:
            self._again = True
            return
        self._busy += 1
        self._idle.clear()
        try:
            await self._drain()
        except Exception as failure:  # a database that is away: the rows stay, the sweep comes back
            log.warning("a lane rests until the next sweep", lane=self.lane.name, error=type(failure).__name__)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def close(self, grace_s: float) -> None:
        """Claim no more; wait ``grace_s`` seconds for handlers, then cancel them and give their jobs back."""
        self._closing = True
        if await self._became_idle(grace_s):
            return
        for handler in self._handlers.values():
            handler.cancel()
        if not await self._became_idle(CANCEL_TIMEOUT_S):
            # Their leases end by themselves and fence them off.
            log.warning("handlers did not end when cancelled", lane=self.lane.name, jobs=self.running)

    async def _became_idle(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _drain(self) -> None:
        spread = True
        while not self._closing:
            # A wake that comes while a claim is under way may tell of a row that this claim did not see.
            self._again = False
            claim = await self._claims.claim(self.lane)
            if claim is None:
                if self._again:
                    continue
                return
            if claim.more and spread:
                # Each run wakes one more place once: enough to fill every place, too little to flood the broker.
                spread = False
                self._spread(self.lane)
            await self._run(claim)

    async def _run(self, claim: Claim) -> None:
        work, started = claim.work, self._clock.monotonic()
        self._measures.job_waited(self.lane.name, claim.waited_s)
        if self._closing:
            await self._claims.give_back(work)
            return
        handler = asyncio.create_task(self._handle(claim), name=f"job {work.id}: {work.kind}")
        self._handlers[work.id] = handler
        try:
            lost = await self._keep_while(handler, work)
            outcome = await self._end(claim, handler, lost)
        finally:
            self._handlers.pop(work.id, None)
            handler.cancel()
        self._measures.job_ended(work.kind, outcome, self._clock.monotonic() - started)

    async def _handle(self, claim: Claim) -> None:
        async with asyncio.timeout(claim.kind.timeout_s):
            await claim.kind.handler(claim.work)

    async def _keep_while(self, handler: asyncio.Task[None], work: Work) -> bool:
        """Renew the lease each third of it until the handler ends; ``True`` where another worker took the job."""
        while True:
            await asyncio.wait({handler}, timeout=work.lease_s / 3)
            if handler.done():
                return False
            try:
                if not work.completed:
                    await work.keep()
            except LeaseLost:
                handler.cancel()
                await asyncio.wait({handler}, timeout=CANCEL_TIMEOUT_S)
                return True
            except Exception as failure:  # the next third tries again; the token fences us off
                log.warning("a lease could not be renewed", job=work.id, kind=work.kind, error=type(failure).__name__)

    async def _end(self, claim: Claim, handler: asyncio.Task[None], lost: bool) -> Outcome:
        work = claim.work
        if lost or not handler.done():
            return self._lost(work)
        if handler.cancelled():
            if self._closing:
                await self._claims.give_back(work)
                return "given back"
            return await self._fail(claim, asyncio.CancelledError("the handler cancelled itself"))
        failure = handler.exception()
        if failure is None:
            # also where the handler completed it: that transaction may have rolled back
            if await self._claims.finish(work) or work.completed:
                return "done"
            return self._lost(work)
        if isinstance(failure, LeaseLost):
            return self._lost(work)
        return await self._fail(claim, failure)

    async def _fail(self, claim: Claim, failure: BaseException) -> Outcome:
        """Put the job off, or bury it where no try is left or none can help."""
        work, kind, error = claim.work, claim.kind, describe(failure)
        counts = not (isinstance(failure, Retry) and not failure.counts)
        if isinstance(failure, Permanent) or (counts and work.attempt >= kind.max_attempts):
            if not await self._claims.bury(work, error):
                return self._lost(work)
            log.error("a job is dead", error=error, **self._fields(work))
            return "dead"
        delay = failure.after_s if isinstance(failure, Retry) else kind.back_off.delay(work.attempt, self._rng)
        due_at = self._clock.now() + timedelta(seconds=delay)
        if not await self._claims.put_off(work, due_at, error, counts=counts):
            return self._lost(work)
        self._soon(due_at)
        log.warning("a job is tried again", again_in_s=round(delay, 3), error=error, **self._fields(work))
        return "retried"

    def _lost(self, work: Work) -> Outcome:
        """Another worker holds the job, or the handler wrote its end itself and failed after."""
        log.warning("a job is no longer held by its worker", **self._fields(work))
        return "lost"

    def _fields(self, work: Work) -> dict[str, Any]:
        return {"job": work.id, "kind": work.kind, "attempt": work.attempt}
