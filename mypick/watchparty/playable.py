"""What can be played of what is known."""

from __future__ import annotations

from typing import Protocol

from mypick.accounts.actor import Actor
from mypick.content.views import ContentView
from mypick.errors import Code, DomainError, not_found
from mypick.watchparty.timeline import Playable


class Videos(Protocol):
    """Finds a video by its address."""

    async def content_of(self, actor: Actor, address: str) -> int: ...


def playable_of(content: ContentView | None) -> Playable:
    """``NOT_FOUND`` where there is no such content; ``INVALID`` for what cannot be played."""
    if content is None:
        raise not_found("content")
    if content.kind == "post":
        raise DomainError(Code.INVALID, "a post cannot be watched: choose a video")
    live = content.live_status in ("upcoming", "live")
    known = None if live or content.duration_s is None else content.duration_s * 1_000
    return Playable(content.id, known or None)
