"""Which rooms there are, so that no command makes a stream for one that is not; and the receipts of commands."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.models import Message, Room
from mypick.community.streams import community_stream, room_of
from mypick.errors import Code, DomainError
from mypick.streams import Append, Event, NewEvent, ReceiptKey, Streams
from mypick.streams.events import Done

MAX_KNOWN = 50_000  # rooms, about 100 bytes each; rooms are never removed
MAX_ROOMS = 50  # of one community, archived ones too: a ban locks the streams of all of them
HOLD_TRIES = 5  # to lock all rooms of a community while somebody opens new ones


class Rooms:
    def __init__(self) -> None:
        self._communities: OrderedDict[int, int] = OrderedDict()  # room → community

    async def community_of(self, room_id: int) -> int:
        """``NOT_FOUND`` where there is no such room."""
        if (known := self._communities.get(room_id)) is not None:
            return known
        row = await Room.get_or_none(id=room_id).values_list("community_id")
        if row is None:
            raise policy.absent()
        self._communities[room_id] = row[0]
        if len(self._communities) > MAX_KNOWN:
            self._communities.popitem(last=False)
        return int(row[0])

    async def stream_of(self, room_id: int) -> str:
        """The stream of a room that there is."""
        await self.community_of(room_id)
        return room_of(room_id)

    async def room_of_message(self, message_id: int) -> int:
        row = await Message.get_or_none(id=message_id).values_list("room_id")
        if row is None:
            raise policy.absent()
        return int(row[0])


async def rooms_of(community_id: int) -> list[int]:
    """The rooms of a community."""
    rows = await Room.filter(community_id=community_id).order_by("id").limit(MAX_ROOMS).values_list("id")
    return [row[0] for row in rows]


async def streams_of(community_id: int) -> list[str]:
    """The streams of all rooms of a community, and its own, which whoever discusses holds: whoever locks them all holds
    the community still."""
    return [*(room_of(room_id) for room_id in await rooms_of(community_id)), community_stream(community_id)]


class _RoomsMovedError(DomainError):
    """A room was opened between the look at the rooms and the lock of them."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "rooms are being opened: try again", retry_after_ms=1_000)


async def hold_all(
    streams: Streams,
    community_id: int,
    decide: Callable[[Sequence[str]], Awaitable[Sequence[NewEvent]]],
    *,
    receipt: ReceiptKey | None = None,
    reply: Callable[[Sequence[Event]], Mapping[str, Any]] = lambda _: {},
) -> Done:
    """Run ``decide`` while all rooms of a community stand still; it is given their streams, and makes at most one event
    for each. Opening a room goes through here as well, so none is opened behind a ban that does not know of it."""
    for _ in range(HOLD_TRIES):
        keys = await streams_of(community_id)

        async def decide_whole(keys: Sequence[str] = keys) -> Sequence[NewEvent]:
            if await streams_of(community_id) != keys:
                raise _RoomsMovedError
            return await decide(keys)

        try:
            return await streams.append(Append(streams=keys, decide=decide_whole, receipt=receipt, reply=reply))
        except _RoomsMovedError:
            continue
    raise _RoomsMovedError


def receipt(actor: Actor, name: str, command: Any) -> ReceiptKey:
    """What makes the command ``name`` done once."""
    return ReceiptKey.of(actor.user_id, command.cid, name, command.model_dump())
