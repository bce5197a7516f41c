"""Taking the next item of a queue to be played, inside the turn that plays it: so each is taken once, whatever the
number of nodes that see a video end."""

from __future__ import annotations

from mypick.content.service import Contents
from mypick.errors import DomainError, not_found
from mypick.watchparty.playable import playable_of
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.queue.order import ordered
from mypick.watchparty.streams import QUEUE_CHANGED
from mypick.watchparty.timeline import Playable
from mypick.watchparty.turn import Turn

EVENTS = 2  # that a turn makes which takes the next: the timeline, and what became of the queue


async def load_next(
    turn: Turn, contents: Contents, lead_ms: int, *, item_id: int | None = None, actor_id: int | None = None
) -> bool:
    """Load the first item, or the one that is named (``NOT_FOUND`` if it is not there), and take it out of the queue.
    What cannot be played any more is passed over and taken out too. Whether there was one; four statements."""
    rows = ordered(await QueueItem.filter(party_id=turn.row.id))
    if item_id is not None:
        rows = [row for row in rows if row.id == item_id]
        if not rows:
            raise not_found("item in the queue: it was played or removed")
    taken: list[int] = []
    found: Playable | None = None
    shown = await contents.of_ids([row.content_id for row in rows]) if rows else {}
    for row in rows:
        taken.append(row.id)
        try:
            found = playable_of(shown.get(row.content_id))
        except DomainError:
            continue
        break
    if not taken:
        return False
    await drop(taken)
    if found is not None:
        turn.move(turn.timeline.load(turn.now_ms, lead_ms, found), actor_id)
    turn.tell(
        QUEUE_CHANGED,
        {"action": "played" if found else "removed", "item_ids": taken, "votes": []},
        actor_id,
    )
    return found is not None


async def drop(item_ids: list[int]) -> None:
    """Take items out with their votes."""
    await QueueVote.filter(item_id__in=item_ids).delete()
    await QueueItem.filter(id__in=item_ids).delete()
