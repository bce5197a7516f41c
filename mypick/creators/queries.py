"""Reading who is followed by whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.expressions import Subquery

from mypick.creators.models import Channel, Creator, Subscription


@dataclass(frozen=True, slots=True)
class CreatorName:
    id: int
    name: str
    avatar_url: str | None


async def followers_after(creator_id: int, after_user_id: int, limit: int) -> list[int]:
    """User ids of followers beyond ``after_user_id``, ascending: one page of a walk over all of them."""
    followers = Subscription.filter(creator_id=creator_id, user_id__gt=after_user_id)
    return [row[0] for row in await followers.order_by("user_id").limit(limit).values_list("user_id")]


async def followers_among(creator_id: int, user_ids: Sequence[int]) -> list[int]:
    """Those of ``user_ids`` who follow the creator."""
    if not user_ids:
        return []
    followers = Subscription.filter(creator_id=creator_id, user_id__in=list(user_ids))
    return [row[0] for row in await followers.order_by("user_id").values_list("user_id")]


async def followed_by(user_id: int, among: Collection[int]) -> set[int]:
    """Those of the creators ``among`` whom the user follows."""
    if not among:
        return set()
    rows = await Subscription.filter(user_id=user_id, creator_id__in=list(among)).values_list("creator_id")
    return {row[0] for row in rows}


async def followed_since(user_id: int, creator_id: int) -> datetime | None:
    """When the user began to follow the creator; None for whoever does not."""
    row = await Subscription.get_or_none(user_id=user_id, creator_id=creator_id)
    return row.created_at if row else None


def creators_followed_by(user_id: int) -> Subquery:
    """The ids of the creators whom the user follows, as a part of another query."""
    return Subquery(Subscription.filter(user_id=user_id).values("creator_id"))


async def followed_channels(platform: str) -> list[str]:
    """The platform's ids of up to 100 channels whose creators somebody follows."""
    followed = Creator.filter(subscriber_count__gt=0).limit(100).values("id")
    rows = await Channel.filter(platform=platform, creator_id__in=Subquery(followed)).values_list("external_id")
    return [row[0] for row in rows]


async def rest_channels(external_ids: Collection[str], due_at: datetime) -> None:
    """Let these channels be looked at when ``due_at`` comes and not before."""
    await Channel.filter(external_id__in=list(external_ids)).update(due_at=due_at)


async def creator_called(text: str) -> int | None:
    """The id of the creator with this id or ``@handle``."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text) if await Creator.exists(id=int(text)) else None
    row = await Channel.filter(handle=text.removeprefix("@").lower()).first()
    return row.creator_id if row else None


async def names_of(creator_ids: Iterable[int]) -> Mapping[int, CreatorName]:
    wanted = list(set(creator_ids))
    if not wanted:
        return {}
    rows = await Creator.filter(id__in=wanted).values_list("id", "name", "avatar_url")
    return {row[0]: CreatorName(*row) for row in rows}


async def channels_of(creator_ids: Collection[int]) -> dict[int, list[Channel]]:
    found: dict[int, list[Channel]] = {creator_id: [] for creator_id in creator_ids}
    if creator_ids:
        for channel in await Channel.filter(creator_id__in=list(creator_ids)).order_by("id"):
            found[channel.creator_id].append(channel)
    return found
