"""Whether a creator's own channel shows a text: who can write there is the creator."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog

from mypick.clock import Clock
from mypick.creators import queries
from mypick.platforms.failures import as_domain_error
from mypick.platforms.protocol import Platform, PlatformError, Reference

log = structlog.get_logger(__name__)

MAX_CHANNELS = 5  # of one creator that one check asks for


class ChannelProofs:
    """``platforms`` by name: the clients that know channels."""

    def __init__(self, platforms: Mapping[str, Platform], clock: Clock) -> None:
        self._platforms = platforms
        self._clock = clock

    async def addresses(self, creator_ids: Collection[int]) -> dict[int, list[str]]:
        """Of the channels that are looked at, by creator. One query."""
        channels = await queries.channels_of(creator_ids)
        return {creator_id: [one.url for one in channels[creator_id][:MAX_CHANNELS]] for creator_id in creator_ids}

    async def shown(self, creator_id: int, text: str) -> bool:
        """Whether the description of one of the creator's channels holds ``text`` now. ``UPSTREAM_FAILED`` or
        ``QUOTA_EXHAUSTED`` where that cannot be told."""
        channels = await queries.channels_of([creator_id])
        failed: PlatformError | None = None
        for channel in channels[creator_id][:MAX_CHANNELS]:
            platform = self._platforms.get(channel.platform)
            if platform is None:
                continue
            try:
                info = await platform.resolve(Reference(platform.name, "id", channel.external_id))
            except PlatformError as failure:
                log.info("channel not looked at", platform=platform.name, error=repr(failure))
                failed = failure
                continue
            if text in info.description:
                return True
        if failed is not None:
            raise as_domain_error(failed, self._clock.now()) from failed
        return False
