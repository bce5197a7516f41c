"""What may be asked of the ways into a party."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from mypick.wire import Command, Id

MOST_USES = 5_000  # as many as a party holds
LONGEST_HOURS = 30 * 24
MOST_INVITED = 50  # people in one command


class CreatePartyInvite(Command):
    """A link that lets people in who may not come otherwise."""

    max_uses: int = Field(50, ge=1, le=MOST_USES, description="people that it lets in")
    hours: int = Field(24, ge=1, le=LONGEST_HOURS, description="for which it does")

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_uses": 10, "hours": 24}]})


class InvitePeople(Command):
    """Ask people to come, by their ids. Each is told once."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_INVITED)]

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": [17, 23]}]})
