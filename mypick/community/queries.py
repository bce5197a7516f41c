"""What other features ask about communities."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tortoise.expressions import Subquery

from mypick.clock import Clock
from mypick.community.models import Community, Membership
from mypick.community.policy import Role, Standing
from mypick.community.standings import Standings

MAX_MODERATORS = 500  # of one community that are looked at


async def standings(clock: Clock, creator_id: int, user_ids: Collection[int]) -> Mapping[int, Standing]:
    """What people are in the community of a creator, by their ids; empty where there is none. Four queries."""
    row = await Community.get_or_none(creator_id=creator_id).values_list("id")
    if row is None or not user_ids:
        return {}
    found = await Standings(clock).of_people([(row[0], user_id) for user_id in user_ids])
    return {user_id: standing for (_, user_id), standing in found.items()}


async def moderators_of(creator_id: int) -> list[int]:
    """Who keeps order in the community of a creator: moderators and up. Two queries."""
    row = await Community.get_or_none(creator_id=creator_id).values_list("id")
    if row is None:
        return []
    ranked = Membership.filter(community_id=row[0], rank__gte=Role.MODERATOR, rank__lte=Role.OWNER)
    return [one[0] for one in await ranked.order_by("id").limit(MAX_MODERATORS).values_list("user_id")]


def creators_of_own(user_id: int) -> Subquery:
    """The ids of the creators whose communities somebody belongs to, as a part of another query."""
    joined = Membership.filter(user_id=user_id).values("community_id")
    return Subquery(Community.filter(id__in=Subquery(joined)).values("creator_id"))
