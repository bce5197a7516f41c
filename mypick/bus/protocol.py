"""What every bus does. One contract suite, ``tests/bus``, runs against each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

MessageHandler = Callable[[str, bytes], None]
"""Takes channel and payload. Runs on the reader's loop, so it neither waits nor raises."""


class Bus(Protocol):
    """Fire-and-forget messages on named channels.

    Guarantee: messages of one publisher on one channel arrive in the order of publishing, at most once each; its own
    publisher hears them too. Nothing arrives on a channel after ``unsubscribe`` was called for it.
    No guarantee: that they arrive. After an interruption ``on_gap`` is called once the subscriptions stand again,
    so that the listener looks at the database at once and not at its next check.
    """

    async def start(self, handler: MessageHandler, on_gap: Callable[[], None]) -> None:
        """Begin reading. Returns even if the far side is away; the bus goes on trying. Called once."""

    async def close(self) -> None:
        """Stop reading and free everything. May be called twice."""

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send ``(channel, payload)`` pairs in one round trip. While the far side is away they are dropped and
        counted: the caller has committed, and must neither wait nor fail."""

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Returns when messages published from now on will be heard (or, while away, when it is noted).

        A channel is subscribed to or not: twice is once, and one ``unsubscribe`` ends it."""

    async def unsubscribe(self, channels: Iterable[str]) -> None: ...

    @property
    def up(self) -> bool:
        """Whether messages flow right now."""

    async def ping(self) -> float:
        """Seconds of one round trip. Raises ``ConnectionError`` while away."""
