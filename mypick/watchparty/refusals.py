"""Who may not be in a party, of many people and parties at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mypick.accounts import queries as people
from mypick.clock import Clock
from mypick.community import queries as communities
from mypick.community.policy import Standing
from mypick.control import Eviction
from mypick.errors import DomainError
from mypick.watchparty import policy
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.streams import party_stream


async def refused(clock: Clock, places: Sequence[tuple[int, int]], *, there: bool) -> list[Eviction]:
    """Those of pairs of party and person who may not be in it: three queries, and four for each party of a community.
    ``there`` says that they are, or think so: who was put out since, or has no place any more, is among them then."""
    parties = {row.id: row for row in await WatchParty.filter(id__in=list({party for party, _ in places}))}
    users = {user_id for _, user_id in places}
    rows = await PartyMember.filter(party_id__in=list(parties), user_id__in=list(users))
    members = {(row.party_id, row.user_id): row for row in rows}
    roles = await people.site_roles_of(users)
    standings = {
        party.id: await standings_in(clock, party, {user for place, user in places if place == party.id})
        for party in parties.values()
    }
    evictions = []
    for party_id, user_id in places:
        if (party := parties.get(party_id)) is None:
            continue
        member, standing = members.get((party_id, user_id)), standings[party_id].get(user_id)
        try:
            policy.require_entry(party, member, standing, user_id, roles.get(user_id, "fan"))
            policy.require_not_put_out(member, always=there)
        except DomainError as refusal:
            evictions.append(Eviction(party_stream(party_id), user_id, refusal.code, refusal.message))
    return evictions


async def standings_in(clock: Clock, party: WatchParty, user_ids: Collection[int]) -> Mapping[int, Standing]:
    """What people are in the community of a party's creator, where that decides whether they may come."""
    if party.visibility != "community":
        return {}
    return await communities.standings(clock, party.creator_id, user_ids)
