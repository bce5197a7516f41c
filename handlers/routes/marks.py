"""Reactions, pins and read markers of rooms, for programs that hold no socket."""

from __future__ import annotations

import secrets
from typing import Annotated

from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from handlers.replies import reply
from handlers.routes.parameters import PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.commands import Emoji, MarkRead, NewReaction, NewRoomMarker, PinMessage, React
from mypick.community.views import Done, Nothing
from mypick.errors import Code

TAG = "communities"
WRITE = "community:write"
READING = (Code.BANNED, Code.NOT_MEMBER)
MARKING = (*READING, Code.TIMED_OUT, Code.LOCKED, Code.GONE)
REACTING = (*MARKING, Code.MEMBERS_ONLY, Code.FOLLOW_AGE)

Taken = Annotated[Emoji, Field(description="the one that is taken back")]


class ReactionsView(ApiView):
    @rules("addReaction", tag=TAG, scope=WRITE, idempotent=True, errors=(*REACTING, Code.FULL))
    async def post(self, message_id: PathId, /, command: NewReaction) -> r200[Done]:
        """Put an emoji on a message. Twice is no error."""
        return reply(await self._react(message_id, command.emoji, on=True))

    @rules("removeReaction", tag=TAG, scope=WRITE, idempotent=True, errors=REACTING)
    async def delete(self, message_id: PathId, /, emoji: Taken) -> r200[Done]:
        """Take an emoji back. Twice is no error."""
        return reply(await self._react(message_id, emoji, on=False))

    async def _react(self, message_id: int, emoji: str, *, on: bool) -> Done:
        command = React(message_id=message_id, emoji=emoji, on=on, cid=_cid())
        return await self.parts.communities.reactions.react(self.actor, command)


class MessagePinView(ApiView):
    @rules("pinMessage", tag=TAG, scope=WRITE, idempotent=True, errors=(*MARKING, Code.FULL))
    async def post(self, message_id: PathId, /) -> r200[Done]:
        """Pin a message to its room. Twice is no error."""
        return reply(await self._pin(message_id, on=True))

    @rules("unpinMessage", tag=TAG, scope=WRITE, idempotent=True, errors=MARKING)
    async def delete(self, message_id: PathId, /) -> r200[Done]:
        """Take it off. Twice is no error."""
        return reply(await self._pin(message_id, on=False))

    async def _pin(self, message_id: int, *, on: bool) -> Done:
        command = PinMessage(message_id=message_id, on=on, cid=_cid())
        return await self.parts.communities.marks.pin(self.actor, command)


class RoomReadView(ApiView):
    @rules("markRoomRead", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def post(self, room_id: PathId, /, command: NewRoomMarker) -> r200[Nothing]:
        """Everything up to a seq was seen. A marker never moves back."""
        mark = MarkRead(room_id=room_id, seq=command.seq)
        return reply(await self.parts.communities.marks.mark_read(self.actor, mark))


def _cid() -> str:
    """What may be done twice and changes nothing needs no name of the client's."""
    return secrets.token_hex(16)


VIEWS: dict[str, type[ApiView]] = {
    "/messages/{message_id}/reactions": ReactionsView,
    "/messages/{message_id}/pin": MessagePinView,
    "/rooms/{room_id}/read": RoomReadView,
}
