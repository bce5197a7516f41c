"""What people see of what was said in parties: as events tell it, and the newest for whoever comes in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mypick.streams import Event, Streams
from mypick.watchparty.chat.models import PartyMessage
from mypick.watchparty.streams import MESSAGE_CREATED, PREFIX, party_stream

SHOWN = 30  # newest messages that whoever joins is shown


class Said:
    def __init__(self, streams: Streams) -> None:
        self._store = streams.store
        streams.store.render(MESSAGE_CREATED, _created, streams=PREFIX)

    async def newest(self, party_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
        """The last messages of parties as events, the oldest first. Some four queries a party."""
        found = {}
        for party_id in party_ids:
            rows = await PartyMessage.filter(party_id=party_id).order_by("-seq").limit(SHOWN)
            found[party_id] = await self.events(party_id, rows[::-1])
        return found

    async def events(self, party_id: int, rows: Sequence[PartyMessage]) -> list[dict[str, Any]]:
        """Messages of one party as the events that told of them, as they are now."""
        if not rows:
            return []
        position = await self._store.position(party_stream(party_id))
        place = (position.key, position.epoch)
        return await self._store.show(
            [Event(*place, row.seq, row.id, MESSAGE_CREATED, row.created_at, {}, row.id, row.author_id) for row in rows]
        )


async def _created(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """The data of ``message-created`` events of parties, as the messages are now. One query."""
    found = {row.id: row for row in await PartyMessage.filter(id__in=[event.ref or 0 for event in events])}
    return [_data(event, found.get(event.ref or 0)) for event in events]


def _data(event: Event, row: PartyMessage | None) -> dict[str, Any]:
    return {
        "message_id": event.ref,
        "text": row.text if row else "",
        "content_id": row.content_id if row else 0,
        "position_ms": row.position_ms if row else 0,
        "deleted": row is None or row.deleted_at is not None,
    }
