"""Workers that look at channels, and what came of their looks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from mypick.clock import Clock
from mypick.content.models import Content
from mypick.content.service import Contents
from mypick.creators.models import Channel
from mypick.creators.poller import LEASE, FixedInterval, Poller
from mypick.creators.service import POLL, Creators
from mypick.ids import Ids
from mypick.jobs.models import Job
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.notifications.announcements import FAN_OUT
from mypick.notifications.models import Notice
from mypick.platforms.protocol import ChannelInfo, Item, Page, Platform, Reference
from tests.fakes import FakeClock

INTERVAL = 300.0  # seconds between two looks


async def _nothing(_: Work) -> None:
    """The jobs are only counted here."""


class Worker:
    """One process that looks at channels. All share the database."""

    def __init__(self, platform: Platform, clock: Clock, *, batch: int = 20, seed: int = 1) -> None:
        self.platform = platform
        self.jobs = Jobs(clock, work=False)
        self.jobs.register(FAN_OUT, _nothing, priority=2)
        self.jobs.register(POLL, _nothing)
        platforms: Mapping[str, Platform] = {platform.name: platform}
        self.creators = Creators(platforms, clock, self.jobs)
        self.poller = Poller(
            platforms=platforms,
            contents=Contents(clock),
            jobs=self.jobs,
            ids=Ids(),
            clock=clock,
            rng=random.Random(seed),
            intervals=FixedInterval(INTERVAL),
            batch=batch,
        )

    async def watch(self, channel_id: str) -> Channel:
        """Bring a channel of the platform in; it has not been looked at."""
        info = await self.platform.resolve(Reference(self.platform.name, "id", channel_id))
        return await self.creators.keep(info)


async def look(worker: Worker, clock: FakeClock, channel_id: str) -> Channel:
    """Let the channel come due, and look. The row afterwards."""
    await Channel.filter(external_id=channel_id).update(due_at=clock.now())
    clock.advance(LEASE.total_seconds() + 1)  # whoever held it is dead
    await worker.poller.poll_due()
    return await Channel.get(external_id=channel_id)


async def told() -> list[tuple[str, str]]:
    """Kind and text of all that was ever announced, in order."""
    return [(row.kind, row.body) for row in await Notice.all().order_by("id")]


async def kept() -> list[str]:
    return [row.title for row in await Content.all().order_by("published_at", "id")]


async def assert_each_told_by_one_job() -> None:
    """Every notice has its content and one job, every job its notice, every item one row."""
    notices = await Notice.all()
    jobs = await Job.filter(kind=FAN_OUT)
    contents = await Content.all()
    assert sorted(job.args["notice_id"] for job in jobs) == sorted(notice.id for notice in notices)
    assert len({notice.content_id for notice in notices}) == len(notices)
    assert {notice.content_id for notice in notices} <= {content.id for content in contents}
    assert len({content.external_id for content in contents}) == len(contents)


class Held:
    """A platform whose ``hydrate`` waits until it is let go: somebody is in the middle of a look."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.name = platform.name
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()

    def recognise(self, source: str) -> Reference | None:
        return self._platform.recognise(source)

    async def resolve(self, ref: Reference) -> ChannelInfo:
        return await self._platform.resolve(ref)

    async def list_recent(
        self, external_id: str, uploads_ref: str | None, *, etag: str | None = None, page: str | None = None
    ) -> Page:
        return await self._platform.list_recent(external_id, uploads_ref, etag=etag, page=page)

    async def hydrate(self, ids: Sequence[str], external_id: str) -> dict[str, Item]:
        found = await self._platform.hydrate(ids, external_id)
        self.arrived.set()
        await asyncio.wait_for(self.go.wait(), 20)
        return found

    async def check(self) -> None:
        await self._platform.check()

    async def aclose(self) -> None:
        await self._platform.aclose()
