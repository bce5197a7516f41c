"""Delivery on one node: every local member of a stream sees its events in order, each once.

The bus only wakes. What it brings in order is delivered; what is old is dropped; what is ahead is held for a moment
and, if the missing events do not come, the database is read. Every two seconds the heads of all streams with local
members are compared, so a wake-up that never came is only a delay.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import orjson
import structlog

from mypick.bus import Bus
from mypick.gathering import Gathering
from mypick.metrics import Metrics
from mypick.slices import slices
from mypick.streams.events import Frame, Position
from mypick.streams.gaps import Gaps
from mypick.streams.local import MAX_HELD, Local
from mypick.streams.outbox import Outbox, Sink
from mypick.streams.store import StreamStore

log = structlog.get_logger(__name__)

HEAD_CHECK_EVERY = 2.0  # seconds
GRACE = 0.025  # seconds that a frame from the future waits for those before it; a commit takes 2–10 ms
CHANNEL = "s:"  # of the bus, before the stream's key
LAGGED = "lagged"
COMPARED_AT_ONCE = 5_000  # heads a query: their lists take 2 ms to make, which for 50,000 at once held the loop for 20

CALMING = 1.0  # seconds between two looks after the database failed

Snapshot = TypeVar("Snapshot")


class Delivery:
    """The streams with local members, and how far each has been delivered."""

    def __init__(self, store: StreamStore, bus: Bus, *, node: str, metrics: Metrics) -> None:
        self._store = store
        self._bus = bus
        self._node = node
        self._locals: dict[str, Local] = {}
        self._out = Outbox(self._handing_over)
        self._gaps = Gaps(
            store,
            node=node,
            metrics=metrics,
            locals_=self._locals,
            send=self._send,
            send_lagged=self._send_lagged,
            filled=self._settle,
        )
        self._check_now = asyncio.Event()
        self._subscribing = Gathering(self._subscribe, longest_pause=0)

    @property
    def streams(self) -> int:
        """Streams with members here."""
        return len(self._locals)

    async def run(self, sink: Sink) -> None:
        """Hand frames to ``sink`` for as long as the process lives."""
        await self._out.run(sink)

    async def flushed(self) -> None:
        """Returns when what was published here until now is with the sockets. Waits for ever where nothing runs."""
        await self._out.flushed()

    def _handing_over(self, frame: Frame) -> None:
        if frame.type == LAGGED and (local := self._locals.get(frame.stream)):
            local.lagged = False

    async def run_head_check(self) -> None:
        """Compare heads every two seconds, and at once after the bus was interrupted."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAD_CHECK_EVERY):
                    await self._check_now.wait()
            self._check_now.clear()
            try:
                await self.check_heads()
            except Exception as failure:
                log.warning("head check failed", error=repr(failure))
                await asyncio.sleep(CALMING)

    async def check_heads(self) -> None:
        """One query for ``COMPARED_AT_ONCE`` local streams; those that have moved on are filled."""
        async for part in slices(list(self._locals.values()), COMPARED_AT_ONCE):
            ready = {local.position.id: local for local in part if local.ready}
            # a head below what was delivered is a database that lost commits: it must not pass for old news
            for position in await self._store.moved([(local.position, local.last_seq) for local in ready.values()]):
                self._gaps.fill_soon(ready[position.id])

    def look_now(self) -> None:
        """The bus may have lost something: do not wait for the next check."""
        self._check_now.set()

    def on_message(self, channel: str, payload: bytes) -> None:
        """From the bus. Neither waits nor raises."""
        key = channel.removeprefix(CHANNEL)
        try:
            frame = Frame.decode(key, payload)
        except ValueError:
            log.warning("unreadable bus message", channel=channel, size=len(payload))
            return
        if frame.node != self._node:  # our own was delivered when it was published
            self.accept(frame)

    def accept(self, frame: Frame) -> None:
        """Deliver ``frame`` if it is the next one, hold it if it is early, drop it if it is old."""
        local = self._locals.get(frame.stream)
        if local is None:
            return
        if frame.seq is None:
            if local.lock.locked() and len(local.signals) < MAX_HELD:
                local.signals.append(frame)  # so that whoever is being let in hears it too
            else:
                self._send(frame)
        elif not local.ready or local.lock.locked():
            self._hold(local, frame)  # looked at again when the lock is free
        elif frame.epoch != local.position.epoch:
            self._gaps.fill_soon(local)
        elif frame.seq == local.last_seq + 1:
            self._send(frame)
            local.last_seq = frame.seq
            if local.held:
                self._drain(local)
        elif frame.seq > local.last_seq:
            self._hold(local, frame)
            if local.grace is None:
                local.grace = asyncio.get_running_loop().call_later(GRACE, self._grace_over, local)

    async def join(
        self,
        key: str,
        read: Callable[[], Awaitable[tuple[Position, Snapshot]]],
        enter: Callable[[Snapshot, Sequence[Frame]], Awaitable[None]],
    ) -> None:
        """Let one more member into ``key`` without a gap and without a repeat.

        ``read`` gives the member's snapshot and the position of the stream up to whose head it is true; ``enter``
        enters the room and sends the snapshot and then the frames that it is given: what the others were sent while
        this one read. Thousands may read at once, and nobody waits for them; they enter one after the other. Call
        ``leave`` once for each ``join`` that returned.
        """
        local = self._locals.get(key)
        if local is None:
            local = self._locals[key] = Local(Position(0, key, "", 0, 0))
        local.members += 1
        try:
            if not local.ready:
                await self._subscribing.get(key)  # before the first look at the head, and for all who are first
            await self._show(local, read, enter)
        except BaseException:
            await self.leave(key)
            raise

    async def between(
        self,
        key: str,
        read: Callable[[], Awaitable[tuple[Position, Snapshot]]],
        send: Callable[[Snapshot, Sequence[Frame]], Awaitable[None]],
    ) -> None:
        """Send a fresh snapshot to a member of ``key`` in its place: behind what it already has, before what comes.
        What it was sent while ``read`` read, it is sent again, behind the snapshot."""
        local = self._locals.get(key)
        if local is not None:  # else the member has left meanwhile
            await self._show(local, read, send)

    async def _show(
        self,
        local: Local,
        read: Callable[[], Awaitable[tuple[Position, Snapshot]]],
        send: Callable[[Snapshot, Sequence[Frame]], Awaitable[None]],
    ) -> None:
        local.joining += 1
        try:
            position, snapshot = await read()
            async with local.lock:  # from here on what arrives is held
                if not local.ready or local.members == 1:
                    local.begin_at(position)
                await self._out.flushed()
                missed = local.missed(position)
                if missed is None:
                    position, snapshot = await read()
                    missed = []
                await self._bring_to(local, position.head_seq)
                await send(snapshot, missed)
        finally:
            local.joined()
            self._settle(local)

    def _settle(self, local: Local) -> None:
        """Deliver what waited, unless somebody else holds the stream, who will."""
        if local.ready and not local.lock.locked() and self._locals.get(local.position.key) is local:
            self._drain(local)

    async def _subscribe(self, keys: Sequence[str]) -> Mapping[str, bool]:
        # whoever asked may have gone before its turn, and nobody would unsubscribe again
        await self._bus.subscribe([CHANNEL + key for key in keys if key in self._locals])
        return {}

    async def _bring_to(self, local: Local, seq: int) -> None:
        """Returns when the members here have everything up to ``seq``. The caller holds the stream's lock."""
        if seq > local.last_seq:
            await self._gaps.catch_up(local, seq)
        await self._out.flushed()

    async def leave(self, key: str) -> None:
        """One member fewer; with the last one the node stops listening."""
        local = self._locals.get(key)
        if local is None:
            return
        local.members -= 1
        if local.members > 0:
            return
        async with local.lock:
            if local.members > 0 or self._locals.get(key) is not local:
                return
            del self._locals[key]
            if local.grace:
                local.grace.cancel()
            await self._bus.unsubscribe([CHANNEL + key])
        if newcomer := self._locals.get(key):  # somebody joined while we unsubscribed
            await self._bus.subscribe([CHANNEL + key])
            self._gaps.fill_soon(newcomer)
            if self._locals.get(key) is None:  # and left again
                await self._bus.unsubscribe([CHANNEL + key])

    def _send(self, frame: Frame) -> None:
        if self._out.full:
            if frame.seq is not None and (local := self._locals.get(frame.stream)):
                self._send_lagged(local, frame.seq)
            return
        self._out.put(frame)
        if frame.seq is not None and (local := self._locals.get(frame.stream)) is not None:
            local.sent(frame)

    def _send_lagged(self, local: Local, head_seq: int) -> None:
        """Tell the members to sync. One a stream is under way at most, so these are bounded by the streams here and
        not by MAX_OUT: they must reach the members."""
        if local.lagged:
            return
        local.lagged = True
        key = local.position.key
        log.warning("members are told to sync", stream=key, head_seq=head_seq, queued=len(self._out))
        body = orjson.dumps({"stream": key, "head_seq": head_seq})
        self._out.put(Frame(key, local.position.epoch, None, LAGGED, body, self._node))

    def _hold(self, local: Local, frame: Frame) -> None:
        if frame.seq is None:
            raise AssertionError("signals have no order to be held for")
        if len(local.held) >= MAX_HELD:
            local.held.clear()  # the database has them all
            self._gaps.fill_soon(local)
        local.held[frame.seq] = frame

    def _drain(self, local: Local) -> None:
        """Deliver what was held and now fits; what is still early gets its grace."""
        while (frame := local.held.pop(local.last_seq + 1, None)) is not None:
            if frame.epoch != local.position.epoch:
                self._gaps.fill_soon(local)
                break
            self._send(frame)
            local.last_seq += 1
        for seq in [seq for seq in local.held if seq <= local.last_seq]:
            del local.held[seq]
        self._send_signals(local)
        if local.held and local.grace is None:
            local.grace = asyncio.get_running_loop().call_later(GRACE, self._grace_over, local)

    def _send_signals(self, local: Local) -> None:
        for signal in local.signals:
            self._send(signal)
        local.signals.clear()

    def _grace_over(self, local: Local) -> None:
        local.grace = None
        if not local.held or local.lock.locked():
            return
        if local.last_seq + 1 in local.held:
            self._drain(local)
        else:
            self._gaps.fill_soon(local)

    async def close(self) -> None:
        """Stop filling and forget the members."""
        for local in self._locals.values():
            if local.grace:
                local.grace.cancel()
        await self._gaps.close()
        self._locals.clear()
