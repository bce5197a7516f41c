"""What a community and its rooms are called, who may read them, and in which order they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.entry.commands import ChangeCommunity, ChangeRoom, CreateRoom, OrderRooms
from mypick.community.entry.views import CommunityAbout
from mypick.community.logbook import note
from mypick.community.members import community_named
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Action
from mypick.community.reading import brief, mode_view
from mypick.community.rooms import MAX_ROOMS, Rooms, hold_all
from mypick.community.standings import Standings
from mypick.community.streams import COMMUNITY_CHANGED
from mypick.community.views import RoomNamed, RoomWithMode
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams import NewEvent, Streams

Look = Callable[[], Awaitable[None]]
"""Lets every node look at once who may still be in its rooms."""


class Settings:
    def __init__(
        self, streams: Streams, standings: Standings, rooms: Rooms, *, clock: Clock, ids: Ids, look: Look
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._clock = clock
        self._ids = ids
        self._look = look

    async def about(self, actor: Actor, community_id: int) -> CommunityAbout:
        """For everybody who may know of the community, members or not."""
        row = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_entry(standing, "public" if row.visibility == "members" else row.visibility)
        rooms = await Room.filter(community_id=community_id).order_by("position", "id").limit(MAX_ROOMS)
        return CommunityAbout(
            **brief(row, standing).model_dump(),
            description=row.description,
            rules=row.rules,
            members=await Membership.filter(community_id=community_id).count(),
            claimed=row.claimed_at is not None,
            rooms=[_listed(room) for room in rooms if policy.may_enter(standing, row.visibility, room.kind)],
        )

    async def rooms(self, actor: Actor, community_id: int) -> list[RoomWithMode]:
        """All that the actor may read, archived ones too, in their order and with their modes."""
        row = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_entry(standing, row.visibility)
        rooms = await Room.filter(community_id=community_id).order_by("position", "id").limit(MAX_ROOMS)
        return [
            RoomWithMode(**_listed(room).model_dump(), mode=mode_view(room))
            for room in rooms
            if policy.may_enter(standing, row.visibility, room.kind)
        ]

    async def change(self, actor: Actor, community_id: int, command: ChangeCommunity) -> CommunityAbout:
        """Change name, visibility, description or rules. Who may no longer read is put out of the rooms."""
        await community_named(community_id)
        entry_id, changes = await self._ids.one(), command.changes()
        before: list[str] = []

        async def decide(now: datetime) -> bool:
            before[:] = [(await community_named(community_id)).visibility]
            await Community.filter(id=community_id).update(**changes)
            named = {name: value if name == "visibility" else True for name, value in changes.items()}
            await note(entry_id, community_id, actor, "change-community", now, details=named)
            return True

        await self._hold(actor, community_id, Action.SETTINGS, decide)
        if "visibility" in changes and changes["visibility"] != "public" and changes["visibility"] != before[0]:
            await self._look()
        return await self.about(actor, community_id)

    async def create_room(self, actor: Actor, community_id: int, command: CreateRoom) -> RoomNamed:
        await community_named(community_id)
        entry_id = await self._ids.one()
        made: list[Room] = []

        async def decide(now: datetime) -> bool:
            if await Room.filter(community_id=community_id).count() >= MAX_ROOMS:
                raise DomainError(Code.FULL, f"a community has at most {MAX_ROOMS} rooms: use an archived one again")
            last = await Room.filter(community_id=community_id).order_by("-position").first()
            made[:] = [
                await Room.create(
                    community_id=community_id,
                    name=command.name,
                    kind=command.kind,
                    position=last.position + 1 if last else 0,
                    created_at=now,
                )
            ]
            details = {"kind": command.kind}
            await note(entry_id, community_id, actor, "create-room", now, room_id=made[0].id, details=details)
            return True

        await self._hold(actor, community_id, Action.SET_ROOMS, decide)
        return _listed(made[0])

    async def change_room(self, actor: Actor, room_id: int, command: ChangeRoom) -> RoomNamed:
        community_id, entry_id = await self._rooms.community_of(room_id), await self._ids.one()
        changed: list[Room] = []

        async def decide(now: datetime) -> bool:
            room = await Room.get(id=room_id)
            changes: dict[str, Any] = {}
            if command.name not in (None, room.name):
                changes["name"] = command.name
            if command.archived not in (None, room.archived_at is not None):
                changes["archived_at"] = now if command.archived else None
            changed[:] = [room.update_from_dict(changes)]
            if not changes:
                return False
            if command.archived and "archived_at" in changes:
                await _require_another(community_id, room)
            await Room.filter(id=room_id).update(**changes)
            details = {"name": True} if "name" in changes else {}
            if "archived_at" in changes:
                details["archived"] = changes["archived_at"] is not None
            await note(entry_id, community_id, actor, "change-room", now, room_id=room_id, details=details)
            return True

        await self._hold(actor, community_id, Action.SET_ROOMS, decide)
        return _listed(changed[0])

    async def order_rooms(self, actor: Actor, community_id: int, command: OrderRooms) -> list[RoomNamed]:
        await community_named(community_id)
        entry_id = await self._ids.one()
        ordered: list[Room] = []

        async def decide(now: datetime) -> bool:
            rooms = {room.id: room for room in await Room.filter(community_id=community_id).order_by("position", "id")}
            if unknown := [room_id for room_id in command.room_ids if room_id not in rooms]:
                raise DomainError(Code.NOT_FOUND, "a room that you name is not here", details={"room_ids": unknown})
            named = [rooms[room_id] for room_id in command.room_ids]
            ordered[:] = named + [room for room in rooms.values() if room.id not in set(command.room_ids)]
            if [room.id for room in ordered] == list(rooms):
                return False
            for position, room in enumerate(ordered):
                room.position = position
            await Room.bulk_update(ordered, ["position"])
            await note(entry_id, community_id, actor, "order-rooms", now)
            return True

        await self._hold(actor, community_id, Action.SET_ROOMS, decide)
        return [_listed(room) for room in ordered]

    async def _hold(
        self,
        actor: Actor,
        community_id: int,
        action: Action,
        decide: Callable[[datetime], Awaitable[bool]],
    ) -> None:
        """Run ``decide`` while the community stands still, for whoever may; where it changed something, everybody in
        the rooms is shown what is now."""
        now = self._clock.now()

        async def decide_allowed(streams: Sequence[str]) -> Sequence[NewEvent]:
            row = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_office(standing, row.visibility, action, now)
            changed = await decide(now)
            self._standings.forget()
            if not changed:
                return ()
            return [
                NewEvent(stream, COMMUNITY_CHANGED, {}, ref=community_id, actor_id=actor.user_id) for stream in streams
            ]

        await hold_all(self._streams, community_id, decide_allowed)


async def _require_another(community_id: int, room: Room) -> None:
    """A community without a room to talk in is none."""
    if room.kind == "chat" and await _open_chats(community_id) == 1:
        raise DomainError(Code.CONFLICT, "the last chat room stays open: create another one first")


async def _open_chats(community_id: int) -> int:
    return await Room.filter(community_id=community_id, kind="chat", archived_at=None).count()


def _listed(room: Room) -> RoomNamed:
    kind: Any = room.kind
    return RoomNamed(id=room.id, name=room.name, kind=kind, archived=room.archived_at is not None)
