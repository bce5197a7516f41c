"""Looking at channels when they are due, by any worker, and announcing what is new exactly once.

A channel is a row with ``due_at`` and a lease. Whoever claims it reads the platform without holding a lock, then
writes everything in one transaction under the channel's lock: new content, notices, the jobs that carry them, and the
next ``due_at``. Killed before that commit, nothing has happened and the lease runs out; killed after it, the jobs are
rows and the sweep finds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from tortoise.expressions import Q

from mypick import db
from mypick.clock import Clock
from mypick.content import service as content
from mypick.creators import queries as creators
from mypick.creators.models import Channel
from mypick.creators.service import POLL
from mypick.endings import end
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.notifications.announcements import announce
from mypick.platforms.protocol import (
    HYDRATE_LIMIT,
    AuthInvalid,
    Gone,
    Item,
    Platform,
    PlatformError,
    QuotaExhausted,
    RateLimited,
)

log = structlog.get_logger(__name__)

# How long a channel stays unseen after its worker was killed. A live worker renews its claims at each third, those
# that wait for a place included, and so keeps them through 10 s of a database that is away.
LEASE = timedelta(seconds=15)
POLL_TIMEOUT = 60.0  # seconds for one channel, all its requests together
AT_ONCE = 5  # channels of one worker that ask the platform at the same time
MAX_PAGES = 5  # of 50: after a long absence 250 uploads are looked at
FIRST_BACK_OFF, MAX_BACK_OFF = 30.0, 1_800.0  # seconds; a channel is never given up
AWAY_WAIT = 2.0  # seconds until a look that the database could not keep is tried again
GONE_BACK_OFF = 86_400.0  # a 404 has been wrong for hours before
JITTER = 0.1  # of the interval, so that channels added together do not stay together


class Intervals(Protocol):
    """When to look at a channel again after a good look. The seam for adaptive intervals."""

    def seconds(self, channel: Channel) -> float: ...


@dataclass(frozen=True, slots=True)
class FixedInterval:
    interval: float

    def seconds(self, channel: Channel) -> float:  # noqa: ARG002 - the same for all
        return self.interval


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a channel found."""

    items: list[Item]
    etag: str | None


class Poller:
    def __init__(
        self,
        *,
        platforms: Mapping[str, Platform],
        contents: content.Contents,
        jobs: Jobs,
        ids: Ids,
        clock: Clock,
        rng: random.Random,
        intervals: Intervals,
        batch: int,
    ) -> None:
        self._platforms = platforms
        self._contents = contents
        self._jobs = jobs
        self._ids = ids
        self._clock = clock
        self._rng = rng
        self._intervals = intervals
        self._batch = batch

    async def run(self, work: Work) -> None:  # noqa: ARG002 - what is due is in the rows of the channels
        """Handles the job ``creators.poll``: one batch, and if it was a full one, another job for whoever is free."""
        if await self.poll_due() >= self._batch:
            await self._jobs.enqueue(POLL, {})
            self._jobs.wake(POLL)

    async def poll_due(self) -> int:
        """Claim and look at up to ``batch`` due channels. How many were claimed: a full batch says that more wait."""
        claimed = await self.claim()
        if not claimed:
            return 0
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(channel: Channel) -> None:
            async with slots:
                await self.poll(channel)

        keeper = asyncio.create_task(self._keep_claims(claimed), name="keep claimed channels")
        try:
            await asyncio.gather(*(one(channel) for channel in claimed))
        finally:
            await end(keeper)
        return len(claimed)

    async def claim(self) -> list[Channel]:
        """Due channels, leased to the caller. Two workers never get the same one."""
        now = self._clock.now()
        lease = secrets.token_hex(16)
        async with db.transaction():
            rows = (
                await Channel.filter(Q(leased_until=None) | Q(leased_until__lt=now), due_at__lte=now)
                .order_by("due_at")
                .limit(self._batch)
                .select_for_update(skip_locked=True)
            )
            if rows:
                await Channel.filter(id__in=[row.id for row in rows]).update(lease=lease, leased_until=now + LEASE)
        for row in rows:
            row.lease = lease
        return rows

    async def _keep_claims(self, claimed: list[Channel]) -> None:
        """Prolong what is still claimed of one batch, until cancelled. One statement each 5 s."""
        ids = [channel.id for channel in claimed]
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            until = self._clock.now() + LEASE
            try:
                await Channel.filter(id__in=ids, lease=claimed[0].lease).update(leased_until=until)
            except db.FAILURES as failure:  # the next third tries again; who lost the claim keeps nothing
                log.warning("claims could not be renewed", channels=len(claimed), error=type(failure).__name__)

    async def poll(self, channel: Channel) -> None:
        """Look at one claimed channel. Never raises: a failure is written to the row and tried again later."""
        with structlog.contextvars.bound_contextvars(channel_id=channel.id):
            try:
                async with asyncio.timeout(POLL_TIMEOUT) as limit:
                    look = await self._look(self._client(channel), channel)
                await self._keep(channel, look)
            except PlatformError as failure:
                await self._failed(channel, failure, self._wait_after(channel, failure))
            except Exception as failure:
                if isinstance(failure, db.AWAY) and not limit.expired():
                    await self._put_off(channel, failure)
                    return
                log.exception("poll failed")
                await self._failed(channel, failure, self._back_off(channel))

    def _client(self, channel: Channel) -> Platform:
        if channel.platform not in self._platforms:
            raise AuthInvalid(f"no client for {channel.platform}")
        return self._platforms[channel.platform]

    async def _look(self, platform: Platform, channel: Channel) -> _Look:
        page = await platform.list_recent(channel.external_id, channel.uploads_ref, etag=channel.etag)
        etag = page.etag or channel.etag
        wanted: set[str] = set()
        ready: dict[str, Item] = {}
        if not page.not_modified:
            for number in range(1, MAX_PAGES + 1):
                fresh = await content.unknown(channel.platform, page.item_ids)
                wanted |= fresh
                ready.update({key: item for key, item in page.items.items() if key in fresh})
                # uploads are ordered by upload, not by publication: a page is compared as a whole, and only a page
                # on which nothing is known says that there may be more behind it
                overlap = len(fresh) < len(page.item_ids)
                if overlap or page.next is None or channel.first_polled_at is None or number == MAX_PAGES:
                    break
                page = await platform.list_recent(channel.external_id, channel.uploads_ref, page=page.next)
        unfinished = await content.unfinished(channel.id)
        missing = sorted(wanted - set(ready)) + [key for key in unfinished if key not in wanted]
        for start in range(0, len(missing), HYDRATE_LIMIT):
            ready.update(await platform.hydrate(missing[start : start + HYDRATE_LIMIT], channel.external_id))
        if wanted - set(ready):
            etag = None  # something is listed and not yet shown: look at the whole page again next time
        items = sorted(ready.values(), key=lambda item: (item.published_at, item.external_id))
        return _Look(items, etag)

    async def _keep(self, channel: Channel, look: _Look) -> None:
        now = self._clock.now()
        ids = await self._ids.take(max(1, 2 * len(look.items)))
        names = await creators.names_of([channel.creator_id])
        async with db.transaction():
            row = await Channel.filter(id=channel.id, lease=channel.lease).select_for_update().first()
            if row is None:
                log.warning("the lease ran out before the look was over")
                return
            source = content.Source(
                channel_id=row.id,
                creator_id=row.creator_id,
                creator_name=names[row.creator_id].name,
                platform=row.platform,
                history_until=history_until(row),
            )
            announced = await self._contents.keep(source, look.items, ids[: 2 * len(look.items)])
            await announce(announced, jobs=self._jobs, now=now)
            row.first_polled_at = row.first_polled_at or now
            row.last_polled_at = now
            row.due_at = now + timedelta(seconds=self._jittered(self._intervals.seconds(row)))
            row.etag, row.failures, row.last_error, row.lease, row.leased_until = look.etag, 0, None, None, None
            await row.save()
        if announced:
            log.info("new content", creator_id=channel.creator_id, items=len(look.items), announced=len(announced))
            self._jobs.wake()

    async def _put_off(self, channel: Channel, failure: Exception) -> None:
        """The database was away, which is no failure of the channel: look again soon. While it stays away, the lease
        runs out by itself."""
        log.warning("a look could not be kept", error=repr(failure)[:200])
        with contextlib.suppress(*db.FAILURES):
            await Channel.filter(id=channel.id, lease=channel.lease).update(
                due_at=self._clock.now() + timedelta(seconds=self._jittered(AWAY_WAIT)), lease=None, leased_until=None
            )

    async def _failed(self, channel: Channel, failure: Exception, wait: float) -> None:
        failures = channel.failures + 1
        log.info("look failed", failures=failures, wait_s=round(wait), error=repr(failure)[:200])
        try:
            await Channel.filter(id=channel.id, lease=channel.lease).update(
                failures=failures,
                last_error=type(failure).__name__,
                due_at=self._clock.now() + timedelta(seconds=wait),
                lease=None,
                leased_until=None,
            )
        except db.FAILURES as also:  # the lease runs out by itself
            log.warning("the failure could not be noted", error=repr(also)[:200])

    def _wait_after(self, channel: Channel, failure: PlatformError) -> float:
        if isinstance(failure, QuotaExhausted):
            return self._until(failure.reset_at) + self._rng.uniform(0, 60)
        if isinstance(failure, RateLimited):
            return self._jittered(max(failure.retry_after_s, 1.0))
        if isinstance(failure, Gone):
            return self._jittered(min(GONE_BACK_OFF, MAX_BACK_OFF * 2 ** min(channel.failures, 6)))
        return self._back_off(channel)

    def _back_off(self, channel: Channel) -> float:
        """Full jitter over a doubling ceiling, never below a second."""
        ceiling = min(MAX_BACK_OFF, FIRST_BACK_OFF * 2 ** min(channel.failures, 10))
        return max(1.0, self._rng.uniform(0, ceiling))

    def _jittered(self, seconds: float) -> float:
        return seconds * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _until(self, moment: datetime) -> float:
        return max(1.0, (moment - self._clock.now()).total_seconds())


def history_until(channel: Channel) -> datetime:
    """What was published up to then is no news, at later looks too: where something is deleted, a list shows an older
    thing in its stead that no look has seen. Platforms tell whole seconds, so what was published in the very second in
    which the channel came cannot be told apart: it is news, since one told too much is better than one lost."""
    return channel.created_at.replace(microsecond=0) - timedelta(microseconds=1)
