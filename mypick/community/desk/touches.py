"""Telling the desk that something of it changed.

What waits for moderators comes into being under the lock of a room, in the middle of sending a message, or nowhere near
a lock. None of that takes the lock of the desk's stream too: chat would stand in one line for it. A job is written in
the transaction of the change instead, and appends an event with the item as it is when the job runs.
"""

from __future__ import annotations

from typing import Literal

from mypick.jobs.queue import Jobs

DESK = "community.desk"  # args: community, kind, item

ItemKind = Literal["held", "report", "request", "appeal", "purge"]


class Touches:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def touch(self, community_id: int, kind: ItemKind, item_id: int) -> None:
        """In the transaction of the change; call ``wake`` after its commit. An item of the kind ``report`` is the
        reported message."""
        await self._jobs.enqueue(DESK, {"community_id": community_id, "kind": kind, "id": item_id}, priority=3)

    def wake(self) -> None:
        self._jobs.wake(DESK)
