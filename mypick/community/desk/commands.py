"""What may be asked of the moderators' desk."""

from __future__ import annotations

from pydantic import Field

from mypick.community.commands import Seq
from mypick.community.desk.touches import ItemKind
from mypick.wire import Command, Id, Text


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
