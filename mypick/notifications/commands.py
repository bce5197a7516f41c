"""What may be asked of an inbox."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from mypick.wire import MAX_ID, Command, Id

MAX_MARKED = 200  # ids in one command; whoever read more than a page of them sends upto_seq


class MarkRead(Command):
    """Mark as read: everything up to a place, or the named ones. Exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["upto_seq"]}, {"required": ["ids"]}],
            "examples": [{"upto_seq": 42}],
        }
    )

    upto_seq: Annotated[int, Field(ge=0, le=MAX_ID)] = Field(
        default=0, description="the seq of the newest one read; older ones are read too"
    )
    ids: list[Id] = Field(default_factory=list, max_length=MAX_MARKED, description="ids of notifications")

    @model_validator(mode="after")
    def name_one_of_two(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("send either upto_seq or ids")
        return self


class KindSettings(Command):
    """Which kinds are wanted. A kind that is left out stays as it is."""

    model_config = ConfigDict(populate_by_name=False, json_schema_extra={"examples": [{"new-video": False}]})

    new_video: bool = Field(default=True, alias="new-video")
    live_started: bool = Field(default=True, alias="live-started")
    new_post: bool = Field(default=True, alias="new-post")
    mention: bool = True
    reply: bool = True
    party_invite: bool = Field(default=True, alias="party-invite")
    party_reminder: bool = Field(default=True, alias="party-reminder")
    announcement: bool = True

    def changes(self) -> dict[str, bool]:
        """The kinds that were named, by their names on the wire."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class UpdateNotificationSettings(Command):
    kinds: KindSettings
