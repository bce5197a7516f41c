"""What is shown of a party's queue and of what it has played."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mypick.content.views import ContentView
from mypick.watchparty.person import Person
from mypick.wire import Instant, View


class QueueItemView(View):
    id: int
    content: ContentView | None
    added_by: Person | None
    added_at: Instant
    votes: int
    place: int = Field(description="its age: of items with as many votes the lowest is played first")


class QueueView(View):
    items: list[QueueItemView] = Field(description="as they will be played")
    own_votes: list[int] = Field(description="ids of the items that the asker voted for")


class ItemVotes(View):
    item_id: int
    votes: int


class QueueChanged(View):
    """The event ``queue-changed``: what has changed. The order is by votes, then by ``place``."""

    action: Literal["added", "removed", "played", "voted"]
    item: QueueItemView | None = Field(description="that was added")
    item_ids: list[int] = Field(description="that are in the queue no longer")
    votes: list[ItemVotes] = Field(description="items that have other votes now; told at most every half second")


class QueueAdded(View):
    item_id: int
    seq: int


class QueueDone(View):
    seq: int | None = Field(description="in the party's stream; null where nothing is told, or not yet")


class WatchedView(View):
    """Content that a party has played."""

    content: ContentView | None
    from_at: Instant
    until_at: Instant | None = Field(description="null while it is on")
    guests: int = Field(description="people who were there meanwhile")
