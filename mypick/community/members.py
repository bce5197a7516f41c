"""Who belongs to a community: joining, leaving, roles, and the list of members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tortoise.expressions import Q

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import SetRole
from mypick.community.desk.streams import desk_of
from mypick.community.entry.notices import Notices
from mypick.community.logbook import note
from mypick.community.marks import move_marker
from mypick.community.models import Community, Membership, Room
from mypick.community.moderation import Evict
from mypick.community.policy import Action, Role, Standing
from mypick.community.rooms import MAX_ROOMS, hold_all, rooms_of
from mypick.community.standings import Standings
from mypick.community.streams import ROLE, community_stream, room_of
from mypick.community.views import MembershipState, MemberView, PersonBrief, RoleName, RoleSet
from mypick.control import Eviction
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import NewEvent, Streams

_LIST = "members"


class Members:
    def __init__(
        self, streams: Streams, standings: Standings, notices: Notices, *, clock: Clock, ids: Ids, evict: Evict
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._notices = notices
        self._clock = clock
        self._ids = ids
        self._evict = evict

    async def join(self, actor: Actor, community_id: int) -> MembershipState:
        """Become a member of a public community. What was said before counts as read. Twice is no error."""
        await community_named(community_id)
        now = self._clock.now()

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            visibility = (await community_named(community_id)).visibility
            if standing.ban or not standing.member:
                policy.require_entry(standing, visibility)
            if visibility != "public" and not standing.member:
                raise DomainError(Code.FORBIDDEN, "one joins this community by invitation")
            if not standing.member:
                await self.admit(community_id, actor.user_id, now)
            return ()

        await hold_all(self._streams, community_id, decide)
        await self.settle(community_id, actor.user_id)
        return MembershipState(member=True)

    async def admit(self, community_id: int, user_id: int, now: datetime) -> None:
        """Make somebody a member who is none. Inside ``hold_all``; then call ``settle``."""
        await Membership.create(community_id=community_id, user_id=user_id, rank=Role.MEMBER, joined_at=now)
        self._standings.forget()

    async def settle(self, community_id: int, user_id: int) -> None:
        """What was said before somebody came counts as read."""
        for room_id in await rooms_of(community_id):
            position = await self._streams.store.position(room_of(room_id))
            await move_marker(user_id, room_id, position.head_seq)

    async def leave(self, actor: Actor, community_id: int) -> MembershipState:
        """Belong no longer; the role is gone with it. Twice is no error, but in a private one, of which one knows no
        more."""
        await community_named(community_id)
        ranks: list[int] = []

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_known(standing, (await community_named(community_id)).visibility)
            members = Membership.filter(community_id=community_id)
            mine = members.filter(user_id=actor.user_id)
            ranks[:] = await mine.values_list("rank", flat=True)  # type: ignore[assignment]  # one column
            if ranks == [Role.OWNER] and await members.filter(rank=Role.OWNER).count() == 1:
                raise DomainError(Code.CONFLICT, "the last owner does not leave: give the community to somebody first")
            await mine.delete()
            self._standings.forget()
            return ()

        await hold_all(self._streams, community_id, decide)
        await self.put_out(community_id, actor, Code.NOT_MEMBER, worked=ranks >= [Role.MODERATOR])
        return MembershipState(member=False)

    async def remove(self, actor: Actor, community_id: int, user_id: int, reason: str | None) -> MembershipState:
        """Put a member out, who is told why and may come back as anybody may. Who is no member stays none: twice is no
        error."""
        community, site_role = await community_named(community_id), await people.site_role_of(user_id) or "fan"
        (entry_id, notice_id), now = await self._ids.take(2), self._clock.now()
        before: list[Standing] = []

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, community.visibility)
            policy.require_voice(standing, now)
            target = await self._standings.target(community_id, user_id, site_role)
            policy.require(standing, Action.REMOVE, target)
            before[:] = [target]
            if not target.member:
                return ()
            await Membership.filter(community_id=community_id, user_id=user_id).delete()
            self._standings.forget()
            await note(entry_id, community_id, actor, "remove-member", now, user_id=user_id, reason=reason)
            await self._notices.tell(notice_id, user_id, "removed", community, now, reason)
            return role_events(streams, actor.user_id, {user_id: Role.NEWCOMER})

        await hold_all(self._streams, community_id, decide)
        self._notices.wake()
        if before[0].member:
            for room_id in await rooms_of(community_id):  # also where they may come back: they see that they are out
                await self._evict(Eviction(room_of(room_id), user_id, Code.NOT_MEMBER, reason))
            out = actor_of(user_id, site_role)
            await self.put_out(community_id, out, Code.NOT_MEMBER, worked=policy.may_work(before[0]))
        return MembershipState(member=False)

    async def put_out(self, community_id: int, actor: Actor, code: Code, *, worked: bool) -> None:
        """Take somebody's sockets out of what they may not read any more. After the commit that decided it. ``worked``:
        they were at the moderators' desk until then."""
        community = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        rooms = await Room.filter(community_id=community_id).limit(MAX_ROOMS)
        for room in rooms:
            if not policy.may_enter(standing, community.visibility, room.kind):
                await self._evict(Eviction(room_of(room.id), actor.user_id, code))
        if not policy.may_enter(standing, community.visibility, "chat"):
            await self._evict(Eviction(community_stream(community_id), actor.user_id, code))
        if worked and not policy.may_work(standing):
            await self._evict(Eviction(desk_of(community_id), actor.user_id, code))

    async def set_role(self, actor: Actor, community_id: int, user_id: int, command: SetRole) -> RoleSet:
        """Give a member a role below one's own. Everybody in the rooms hears of it."""
        community, role = await community_named(community_id), Role[command.role.upper()]
        site_role = await people.site_role_of(user_id) or "fan"
        now, entry_id = self._clock.now(), await self._ids.one()
        worked: list[bool] = []

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, community.visibility)
            policy.require_voice(standing, now)
            target = await self._standings.target(community_id, user_id, site_role)
            policy.require(standing, Action.SET_ROLE, target)
            if not standing.role > role:
                raise DomainError(Code.FORBIDDEN, "one gives only roles below one's own")
            if not target.member:
                raise DomainError(Code.NOT_MEMBER, "only members have roles")
            worked[:] = [policy.may_work(target)]
            await self.appoint(community_id, user_id, role)
            await note(entry_id, community_id, actor, "set-role", now, user_id=user_id, details={"role": role.word})
            return role_events(streams, actor.user_id, {user_id: role})

        await hold_all(self._streams, community_id, decide)
        await self.put_out(community_id, actor_of(user_id, site_role), Code.FORBIDDEN, worked=worked[0])
        return RoleSet(role=command.role)

    async def appoint(self, community_id: int, user_id: int, role: Role) -> None:
        """Write a member's role. Inside ``hold_all``."""
        await Membership.filter(community_id=community_id, user_id=user_id).update(rank=role)
        self._standings.forget()

    async def list(
        self, actor: Actor, community_id: int, q: str | None, cursor: str | None, limit: int
    ) -> Page[MemberView]:
        """Members, the highest rank first; ``q`` finds a part of a name. Three queries and two for who asks, whatever
        the number of members."""
        community = await community_named(community_id)
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


async def community_named(community_id: int) -> Community:
    """``NOT_FOUND`` where there is none of this id."""
    community = await Community.get_or_none(id=community_id)
    if community is None:
        raise policy.absent()
    return community


def role_events(streams: Sequence[str], actor_id: int, roles: Mapping[int, Role]) -> list[NewEvent]:
    """One for each room: who has which role now."""
    data = {"roles": [{"user_id": user_id, "role": role.word} for user_id, role in roles.items()]}
    return [NewEvent(stream, ROLE, data, actor_id=actor_id) for stream in streams]


def actor_of(user_id: int, site_role: str) -> Actor:
    """Somebody to whom something was done, as their standing is asked for."""
    return Actor(user_id=user_id, role=site_role, session_id=None, scopes=None, expires_at=None)
