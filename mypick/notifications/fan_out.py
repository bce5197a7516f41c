"""One notice into the inboxes of all who follow its creator, in chunks, people who are online first.

Each chunk is one transaction: events, notifications, counters and the job's checkpoint. Whatever is killed when, the
next run goes on behind the last chunk that committed, and a person who has the notice already is left out, so there is
one row for each (notice, person).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import structlog
from tortoise.expressions import F

from mypick.clock import Clock
from mypick.creators import queries as creators
from mypick.jobs.work import Permanent, Work
from mypick.notifications.models import Inbox, Notice, Notification, NotificationSettings
from mypick.notifications.streams import inbox_of
from mypick.streams import Append, Event, NewEvent, Streams

log = structlog.get_logger(__name__)

CHUNK = 500  # people in one transaction: about 60 ms on PostgreSQL, which is how long their inboxes are locked
EVENT = "new-notification"


class Online(Protocol):
    """Who is online now, each person in one chunk."""

    def online_in_chunks(self) -> AsyncIterator[set[int]]: ...


class FanOut:
    """Handles the job ``notifications.fan-out`` with args ``{"notice_id"}``.

    The cursor is ``{"online": bool, "after": user_id}``: whether the people who were online have been told, and up to
    which follower the rest have.
    """

    def __init__(self, streams: Streams, presence: Online, clock: Clock) -> None:
        self._streams = streams
        self._presence = presence
        self._clock = clock

    async def run(self, work: Work) -> None:
        notice = await Notice.get_or_none(id=work.args["notice_id"])
        if notice is None:
            raise Permanent("its notice is gone")
        if notice.creator_id is None:
            raise Permanent("a notice without a creator has no followers")
        cursor = work.cursor or {"online": False, "after": 0}
        if not cursor["online"]:
            async for followers in self._followers_online(notice.creator_id):
                await self._tell(notice, followers, work, cursor)
            cursor = {"online": True, "after": 0}
            await work.checkpoint(cursor)
        while followers := await creators.followers_after(notice.creator_id, cursor["after"], CHUNK):
            cursor = {"online": True, "after": followers[-1]}
            await self._tell(notice, followers, work, cursor)

    async def tell_named(self, work: Work) -> None:
        """Handles the job ``notifications.tell`` with args ``{"notice_id", "user_ids"}``: a few people, one chunk."""
        notice = await Notice.get_or_none(id=work.args["notice_id"])
        if notice is None:
            raise Permanent("its notice is gone")
        await self._tell(notice, work.args["user_ids"], work, {"online": True, "after": 0})

    async def _followers_online(self, creator_id: int) -> AsyncIterator[list[int]]:
        """Followers who are online, in as few chunks as they fit: presence gives a thousand people in 32 small parts,
        and a transaction for six people costs nearly what one for 500 does."""
        gathered: list[int] = []
        async for present in self._presence.online_in_chunks():
            gathered += await creators.followers_among(creator_id, sorted(present))
            while len(gathered) >= CHUNK:
                yield gathered[:CHUNK]
                gathered = gathered[CHUNK:]
        if gathered:
            yield gathered

    async def _tell(self, notice: Notice, people: Sequence[int], work: Work, cursor: dict[str, int | bool]) -> None:
        if not people:
            return
        users = {inbox_of(user_id): user_id for user_id in people}

        async def decide() -> Sequence[NewEvent]:
            told = await Notification.filter(notice_id=notice.id, user_id__in=list(people)).values_list("user_id")
            settings = await NotificationSettings.filter(user_id__in=list(people)).values_list("user_id", "kinds")
            unwilling = {user_id for user_id, kinds in settings if kinds.get(notice.kind) is False}
            left_out = unwilling.union(row[0] for row in told)
            remaining = [user_id for user_id in people if user_id not in left_out]
            unread = await _one_more_unread(remaining)
            return [
                NewEvent(inbox_of(user_id), EVENT, {"unread_count": unread[user_id]}, ref=notice.id)
                for user_id in remaining
            ]

        def rows(events: Sequence[Event]) -> list[Notification]:
            return [
                Notification(
                    id=event.id,
                    notice_id=notice.id,
                    user_id=users[event.stream],
                    seq=event.seq,
                    created_at=event.at,
                )
                for event in events
            ]

        async def checkpoint(_: Sequence[Event]) -> None:
            await work.checkpoint(cursor)

        done = await self._streams.append_alone(
            Append(streams=list(users), decide=decide, rows=rows, effect=checkpoint)
        )
        if done.events:
            log.info("told", notice_id=notice.id, people=len(done.events), of=len(people))


async def _one_more_unread(user_ids: Sequence[int]) -> dict[int, int]:
    """Raise the counters of inboxes whose streams are locked. Their new values."""
    if not user_ids:
        return {}
    wanted = list(user_ids)
    known = {row[0] for row in await Inbox.filter(user_id__in=wanted).values_list("user_id")}
    if missing := [Inbox(user_id=user_id) for user_id in wanted if user_id not in known]:
        await Inbox.bulk_create(missing)
    await Inbox.filter(user_id__in=wanted).update(unread_count=F("unread_count") + 1)
    return dict(await Inbox.filter(user_id__in=wanted).values_list("user_id", "unread_count"))
