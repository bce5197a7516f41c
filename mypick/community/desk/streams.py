"""The desk of a community's moderators as a stream. Its events hold ids and counts."""

from __future__ import annotations

PREFIX = "desk:"

DESK_CHANGED = "desk-changed"


def desk_of(community_id: int) -> str:
    return f"{PREFIX}{community_id}"


def community_of(stream: str) -> int | None:
    """The community of a desk's stream; None for what is no desk."""
    number = stream.removeprefix(PREFIX)
    if stream.startswith(PREFIX) and number.isascii() and number.isdigit() and stream == desk_of(int(number)):
        return int(number)
    return None
