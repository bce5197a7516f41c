"""The rules of the table ``job``: how a row is added, claimed, ended and put off. Every change is one guarded write."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from tortoise.expressions import Q, RawSQL
from tortoise.fields import DatetimeField

from mypick import db
from mypick.clock import Clock
from mypick.jobs.lanes import LANES, Lane, lane_of
from mypick.jobs.models import Job
from mypick.jobs.work import Kind, Work

log = structlog.get_logger(__name__)

AHEAD = timedelta(minutes=15)  # more than any job waits for its next try
CANDIDATES = 8  # rows that one claim on MySQL looks at; where all were just taken, their takers wake for the rest

# The moment from which a due row may be claimed: when it is due and nobody's lease stands on it.
_READY_AT = RawSQL("MIN(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END)")
_MOMENT = DatetimeField()  # reads what an aggregate returns: text on SQLite, naive UTC on MySQL


def new_lease() -> str:
    """A token that no claim ever had: it fences off a worker that comes back late."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Due:
    """What a look at the table found."""

    lanes: frozenset[Lane]  # with work that may be claimed now
    next_at: datetime | None  # when the next row after now comes due or loses its lease


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim took: the work, its kind, whether the lane had more, and how long it was due (seconds)."""

    work: Work
    kind: Kind
    more: bool
    waited_s: float


class Claims:
    """Reads and writes of the table ``job`` for the kinds that this process works."""

    def __init__(
        self,
        clock: Clock,
        kinds: Mapping[str, Kind],
        *,
        lanes: tuple[Lane, ...] = LANES,
        lease: Callable[[], str] = new_lease,
    ) -> None:
        self._clock = clock
        self._lanes = lanes
        self._kinds = kinds
        self._lease = lease

    async def add(
        self, kind: str, args: Any, *, dedupe_key: str | None, priority: int, due_at: datetime
    ) -> int | None:
        """Write one due row; its id, or ``None`` where a row with ``dedupe_key`` exists, in whatever state."""
        row = Job(
            kind=kind,
            args=args,
            dedupe_key=dedupe_key,
            priority=priority,
            due_at=due_at,
            created_at=self._clock.now(),
        )
        if dedupe_key is None:
            await row.save(force_create=True)
            return int(row.id)
        if await Job.filter(dedupe_key=dedupe_key).exists():
            return None
        # Another may add it in this moment. A refused insert would end the caller's transaction on PostgreSQL, so a
        # conflict is passed over; no dialect tells alike whether it was, so a token in the unused lease column does.
        row.lease = self._lease()
        await Job.bulk_create([row], ignore_conflicts=True)
        found = await Job.filter(dedupe_key=dedupe_key).only("id", "lease").first()
        return int(found.id) if found is not None and found.lease == row.lease else None

    async def arm(self, kind: str, args: Any, *, key: str, priority: int, at: datetime) -> bool:
        """Make the one row ``key`` due for the moment ``at``; ``False`` where it waits still or had that moment.

        One row for each schedule, used again and again: a worker that is away makes no backlog, a run that takes
        long skips moments, and two leaders at the same moment arm it once. A moment far ahead was written by a clock
        that ran ahead, and counts for nothing.
        """
        free = Q(Q(due_at__lt=at), ~Q(state="due")) | Q(Q(due_at__gt=at + AHEAD), Q(leased_until=None))
        armed = await Job.filter(free, dedupe_key=key).update(
            state="due",
            due_at=at,
            args=args,
            priority=priority,
            attempts=0,
            cursor=None,
            lease=None,
            leased_until=None,
            finished_at=None,
        )
        if armed:
            return True
        return await self.add(kind, args, dedupe_key=key, priority=priority, due_at=at) is not None

    async def due(self) -> Due:
        """Which lanes have work now, and when the next work comes: one query."""
        if not self._kinds:
            return Due(frozenset(), None)
        now = self._clock.now()
        rows = (
            await Job.filter(state="due", kind__in=list(self._kinds))
            .annotate(ready_at=_READY_AT)
            .group_by("priority")
            .values("priority", "ready_at")
        )
        ready = {row["priority"]: _MOMENT.to_python_value(row["ready_at"]) for row in rows}
        later = [at for at in ready.values() if at is not None and at > now]
        lanes = frozenset(
            lane_of(priority, self._lanes) for priority, at in ready.items() if at is not None and at <= now
        )
        return Due(lanes, min(later, default=None))

    async def claim(self, lane: Lane) -> Claim | None:
        """Take the first due row of ``lane``: by priority, then by due time, then by id. ``None`` where there is none.

        A row whose worker was lost at every allowed try is dead: it may be what kills its workers.
        """
        while True:
            async with db.transaction():
                found = await self._first_claimable(lane)
                if found is None:
                    return None
                row, more = found
                kind = self._kinds[row.kind]
                if row.attempts < kind.max_attempts:
                    waited_s = (self._clock.now() - row.due_at).total_seconds()
                    return Claim(await self._take(row, kind), kind, more, waited_s)
                await Job.filter(id=row.id).update(
                    state="dead",
                    finished_at=self._clock.now(),
                    lease=None,
                    leased_until=None,
                    last_error=f"WorkerLost: no worker came back from the last of {row.attempts} tries",
                )
            log.error("a job is dead: its workers were lost", job=row.id, kind=row.kind, attempts=row.attempts)

    async def _first_claimable(self, lane: Lane) -> tuple[Job, bool] | None:
        """The first row that may be claimed, locked, and whether there is another. Rows others hold are skipped.

        SQLite has no row locks and needs none: its transactions take turns.
        """
        now = self._clock.now()
        claimable = Job.filter(
            Q(leased_until=None) | Q(leased_until__lte=now),
            state="due",
            priority__gte=lane.first,
            priority__lte=lane.last,
            due_at__lte=now,
            kind__in=list(self._kinds),
        ).order_by("priority", "due_at", "id")
        if db.dialect() != "mysql":
            rows = await claimable.limit(2).select_for_update(skip_locked=True)
            return (rows[0], len(rows) > 1) if rows else None
        # InnoDB locks each row that it looks at, for the moment of looking, also those that do not match: a claim
        # would pass over rows that another merely looked at. So look without locks, then lock by id.
        ids = [row.id for row in await claimable.only("id").limit(CANDIDATES)]
        for place, row_id in enumerate(ids, start=1):
            row = await claimable.filter(id=row_id).select_for_update(skip_locked=True).first()
            if row is not None:
                return row, place < len(ids)
        return None

    async def _take(self, row: Job, kind: Kind) -> Work:
        lease = self._lease()
        until = self._clock.now() + timedelta(seconds=kind.lease_s)
        await Job.filter(id=row.id).update(lease=lease, leased_until=until, attempts=row.attempts + 1)
        return Work(
            id=row.id,
            kind=row.kind,
            args=row.args,
            cursor=row.cursor,
            attempt=row.attempts + 1,
            lease=lease,
            lease_s=kind.lease_s,
            _clock=self._clock,
        )

    async def finish(self, work: Work) -> bool:
        """The job is done. ``False`` where another worker holds it."""
        return await self._end(work, state="done", finished_at=self._clock.now(), last_error=None)

    async def bury(self, work: Work, error: str) -> bool:
        """No more tries; an operator sees it. ``False`` where another worker holds the job."""
        return await self._end(work, state="dead", finished_at=self._clock.now(), last_error=error)

    async def put_off(self, work: Work, due_at: datetime, error: str, *, counts: bool = True) -> bool:
        """Due again at ``due_at``; without ``counts`` the try is given back. ``False`` where another holds the job."""
        return await self._end(
            work, due_at=due_at, last_error=error, attempts=work.attempt if counts else work.attempt - 1
        )

    async def give_back(self, work: Work) -> bool:
        """Due as it was, for another worker, the try not counted: this process closes."""
        return await self._end(work, attempts=work.attempt - 1)

    async def _end(self, work: Work, **columns: Any) -> bool:
        ended = await Job.filter(id=work.id, lease=work.lease, state="due").update(
            lease=None, leased_until=None, **columns
        )
        return bool(ended)
