"""Frames between the delivery and the sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from mypick.streams.events import Frame

log = structlog.get_logger(__name__)

MAX_OUT = 100_000  # frames; beyond it they are dropped and the members of their streams told to sync

Sink = Callable[[Frame], Awaitable[None]]
"""Hands one frame to the local members of its stream. It must not wait for a client."""


class Outbox:
    """Hands frames over one after the other, in their order. ``on_handing`` hears of each before."""

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
                item = self._out.popleft()
                if isinstance(item, asyncio.Future):
                    if not item.done():
                        item.set_result(None)
                    continue
                self._on_handing(item)
                self._handing = True
                try:
                    await sink(item)
                except Exception:
                    log.exception("a frame could not be handed over", stream=item.stream, seq=item.seq)
                finally:
                    self._handing = False
