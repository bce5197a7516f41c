"""The order of a queue, a pure rule: what most people want to see comes first, of equals what waits longest.

Clients order alike by the votes and the ``place`` of each item, so that an event tells what has changed and not the
whole queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Waiting(Protocol):
    @property
    def votes(self) -> int: ...

    @property
    def place(self) -> int:
        """The seq of the event that told of it; no two items of one party have the same."""


Item = TypeVar("Item", bound=Waiting)


def ordered(items: Iterable[Item]) -> list[Item]:
    """``items`` as they will be played."""
    return sorted(items, key=lambda item: (-item.votes, item.place))
