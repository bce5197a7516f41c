"""One video by its address: known here already, or brought in with its creator by asking its platform."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.ports import Limits
from mypick.clock import Clock
from mypick.content import service as content
from mypick.creators import queries as creators
from mypick.creators.models import Channel
from mypick.creators.poller import history_until
from mypick.creators.service import Creators
from mypick.errors import Code, DomainError, invalid
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import announce
from mypick.platforms.failures import as_domain_error
from mypick.platforms.protocol import ChannelInfo, Item, Platform, PlatformError, Reference

log = structlog.get_logger(__name__)


class Videos:
    """Limits spent: ``creator.resolve`` (user), where a platform is asked."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        creators: Creators,
        contents: content.Contents,
        *,
        limits: Limits,
        jobs: Jobs,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._platforms = platforms
        self._creators = creators
        self._contents = contents
        self._limits = limits
        self._jobs = jobs
        self._ids = ids
        self._clock = clock

    async def content_of(self, actor: Actor, address: str) -> int:
        """The id of the content that ``address`` leads to.

        ``INVALID`` for what no platform knows as a video; ``NOT_FOUND`` where the platform does not show it;
        ``UPSTREAM_FAILED`` or ``QUOTA_EXHAUSTED`` where it cannot tell now.
        """
        platform, reference = self._recognise(address)
        if known := await content.known(platform.name, reference.value):
            return known
        await self._limits.spend("creator.resolve", user_id=actor.user_id, address=None)
        try:
            info = await platform.resolve(reference)
            item = (await platform.hydrate([reference.value], info.external_id)).get(reference.value)
        except PlatformError as failure:
            log.info("video not resolved", platform=platform.name, error=repr(failure))
            raise as_domain_error(failure, self._clock.now()) from failure
        if item is None:
            raise DomainError(
                Code.NOT_FOUND,
                "the platform does not show this video: it is private, or older than what can be looked up here",
            )
        await self._keep(info, item)
        found = await content.known(platform.name, reference.value)
        if found is None:
            raise AssertionError("what was kept is known")
        return found

    def _recognise(self, address: str) -> tuple[Platform, Reference]:
        for platform in self._platforms.values():
            reference = platform.recognise(address)
            if reference is not None and reference.kind == "video":
                return platform, reference
        raise invalid("this names no video that we know: paste the address of a YouTube video", field="url")

    async def _keep(self, info: ChannelInfo, item: Item) -> None:
        """As a look at the channel would: under its lock, and what is news is announced."""
        channel_id = (await self._creators.keep(info)).id
        row_id, notice_id = await self._ids.take(2)
        async with db.transaction():
            channel = await Channel.filter(id=channel_id).select_for_update().get()
            names = await creators.names_of([channel.creator_id])
            source = content.Source(
                channel_id=channel.id,
                creator_id=channel.creator_id,
                creator_name=names[channel.creator_id].name,
                platform=channel.platform,
                history_until=history_until(channel),
            )
            announced = await self._contents.keep(source, [item], [row_id, notice_id])
            await announce(announced, jobs=self._jobs, now=self._clock.now())
        if announced:
            self._jobs.wake()
