"""Work that belongs to a running process: named, restarted when it crashes, closed in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import aiojobs
import structlog

from mypick.clock import Clock
from mypick.jobs.backoff import BackOff

log = structlog.get_logger(__name__)

_BACK_OFF = BackOff(0.1, 30.0)  # seconds between two tries

ProcessState = Literal["running", "waiting", "failed"]


@dataclass(slots=True)
class ProcessStatus:
    """What health shows of one job: ``waiting`` is between a crash and its restart, ``failed`` was given up."""

    name: str
    state: ProcessState = "running"
    crashes: int = 0  # since it was spawned
    last_error: str | None = None  # the type of the last crash; its text may hold secrets


@dataclass(slots=True)
class _Spawned:
    status: ProcessStatus
    job: aiojobs.Job[None]


class ProcessJobs:
    """The long-running jobs of one process, on one aiojobs scheduler.

    Bounds: ``MAX_JOBS`` jobs; a job that crashes ``MAX_CRASHES`` times with less than ``HEALTHY_S`` seconds between
    is given up and shown as failed; ``close()`` ends within ``close_timeout_s`` seconds. Spawn from the composition
    root, never inside a transaction: a task inherits the transaction of the task that made it.
    """

    MAX_JOBS = 64
    MAX_CRASHES = 120  # with waits of 15 to 30 s this is the better part of an hour
    HEALTHY_S = 60.0  # a job that ran so long begins its back-off anew

    def __init__(
        self,
        clock: Clock,
        *,
        rng: random.Random | None = None,
        back_off: BackOff = _BACK_OFF,
        close_timeout_s: float = 10.0,
        max_crashes: int = MAX_CRASHES,
    ) -> None:
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads restarts, guards nothing
        self._back_off = back_off
        self._close_timeout_s = close_timeout_s
        self._max_crashes = max_crashes
        self._spawned: dict[str, _Spawned] = {}  # in the order of spawning
        self._closed = False
        self._scheduler = aiojobs.Scheduler(
            limit=self.MAX_JOBS, pending_limit=1, exception_handler=self._note_failure
        )

    async def spawn(
        self, name: str, factory: Callable[[], Coroutine[Any, Any, None]], *, restart: bool = True
    ) -> None:
        """Run ``factory()`` under ``name`` until it returns. A crash is logged and, with ``restart``, run again.

        ``ValueError`` if ``name`` runs already, ``RuntimeError`` after ``close()`` or beyond ``MAX_JOBS``.
        """
        if self._closed:
            raise RuntimeError(f"the process is closing: {name} cannot start")
        if name in self._spawned:
            raise ValueError(f"a job named {name} runs already")
        if len(self._spawned) >= self.MAX_JOBS:
            raise RuntimeError(f"{self.MAX_JOBS} jobs run already: {name} cannot start")
        status = ProcessStatus(name)
        job = await self._scheduler.spawn(self._supervise(status, factory, restart), name=name)
        self._spawned[name] = _Spawned(status, job)

    @property
    def names(self) -> list[str]:
        """Names of what runs or failed, in the order of spawning."""
        return list(self._spawned)

    def status(self) -> list[ProcessStatus]:
        """One entry for each job that runs, waits for its restart, or failed."""
        return [spawned.status for spawned in self._spawned.values()]

    @property
    def healthy(self) -> bool:
        """False once a job was given up."""
        return all(status.state != "failed" for status in self.status())

    async def stop(self, name: str) -> None:
        """Cancel one job and wait for its end, at most ``close_timeout_s`` seconds; unknown names are no error."""
        if spawned := self._spawned.pop(name, None):
            await self._close_one(name, spawned, self._close_timeout_s)

    async def close(self) -> None:
        """Cancel all jobs, the last spawned first, and wait for each; whole within ``close_timeout_s`` seconds."""
        self._closed = True
        deadline = self._clock.monotonic() + self._close_timeout_s
        while self._spawned:
            left = len(self._spawned)
            name, spawned = self._spawned.popitem()
            # An even share of what is left: one job that hangs cannot take the time of those before it.
            await self._close_one(name, spawned, max(deadline - self._clock.monotonic(), 0.01) / left)
        await self._scheduler.close()

    async def _close_one(self, name: str, spawned: _Spawned, timeout_s: float) -> None:
        try:
            await spawned.job.close(timeout=timeout_s)
        except TimeoutError:
            log.warning("a job of the process did not end in time", job=name, timeout_s=round(timeout_s, 3))
        except Exception as failure:  # one job's crash must not keep the others open
            log.warning("a job of the process crashed while closing", job=name, error=type(failure).__name__)

    async def _supervise(
        self, status: ProcessStatus, factory: Callable[[], Coroutine[Any, Any, None]], restart: bool
    ) -> None:
        in_a_row = 0
        while True:
            status.state = "running"
            started = self._clock.monotonic()
            try:
                await factory()
            except Exception as failure:
                status.crashes += 1
                status.last_error = type(failure).__name__
                if self._clock.monotonic() - started >= self.HEALTHY_S:
                    in_a_row = 0
                in_a_row += 1
                if not restart or in_a_row >= self._max_crashes:
                    status.state = "failed"
                    log.exception("a job of the process failed for good", job=status.name, crashes=in_a_row)
                    return
                delay = self._back_off.delay(in_a_row, self._rng)
                log.exception("a job of the process crashed", job=status.name, restart_in_s=round(delay, 3))
                status.state = "waiting"
                await asyncio.sleep(delay)
            else:
                self._spawned.pop(status.name, None)
                return

    def _note_failure(self, _scheduler: aiojobs.Scheduler, context: dict[str, Any]) -> None:
        """What aiojobs reports beyond a job's own crash, a closing that takes too long for one."""
        log.warning("the scheduler of the process reports", report=str(context.get("message")))
