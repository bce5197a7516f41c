"""What creators hold of a person: whom they follow."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tortoise.expressions import F

from mypick import db
from mypick.creators.models import Creator, Subscription
from mypick.personal.contribution import BATCH, Contribution, Rows, Section, Step, by_id


def contribution() -> Contribution:
    def followed(user_id: int) -> AsyncIterator[Rows]:
        return by_id(Subscription.filter(user_id=user_id), ("id", "creator_id", "created_at"))

    return Contribution(
        "creators",
        {"subscription": frozenset({"user_id"})},
        sections=[Section("subscriptions", "creators that you follow", "구독한 크리에이터", followed)],
        steps=[Step("subscriptions", _unfollow)],
    )


async def _unfollow(user_id: int, _: int) -> int | None:
    async with db.transaction():
        # in one order, as two people may be erased at once who follow the same creators
        rows = await Subscription.filter(user_id=user_id).order_by("creator_id").limit(BATCH)
        for row in rows:
            if await Subscription.filter(id=row.id).delete():
                await Creator.filter(id=row.creator_id).update(subscriber_count=F("subscriber_count") - 1)
    return 0 if len(rows) == BATCH else None
