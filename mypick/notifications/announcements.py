"""What is worth telling, and the promise that it will be told: a notice and its job, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mypick.jobs.queue import Jobs
from mypick.notifications.models import Notice, Notification
from mypick.notifications.views import Kind

FAN_OUT = "notifications.fan-out"
TELL = "notifications.tell"  # the few people that the job names
TITLE_LIMIT, BODY_LIMIT = 300, 500  # characters, as the columns have them


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that people are told once. ``key`` names it for ever: the same key tells nothing."""

    id: int  # from ``Ids``, taken before the transaction
    key: str
    kind: Kind
    title: str
    body: str
    url: str
    image_url: str | None
    creator_id: int | None
    content_id: int | None
    actor_id: int | None = None  # whose name or words it quotes: they go from it when that person is erased


async def announce(announcements: list[Announcement], *, jobs: Jobs, now: datetime) -> None:
    """Write notices and the jobs that will carry them, inside the open transaction of what they announce.

    Two queries, and one for each that is new. Call ``jobs.wake()`` after the commit.
    """
    for item in await _keep(announcements, now):
        await jobs.enqueue(FAN_OUT, {"notice_id": item.id}, dedupe_key=f"fan-out:{item.id}")


async def announce_to(people: Collection[int], announcement: Announcement, *, jobs: Jobs, now: datetime) -> None:
    """The same for a few people, by their ids, whomever they follow. Call ``jobs.wake(TELL)`` after the commit."""
    for item in await _keep([announcement], now) if people else []:
        await jobs.enqueue(TELL, {"notice_id": item.id, "user_ids": sorted(people)}, dedupe_key=f"tell:{item.id}")


async def told_of(keys: Collection[str]) -> set[int]:
    """Who has a notice of these keys in their inbox. Two queries."""
    notices = await Notice.filter(dedupe_key__in=list(keys)).values_list("id")
    if not notices:
        return set()
    told = await Notification.filter(notice_id__in=[row[0] for row in notices]).values_list("user_id")
    return {row[0] for row in told}


async def reword(keys: Collection[str], body: str) -> None:
    """Let notices say something else from now on, in every inbox: what they quote was edited, or deleted. One query,
    in the caller's transaction."""
    await Notice.filter(dedupe_key__in=list(keys)).update(body=body[:BODY_LIMIT])


async def reword_at(url: str, kind: Kind, body: str) -> None:
    """The same for the notices of a kind that lead to ``url``."""
    await Notice.filter(url=url, kind=kind).update(body=body[:BODY_LIMIT])


async def _keep(announcements: list[Announcement], now: datetime) -> list[Announcement]:
    """Write the notices of those that are new, and return them."""
    if not announcements:
        return []
    rows = await Notice.filter(dedupe_key__in=[item.key for item in announcements]).values_list("dedupe_key")
    known = {row[0] for row in rows}
    fresh = [item for item in announcements if item.key not in known]
    await Notice.bulk_create(
        [
            Notice(
                id=item.id,
                dedupe_key=item.key,
                kind=item.kind,
                title=item.title[:TITLE_LIMIT],
                body=item.body[:BODY_LIMIT],
                url=item.url,
                image_url=item.image_url,
                creator_id=item.creator_id,
                content_id=item.content_id,
                actor_id=item.actor_id,
                created_at=now,
            )
            for item in fresh
        ]
    )
    return fresh
