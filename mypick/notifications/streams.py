"""The inbox as a stream: its key, and what clients see of its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.notifications.models import Notice
from mypick.streams import Event

PREFIX = "inbox:"


def inbox_of(user_id: int) -> str:
    return f"{PREFIX}{user_id}"


async def render_new_notification(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """The data of ``new-notification`` events: their notices, one query for all. A notice that is gone leaves its
    place in the log, without its text."""
    notices = await Notice.in_bulk({event.ref for event in events if event.ref is not None}, "id")
    return [data_of(notices.get(event.ref or 0), event.data["unread_count"]) for event in events]


def data_of(notice: Notice | None, unread_count: int) -> dict[str, Any]:
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
    return {
        "kind": notice.kind,
        "title": notice.title,
        "body": notice.body,
        "url": notice.url,
        "image_url": notice.image_url,
        "creator_id": notice.creator_id,
        "content_id": notice.content_id,
        "unread_count": unread_count,
    }
