"""Rooms as streams: their keys, their events, and what clients see of them.

The log holds ids and counts. Texts are fetched from the tables when an event is shown, as they are at that moment: what
was edited is shown edited and what was deleted is a tombstone, in every replay. A client that applies the rest of the
events ends at the same state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tortoise.functions import Count

from mypick.clock import to_wire
from mypick.community.models import Community, Message, MessagePreview, Pin, Reaction, Room
from mypick.community.texts import mentioned
from mypick.previews.links import first_link
from mypick.streams import Event
from mypick.streams.store import People, StreamStore

PREFIX = "room:"
COMMUNITY = "community:"

CREATED = "message-created"
EDITED = "message-edited"
DELETED = "message-deleted"
REACTED = "reaction-changed"
PINNED = "message-pinned"
PREVIEWED = "preview-changed"
MODE = "room-mode-changed"
SANCTIONED = "member-sanctioned"
ROLE = "role-changed"
COMMUNITY_CHANGED = "community-changed"


def room_of(room_id: int) -> str:
    return f"{PREFIX}{room_id}"


def community_stream(community_id: int) -> str:
    """The stream of what is of no room: the list of discussions."""
    return f"{COMMUNITY}{community_id}"


MODE_FIELDS = ("slow_seconds", "members_only", "follow_minutes", "locked", "unique_text", "previews")


def mode_of(room: Room) -> dict[str, Any]:
    return {name: getattr(room, name) for name in MODE_FIELDS}


class Shown:
    """Makes what clients see of messages. ``people`` gives the names of those who are mentioned."""

    def __init__(self, people: People) -> None:
        self._people = people

    def register(self, store: StreamStore) -> None:
        store.render(CREATED, self.created)
        store.render(EDITED, self.edited)
        store.render(PREVIEWED, self.previewed)
        store.render(COMMUNITY_CHANGED, changed_communities)

    async def created(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        return await self.bodies(await _messages_of(events))

    async def edited(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        """Of an edit that a later one or a deletion overtook, what holds now."""
        rows = await _messages_of(events)
        names, previews = await self._mentioned(rows), await _previews_of(rows)
        return [
            {
                "message_id": row.id,
                **_text(row),
                "mentions": _named(row, names),
                "preview": previews.get(row.id),
            }
            for row in rows
        ]

    async def previewed(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        """As it is now; null where the message was edited, hidden or deleted since."""
        rows = await _messages_of(events)
        previews = await _previews_of(rows)
        return [{"message_id": row.id, "preview": previews.get(row.id)} for row in rows]

    async def bodies(self, messages: Sequence[Message]) -> list[Mapping[str, Any]]:
        """``data`` of ``message-created`` for messages as they are now: four queries, whatever the number, and one
        where there are links."""
        ids = [row.id for row in messages]
        reactions = await reactions_of(ids)
        pinned = set(await Pin.filter(message_id__in=ids).values_list("message_id", flat=True)) if ids else set()
        names = await self._mentioned(messages)
        previews = await _previews_of(messages)
        return [
            {
                "room_id": row.room_id,
                "message_id": row.id,
                **_text(row),
                "mentions": _named(row, names),
                "reply_to": row.reply_to,
                "thread_id": row.thread_id,
                "reactions": reactions.get(row.id, []),
                "pinned": row.id in pinned,
                "preview": previews.get(row.id),
            }
            for row in messages
        ]

    async def _mentioned(self, messages: Sequence[Message]) -> Mapping[int, Mapping[str, Any]]:
        ids = {user_id for row in messages for user_id in mentioned(shown_text(row))}
        return await self._people(ids) if ids else {}


async def changed_communities(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """``data`` of ``community-changed``: name, visibility and rooms as they are now. Staff rooms are named in the
    streams of staff rooms alone."""
    ids = {event.ref or 0 for event in events}
    communities = {row.id: row for row in await Community.filter(id__in=list(ids))}
    rooms = await Room.filter(community_id__in=list(ids)).order_by("position", "id")
    staff = {room_of(room.id) for room in rooms if room.kind == "staff"}
    return [
        {
            "community_id": event.ref,
            "name": communities[event.ref].name,
            "visibility": communities[event.ref].visibility,
            "rooms": [
                {"id": room.id, "name": room.name, "kind": room.kind, "archived": room.archived_at is not None}
                for room in rooms
                if room.community_id == event.ref and (room.kind != "staff" or event.stream in staff)
            ],
        }
        for event in events
        if event.ref is not None
    ]


async def reactions_of(message_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """Gathered: for each message its emoji with their counts, by emoji."""
    if not message_ids:
        return {}
    rows = (
        await Reaction.filter(message_id__in=list(message_ids))
        .annotate(count=Count("id"))
        .group_by("message_id", "emoji")
        .values_list("message_id", "emoji", "count")
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for message_id, emoji, count in sorted(rows):
        found.setdefault(message_id, []).append({"emoji": emoji, "count": count})
    return found


async def _previews_of(messages: Sequence[Message]) -> dict[int, dict[str, Any]]:
    """What is behind the links that stand in messages now: one query where there are links, none otherwise."""
    links = {row.id: link for row in messages if (link := first_link(shown_text(row)))}
    if not links:
        return {}
    rows = await MessagePreview.filter(message_id__in=list(links)).values(
        "message_id", "url", "kind", "title", "description", "site"
    )
    found = {row.pop("message_id"): row for row in rows}
    return {message_id: row for message_id, row in found.items() if row["url"] == links[message_id]}


async def _messages_of(events: Sequence[Event]) -> list[Message]:
    """The messages that events refer to. One that is gone altogether leaves its place, without its text."""
    found = {row.id: row for row in await Message.filter(id__in=list({event.ref or 0 for event in events}))}
    return [found.get(event.ref or 0) or _gone(event) for event in events]


def _gone(event: Event) -> Message:
    room_id = int(event.stream.removeprefix(PREFIX))
    return Message(id=event.ref or 0, room_id=room_id, seq=event.seq, text="", rev=1, deleted_at=event.at)


def shown_text(row: Message) -> str:
    """What readers see of it: nothing while reports keep it from view."""
    return "" if row.hidden_at else row.text


def _text(row: Message) -> dict[str, Any]:
    return {
        "text": shown_text(row),
        "rev": row.rev,
        "edited_at": None if row.edited_at is None else to_wire(row.edited_at),
        "deleted": row.deleted_at is not None,
        "hidden": row.hidden_at is not None and row.deleted_at is None,
    }


def _named(row: Message, names: Mapping[int, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [names[user_id] for user_id in mentioned(shown_text(row)) if user_id in names]
