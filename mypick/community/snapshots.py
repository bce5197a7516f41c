"""What people get who come into a room: the same newest messages for all, and each their own reactions.

After a restart everybody comes back at once, thousands of them into one room. The messages of a room are then read
once for all who wait, and the reactions of all of them by one query.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mypick.community.models import Message, Reaction, ReadMarker
from mypick.community.streams import CREATED, room_of
from mypick.community.views import OwnReaction
from mypick.gathering import Gathering
from mypick.streams import Event, Position
from mypick.streams.store import StreamStore

FRESH = 50  # messages of a snapshot: about 25 KiB
ROOMS_AT_ONCE = 4  # are read side by side: the pool has 10 connections, and others want some
ASKERS_AT_ONCE = 300  # with 100 messages each, fewer than the 32,766 parameters that a statement takes

Snapshot = tuple[Position, dict[str, Any]]
"""Of ``join-room``, without what differs from one asker to the next."""
_Asked = tuple[int, tuple[int, ...]]
"""A person and messages."""


class Snapshots:
    def __init__(self, store: StreamStore) -> None:
        self._store = store
        self._rooms = Gathering(self._read)
        self._markers = Gathering(_markers)
        self._own = Gathering(_own_reactions, most=ASKERS_AT_ONCE)

    async def of(self, room_id: int) -> Snapshot:
        """The newest messages of a room as they are now, the oldest first; true up to the position at least."""
        snapshot = await self._rooms.get(room_id)
        if snapshot is None:
            raise AssertionError("every room has a snapshot")
        return snapshot

    async def own_reactions(self, user_id: int, message_ids: Sequence[int]) -> list[OwnReaction]:
        """What somebody has put on messages."""
        return await self._own.get((user_id, tuple(message_ids))) or [] if message_ids else []

    async def read_up_to(self, user_id: int, room_id: int) -> int | None:
        """The seq of somebody's read marker; None for whoever has not read there."""
        return await self._markers.get((user_id, room_id))

    async def as_events(self, messages: Sequence[Message], position: Position) -> list[dict[str, Any]]:
        """Messages as they are now, each as its ``message-created``."""
        events = [
            Event(
                stream=position.key,
                epoch=position.epoch,
                seq=row.seq,
                id=row.id,
                type=CREATED,
                at=row.created_at,
                data={},
                ref=row.id,
                actor_id=row.author_id,
            )
            for row in messages
        ]
        shown = await self._store.show(events)
        return [{"type": CREATED, **body} for body in shown]

    async def _read(self, room_ids: Sequence[int]) -> dict[int, Snapshot]:
        free = asyncio.Semaphore(ROOMS_AT_ONCE)

        async def one(room_id: int) -> Snapshot:
            async with free:
                position = await self._store.position(room_of(room_id))  # first: what follows is never older
                messages, more = await newest(room_id, position.head_seq + 1, FRESH)
                return position, {
                    "stream": position.key,
                    "epoch": position.epoch,
                    "head_seq": position.head_seq,
                    "floor_seq": position.floor_seq,
                    "reset": True,
                    "events": await self.as_events(messages, position),
                    "more": more,
                }

        return dict(zip(room_ids, await asyncio.gather(*(one(room_id) for room_id in room_ids)), strict=True))


async def newest(room_id: int, before_seq: int, limit: int) -> tuple[list[Message], bool]:
    """The last messages before a place, the oldest first; and whether there are more."""
    rows = await Message.filter(room_id=room_id, seq__lt=before_seq).order_by("-seq").limit(limit + 1)
    return rows[:limit][::-1], len(rows) > limit


async def _markers(asked: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    people, rooms = {user_id for user_id, _ in asked}, {room_id for _, room_id in asked}
    rows = await ReadMarker.filter(user_id__in=list(people), room_id__in=list(rooms)).values_list(
        "user_id", "room_id", "seq"
    )
    return {(user_id, room_id): seq for user_id, room_id, seq in rows}


async def _own_reactions(asked: Sequence[_Asked]) -> dict[_Asked, list[OwnReaction]]:
    people = {user_id for user_id, _ in asked}
    messages = {message_id for _, message_ids in asked for message_id in message_ids}
    rows = await Reaction.filter(message_id__in=list(messages), user_id__in=list(people)).values_list(
        "user_id", "message_id", "emoji"
    )
    found: dict[int, list[OwnReaction]] = {}
    for user_id, message_id, emoji in sorted(rows):
        found.setdefault(user_id, []).append(OwnReaction(message_id=message_id, emoji=emoji))
    return {
        (user_id, message_ids): [one for one in found.get(user_id, ()) if one.message_id in message_ids]
        for user_id, message_ids in asked
    }
