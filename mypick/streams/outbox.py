"""Frames between the delivery and the sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from mypick.streams.events import Frame

log = structlog.get_logger(__name__)

MAX_OUT = 100_000  # frames; beyond it they are dropped and the members of their streams told to sync
AT_ONCE = 64  # frames that are looked at for those that go together
TOGETHER_BYTES = 32_768  # of the bodies that are handed over together: an eighth of what a slow client may leave unread

Sink = Callable[[Sequence[Frame]], Awaitable[None]]
"""Hands frames of one stream, in their order, to its local members. It must not wait for a client."""


class Outbox:
    """Hands frames over, those of one stream in their order. ``on_handing`` hears of each before.

    What came in for a stream while others were handed over goes together: where a room has 10,000 members and more to
    say than a core can write one by one, each client is written to once for several messages, and not once for each.
    """

    def __init__(self, on_handing: Callable[[Frame], None]) -> None:
        self._on_handing = on_handing
        self._out: deque[Frame | asyncio.Future[None]] = deque()
        self._filled = asyncio.Event()
        self._handing = False  # a frame is with the sink

    def __len__(self) -> int:
        return len(self._out)

    @property
    def full(self) -> bool:
        return len(self._out) >= MAX_OUT

    def put(self, frame: Frame) -> None:
        """The caller looks whether it is full."""
        self._out.append(frame)
        self._filled.set()

    async def flushed(self) -> None:
        """Returns when what was put in until now is with the sockets."""
        if not self._out and not self._handing:
            return
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._out.append(mark)
        self._filled.set()
        await mark

    async def run(self, sink: Sink) -> None:
        """Hand frames to ``sink`` for as long as the process lives."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._out:
                if isinstance(mark := self._out[0], asyncio.Future):
                    self._out.popleft()
                    if not mark.done():
                        mark.set_result(None)
                    continue
                for frames in self._take():
                    await self._hand(frames, sink)

    def _take(self) -> Collection[Sequence[Frame]]:
        """The first frames, up to a mark, by stream; streams in the order of their first frames."""
        taken: dict[str, list[Frame]] = {}
        size = 0
        for _ in range(AT_ONCE):
            if not self._out or isinstance(frame := self._out[0], asyncio.Future):
                break
            size += len(frame.body)
            if taken and size > TOGETHER_BYTES:
                break
            self._out.popleft()
            taken.setdefault(frame.stream, []).append(frame)
        return taken.values()

    async def _hand(self, frames: Sequence[Frame], sink: Sink) -> None:
        for frame in frames:
            self._on_handing(frame)
        self._handing = True
        try:
            await sink(frames)
        except Exception:
            log.exception("frames could not be handed over", stream=frames[0].stream, seq=frames[0].seq)
        finally:
            self._handing = False
