"""Pins, how far people have read, and that they type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.exceptions import IntegrityError

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import MarkRead, PinMessage
from mypick.community.edits import standing_message
from mypick.community.models import Message, ModerationEntry, Pin, ReadMarker
from mypick.community.modes import require_open, require_standing
from mypick.community.policy import Action
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Standings
from mypick.community.streams import PINNED, room_of
from mypick.community.views import Done, Nothing
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams import Append, Event, NewEvent, Streams

MAX_PINS = 50  # in one room
TYPING_UPTO = 100  # people in a room; in a bigger one nobody could read who types


class Marks:
    def __init__(self, streams: Streams, standings: Standings, rooms: Rooms, *, clock: Clock, ids: Ids) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._clock = clock
        self._ids = ids

    async def typing(self, actor: Actor, room_id: int, *, online: int, socket: str = "") -> None:
        """Tell a room in which ``online`` people are that the actor types, but for the own ``socket``. It is a signal,
        and may be lost. Who may not write here now is refused as if they wrote."""
        if online <= TYPING_UPTO:
            place, standing = await self._standings.read(room_id, actor)
            await require_open(place, standing, self._clock.now())
            user = (await people.people([actor.user_id])).get(actor.user_id)
            await self._streams.signal(room_of(room_id), "typing", {"room_id": room_id, "user": user}, but=socket)

    async def pin(self, actor: Actor, command: PinMessage) -> Done:
        """Pin a message to its room or take it off. Where that is so already nothing happens."""
        room_id = await self._rooms.room_of_message(command.message_id)
        entry_id = await self._ids.one()
        found: list[Message] = []

        async def decide() -> Sequence[NewEvent]:
            now = self._clock.now()
            place, standing = await self._standings.locked(room_id, actor)
            policy.require_entry(standing, place.community.visibility)
            policy.require_voice(standing, now)
            policy.require(standing, Action.PIN)
            require_standing(place)
            message = await standing_message(command.message_id)
            found[:] = [message]
            pins = Pin.filter(message_id=message.id)
            if await pins.exists() is command.on:
                return ()
            if command.on:
                if await Pin.filter(room_id=room_id).count() >= MAX_PINS:
                    raise DomainError(Code.FULL, f"a room has at most {MAX_PINS} pins: take one off first")
                await Pin.create(room_id=room_id, message_id=message.id, actor_id=actor.user_id, created_at=now)
            else:
                await pins.delete()
            await ModerationEntry.create(
                id=entry_id,
                community_id=place.community.id,
                room_id=room_id,
                actor_id=actor.user_id,
                action="pin-message" if command.on else "unpin-message",
                user_id=message.author_id,
                message_id=message.id,
                details={},
                at=now,
            )
            data = {"message_id": message.id, "on": command.on}
            return [NewEvent(room_of(room_id), PINNED, data, ref=message.id, actor_id=actor.user_id)]

        return await self._mark(room_id, actor, "pin-message", command, decide, found)

    async def _mark(
        self, room_id: int, actor: Actor, name: str, command: Any, decide: Any, found: list[Message]
    ) -> Done:
        async def effect(events: Sequence[Event]) -> None:
            if events:
                await Message.filter(id=found[0].id).update(changed_seq=events[0].seq)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else found[0].changed_seq}

        with self._standings.asking(room_id, actor.user_id):
            done = await self._streams.append(
                Append(
                    streams=[room_of(room_id)],
                    decide=decide,
                    effect=effect,
                    receipt=receipt(actor, name, command),
                    reply=reply,
                )
            )
        return Done(**done.reply)

    async def mark_read(self, actor: Actor, command: MarkRead) -> Nothing:
        """Everything up to ``seq`` was seen. A marker never moves back, nor beyond what there is."""
        place, standing = await self._standings.read(command.room_id, actor)
        policy.require_entry(standing, place.community.visibility)
        position = await self._streams.store.position(room_of(place.room.id))
        await move_marker(actor.user_id, place.room.id, min(command.seq, position.head_seq))
        return Nothing()


async def move_marker(user_id: int, room_id: int, seq: int) -> None:
    mine = ReadMarker.filter(user_id=user_id, room_id=room_id)
    if await mine.filter(seq__lt=seq).update(seq=seq) or await mine.exists():
        return
    try:
        await ReadMarker.create(user_id=user_id, room_id=room_id, seq=seq)
    except IntegrityError:  # another device of the same person was quicker
        await mine.filter(seq__lt=seq).update(seq=seq)
