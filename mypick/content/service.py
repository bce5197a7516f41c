"""What creators have published: keeping it, announcing it, and reading it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import Q

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.content.models import Content
from mypick.content.views import ContentView, CreatorBrief
from mypick.creators import queries as creators
from mypick.errors import not_found
from mypick.notifications.announcements import Announcement
from mypick.notifications.views import Kind
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.platforms.protocol import Item

ANNOUNCE_WITHIN = timedelta(days=7)  # an old item that becomes public again is no news
MAX_LIVE = 50  # upcoming and live items of one channel that are looked at again in each poll
FILE = "file"  # the platform of what lies as a file somewhere
NO_CHANNEL = 0
_FEED, _OF_CREATOR = "feed", "videos"


@dataclass(frozen=True, slots=True)
class Source:
    """The channel that items come from. What was published up to ``history_until`` may be new to us and is no news to
    anybody: it was there before the channel came."""

    channel_id: int
    creator_id: int
    creator_name: str
    platform: str
    history_until: datetime


async def unknown(platform: str, external_ids: Collection[str]) -> set[str]:
    """Those that are not kept yet. One query."""
    if not external_ids:
        return set()
    rows = await Content.filter(platform=platform, external_id__in=list(external_ids)).values_list("external_id")
    return set(external_ids) - {row[0] for row in rows}


async def known(platform: str, external_id: str) -> int | None:
    """The id of what is kept under this name. One query."""
    row = await Content.get_or_none(platform=platform, external_id=external_id).values_list("id")
    return None if row is None else int(row[0])


async def unfinished(channel_id: int) -> list[str]:
    """Items that were upcoming or live when last seen, the latest first."""
    rows = Content.filter(channel_id=channel_id, live_status__in=["upcoming", "live"])
    return [row[0] for row in await rows.order_by("-id").limit(MAX_LIVE).values_list("external_id")]


class Contents:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def keep(self, source: Source, items: Sequence[Item], ids: Sequence[int]) -> list[Announcement]:
        """Write what is new and what has changed, inside the open transaction; what is to be announced with it.

        ``ids`` are as many as ``items`` twice over: one for each row, one for each notice. Two queries and one for
        each item that has changed.
        """
        known = {
            row.external_id: row
            for row in await Content.filter(
                platform=source.platform, external_id__in=[item.external_id for item in items]
            )
        }
        announced: list[Announcement] = []
        fresh: list[Content] = []
        for item, row_id, notice_id in zip(items, ids[::2], ids[1::2], strict=True):
            row = known.get(item.external_id)
            if row is None:
                row = self._row(source, item, row_id)
                fresh.append(row)
                told = self._is_news(source, item)
            else:
                told = row.live_status == "upcoming" and item.live_status != "upcoming"
                if _refresh(row, item):
                    await row.save()
            # what is only planned is told when it happens
            if told and item.live_status != "upcoming":
                announced.append(_announcement(source, row, notice_id))
        await Content.bulk_create(fresh)
        return announced

    def _is_news(self, source: Source, item: Item) -> bool:
        return item.published_at > max(source.history_until, self._clock.now() - ANNOUNCE_WITHIN)

    def _row(self, source: Source, item: Item, row_id: int) -> Content:
        return Content(
            id=row_id,
            creator_id=source.creator_id,
            channel_id=source.channel_id,
            platform=source.platform,
            external_id=item.external_id,
            kind=item.kind,
            live_status=item.live_status,
            title=item.title,
            description=item.description,
            url=item.url,
            image_url=item.image_url,
            duration_s=item.duration_s,
            view_count=item.view_count,
            published_at=item.published_at,
            starts_at=item.starts_at,
            discovered_at=self._clock.now(),
        )

    async def keep_file(
        self,
        creator_id: int,
        url: str,
        *,
        title: str,
        duration_s: int | None,
        image_url: str | None,
        row_id: int,
    ) -> ContentView:
        """A video that comes from no channel. Kept once for each creator and address; what is said again holds."""
        name = hashlib.sha256(f"{creator_id} {url}".encode()).hexdigest()
        said = {"title": title, "duration_s": duration_s, "image_url": image_url}
        now = self._clock.now()
        known = Content.filter(platform=FILE, external_id=name)
        if not await known.exists():
            fresh = Content(
                id=row_id,
                creator_id=creator_id,
                channel_id=NO_CHANNEL,
                platform=FILE,
                external_id=name,
                kind="video",
                description="",
                url=url,
                published_at=now,
                discovered_at=now,
                **said,
            )
            await Content.bulk_create([fresh], ignore_conflicts=True)  # another may have been faster
        await known.update(**said)
        row = await known.get()
        return _view(row, (await creators.names_of([creator_id]))[creator_id])

    async def of_creator(self, creator_id: int, cursor: str | None, limit: int) -> Page[ContentView]:
        """Newest first. Two queries."""
        names = await creators.names_of([creator_id])
        if creator_id not in names:
            raise not_found("creator")
        return await self._page(Q(creator_id=creator_id), _OF_CREATOR, cursor, limit)

    async def feed(self, actor: Actor, cursor: str | None, limit: int) -> Page[ContentView]:
        """The newest content of the creators whom the actor follows. Two queries, whatever is followed."""
        return await self._page(Q(creator_id__in=creators.creators_followed_by(actor.user_id)), _FEED, cursor, limit)

    async def of_ids(self, content_ids: Collection[int]) -> dict[int, ContentView]:
        """Those that there are, by id. Two queries."""
        rows = await Content.filter(id__in=list(content_ids))
        names = await creators.names_of(row.creator_id for row in rows)
        return {row.id: _view(row, names[row.creator_id]) for row in rows}

    async def _page(self, which: Q, name: str, cursor: str | None, limit: int) -> Page[ContentView]:
        query = Content.filter(which)
        if cursor is not None:
            published_at, last_id = decode_cursor(cursor, name, datetime, int)
            query = query.filter(Q(published_at__lt=published_at) | Q(published_at=published_at, id__lt=last_id))
        rows = await query.order_by("-published_at", "-id").limit(limit + 1)
        names = await creators.names_of(row.creator_id for row in rows[:limit])
        return page_of(
            rows,
            limit,
            lambda row: _view(row, names[row.creator_id]),
            lambda row: encode_cursor(name, row.published_at, row.id),
        )


def _refresh(row: Content, item: Item) -> bool:
    """Take over what has changed on the platform; whether anything has. A count not told does not unsay an old one."""
    changed = False
    for field in ("kind", "live_status", "title", "description", "image_url", "duration_s", "view_count", "starts_at"):
        value = getattr(item, field)
        if value is not None and value != getattr(row, field):
            setattr(row, field, value)
            changed = True
    return changed


def _announcement(source: Source, row: Content, notice_id: int) -> Announcement:
    kind: Kind = (
        "live-started" if row.live_status == "live" else "new-post" if row.kind == "post" else "new-video"
    )
    return Announcement(
        id=notice_id,
        key=f"content:{row.platform}:{row.external_id}",
        kind=kind,
        title=source.creator_name,
        body=row.title,
        url=row.url,
        image_url=row.image_url,
        creator_id=row.creator_id,
        content_id=row.id,
    )


def _view(row: Content, creator: creators.CreatorName) -> ContentView:
    return ContentView(
        id=row.id,
        creator=CreatorBrief(id=creator.id, name=creator.name, avatar_url=creator.avatar_url),
        platform=row.platform,
        kind=row.kind,
        live_status=row.live_status,
        title=row.title,
        url=row.url,
        image_url=row.image_url,
        duration_s=row.duration_s,
        view_count=None if row.view_count is None else str(row.view_count),
        published_at=row.published_at,
        starts_at=row.starts_at,
    )
