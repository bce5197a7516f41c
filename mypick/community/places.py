"""Reading single messages: the one that a link names, and those that are pinned to a room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.marks import MAX_PINS
from mypick.community.models import Message, Pin
from mypick.community.snapshots import Snapshots
from mypick.community.standings import Standings
from mypick.community.streams import room_of
from mypick.community.views import HistoryPage, MessageInThread
from mypick.streams import Streams


class Places:
    def __init__(self, streams: Streams, standings: Standings, snapshots: Snapshots) -> None:
        self._streams = streams
        self._standings = standings
        self._snapshots = snapshots

    async def message(self, actor: Actor, message_id: int) -> MessageInThread:
        """One message as it is now, so that a client finds the place that a link names."""
        row = await Message.get_or_none(id=message_id)
        if row is None:
            raise policy.absent()
        await self._enter(actor, row.room_id)
        (event,) = await self._as_events(row.room_id, [row])
        return MessageInThread.model_validate(event)

    async def pins(self, actor: Actor, room_id: int) -> HistoryPage:
        """What is pinned to a room, the newest pin first."""
        await self._enter(actor, room_id)
        pins = await Pin.filter(room_id=room_id).order_by("-id").limit(MAX_PINS).values_list("message_id", flat=True)
        rows = {row.id: row for row in await Message.filter(id__in=list(pins))}
        messages = [rows[message_id] for message_id in pins if message_id in rows]
        events = await self._as_events(room_id, messages)
        own = await self._snapshots.own_reactions(actor.user_id, [row.id for row in messages])
        return HistoryPage(events=events, more=False, own_reactions=own)

    async def _as_events(self, room_id: int, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self._snapshots.as_events(messages, await self._streams.store.position(room_of(room_id)))

    async def _enter(self, actor: Actor, room_id: int) -> None:
        place, standing = await self._standings.read(room_id, actor)
        policy.require_entry(standing, place.community.visibility)
