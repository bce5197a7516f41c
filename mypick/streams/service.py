"""The door of the streams: append, resume, join, signal."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from mypick.bus import Bus
from mypick.clock import Clock
from mypick.ids import Ids
from mypick.metrics import Metrics
from mypick.streams.appender import Appender
from mypick.streams.commit import Committer
from mypick.streams.delivery import CHANNEL, Delivery
from mypick.streams.events import Append, Done, Event, Frame
from mypick.streams.store import People, StreamStore


class Streams:
    """One node's streams. ``node`` names this process on the bus and must differ from every other's."""

    def __init__(
        self,
        *,
        bus: Bus,
        ids: Ids,
        clock: Clock,
        people: People,
        node: str,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        self._node = node
        self.store = StreamStore(people)
        self.delivery = Delivery(self.store, bus, node=node, metrics=metrics)
        self.appender = Appender(Committer(self.store, ids, clock), self._publish, rng=rng, metrics=metrics)

    async def append(self, unit: Append) -> Done:
        """Write ``unit`` together with what else arrives now; returns after the commit."""
        return await self.appender.append(unit)

    async def append_alone(self, unit: Append) -> Done:
        """Write ``unit`` in a transaction of its own; for units that touch many streams."""
        return await self.appender.append_alone(unit)

    async def signal(self, stream: str, kind: str, data: Mapping[str, Any], *, but: str = "") -> None:
        """Tell the members of ``stream``, on every node, something of the moment; not the member ``but`` of this
        node, whose doing it is. It is not in the log, so nothing that must not be lost is a signal."""
        frame = Frame(stream, "", None, kind, orjson.dumps(data), self._node, but)
        self.delivery.accept(frame)
        await self._bus.publish([(CHANNEL + stream, frame.encode())])

    def tell_here(self, stream: str, kind: str, data: Mapping[str, Any]) -> None:
        """As ``signal``, to the members on this node alone."""
        self.delivery.accept(Frame(stream, "", None, kind, orjson.dumps(data), self._node))

    async def pass_on(self, kind: str, bodies: Mapping[str, bytes]) -> None:
        """Words from node to node, by stream, for those that have members of it; the members are not told."""
        frames = [Frame(stream, "", None, kind, body, self._node) for stream, body in bodies.items()]
        await self._bus.publish([(CHANNEL + frame.stream, frame.encode()) for frame in frames])

    async def wake(self, streams: Collection[str], kind: str) -> None:
        """A signal without words to the other nodes that have members of ``streams``, and not to the members."""
        await self.pass_on(kind, dict.fromkeys(streams, b"{}"))

    async def _publish(self, events: Sequence[Event]) -> None:
        frames = await self.store.frames(events, self._node)
        for frame in frames:
            self.delivery.accept(frame)
        await self._bus.publish([(CHANNEL + frame.stream, frame.encode()) for frame in frames])
