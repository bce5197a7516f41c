"""Sending messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tortoise.models import Model

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import SendMessage
from mypick.community.desk.touches import Touches
from mypick.community.indexing import indexed, is_found
from mypick.community.mentions import Told, tell_about
from mypick.community.models import HeldMessage, Message, RoomPace
from mypick.community.modes import require_new_text, require_open, require_pace
from mypick.community.policy import Action
from mypick.community.previewing import PREVIEW, ask_for_preview
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Place, Standings
from mypick.community.streams import CREATED
from mypick.community.terms.rules import Hold, TextRules
from mypick.community.texts import mentioned, text_hash
from mypick.community.views import MessageSent
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import TELL
from mypick.search.index import new_row
from mypick.streams import Append, Event, NewEvent, Streams

MAX_WAITING = 5  # held messages of one person in one room


class Meter(Protocol):
    """A limit that is decided at once."""

    def spend(self, key: int) -> object: ...


@dataclass(slots=True)
class _Sending:
    """One message on its way. What is decided under the lock stands here for what is written after it."""

    message_id: int
    told: Told
    now: datetime
    place: Place | None = None
    parent: Message | None = None
    held_for: Hold | None = None
    paced: bool = False
    linked: bool = False  # a worker looks at its link
    at_once: bool = False  # the row is written before the next unit of the group is decided


class Messages:
    """``meter`` bounds how often one person sends."""

    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        rules: TextRules,
        touches: Touches,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
        meter: Meter,
    ) -> None:
        self._streams = streams
        self._touches = touches
        self._standings = standings
        self._rooms = rooms
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._jobs = jobs
        self._meter = meter

    async def send(self, actor: Actor, command: SendMessage) -> MessageSent:
        """Say something in a room.

        Looked at in this order, so that a retry of what was sent is never refused, and what is refused costs nothing:
        the cid, sanctions, the room's mode, the rate, slow mode, text said before, terms, links of newcomers, floods.
        All of it under the lock of the room's stream.
        """
        stream = await self._rooms.stream_of(command.room_id)
        message_id, *notice_ids = await self._ids.take(3 if command.reply_to or mentioned(command.text) else 1)
        sending = _Sending(message_id, Told(message_id, notice_ids), self._clock.now())

        async def decide() -> Sequence[NewEvent]:
            sending.now = self._clock.now()
            await self._decide(actor, command, sending)
            if sending.held_for:
                return ()
            return [NewEvent(stream, CREATED, {}, ref=message_id, actor_id=actor.user_id, id=message_id)]

        def rows(events: Sequence[Event]) -> list[Model]:
            if sending.at_once or not sending.place:
                return []
            messages = [_message(event, command, sending) for event in events]
            return [*messages, *_found(messages, sending.place)]

        async def effect(events: Sequence[Event]) -> None:
            await self._write(actor, command, sending, events)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            if sending.held_for:
                return {"id": message_id, "seq": None, "status": "held"}
            return {"id": message_id, "seq": events[0].seq, "status": "sent"}

        with self._standings.asking(command.room_id, actor.user_id):
            done = await self._streams.append(
                Append(
                    streams=[stream],
                    decide=decide,
                    rows=rows,
                    effect=effect,
                    receipt=receipt(actor, "send-message", command),
                    reply=reply,
                )
            )
        if sending.held_for:
            self._touches.wake()
        if sending.told.anybody:
            self._jobs.wake(TELL)
        if sending.linked:
            self._jobs.wake(PREVIEW)
        return MessageSent(**done.reply, duplicate=done.duplicate)

    async def _decide(self, actor: Actor, command: SendMessage, sending: _Sending) -> None:
        place, standing = await self._standings.locked(command.room_id, actor)
        room, now = place.room, sending.now
        await require_open(place, standing, now)
        self._meter.spend(actor.user_id)
        sending.paced = room.slow_seconds > 0 and not policy.may(standing.role, Action.SKIP_SLOW)
        if sending.paced:
            await require_pace(room.id, actor.user_id, room.slow_seconds, now)
        sending.at_once = room.unique_text and not policy.may(standing.role, Action.SKIP_MODE)
        if sending.at_once:
            await require_new_text(room.id, command.text, now)
        sending.place, sending.parent = place, None
        if command.reply_to is not None:
            sending.parent = await Message.get_or_none(id=command.reply_to, room_id=room.id)
            if sending.parent is None:
                raise not_found("message in this room to reply to")
            if sending.parent.deleted_at:
                raise DomainError(Code.GONE, "the message that you reply to was deleted")
        self._rules.require_brief(standing, command.text)
        sending.held_for = await self._rules.judge_new(
            place.community, standing, command.text, message_id=sending.message_id, now=now
        )
        if sending.held_for:
            waiting = HeldMessage.filter(author_id=actor.user_id, room_id=room.id, status="waiting")
            if await waiting.count() >= MAX_WAITING:
                raise DomainError(Code.FULL, f"{MAX_WAITING} messages of yours wait for a moderator: wait with them")
        sending.told.may_mention = policy.may(standing.role, Action.MENTION)

    async def _write(
        self, actor: Actor, command: SendMessage, sending: _Sending, events: Sequence[Event]
    ) -> None:
        if sending.held_for:
            await HeldMessage.create(
                id=sending.message_id,
                room_id=command.room_id,
                author_id=actor.user_id,
                text=command.text,
                reply_to=command.reply_to,
                cause=sending.held_for.cause,
                term=sending.held_for.term,
                created_at=sending.now,
            )
            if sending.place:
                await self._touches.touch(sending.place.community.id, "held", sending.message_id)
            return
        sending.linked = await ask_for_preview(self._jobs, sending.message_id, command.text)
        if sending.paced:
            mine = RoomPace.filter(room_id=command.room_id, user_id=actor.user_id)
            if not await mine.update(sent_at=sending.now):
                await RoomPace.create(room_id=command.room_id, user_id=actor.user_id, sent_at=sending.now)
        if sending.at_once and sending.place:
            message = _message(events[0], command, sending)
            await message.save(force_create=True)
            for row in _found([message], sending.place):
                await row.save(force_create=True)
        if sending.place and sending.told.ids:
            parent = sending.parent
            await tell_about(
                sending.told, actor.user_id, command.text, parent, sending.place, jobs=self._jobs, now=sending.now
            )


def _found(messages: Sequence[Message], place: Place) -> list[Model]:
    """What the search index has of them."""
    return [new_row(indexed(one, place.community.id)) for one in messages if is_found(place.room.kind)]


def _message(event: Event, command: SendMessage, sending: _Sending) -> Message:
    parent = sending.parent
    return Message(
        id=event.id,
        room_id=command.room_id,
        seq=event.seq,
        changed_seq=event.seq,
        author_id=event.actor_id,
        text=command.text,
        text_hash=text_hash(command.text),
        reply_to=command.reply_to,
        thread_id=None if parent is None else parent.thread_id or parent.id,
        created_at=event.at,
    )
