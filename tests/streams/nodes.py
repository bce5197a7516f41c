"""Nodes, members and promises of the streams, for tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson

from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.clock import SystemClock
from mypick.ids import Ids
from mypick.metrics import Metrics
from mypick.streams import Append, Frame, NewEvent, Position, ReceiptKey, Streams
from mypick.streams.models import StreamEvent


async def nobody(ids: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    return {}


def said(stream: str, text: str, *, actor: int = 1, cid: str | None = None) -> Append:
    """One event with a receipt, as a chat message would be."""
    return Append(
        events=[NewEvent(stream, "said", {"text": text}, actor_id=actor)],
        receipt=ReceiptKey.of(actor, cid or text, "say", {"stream": stream, "text": text}),
    )


class Member:
    """A client in a room: it remembers all that reached it."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.started_at = 0
        self.seen: list[int] = []
        self.signals: list[str] = []
        self.lagged = False

    @property
    def log(self) -> list[int]:
        return self.seen


class Node:
    """One process with its own streams, over the database and exchange that all nodes share."""

    def __init__(self, name: str, exchange: MemoryExchange, bus: MemoryBus | None = None) -> None:
        self.bus = bus or MemoryBus(exchange)
        self.streams = Streams(
            bus=self.bus,
            ids=Ids(),
            clock=SystemClock(),
            people=nobody,
            node=name,
            rng=random.Random(1),
            metrics=Metrics.unread(),
        )
        self.rooms: dict[str, list[Member]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def deliver(self, frames: Sequence[Frame]) -> None:
        assert len({frame.stream for frame in frames}) == 1
        for frame in frames:
            for member in self.rooms.get(frame.stream, []):
                if frame.type == "lagged":
                    member.lagged = True
                elif frame.seq is None:
                    member.signals.append(frame.type)
                else:
                    assert orjson.loads(frame.body)["seq"] == frame.seq
                    member.seen.append(frame.seq)

    async def start(self) -> None:
        delivery = self.streams.delivery
        await self.bus.start(delivery.on_message, delivery.look_now)
        self._tasks = [
            asyncio.create_task(self.streams.appender.run()),
            asyncio.create_task(delivery.run(self.deliver)),
        ]

    async def join(self, stream: str) -> Member:
        member = Member(stream)

        async def read() -> tuple[Position, int]:
            position = await self.streams.store.position(stream)
            return position, position.head_seq

        async def enter(seq: int, missed: Sequence[Frame]) -> None:
            member.started_at = seq
            member.seen += [frame.seq for frame in missed if frame.seq is not None]
            self.rooms.setdefault(stream, []).append(member)

        await self.streams.delivery.join(stream, read, enter)
        return member

    async def leave(self, member: Member) -> None:
        self.rooms[member.stream].remove(member)
        await self.streams.delivery.leave(member.stream)

    async def settle(self) -> None:
        """Returns when everything that is in the database has been handed to the members here."""
        delivery = self.streams.delivery
        await delivery.check_heads()
        while delivery._gaps._fills:  # the fills that the check began
            await asyncio.gather(*delivery._gaps._fills.values(), return_exceptions=True)
            await asyncio.sleep(0)
        await delivery._out.flushed()

    async def kill(self) -> None:
        """As SIGKILL: nothing is finished, nothing is said."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.streams.delivery.close()
        await self.bus.close()


@asynccontextmanager
async def nodes(*names: str) -> AsyncIterator[list[Node]]:
    exchange = MemoryExchange()
    opened = [Node(name, exchange) for name in names]
    for node in opened:
        await node.start()
    try:
        yield opened
    finally:
        for node in opened:
            await node.kill()


async def database_log(node: Node, stream: str) -> list[int]:
    position = await node.streams.store.position(stream)
    rows = await StreamEvent.filter(stream_id=position.id).order_by("seq").values_list("seq")
    return [row[0] for row in rows]


async def assert_log_equals_database(node: Node, member: Member) -> None:
    """Nothing lost, nothing twice, nothing out of order, from where the member came in."""
    stored = await database_log(node, member.stream)
    assert member.seen == [seq for seq in stored if seq > member.started_at]


async def assert_gapless(node: Node, stream: str) -> None:
    stored = await database_log(node, stream)
    assert stored == list(range(1, len(stored) + 1))


def seqs(events: Sequence[Mapping[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]
