"""Whose a community is, and giving it to somebody else."""

from __future__ import annotations

from collections.abc import Sequence

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.entry.commands import TransferCommunity
from mypick.community.entry.notices import Notices
from mypick.community.entry.views import OwnerChanged
from mypick.community.logbook import note
from mypick.community.members import Members, community_named, role_events
from mypick.community.models import Membership
from mypick.community.policy import Action, Role
from mypick.community.rooms import hold_all
from mypick.community.standings import Standings
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.streams import NewEvent, Streams


class Ownership:
    def __init__(
        self, streams: Streams, standings: Standings, members: Members, notices: Notices, *, clock: Clock, ids: Ids
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._members = members
        self._notices = notices
        self._clock = clock
        self._ids = ids

    async def transfer(self, actor: Actor, community_id: int, command: TransferCommunity) -> OwnerChanged:
        """Give the community to one of its members. Who gave it stays as a manager."""
        await community_named(community_id)
        site_role = await people.site_role_of(command.user_id)
        if site_role is None:
            raise not_found("user")
        (entry_id, notice_id), now = await self._ids.take(2), self._clock.now()

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            community = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            target = await self._standings.target(community_id, command.user_id, site_role)
            policy.require_office(standing, community.visibility, Action.TRANSFER, now)
            if not target.member:
                raise DomainError(Code.NOT_MEMBER, "only a member can own the community: let them join first")
            if target.user_id == actor.user_id and standing.role is Role.OWNER:
                raise DomainError(Code.CONFLICT, "the community is yours already")
            giving = [actor.user_id] if await _owns(community_id, actor.user_id) else None
            roles = await self.hand_over(community_id, command.user_id, giving)
            await note(entry_id, community_id, actor, "transfer", now, user_id=command.user_id)
            await self._notices.tell(notice_id, command.user_id, "owner", community, now)
            return role_events(streams, actor.user_id, roles)

        await hold_all(self._streams, community_id, decide)
        self._notices.wake()
        return OwnerChanged(owner_id=command.user_id)

    async def hand_over(self, community_id: int, user_id: int, giving: Sequence[int] | None) -> dict[int, Role]:
        """Make a member the owner, and those who give it (all owners, where it is None) managers. Inside ``hold_all``.
        The new roles."""
        owners = Membership.filter(community_id=community_id, rank=Role.OWNER)
        former = {owner for (owner,) in await owners.values_list("user_id")} - {user_id}
        roles = {owner: Role.MANAGER for owner in sorted(former) if giving is None or owner in giving}
        roles[user_id] = Role.OWNER
        for one, role in roles.items():
            await self._members.appoint(community_id, one, role)
        return roles


async def _owns(community_id: int, user_id: int) -> bool:
    return await Membership.filter(community_id=community_id, user_id=user_id, rank=Role.OWNER).exists()
