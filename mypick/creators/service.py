"""Creators: bringing one in by what people paste, finding, following."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F, Q

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.creators import queries
from mypick.creators.commands import AddCreator
from mypick.creators.models import Channel, Creator, Subscription
from mypick.creators.views import ChannelView, CreatorView, SubscriptionState
from mypick.errors import Code, DomainError, invalid, not_found
from mypick.jobs.queue import Jobs
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.platforms.failures import as_domain_error
from mypick.platforms.protocol import ChannelInfo, Platform, PlatformError, Reference

log = structlog.get_logger(__name__)

POLL = "creators.poll"  # the job that looks at the channels that are due
MAX_SUBSCRIPTIONS = 2_000  # creators one user may follow: a feed of more is no feed
_LIST, _FOLLOWED = "creators", "subscriptions"


class Creators:
    """``platforms`` by name: the clients that know channels. ``followed`` is called with the id of a creator whom
    somebody begins to follow, in that transaction."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        clock: Clock,
        jobs: Jobs,
        followed: Callable[[int], Awaitable[object]] | None = None,
    ) -> None:
        self._platforms = platforms
        self._clock = clock
        self._jobs = jobs
        self._followed = followed

    async def add(self, actor: Actor, command: AddCreator) -> CreatorView:
        """The creator whose channel ``command.source`` names; made if it is not here yet.

        Raises ``INVALID`` for what no platform recognises, ``NOT_FOUND`` where the platform has no such channel, and
        ``UPSTREAM_FAILED`` or ``QUOTA_EXHAUSTED`` where it cannot tell now.
        """
        platform, reference = self._recognise(command.source)
        known = await self._known(platform.name, reference)
        if known is None:
            try:
                info = await platform.resolve(reference)
            except PlatformError as failure:
                log.info("channel not resolved", platform=platform.name, kind=reference.kind, error=repr(failure))
                raise as_domain_error(failure, self._clock.now()) from failure
            known = await self.keep(info)
        return await self._view(actor, known.creator_id)

    async def keep(self, info: ChannelInfo, category: str | None = None) -> Channel:
        """The channel of ``info``, with its creator; whoever asks first makes both, everybody gets the same."""
        existing = await Channel.get_or_none(platform=info.platform, external_id=info.external_id)
        if existing:
            return existing
        now = self._clock.now()
        try:
            async with db.transaction():
                creator = await Creator.create(
                    name=info.title,
                    description=info.description,
                    avatar_url=info.avatar_url,
                    category=category,
                    created_at=now,
                )
                channel = await Channel.create(
                    creator_id=creator.id,
                    platform=info.platform,
                    external_id=info.external_id,
                    handle=info.handle,
                    url=info.url,
                    uploads_ref=info.uploads_ref,
                    created_at=now,
                    due_at=now,
                )
                await self._jobs.enqueue(POLL, {}, dedupe_key=f"first-poll:{channel.id}")
        except IntegrityError:  # somebody was quicker
            return await Channel.get(platform=info.platform, external_id=info.external_id)
        self._jobs.wake(POLL)
        return channel

    async def get(self, actor: Actor | None, creator_id: int) -> CreatorView:
        return await self._view(actor, creator_id)

    async def list(
        self, actor: Actor | None, q: str | None, category: str | None, cursor: str | None, limit: int
    ) -> Page[CreatorView]:
        """Creators by name; ``q`` finds it anywhere in a name or at the head of a handle."""
        query = Creator.all()
        if q:
            # some keyboards and file systems write 가 as two signs; platforms' names are composed
            q = unicodedata.normalize("NFC", q)
            handles = Channel.filter(handle__startswith=q.removeprefix("@").lower()).limit(100)
            ids = await handles.values_list("creator_id", flat=True)
            query = query.filter(Q(name__icontains=q) | Q(id__in=ids))
        if category:
            query = query.filter(category=category)
        if cursor is not None:
            name, last_id = decode_cursor(cursor, _LIST, str, int)
            query = query.filter(Q(name__gt=name) | Q(name=name, id__gt=last_id))
        rows = await query.order_by("name", "id").limit(limit + 1)
        views = await self._views(actor, rows[:limit])
        return page_of(rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_LIST, row.name, row.id))

    async def subscribe(self, actor: Actor, creator_id: int) -> SubscriptionState:
        """Follow. Following twice is no error and counts once."""
        async with db.transaction():
            await self._lock(creator_id)
            mine = Subscription.filter(user_id=actor.user_id)
            if await mine.filter(creator_id=creator_id).exists():
                return SubscriptionState(subscribed=True)
            if await mine.count() >= MAX_SUBSCRIPTIONS:
                raise DomainError(Code.FULL, f"you follow {MAX_SUBSCRIPTIONS} creators: unfollow one first")
            await Subscription.create(user_id=actor.user_id, creator_id=creator_id, created_at=self._clock.now())
            await Creator.filter(id=creator_id).update(subscriber_count=F("subscriber_count") + 1)
            if self._followed:
                await self._followed(creator_id)
        return SubscriptionState(subscribed=True)

    async def unsubscribe(self, actor: Actor, creator_id: int) -> SubscriptionState:
        """Unfollow. Twice is no error."""
        async with db.transaction():
            await self._lock(creator_id)
            removed = await Subscription.filter(user_id=actor.user_id, creator_id=creator_id).delete()
            if removed:
                await Creator.filter(id=creator_id).update(subscriber_count=F("subscriber_count") - 1)
        return SubscriptionState(subscribed=False)

    async def _lock(self, creator_id: int) -> None:
        """Let those who follow or leave one creator take turns from the start. They meet at its counter anyway; meeting
        there first, none of them can deadlock with another."""
        if await Creator.filter(id=creator_id).only("id").select_for_update().first() is None:
            raise not_found("creator")

    async def subscriptions(
        self, actor: Actor, user_id: int, cursor: str | None, limit: int
    ) -> Page[CreatorView]:
        """Whom the user follows, newest first. The own list only."""
        if user_id != actor.user_id:
            raise DomainError(Code.FORBIDDEN, "whom somebody follows is shown to that user alone")
        query = Subscription.filter(user_id=user_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _FOLLOWED, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        creators = await Creator.filter(id__in=[row.creator_id for row in rows[:limit]])
        views = await self._views(actor, creators)
        return page_of(
            rows, limit, lambda row: views[row.creator_id], lambda row: encode_cursor(_FOLLOWED, row.id)
        )

    def _recognise(self, source: str) -> tuple[Platform, Reference]:
        for platform in self._platforms.values():
            if reference := platform.recognise(source):
                return platform, reference
        raise invalid(
            "this names no channel that we know: paste the address of a YouTube channel, its @handle, "
            "or its channel id (UC…)",
            field="source",
        )

    async def _known(self, platform: str, reference: Reference) -> Channel | None:
        """A channel that is here already needs no question to the platform, which would cost quota. Handles move
        from one channel to another, so they are always asked for."""
        if reference.kind != "id":
            return None
        return await Channel.get_or_none(platform=platform, external_id=reference.value)

    async def _view(self, actor: Actor | None, creator_id: int) -> CreatorView:
        creator = await Creator.get_or_none(id=creator_id)
        if creator is None:
            raise not_found("creator")
        return (await self._views(actor, [creator]))[creator.id]

    async def _views(self, actor: Actor | None, creators: Sequence[Creator]) -> dict[int, CreatorView]:
        """Views by id: two queries, whatever the number."""
        ids = [creator.id for creator in creators]
        channels = await queries.channels_of(ids)
        followed = await queries.followed_by(actor.user_id, ids) if actor else set()
        return {
            creator.id: CreatorView(
                id=creator.id,
                name=creator.name,
                description=creator.description,
                avatar_url=creator.avatar_url,
                category=creator.category,
                subscriber_count=creator.subscriber_count,
                subscribed=creator.id in followed,
                channels=[
                    ChannelView(platform=channel.platform, handle=channel.handle, url=channel.url)
                    for channel in channels[creator.id]
                ],
                created_at=creator.created_at,
            )
            for creator in creators
        }
