"""What may be asked of the moderators' desk."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from mypick.community.commands import OnMember, PurgeHours, Reason, Seq, Somebody
from mypick.community.desk.touches import ItemKind
from mypick.community.texts import message_text
from mypick.wire import Cid, Command, Id, Text


class JoinDesk(Command):
    """Come to the desk of a community; as ``join-room``."""

    community_id: Id
    epoch: Text | None = Field(None, max_length=8)
    after_seq: Seq | None = None


class LeaveDesk(Command):
    community_id: Id


class ClaimItem(Command):
    """Say that one deals with an item, or no longer. It binds nobody, and ends by itself after five minutes."""

    community_id: Id
    kind: ItemKind
    id: Id
    on: bool


class Verdict(Command):
    """End the reports of something: ``agree`` deletes it, otherwise it stands and is in view."""

    agree: bool
    reason: Reason | None = None
    cid: Cid


class DecideReports(Verdict):
    """End the reports of a message, discussion or comment: ``agree`` deletes it, otherwise it stands and is in view."""

    message_id: Id = Field(description="of the reported message, discussion or comment")


class NewPurge(Somebody):
    """Delete what somebody said, a batch at a time."""

    hours: PurgeHours = Field("all", description="the last so many hours, or all")
    everywhere: bool = Field(False, description="in all rooms and discussions of the community, not in this room")


class PurgeMember(NewPurge, OnMember):
    """Delete what somebody said, a batch at a time."""


class Item(Command):
    """Say that one deals with an item, or no longer."""

    on: bool


class AppealSanction(Command):
    text: Annotated[str, Field(max_length=1_000), AfterValidator(message_text)]


class DecideAppeal(Command):
    lift: bool
    answer: Reason | None = None
