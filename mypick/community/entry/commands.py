"""What may be asked about the ways into a community, and its rooms."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from mypick.community.texts import message_text
from mypick.wire import Command, Id, Line

MAX_INVITE_USES = 10_000
MAX_INVITE_HOURS = 8_760  # a year
DEFAULT_INVITE_HOURS = 168

CommunityName = Annotated[Line, Field(max_length=150, examples=["아이유 팬들"])]
RoomName = Annotated[Line, Field(max_length=80, examples=["spoilers"])]


def _optional_text(text: str) -> str:
    return message_text(text) if text else ""


Prose = AfterValidator(_optional_text)


class ChangeCommunity(Command):
    """Change what is named; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: CommunityName | None = None
    visibility: Literal["public", "members", "private"] | None = None
    description: Annotated[str, Field(max_length=500), Prose] | None = None
    rules: Annotated[str, Field(max_length=4_000), Prose] | None = None

    @model_validator(mode="after")
    def name_something(self) -> Self:
        if not self.changes():
            raise ValueError("name at least one thing to change")
        return self

    def changes(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class CreateRoom(Command):
    """Open a room. A staff room is for moderators alone."""

    name: RoomName
    kind: Literal["chat", "staff"] = "chat"


class ChangeRoom(Command):
    """Change what is named. An archived room can be read, and is in no list."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: RoomName | None = None
    archived: bool | None = None

    @model_validator(mode="after")
    def name_something(self) -> Self:
        if self.name is None and self.archived is None:
            raise ValueError("name at least one thing to change")
        return self


class OrderRooms(Command):
    """The rooms in their new order, each once; rooms that are not named come behind them."""

    room_ids: list[Id] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def each_once(self) -> Self:
        if len(set(self.room_ids)) < len(self.room_ids):
            raise ValueError("name each room once")
        return self


class CreateInvite(Command):
    max_uses: int = Field(10, ge=1, le=MAX_INVITE_USES)
    hours: int | None = Field(DEFAULT_INVITE_HOURS, ge=1, le=MAX_INVITE_HOURS, description="null never ends")
    approval: bool = Field(False, description="who uses it asks to come in, and a moderator decides")


class AskToJoin(Command):
    text: Annotated[str, Field(max_length=300), Prose] = ""


class DecideRequest(Command):
    accept: bool


class ClaimCommunity(Command):
    text: Annotated[str, Field(max_length=500), Prose] = Field("", description="for the admins of this site")


class DecideClaim(Command):
    accept: bool


class TransferCommunity(Command):
    user_id: Id
