"""What may be said in a party."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from mypick.community.commands import Emoji
from mypick.community.texts import MessageText
from mypick.wire import Cid, Command, Id


def _any_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError("it must be a number")  # noqa: TRY004 - pydantic shows no other
    return float(value) if abs(value) < 1e300 else -1.0


class SendPartyMessage(Command):
    """Say something. It is kept with the position at which it was said: the named one if it can be true, else where the
    party is on the server."""

    party_id: Id
    cid: Cid
    text: MessageText = Field(description="plain text", examples=["이 장면 최고!"])
    position_ms: (
        Annotated[
            float,
            PlainValidator(_any_number),
            WithJsonSchema({"type": "number"}),
            Field(description="what the sender was seeing, ms from the beginning of the content"),
        ]
        | None
    ) = None


class DeletePartyMessage(Command):
    """Take back what one has said, or as host or co-host what a guest said."""

    party_id: Id
    cid: Cid
    message_id: Id


class ReactToParty(Command):
    party_id: Id
    emoji: Emoji
