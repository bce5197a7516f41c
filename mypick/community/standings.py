"""What decides whether somebody may act in a room, read so that it cannot move before the act is committed.

Everything that lets people act or keeps them from it (modes, roles, sanctions) is changed under the locks of the
streams of all rooms that it concerns. So whoever holds the lock of one room's stream sees it stand still, and whoever
was banned before the commit is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from mypick import db
from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.models import Community, Membership, Room, Sanction
from mypick.community.policy import Penalty, Role, Standing, require_room, role_of
from mypick.gathering import Gathering

MAX_AT_ONCE = 500  # people in one question; a group commit has 128 units

_Seat = tuple[int, int]
"""A room and a person."""
_Row = tuple[int | None, Any, Penalty | None, Penalty | None]
"""Rank, joined_at, timeout and ban."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room with its community."""

    room: Room
    community: Community


@dataclass(slots=True)
class _Read:
    """What one transaction has read."""

    places: dict[int, Place] = field(default_factory=dict)
    standings: dict[_Seat, _Row] = field(default_factory=dict)
    communities: dict[int, Community] = field(default_factory=dict)
    people: dict[tuple[int, int], _Row] = field(default_factory=dict)  # by community and person


class Standings:
    """Reads places and standings. Inside a transaction what was read is remembered for its other units, and the first
    of them reads for all who wait: a group of 128 messages asks three questions and not 384."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asking: Counter[_Seat] = Counter()  # bound: commands under way
        self._asking_in: Counter[tuple[int, int]] = Counter()  # as above, by community and person
        self._reads: WeakKeyDictionary[object, _Read] = WeakKeyDictionary()
        self._seats = Gathering(self._read_many)

    @contextmanager
    def asking(self, room_id: int, user_id: int) -> Iterator[None]:
        """While inside, say that this will be asked for."""
        self._asking[room_id, user_id] += 1
        try:
            yield
        finally:
            self._asking[room_id, user_id] -= 1
            if not self._asking[room_id, user_id]:
                del self._asking[room_id, user_id]

    @contextmanager
    def asking_in(self, community_id: int, user_id: int) -> Iterator[None]:
        """The same for what is of no room."""
        self._asking_in[community_id, user_id] += 1
        try:
            yield
        finally:
            self._asking_in[community_id, user_id] -= 1
            if not self._asking_in[community_id, user_id]:
                del self._asking_in[community_id, user_id]

    async def locked_in(self, community_id: int, actor: Actor) -> tuple[Community, Standing]:
        """Inside the transaction that holds the community's own stream. ``NOT_FOUND`` where there is none."""
        if not db.in_a_transaction():
            raise RuntimeError("only under the lock of the community's stream")
        read = self._reads.setdefault(db.connection(), _Read())
        if (community_id, actor.user_id) not in read.people:
            seats = {(community_id, actor.user_id), *list(self._asking_in)[:MAX_AT_ONCE]}
            wanted = {seat[0] for seat in seats}
            if absent := wanted - read.communities.keys():
                read.communities.update({row.id: row for row in await Community.filter(id__in=list(absent))})
            rows = await _rows(wanted, {seat[1] for seat in seats})
            read.people.update({seat: rows.get(seat, _NOTHING) for seat in seats})
        if community_id not in read.communities:
            raise policy.absent()
        standing = self._standing(actor.user_id, actor.role, *read.people[community_id, actor.user_id])
        return read.communities[community_id], standing

    async def read_in(self, community_id: int, actor: Actor) -> tuple[Community, Standing]:
        """As it is now, without a lock: three queries."""
        community = await Community.get_or_none(id=community_id)
        if community is None:
            raise policy.absent()
        return community, (await self.of_all([community_id], actor))[community_id]

    async def locked(self, room_id: int, actor: Actor) -> tuple[Place, Standing]:
        """Inside the transaction that holds the room's stream. ``NOT_FOUND`` where there is no such room."""
        if not db.in_a_transaction():
            raise RuntimeError("only under the lock of the room's stream")
        read = self._reads.setdefault(db.connection(), _Read())
        if (room_id, actor.user_id) not in read.standings:
            await self._read(read, {(room_id, actor.user_id), *list(self._asking)[:MAX_AT_ONCE]})
        return self._of(read, room_id, actor.user_id, actor.role)

    async def read(self, room_id: int, actor: Actor) -> tuple[Place, Standing]:
        """As it is now, without a lock. Four queries for all who ask at once."""
        read = await self._seats.get((room_id, actor.user_id))
        return self._of(read or _Read(), room_id, actor.user_id, actor.role)

    async def target(self, community_id: int, user_id: int, site_role: str = "fan") -> Standing:
        """Somebody else's, to whom something is to be done."""
        rows = await _rows([community_id], [user_id])
        return self._standing(user_id, site_role, *rows.get((community_id, user_id), _NOTHING))

    async def of_all(self, community_ids: Collection[int], actor: Actor) -> dict[int, Standing]:
        """The actor's in several communities: two queries."""
        rows = await _rows(community_ids, [actor.user_id])
        return {
            community_id: self._standing(
                actor.user_id, actor.role, *rows.get((community_id, actor.user_id), _NOTHING)
            )
            for community_id in community_ids
        }

    async def of_people(self, seats: Collection[tuple[int, int]]) -> dict[tuple[int, int], Standing]:
        """For pairs of community and person; what the site's own roles give counts: three queries."""
        users = {user_id for _, user_id in seats}
        rows = await _rows({community_id for community_id, _ in seats}, users)
        roles = await people.site_roles_of(users)
        return {
            seat: self._standing(seat[1], roles.get(seat[1], "fan"), *rows.get(seat, _NOTHING)) for seat in set(seats)
        }

    def forget(self) -> None:
        """Inside a transaction that changes what it may have read: the units behind it must see the change."""
        self._reads.pop(db.connection(), None)

    async def _read_many(self, seats: Sequence[_Seat]) -> dict[_Seat, _Read]:
        read = _Read()
        await self._read(read, seats)
        return dict.fromkeys(seats, read)

    async def _read(self, read: _Read, seats: Collection[_Seat]) -> None:
        if absent := {room_id for room_id, _ in seats} - read.places.keys():
            rooms = await Room.filter(id__in=list(absent))
            communities = {
                row.id: row for row in await Community.filter(id__in=list({row.community_id for row in rooms}))
            }
            read.places.update({row.id: Place(row, communities[row.community_id]) for row in rooms})
        known = {(room, user): read.places[room].community.id for room, user in seats if room in read.places}
        rows = await _rows(set(known.values()), {user for _, user in known})
        for (room_id, user_id), community_id in known.items():
            read.standings[room_id, user_id] = rows.get((community_id, user_id), _NOTHING)

    def _of(self, read: _Read, room_id: int, user_id: int, site_role: str) -> tuple[Place, Standing]:
        place = read.places.get(room_id)
        if place is None:
            raise policy.absent()
        standing = self._standing(user_id, site_role, *read.standings[room_id, user_id])
        require_room(standing, place.room.kind)  # here, so that no door to a room can forget it
        return place, standing

    def _standing(
        self, user_id: int, site_role: str, rank: int | None, joined_at: Any, timeout: Any, ban: Any
    ) -> Standing:
        now = self._clock.now()

        def in_force(penalty: Penalty | None) -> Penalty | None:
            return penalty if penalty and (penalty.until is None or penalty.until > now) else None

        role = role_of(site_role, rank, joined_at, now)
        # who runs the site is put out of no community, even where somebody banned them before they did
        ban = None if role is Role.ADMIN else in_force(ban)
        return Standing(user_id, role, rank is not None, in_force(timeout), ban)


_NOTHING: tuple[None, None, None, None] = (None, None, None, None)


async def _rows(
    community_ids: Collection[int], user_ids: Collection[int]
) -> dict[tuple[int, int], tuple[int | None, Any, Penalty | None, Penalty | None]]:
    """By community and person: rank, joined_at, timeout and ban. Two queries."""
    if not community_ids or not user_ids:
        return {}
    among = {"community_id__in": list(community_ids), "user_id__in": list(user_ids)}
    members = await Membership.filter(**among).values_list("community_id", "user_id", "rank", "joined_at")
    found: dict[tuple[int, int], list[Any]] = {
        (community, user): [rank, joined_at, None, None] for community, user, rank, joined_at in members
    }
    sanctions = await Sanction.filter(**among).values_list("community_id", "user_id", "kind", "until", "reason")
    for community, user, kind, until, reason in sanctions:
        row = found.setdefault((community, user), [None, None, None, None])
        row[2 if kind == "timeout" else 3] = Penalty(until, reason)
    return {key: (row[0], row[1], row[2], row[3]) for key, row in found.items()}
