"""What is behind links, kept for a while so that a link that many send is fetched once a day."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from tortoise.exceptions import IntegrityError

from mypick.clock import Clock
from mypick.previews.fetching import Found
from mypick.previews.models import LinkPreview

KEPT = timedelta(days=1)
KEPT_NOTHING = timedelta(hours=1)  # a page that is down comes back
MAX_KEPT = 100_000  # rows, about 60 MB; beyond it those that expire first go
CHUNK = 1_000


class Fetch(Protocol):
    async def fetch(self, url: str) -> Found | None:
        """What is behind the link; None where nothing can be shown."""


async def forget_links(links: Collection[str]) -> None:
    """Who said these took it back: what is kept of their pages goes too, since pages repeat what is asked of them. Who
    still shows one has it with their own text."""
    if links:
        await LinkPreview.filter(key__in=sorted({key_of(link) for link in links})).delete()


def key_of(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


class Previews:
    def __init__(self, fetcher: Fetch, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock

    async def of(self, url: str) -> Found | None:
        """What is behind the link, at most a day old. Not inside a transaction: it may take seconds."""
        key, now = key_of(url), self._clock.now()
        kept = await LinkPreview.get_or_none(key=key)
        if kept is not None and kept.expires_at > now:
            return None if kept.kind == "none" else Found(kept.kind, kept.title, kept.description, kept.site)
        found = await self._fetcher.fetch(url)
        shown = found or Found("none", "")
        columns = {
            "kind": shown.kind,
            "title": shown.title[:200],
            "description": shown.description[:300],
            "site": shown.site[:100],
            "expires_at": self._clock.now() + (KEPT if found else KEPT_NOTHING),
        }
        if not await LinkPreview.filter(key=key).update(**columns):
            with suppress(IntegrityError):  # another worker was quicker
                await LinkPreview(key=key, **columns).save(force_create=True)
        return found

    async def purge(self) -> int:
        """Remove what has expired, and what is over the bound. How many."""
        removed = 0
        expired = LinkPreview.filter(expires_at__lte=self._clock.now())
        while keys := [row[0] for row in await expired.limit(CHUNK).values_list("key")]:
            removed += await LinkPreview.filter(key__in=keys).delete()
        while (over := await LinkPreview.all().count() - MAX_KEPT) > 0:
            first = LinkPreview.all().order_by("expires_at").limit(min(over, CHUNK))
            removed += await LinkPreview.filter(key__in=[row[0] for row in await first.values_list("key")]).delete()
        return removed
