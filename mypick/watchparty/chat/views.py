"""What is shown of what is said in parties."""

from __future__ import annotations

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from mypick.watchparty.person import Person
from mypick.wire import Instant, View


class PartyMessageSaid(View):
    """The event ``message-created`` of a party, as it is now: deleted, it has no text."""

    message_id: int
    text: str
    content_id: int = Field(description="what the party played then")
    position_ms: int = Field(description="where in it that was, ms from its beginning")
    deleted: bool


class PartyMessageEvent(View):
    """The durable event ``message-created`` of the stream ``party:{id}``."""

    stream: str = Field(examples=["party:9"])
    epoch: str
    seq: int
    id: int
    at: Instant
    actor: Person | SkipJsonSchema[None] = Field(
        default=None, exclude_if=lambda actor: actor is None, description="left out where there is no such person"
    )
    data: PartyMessageSaid


class PartyMessageSent(View):
    id: int
    seq: int
    position_ms: int
    duplicate: bool = Field(description="whether this cid was answered before")


class PartyMessageDeleted(View):
    """The event ``message-deleted`` of a party."""

    message_id: int
    by_moderator: bool = Field(description="whether somebody else than its author took it away")


class PartyReactions(View):
    """The event ``reactions``: what all reacted with, on all nodes, in some 250 ms."""

    party_id: int
    counts: dict[str, int] = Field(description="by emoji; of more than 30 kinds those that came first")
