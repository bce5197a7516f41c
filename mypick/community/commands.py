"""What may be asked of communities, their rooms and messages."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from mypick.community.texts import MessageText
from mypick.wire import MAX_ID, Cid, Command, Id, Text

MAX_HISTORY = 100  # messages in one answer, as the wire says
MAX_TIMEOUT = 1_209_600  # seconds, two weeks; longer is a ban
MAX_SLOW = 300  # seconds
MAX_PURGE = 8_760  # hours, a year; longer is all
MAX_FOLLOW = 129_600  # minutes, three months
LARGEST_SEQ = 2**53 - 1  # what JavaScript can count to

_SHOWN = frozenset({"So", "Sk", "Sm", "Po", "Pd", "Nd", "Cn"})  # Cn: newer than this Python
# variation selectors, the joiner, the key cap and the tags of flags: others that join would pile up, show nothing, or
# turn the line around
_JOINING = frozenset("\ufe0e\ufe0f\u200d\u20e3") | {chr(code) for code in range(0xE0020, 0xE0080)}


def _emoji(text: str) -> str:
    shown = [sign for sign in text if sign not in _JOINING]
    if text.isascii() or not shown or any(unicodedata.category(sign) not in _SHOWN for sign in shown):
        raise ValueError("it must be an emoji")
    return text


Emoji = Annotated[str, Field(min_length=1, max_length=16, examples=["👍"]), AfterValidator(_emoji)]
Seq = Annotated[int, Field(ge=0, le=LARGEST_SEQ)]
PurgeHours = Annotated[int, Field(ge=1, le=MAX_PURGE)] | Literal["all"]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]


class OpenCommunity(Command):
    """Open the community of a creator. Asking twice gives the same one."""

    creator_id: Id


class SetRole(Command):
    role: Literal["member", "vip", "moderator", "manager", "owner"]


class JoinRoom(Command):
    """Come into a room. With ``epoch`` and ``after_seq`` as for ``sync``; without them, or where the past cannot be
    told, the answer is a fresh snapshot and says ``reset``."""

    room_id: Id
    epoch: Text | None = Field(None, max_length=8)
    after_seq: Seq | None = None


class LeaveRoom(Command):
    room_id: Id


class History(Command):
    """Messages before a place, as they are now."""

    room_id: Id
    before_seq: int = Field(ge=1, le=LARGEST_SEQ)
    limit: int = Field(MAX_HISTORY, ge=1, le=MAX_HISTORY)


class NewMessage(Command):
    cid: Cid
    text: MessageText = Field(description="plain text; <@17> mentions the user 17", examples=["hello <@17>"])
    reply_to: Id | None = None


class SendMessage(NewMessage):
    room_id: Id


class NewText(Command):
    cid: Cid
    text: MessageText
    rev: int = Field(ge=1, le=MAX_ID, description="that the client knows; CONFLICT where there is a newer one")


class EditMessage(NewText):
    message_id: Id


class DeleteMessage(Command):
    message_id: Id
    cid: Cid
    reason: Reason | None = None


class NewReaction(Command):
    emoji: Emoji


class React(NewReaction):
    message_id: Id
    cid: Cid
    on: bool


class PinMessage(Command):
    message_id: Id
    cid: Cid
    on: bool


class NewRoomMarker(Command):
    seq: Seq = Field(description="of the newest event of the room that was seen")


class MarkRead(NewRoomMarker):
    room_id: Id


class Typing(Command):
    room_id: Id


class Somebody(Command):
    """Something done to somebody."""

    user_id: Id
    reason: Reason | None = None
    cid: Cid


class Ban(Somebody):
    """Put somebody out, and delete what they said where ``purge`` says so."""

    purge: PurgeHours | None = Field(None, description="the last so many hours, or all, in all rooms and discussions")


class Timeout(Somebody):
    """Let somebody only read for a while."""

    seconds: int = Field(ge=1, le=MAX_TIMEOUT)


class OnMember(Somebody):
    """Something done to somebody in the community of a room."""

    room_id: Id


class BanMember(Ban, OnMember):
    """Put somebody out, and delete what they said where ``purge`` says so."""


class TimeoutMember(Timeout, OnMember):
    """Let somebody only read for a while."""


class UnbanMember(OnMember):
    """Lift a ban, and a timeout with it."""


class Mode(Command):
    """Change what is named; the rest stays. 0 and false switch off."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 2})

    cid: Cid
    slow_seconds: int = Field(0, ge=0, le=MAX_SLOW)
    members_only: bool = False
    follow_minutes: int = Field(0, ge=0, le=MAX_FOLLOW)
    locked: bool = False
    unique_text: bool = False
    previews: bool = Field(True, description="of links")

    @model_validator(mode="after")
    def name_something(self) -> Self:
        if not self.changes():
            raise ValueError("name at least one of the mode's fields")
        return self

    def changes(self) -> dict[str, int | bool]:
        return self.model_dump(exclude_unset=True, exclude={"room_id", "cid"})


class SetRoomMode(Mode):
    """Change what is named; the rest stays. 0 and false switch off."""

    room_id: Id


class NewReport(Command):
    reason: Reason
    cid: Cid


class ReportMessage(NewReport):
    message_id: Id


class Decision(Command):
    approve: bool
    cid: Cid


class DecideHeld(Decision):
    message_id: Id = Field(description="of the held message, discussion or comment")
