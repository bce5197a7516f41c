"""What is missing of a stream with members here, read from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from mypick.metrics import Metrics
from mypick.streams.events import Frame
from mypick.streams.local import Local
from mypick.streams.store import MAX_PAGE, StreamStore

log = structlog.get_logger(__name__)

MAX_CATCH_UP = 10_000  # events delivered to members at once; who is further behind is told to sync
FILLS_AT_ONCE = 8  # streams that read their gap at the same time


class Gaps:
    """Fills the gaps of the streams in ``locals_``, which are its owner's. Neither ``send``, which takes the frames in
    order, nor ``send_lagged``, which tells the members to sync, nor ``filled``, called when the lock is free again,
    waits or raises."""

    def __init__(
        self,
        store: StreamStore,
        *,
        node: str,
        metrics: Metrics,
        locals_: Mapping[str, Local],
        send: Callable[[Frame], None],
        send_lagged: Callable[[Local, int], None],
        filled: Callable[[Local], None],
    ) -> None:
        self._store = store
        self._node = node
        self._metrics = metrics
        self._locals = locals_
        self._send = send
        self._send_lagged = send_lagged
        self._filled = filled
        self._fills: dict[str, asyncio.Task[None]] = {}  # at most one a stream
        self._filling = asyncio.Semaphore(FILLS_AT_ONCE)

    def fill_soon(self, local: Local) -> None:
        key = local.position.key
        if key not in self._fills and self._locals.get(key) is local:
            task = self._fills[key] = asyncio.get_running_loop().create_task(self._fill(local))
            task.add_done_callback(lambda _: self._fills.pop(key, None))

    async def _fill(self, local: Local) -> None:
        try:
            async with self._filling, local.lock:
                if self._locals.get(local.position.key) is local:
                    await self.catch_up(local, None)
        except Exception as failure:
            log.warning("gap not filled yet", stream=local.position.key, error=repr(failure))
        finally:
            self._filled(local)

    async def catch_up(self, local: Local, upto: int | None) -> None:
        """Deliver from the database up to ``upto``, or to the head. The caller holds the stream's lock."""
        position = await self._store.position(local.position.key)
        target = position.head_seq if upto is None else upto
        if (
            position.epoch != local.position.epoch
            or local.last_seq < position.floor_seq
            or local.last_seq > position.head_seq
            or target - local.last_seq > MAX_CATCH_UP
        ):
            local.position, local.last_seq = position, target
            self._send_lagged(local, target)
            return
        local.position = position
        while local.last_seq < target:
            events = await self._store.after(position, local.last_seq, min(MAX_PAGE, target - local.last_seq))
            if not events or events[0].seq != local.last_seq + 1:  # trimmed meanwhile
                local.last_seq = target
                self._send_lagged(local, target)
                return
            for frame in await self._store.frames(events, self._node):
                self._send(frame)
            local.last_seq = events[-1].seq
            self._metrics.stream_gaps.inc()

    async def close(self) -> None:
        """Stop filling."""
        fills = list(self._fills.values())
        for task in fills:
            task.cancel()
        await asyncio.gather(*fills, return_exceptions=True)
