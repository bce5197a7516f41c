"""Reactions to messages: put on, taken back, and told gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import React
from mypick.community.edits import standing_message
from mypick.community.models import Message, Reaction
from mypick.community.modes import require_open
from mypick.community.policy import Action
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Standings
from mypick.community.streams import REACTED, reactions_of, room_of
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.streams import Append, Event, NewEvent, Streams

SHOW_REACTIONS = "community.reactions"
GATHER = timedelta(milliseconds=250)  # one reaction-changed of a message in this time: a cheer is 4 events a second
MAX_EMOJI = 20  # kinds of reaction to one message


@dataclass(slots=True)
class _Reacting:
    """What was decided under the lock, for what is written after it."""

    message: Message
    now: datetime
    later: bool = False  # told by a job, with what others do meanwhile
    asks: bool = False  # this one asks for that job


class Reactions:
    """The first reaction after a quiet moment is told at once; those that follow within ``GATHER`` are told together by
    a job, which is asked for in the transaction of the first of them: what was counted is told, whoever dies."""

    def __init__(self, streams: Streams, standings: Standings, rooms: Rooms, *, clock: Clock, jobs: Jobs) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._clock = clock
        self._jobs = jobs

    async def react(self, actor: Actor, command: React) -> Done:
        """Put an emoji on a message or take it back. Where that is so already nothing happens."""
        room_id = await self._rooms.room_of_message(command.message_id)
        found: list[_Reacting] = []

        async def decide() -> Sequence[NewEvent]:
            now = self._clock.now()
            place, standing = await self._standings.locked(room_id, actor)
            await require_open(place, standing, now)
            policy.require(standing, Action.REACT)
            message = await standing_message(command.message_id)
            reacting = _Reacting(message, now)
            found[:] = [reacting]
            mine = Reaction.filter(message_id=message.id, emoji=command.emoji, user_id=actor.user_id)
            if await mine.exists() is command.on:
                return ()
            if command.on:
                counts = (await reactions_of([message.id])).get(message.id, [])
                if len(counts) >= MAX_EMOJI and command.emoji not in {one["emoji"] for one in counts}:
                    raise DomainError(Code.FULL, f"a message takes {MAX_EMOJI} kinds of reaction: use one of them")
                await Reaction.create(
                    message_id=message.id, emoji=command.emoji, user_id=actor.user_id, created_at=now
                )
            else:
                await mine.delete()
            reacting.later = message.reactions_due or _just_told(message, now)
            reacting.asks = reacting.later and not message.reactions_due
            if reacting.later:
                return ()
            data = await _told(message.id, command.emoji, command.on)
            return [NewEvent(room_of(room_id), REACTED, data, ref=message.id, actor_id=actor.user_id)]

        async def effect(events: Sequence[Event]) -> None:
            (reacting,) = found
            if events:
                told = {"changed_seq": events[0].seq, "reacted_at": reacting.now}
                await Message.filter(id=command.message_id).update(**told)
            elif reacting.asks:
                await Message.filter(id=command.message_id).update(reactions_due=True)
                args = {"room_id": room_id, "message_id": command.message_id}
                await self._jobs.enqueue(SHOW_REACTIONS, args, due_at=reacting.now + GATHER)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else found[0].message.changed_seq}

        with self._standings.asking(room_id, actor.user_id):
            done = await self._streams.append(
                Append(
                    streams=[room_of(room_id)],
                    decide=decide,
                    effect=effect,
                    receipt=receipt(actor, "react", command),
                    reply=reply,
                )
            )
        if found and found[0].asks:  # nothing is found where the cid was known
            # a worker of another process learns of it when it is due; lost with this process, a sweep finds it
            asyncio.get_running_loop().call_later(GATHER.total_seconds(), self._jobs.wake, SHOW_REACTIONS)
        return Done(**done.reply)

    async def show(self, work: Work) -> None:
        """Handles the job ``community.reactions`` with args ``{"room_id", "message_id"}``; again does nothing."""
        room_id, message_id = work.args["room_id"], work.args["message_id"]

        async def decide() -> Sequence[NewEvent]:
            message = await Message.get_or_none(id=message_id)
            if message is None or not message.reactions_due or message.deleted_at:
                return ()
            data = await _told(message_id, None, None)
            return [NewEvent(room_of(room_id), REACTED, data, ref=message_id)]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                await Message.filter(id=message_id).update(
                    changed_seq=event.seq, reacted_at=event.at, reactions_due=False
                )

        await self._streams.append(Append(streams=[room_of(room_id)], decide=decide, effect=effect))


def _just_told(message: Message, now: datetime) -> bool:
    """A moment of the future was written by a clock that ran ahead, and counts for nothing."""
    return message.reacted_at is not None and timedelta(0) <= now - message.reacted_at < GATHER


async def _told(message_id: int, emoji: str | None, on: bool | None) -> dict[str, Any]:
    reactions = (await reactions_of([message_id])).get(message_id, [])
    return {"message_id": message_id, "emoji": emoji, "on": on, "reactions": reactions}
