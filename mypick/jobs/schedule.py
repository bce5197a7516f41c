"""Work on a clock: taskiq's scheduler keeps time, one leader fires, a row in the table ``job`` makes it certain."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from taskiq import InMemoryBroker, ScheduledTask, ScheduleSource, TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq.exceptions import ScheduledTaskCancelledError

from mypick import db
from mypick.clock import Clock
from mypick.jobs.leadership import Leadership
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs

log = structlog.get_logger(__name__)

MAX_SCHEDULES = 64
_TASK = "fire"


@dataclass(frozen=True, slots=True)
class Schedule:
    """``fire`` every ``seconds``, at moments that every process computes alike.

    The moments of a schedule are shifted by its name, so that those of equal length do not all fall together.
    """

    name: str
    seconds: int
    fire: Callable[[datetime], Awaitable[None]]

    def moment(self, now: datetime) -> datetime:
        """The last moment of this schedule at or before ``now``."""
        shift = zlib.crc32(self.name.encode()) % self.seconds
        since = int(now.timestamp()) - shift
        return datetime.fromtimestamp(since - since % self.seconds + shift, UTC)


class Schedules:
    """Schedules of this process; they fire while it leads.

    ``every`` each schedule, then ``start``. Resolution is a second: a moment fires within about two after it
    came. Who begins to lead fires the last moment too; for a job that is harmless, its row knows its moments.
    A job that cannot be armed is tried again each second.
    """

    def __init__(self, jobs: Jobs, leadership: Leadership, clock: Clock) -> None:
        self._jobs = jobs
        self._leadership = leadership
        self._clock = clock
        self._schedules: dict[str, Schedule] = {}
        # Fires in this process, on its own broker: what goes to others is the job, through the database.
        self._broker = InMemoryBroker(max_stored_results=1, await_inplace=True)
        self._failures: dict[str, int] = {}  # by schedule: moments that could not be armed
        self._process: ProcessJobs | None = None

        async def fire(name: str, moment: str) -> None:
            await self.fire(name, datetime.fromisoformat(moment))

        self._broker.register_task(fire, task_name=_TASK)

    def every(
        self,
        seconds: int,
        work: str | Callable[[], Awaitable[None]],
        name: str | None = None,
        *,
        args: Any = None,
    ) -> None:
        """Each ``seconds`` (whole, 1 or more) do ``work``.

        A kind of job is armed with ``args``: one row, so that it never runs twice at once and makes no backlog; while
        it waits or runs, moments are skipped; a dead one is tried again. A callback runs in the leading process
        itself, at most once at a time; it must be harmless when run twice, and needs a ``name``.
        """
        name = name or (work if isinstance(work, str) else "")
        if seconds < 1 or not name:
            raise ValueError("a schedule needs a name and a whole number of seconds above zero")
        if name in self._schedules or len(self._schedules) >= MAX_SCHEDULES:
            raise ValueError(f"the schedule {name} exists already, or there are more than {MAX_SCHEDULES}")
        if isinstance(work, str):
            fire = self._armer(work, name, {} if args is None else args)
        else:
            fire = self._caller(work, name)
        self._schedules[name] = Schedule(name, int(seconds), fire)

    async def start(self, process: ProcessJobs) -> None:
        """Stand for leader and keep time."""
        self._process = process
        await process.spawn("schedules: leadership", self._leadership.run)
        await process.spawn("schedules: clock", self._keep_time)

    async def close(self) -> None:
        """Stop firing and let another lead."""
        if self._process is not None:
            await self._process.stop("schedules: clock")
            await self._process.stop("schedules: leadership")
        await self._leadership.resign()
        await self._broker.shutdown()

    async def fire(self, name: str, moment: datetime) -> bool:
        """Do what is to be done at ``moment``, if this process leads; whether it did."""
        if not self._leadership.leading:
            return False
        try:
            await self._schedules[name].fire(moment)
        except db.AWAY as failure:
            log.warning("a moment was missed", schedule=name, error=repr(failure)[:200])  # the next one makes up for it
            return False
        return True

    def pending(self) -> list[ScheduledTask]:
        """The last and the next moment of every schedule as taskiq tasks; none where another process leads.

        A moment's id is the same at each look, and taskiq fires an id once.
        """
        if not self._leadership.leading:
            return []
        now = self._clock.now()
        return [
            self._task(schedule, moment)
            for schedule in self._schedules.values()
            for moment in (schedule.moment(now), schedule.moment(now) + timedelta(seconds=schedule.seconds))
        ]

    @property
    def leading(self) -> bool:
        return self._leadership.leading

    async def _keep_time(self) -> None:
        scheduler = TaskiqScheduler(self._broker, [_Source(self)])
        # Schedules are read anew at each look, each second; with 0 for `min` not while a clock that was set back has
        # yet to reach its last look: for hours nothing would be polled or swept.
        await run_scheduler_task(scheduler, interval=timedelta.min, loop_interval=timedelta(seconds=1))

    def _task(self, schedule: Schedule, moment: datetime) -> ScheduledTask:
        return ScheduledTask(
            task_name=_TASK,
            labels={},
            args=[schedule.name, moment.isoformat()],
            kwargs={},
            schedule_id=f"{schedule.name}@{moment.timestamp():.0f}#{self._failures.get(schedule.name, 0)}",
            time=moment,
        )

    def _armer(self, kind: str, name: str, args: Any) -> Callable[[datetime], Awaitable[None]]:
        async def arm(moment: datetime) -> None:
            try:
                armed = await self._jobs.arm(kind, args, key=f"schedule:{name}", at=moment)
            except Exception as failure:
                # taskiq fires an id once: with another id this moment comes again at the next look
                self._failures[name] = self._failures.get(name, 0) + 1
                log.warning("a schedule could not be armed", schedule=name, error=type(failure).__name__)
            else:
                if armed:
                    self._jobs.wake(kind)

        return arm

    def _caller(self, callback: Callable[[], Awaitable[None]], name: str) -> Callable[[datetime], Awaitable[None]]:
        alone = asyncio.Lock()

        async def call(_moment: datetime) -> None:
            if alone.locked():
                return
            async with alone:
                try:
                    await callback()
                except Exception:
                    log.exception("a schedule failed, its next moment comes", schedule=name)

        return call


class _Source(ScheduleSource):
    """Where taskiq's scheduler reads the moments."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    async def get_schedules(self) -> list[ScheduledTask]:
        return self._schedules.pending()

    def pre_send(self, task: ScheduledTask) -> None:  # noqa: ARG002 - taskiq's signature
        # Leadership may have ended since the moments were read.
        if not self._schedules.leading:
            raise ScheduledTaskCancelledError
