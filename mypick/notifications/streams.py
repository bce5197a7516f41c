"""The inbox as a stream: its key, and what clients see of its events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mypick.notifications.models import Notice
from mypick.streams import Event

PREFIX = "inbox:"
NOTICES_AT_ONCE = 5_000  # ids in one query: databases take some 32,000 parameters
_SHOWN = ("kind", "title", "body", "url", "image_url", "creator_id", "content_id")


def inbox_of(user_id: int) -> str:
    return f"{PREFIX}{user_id}"


async def render_new_notification(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """The data of ``new-notification`` events: their notices, one query for all. A notice that is gone leaves its
    place in the log, without its text."""
    notices = await notices_of({event.ref for event in events if event.ref is not None})
    return [data_of(notices.get(event.ref or 0), event.data["unread_count"]) for event in events]


async def notices_of(ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """What is shown of notices, by their ids."""
    wanted = list(ids)
    found: dict[int, Mapping[str, Any]] = {}
    for start in range(0, len(wanted), NOTICES_AT_ONCE):
        rows = await Notice.filter(id__in=wanted[start : start + NOTICES_AT_ONCE]).values("id", *_SHOWN)
        found.update({row["id"]: row for row in rows})
    return found


def data_of(notice: Mapping[str, Any] | None, unread_count: int) -> dict[str, Any]:
    if notice is None:
        return {
            "kind": "announcement",
            "title": "",
            "body": "",
            "url": "",
            "image_url": None,
            "creator_id": None,
            "content_id": None,
            "unread_count": unread_count,
        }
    return {**{name: notice[name] for name in _SHOWN}, "unread_count": unread_count}
