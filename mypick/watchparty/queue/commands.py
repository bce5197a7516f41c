"""What may be asked of a party's queue."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from mypick.watchparty.commands import MAX_URL
from mypick.wire import MAX_ID, Cid, Command, Id, Line


class QueueAdd(Command):
    """Add a video: one that MyPick knows, or the address of one on a platform. Exactly one of the two."""

    party_id: Id
    cid: Cid
    content_id: Id | None = None
    url: Annotated[Line, Field(max_length=MAX_URL)] | None = None

    @model_validator(mode="after")
    def name_one_of_two(self) -> Self:
        if (self.content_id is None) == (self.url is None):
            raise ValueError("send either content_id or url")
        return self


class QueueRemove(Command):
    """Take an item out: one's own, or any for the host and co-hosts."""

    party_id: Id
    cid: Cid
    item_id: Id


class QueueVoteOn(Command):
    """Want to see an item soon, or no longer."""

    party_id: Id
    cid: Cid
    item_id: Id
    on: bool


class QueueNext(Command):
    """Play the first item now, or the one that is named. ``base_seq`` as for ``control``: two who ask at once skip one
    video and not two."""

    party_id: Id
    cid: Cid
    base_seq: Annotated[int, Field(ge=0, le=MAX_ID)]
    item_id: Id | None = None
