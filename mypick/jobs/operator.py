"""What an operator sees of the jobs, and may do: look at the dead, try them again, clear what is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q
from tortoise.fields import DatetimeField
from tortoise.functions import Count, Min

from mypick import db
from mypick.clock import Clock
from mypick.errors import Code, DomainError, not_found
from mypick.jobs.lanes import LANES, lane_of
from mypick.jobs.measures import JobMeasures, NoMeasures
from mypick.jobs.models import Job

MAX_PAGE = 200
PURGE_CHUNK = 500  # rows deleted in one transaction: no lock is held for long
PURGE_LIMIT = 50_000  # rows deleted by one call

_MOMENT = DatetimeField()


@dataclass(frozen=True, slots=True)
class LaneSummary:
    """``due`` rows that may run now, ``leased`` of them running; ``later`` come due in the future.

    ``oldest_s`` is how long the oldest due row that nobody runs has waited, in seconds; 0 where none waits.
    """

    lane: str
    due: int
    leased: int
    later: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole queue. ``done`` counts the rows that were not purged yet."""

    lanes: tuple[LaneSummary, ...]
    dead: int
    done: int


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One job that needs an operator. ``args`` and ``cursor`` are JSON."""

    id: int
    kind: str
    priority: int
    args: Any
    cursor: Any
    attempts: int
    last_error: str | None
    created_at: datetime
    died_at: datetime | None


class JobsOperator:
    """Looks at the table ``job`` and changes what is dead or done; never what is due."""

    def __init__(self, clock: Clock, measures: JobMeasures | None = None) -> None:
        self._clock = clock
        self._measures = measures or NoMeasures()

    async def summary(self) -> Summary:
        """Depth and age of the queue; also told to the measures."""
        now = self._clock.now()
        due = Job.filter(state="due", due_at__lte=now)
        leased = await self._count(due.filter(leased_until__gt=now))
        depth = await self._count(due)
        later = await self._count(Job.filter(state="due", due_at__gt=now))
        oldest = await self._oldest(now)
        states = await Job.all().annotate(count=Count("id")).group_by("state").values("state", "count")
        counts = {row["state"]: int(row["count"]) for row in states}
        lanes = tuple(
            LaneSummary(lane.name, depth[lane.name], leased[lane.name], later[lane.name], oldest[lane.name])
            for lane in LANES
        )
        for lane in lanes:
            self._measures.jobs_due(lane.lane, lane.due, lane.oldest_s)
        self._measures.jobs_dead(counts.get("dead", 0))
        return Summary(lanes, counts.get("dead", 0), counts.get("done", 0))

    async def dead(self, limit: int = 50, after_id: int = 0) -> list[DeadJob]:
        """Dead jobs in the order of their ids, those after ``after_id``, at most ``limit`` (up to 200)."""
        rows = await Job.filter(state="dead", id__gt=after_id).order_by("id").limit(min(max(limit, 1), MAX_PAGE))
        return [
            DeadJob(
                id=row.id,
                kind=row.kind,
                priority=row.priority,
                args=row.args,
                cursor=row.cursor,
                attempts=row.attempts,
                last_error=row.last_error,
                created_at=row.created_at,
                died_at=row.finished_at,
            )
            for row in rows
        ]

    async def retry(self, job_id: int) -> None:
        """Make one dead job due, with all its tries, from its cursor; then ``Jobs.wake()``.

        ``NOT_FOUND`` where there is none, ``CONFLICT`` where it is not dead.
        """
        if await self._revive(Job.filter(id=job_id)):
            return
        if not await Job.filter(id=job_id).exists():
            raise not_found("job")
        raise DomainError(Code.CONFLICT, "only a dead job can be tried again; this one is due or done")

    async def retry_all(self, kind: str) -> int:
        """Make every dead job of ``kind`` due, in one statement; how many there were. Then ``Jobs.wake()``."""
        return await self._revive(Job.filter(kind=kind))

    async def purge(self, older_than: timedelta) -> int:
        """Delete jobs done longer ago than ``older_than``, at most 50,000; how many. Their dedupe keys are free again.

        Dead jobs stay: they are for an operator to decide.
        """
        before = self._clock.now() - older_than
        purged = 0
        while purged < PURGE_LIMIT:
            async with db.transaction():
                done = Job.filter(state="done", finished_at__lt=before).order_by("id").limit(PURGE_CHUNK)
                ids: list[int] = [int(str(found)) for found in await done.values_list("id", flat=True)]
                if ids:
                    # a schedule may have armed its row again since the look
                    purged += await Job.filter(id__in=ids, state="done", finished_at__lt=before).delete()
            if len(ids) < PURGE_CHUNK:
                break
        return purged

    async def _revive(self, jobs: Any) -> int:
        changed: int = await jobs.filter(state="dead").update(
            state="due",
            due_at=self._clock.now(),
            attempts=0,
            lease=None,
            leased_until=None,
            finished_at=None,
        )
        return changed

    async def _count(self, jobs: Any) -> dict[str, int]:
        rows = await jobs.annotate(count=Count("id")).group_by("priority").values("priority", "count")
        counts = {lane.name: 0 for lane in LANES}
        for row in rows:
            counts[lane_of(row["priority"]).name] += int(row["count"])
        return counts

    async def _oldest(self, now: datetime) -> dict[str, float]:
        waiting = Job.filter(state="due", due_at__lte=now).filter(Q(leased_until=None) | Q(leased_until__lte=now))
        rows = await waiting.annotate(oldest=Min("due_at")).group_by("priority").values("priority", "oldest")
        ages = {lane.name: 0.0 for lane in LANES}
        for row in rows:
            name, oldest = lane_of(row["priority"]).name, _MOMENT.to_python_value(row["oldest"])
            if oldest is not None:
                ages[name] = max(ages[name], (now - oldest).total_seconds())
        return ages
