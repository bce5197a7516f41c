"""What people see of queues: read for many at once, and as events tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.content.service import Contents
from mypick.gathering import Gathering
from mypick.streams import Event, Streams
from mypick.watchparty.person import Person
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.queue.order import ordered
from mypick.watchparty.queue.views import QueueItemView
from mypick.watchparty.streams import QUEUE_CHANGED

MAX_ITEMS = 100  # in one queue


class Queues:
    """Reads queues. ``own_votes`` is asked by thousands who come at once, and answered for all of them together."""

    def __init__(self, streams: Streams, contents: Contents) -> None:
        self._contents = contents
        self._votes = Gathering(_votes_among)
        streams.store.render(QUEUE_CHANGED, self.changed)

    async def of(self, party_ids: Collection[int]) -> dict[int, list[QueueItemView]]:
        """The queues of parties as they will be played. Four queries."""
        rows = await QueueItem.filter(party_id__in=list(party_ids)) if party_ids else []
        views = {view.id: view for view in await self._views(rows)}
        found: dict[int, list[QueueItemView]] = {party_id: [] for party_id in party_ids}
        for row in ordered(rows):
            found[row.party_id].append(views[row.id])
        return found

    async def own_votes(self, party_id: int, user_id: int) -> list[int]:
        """Ids of the items of a party that somebody voted for."""
        return await self._votes.get((party_id, user_id)) or []

    async def changed(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        """The data of ``queue-changed`` events. An item is shown as it was added; one whose person is gone, without."""
        added = [event.data for event in events if event.data["action"] == "added"]
        rows = [QueueItem(**data["item"]) for data in added]
        views = {view.id: view.model_dump(mode="json") for view in await self._views(rows)} if rows else {}
        return [
            {
                "action": event.data["action"],
                "item": {**views[event.data["item"]["id"]], "place": event.seq}
                if event.data["action"] == "added"
                else None,
                "item_ids": event.data.get("item_ids", []),
                "votes": event.data.get("votes", []),
            }
            for event in events
        ]

    async def _views(self, rows: Sequence[QueueItem]) -> list[QueueItemView]:
        if not rows:
            return []
        contents = await self._contents.of_ids({row.content_id for row in rows})
        names = await people.people(row.added_by for row in rows)
        return [
            QueueItemView(
                id=row.id,
                content=contents.get(row.content_id),
                added_by=Person(**names[row.added_by]) if row.added_by in names else None,
                added_at=row.added_at,
                votes=row.votes,
                place=row.place,
            )
            for row in rows
        ]


async def _votes_among(seats: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    items = dict(await QueueItem.filter(party_id__in=list({party for party, _ in seats})).values_list("id", "party_id"))
    if not items:
        return {}
    voted = QueueVote.filter(item_id__in=list(items), user_id__in=list({user for _, user in seats}))
    found: dict[tuple[int, int], list[int]] = {}
    for item_id, user_id in await voted.order_by("item_id").values_list("item_id", "user_id"):
        found.setdefault((items[item_id], user_id), []).append(item_id)
    return found
