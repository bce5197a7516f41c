"""Parties as streams: their keys and their events."""

from __future__ import annotations

PREFIX = "party:"

TIMELINE = "timeline"
HOST_CHANGED = "host-changed"
MEMBER_JOINED = "member-joined"
MEMBER_LEFT = "member-left"
PARTY_CHANGED = "party-changed"
QUEUE_CHANGED = "queue-changed"
MESSAGE_CREATED = "message-created"
MESSAGE_DELETED = "message-deleted"

GATE = "gate"  # a signal: it is in no log
REACTIONS = "reactions"  # as above


def party_stream(party_id: int) -> str:
    return f"{PREFIX}{party_id}"


def party_id_of(stream: str) -> int | None:
    """The party whose stream it is; None for any other."""
    number = stream.removeprefix(PREFIX)
    if not (stream.startswith(PREFIX) and number.isascii() and number.isdigit()):
        return None
    return int(number) if stream == party_stream(int(number)) else None
