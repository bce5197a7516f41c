"""Who belongs to a community: joining, leaving, roles, and the list of members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.expressions import Q

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import SetRole
from mypick.community.marks import move_marker
from mypick.community.models import Community, Membership, ModerationEntry
from mypick.community.moderation import Evict
from mypick.community.policy import Action, Role
from mypick.community.rooms import rooms_of, streams_of
from mypick.community.standings import Standings
from mypick.community.streams import room_of
from mypick.community.views import MembershipState, MemberView, PersonBrief, RoleName, RoleSet
from mypick.control import Eviction
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, Event, NewEvent, Streams

_LIST = "members"


class Members:
    def __init__(self, streams: Streams, standings: Standings, *, clock: Clock, ids: Ids, evict: Evict) -> None:
        self._streams = streams
        self._standings = standings
        self._clock = clock
        self._ids = ids
        self._evict = evict

    async def join(self, actor: Actor, community_id: int) -> MembershipState:
        """Become a member of a public community. What was said before counts as read. Twice is no error."""
        community = await _community(community_id)
        now = self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            if standing.ban or not standing.member:
                policy.require_entry(standing, community.visibility)
            if community.visibility != "public" and not standing.member:
                raise DomainError(Code.FORBIDDEN, "one joins this community by invitation")
            if not standing.member:
                await Membership.create(
                    community_id=community_id, user_id=actor.user_id, rank=Role.MEMBER, joined_at=now
                )
                self._standings.forget()
            return ()

        await self._hold(community_id, decide)
        for room_id in await rooms_of(community_id):
            position = await self._streams.store.position(room_of(room_id))
            await move_marker(actor.user_id, room_id, position.head_seq)
        return MembershipState(member=True)

    async def leave(self, actor: Actor, community_id: int) -> MembershipState:
        """Belong no longer; the role is gone with it. Twice is no error."""
        community = await _community(community_id)

        async def decide() -> Sequence[NewEvent]:
            mine = Membership.filter(community_id=community_id, user_id=actor.user_id)
            if await mine.filter(rank=Role.OWNER).exists():
                raise DomainError(Code.CONFLICT, "an owner does not leave: give the community to somebody first")
            await mine.delete()
            self._standings.forget()
            return ()

        await self._hold(community_id, decide)
        if community.visibility != "public":
            for stream in await streams_of(community_id):
                await self._evict(Eviction(stream, actor.user_id, Code.NOT_MEMBER))
        return MembershipState(member=False)

    async def set_role(self, actor: Actor, community_id: int, user_id: int, command: SetRole) -> RoleSet:
        """Give a member a role below one's own."""
        community, role = await _community(community_id), Role[command.role.upper()]
        site_role = await people.site_role_of(user_id) or "fan"
        now, entry_id = self._clock.now(), await self._ids.one()

        async def decide() -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, community.visibility)
            policy.require_voice(standing, now)
            target = await self._standings.target(community_id, user_id, site_role)
            policy.require(standing, Action.SET_ROLE, target)
            if not standing.role > role:
                raise DomainError(Code.FORBIDDEN, "one gives only roles below one's own")
            if not target.member:
                raise DomainError(Code.NOT_MEMBER, "only members have roles")
            await Membership.filter(community_id=community_id, user_id=user_id).update(rank=role)
            await ModerationEntry.create(
                id=entry_id,
                community_id=community_id,
                actor_id=actor.user_id,
                action="set-role",
                user_id=user_id,
                details={"role": role.word},
                at=now,
            )
            self._standings.forget()
            return ()

        await self._hold(community_id, decide)
        return RoleSet(role=command.role)

    async def _hold(self, community_id: int, decide: Any) -> None:
        """Run ``decide`` while all rooms of the community stand still."""
        await self._streams.append(
            Append(streams=await streams_of(community_id), decide=decide, reply=_nothing)
        )

    async def list(
        self, actor: Actor, community_id: int, q: str | None, cursor: str | None, limit: int
    ) -> Page[MemberView]:
        """Members, the highest rank first; ``q`` finds a part of a name. Three queries and two for who asks, whatever
        the number of members."""
        community = await _community(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_entry(standing, community.visibility)
        query = Membership.filter(community_id=community_id)
        if q:
            query = query.filter(user_id__in=people.users_named(q))
        if cursor is not None:
            rank, last_id = decode_cursor(cursor, _LIST, int, int)
            query = query.filter(Q(rank__lt=rank) | Q(rank=rank, user_id__gt=last_id))
        rows = await query.order_by("-rank", "user_id").limit(limit + 1)
        names = await people.people(row.user_id for row in rows[:limit])
        now = self._clock.now()

        def show(row: Membership) -> MemberView:
            gone = {"id": row.user_id, "name": "", "avatar_url": None}
            role: RoleName = policy.role_of("fan", row.rank, row.joined_at, now).word  # type: ignore[assignment]
            user = PersonBrief.model_validate(names.get(row.user_id, gone))
            return MemberView(user=user, role=role, joined_at=row.joined_at)

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.rank, row.user_id))


async def _community(community_id: int) -> Community:
    community = await Community.get_or_none(id=community_id)
    if community is None:
        raise not_found("community")
    return community


def _nothing(_: Sequence[Event]) -> Mapping[str, Any]:
    return {}
