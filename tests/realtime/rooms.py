"""A namespace with rooms, as features declare one: whom the policy lets in may join, leave and be put out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mypick.control import Eviction
from mypick.errors import Code, DomainError
from mypick.streams import Position
from mypick.wire import Command, Id, View
from realtime.connection import Connection
from realtime.namespace import PRESENCE, Namespace
from realtime.parts import Parts
from realtime.registry import ServerEvent, command

PREFIX = "room:"


class Bans:
    """What the database would say of who may be where; one for all nodes."""

    def __init__(self) -> None:
        self.banned: dict[tuple[str, int], Eviction] = {}
        self.asked: list[int] = []  # how many members each query was about
        self.looked = asyncio.Event()  # the policy has let somebody in
        self.go_on = asyncio.Event()  # and that one may go on
        self.go_on.set()

    def add(self, eviction: Eviction) -> Eviction:
        self.banned[eviction.stream, eviction.user_id] = eviction
        return eviction

    async def check(self, stream: str, user_id: int) -> None:
        if ban := self.banned.get((stream, user_id)):
            raise DomainError(ban.code)
        self.looked.set()
        await self.go_on.wait()


class JoinRoom(Command):
    room_id: Id


class RoomReply(View):
    head_seq: int
    online: int


class LeftRoom(View):
    streams: list[str]


class Poke(View):
    text: str


class RoomsNamespace(Namespace):
    name = "/rooms"
    streams = PREFIX
    sends = (*Namespace.sends, PRESENCE, ServerEvent("poke", Poke, False, "Somebody pokes you.", droppable=True))

    def __init__(self, parts: Parts, bans: Bans) -> None:
        super().__init__(parts)
        assert parts.crowd is not None
        self._bans, self._crowd = bans, parts.crowd

    async def may_read(self, conn: Connection, stream: str) -> bool:
        return stream in conn.streams

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> Sequence[Eviction]:
        self._bans.asked.append(len(members))
        return [self._bans.banned[member] for member in members if member in self._bans.banned]

    @command("join-room")
    async def join_room(self, conn: Connection, cmd: JoinRoom) -> RoomReply:
        """Enter a room."""
        stream = f"{PREFIX}{cmd.room_id}"
        shown: list[int] = []

        async def read() -> tuple[Position, int]:
            position = await self.parts.streams.store.position(stream)
            await self._bans.check(stream, conn.actor.user_id)
            return position, position.head_seq

        await self.members.join(conn, stream, read, shown.append)
        return RoomReply(head_seq=shown[0], online=await self._crowd.count(stream))

    @command("leave-room")
    async def leave_room(self, conn: Connection, cmd: JoinRoom) -> LeftRoom:
        """Leave a room."""
        await self.members.leave(conn, f"{PREFIX}{cmd.room_id}")
        return LeftRoom(streams=conn.streams)

    @command("talk")
    async def talk(self, conn: Connection, cmd: JoinRoom) -> LeftRoom:
        """Say something to a room that one is in."""
        stream = f"{PREFIX}{cmd.room_id}"
        if stream not in conn.streams:
            raise DomainError(Code.NOT_MEMBER)
        await self.parts.streams.signal(stream, "poke", {"text": "hello"})
        return LeftRoom(streams=conn.streams)
