"""Frames between the delivery and the sockets."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import perf_counter

import structlog

from mypick.streams.events import Frame

log = structlog.get_logger(__name__)

MAX_OUT = 100_000  # frames; beyond it they are dropped and the members of their streams told to sync
MAX_OUT_BYTES = 64 * 1024 * 1024  # of their bodies; the same beyond it
AT_ONCE = 1_000  # frames that are looked at for those that go together: with 64, a fan-out to inboxes parted them
TOGETHER = 64  # frames of one stream that are handed over together
TOGETHER_BYTES = 32_768  # of their bodies: an eighth of what a slow client may leave unread
HELD = 0.005  # seconds of handing over after which others have a turn of the loop
TOLD_AT_ONCE = 20  # of those that wait until all is handed over, in one turn: each goes on for 50 to 150 µs

Sink = Callable[[Sequence[Frame]], Awaitable[None]]
"""Hands frames of one stream, in their order, to its local members. It must not wait for a client."""


class Outbox:
    """Hands frames over, those of one stream in their order. ``on_handing`` hears of each before.

    What came in for a stream while others were handed over goes together: where a room has 10,000 members and more to
    say than a core can write one by one, each client is written to once for several messages, and not once for each.
    """

    def __init__(self, on_handing: Callable[[Frame], None], now: Callable[[], float] = perf_counter) -> None:
        """``now``: seconds, by which the loop is left to others."""
        self._on_handing = on_handing
        self._now = now
        self._out: deque[Frame] = deque()
        self._bytes = 0  # of their bodies
        self._put = self._handed = 0  # frames, ever
        self._marks: deque[tuple[int, asyncio.Future[None]]] = deque()  # done at so many handed; bound: the callers
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._out)

    @property
    def full(self) -> bool:
        return len(self._out) >= MAX_OUT or self._bytes >= MAX_OUT_BYTES

    def put(self, frame: Frame) -> None:
        """The caller looks whether it is full."""
        self._out.append(frame)
        self._bytes += len(frame.body)
        self._put += 1
        self._filled.set()

    async def flushed(self) -> None:
        """Returns when what was put in until now is with the sockets. What comes behind it may be so as well: who
        enters a room parts nothing that goes together in another."""
        if self._handed == self._put:
            return
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._marks.append((self._put, mark))
        await mark

    async def run(self, sink: Sink) -> None:
        """Hand frames to ``sink`` for as long as the process lives."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            began = self._now()
            while self._out:
                taken = self._take()
                try:
                    for frames in taken:
                        await self._hand(frames, sink)
                        if self._now() - began > HELD:
                            await asyncio.sleep(0)
                            began = self._now()
                finally:
                    self._handed += sum(map(len, taken))
                if self._marks:
                    await self._tell()

    def _take(self) -> Collection[Sequence[Frame]]:
        """The first frames, by stream, as far as none has more than may go together; streams in the order of their
        first frames."""
        taken: dict[str, list[Frame]] = {}
        sizes: defaultdict[str, int] = defaultdict(int)
        for _ in range(min(AT_ONCE, len(self._out))):
            frame = self._out[0]
            stream = frame.stream
            together = taken.setdefault(stream, [])
            sizes[stream] += len(frame.body)
            if together and (len(together) == TOGETHER or sizes[stream] > TOGETHER_BYTES):
                break
            self._out.popleft()
            self._bytes -= len(frame.body)
            together.append(frame)
        return taken.values()

    async def _tell(self) -> None:
        """Let those go on that waited for what is handed over now."""
        told = 0
        while self._marks and self._marks[0][0] <= self._handed:
            _, mark = self._marks.popleft()
            if not mark.done():  # its caller has gone
                mark.set_result(None)
                told += 1
                if told % TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _hand(self, frames: Sequence[Frame], sink: Sink) -> None:
        for frame in frames:
            self._on_handing(frame)
        try:
            await sink(frames)
        except Exception:
            log.exception("frames could not be handed over", stream=frames[0].stream, seq=frames[0].seq)
