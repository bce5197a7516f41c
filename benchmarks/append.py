"""Durable appends: how many a second, acked after the commit, and how long an ack takes at half that load.

One process, pinned; the database on the other core. The baseline, ``one-per-transaction``, writes each
message in its own transaction through the ORM, as most chat servers do. At the end the database is asked what
it holds: every acked message once, with numbers that have no gap.

Run by ``benchmarks.run`` as a child, once for each round: it prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import json
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import uvloop

from benchmarks.inside import communities_on, streams_alone
from config.collector import collect_rarely
from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.clock import SystemClock
from mypick.community.commands import SendMessage
from mypick.community.models import Membership, Room
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.creators.models import Creator
from mypick.ids import Ids
from mypick.streams import Append as Unit
from mypick.streams import NewEvent, ReceiptKey, Streams
from mypick.streams.events import Done
from mypick.streams.models import Stream, StreamEvent

STREAMS = 8  # rooms that are written to, turn by turn
WRITERS = 256  # messages under way at once in the first phase
POOL = 10  # database connections, the server's default
ACTORS = 64  # people who write, turn by turn
TEXT = "x" * 100

Append = Callable[[str, dict[str, Any]], Any]
"""``await append(stream_key, data)`` returns when the event is committed."""

Appending = tuple[Append, list[str]]
"""With the keys of the streams to write to."""


@dataclass(frozen=True)
class Appended:
    """One round of one appender."""

    expected: int
    stored: int  # events in the database, over all phases
    gapless: bool
    rate: float  # acks a second, ``WRITERS`` under way
    cpu_us: float  # of this process, for each message
    half_p50_ms: float  # at half that rate, from the moment the message was due
    half_p99_ms: float

    @property
    def exact(self) -> bool:
        return self.stored == self.expected and self.gapless


@asynccontextmanager
async def one_per_transaction() -> AsyncIterator[Appending]:
    """The baseline: lock the stream, raise its head, insert the event, commit; one message each."""
    clock, ids = SystemClock(), Ids()

    async def append(key: str, data: dict[str, Any]) -> None:
        event_id = await ids.one()
        async with db.transaction():
            stream = await Stream.select_for_update().get(key=key)
            stream.head_seq += 1
            await stream.save(update_fields=["head_seq"])
            await StreamEvent.create(
                id=event_id,
                stream_id=stream.id,
                seq=stream.head_seq,
                type="message-created",
                at=clock.now(),
                data=data,
            )

    yield append, await _new_streams()


async def _new_streams() -> list[str]:
    keys = [f"bench:{os.getpid()}:{time.time_ns()}:{number}" for number in range(STREAMS)]
    for key in keys:
        await Stream.create(key=key, epoch="bench")
    return keys


class Ungrouped(Streams):
    """Each unit in a transaction of its own, as most chat servers write: what the groups are worth."""

    async def append(self, unit: Unit) -> Done:
        return await self.append_alone(unit)


@asynccontextmanager
async def ours() -> AsyncIterator[Appending]:
    """The server's own way: receipts, group commit, and after the commit the frames for the bus, with a query for
    the names of the actors. No client listens."""
    run, numbers = time.time_ns(), itertools.count()
    async with streams_alone() as streams:

        async def append(key: str, data: dict[str, Any]) -> None:
            number = next(numbers)
            actor = 1 + number % ACTORS
            # the payload is hashed and the reply is stored, as for a command of a client
            receipt = ReceiptKey.of(actor, f"{run}-{number}", "send-message", data)
            await streams.append(Unit([NewEvent(key, "message-created", data, actor_id=actor)], receipt=receipt))

        yield append, await _new_streams()


@asynccontextmanager
async def chat(kind: type[Streams] = Streams) -> AsyncIterator[Appending]:
    """The whole of ``send-message``, in rooms of their own: who may, in which mode, at what rate; the message's row and
    event. One room for each stream, members who write turn by turn."""
    clock, numbers, run = SystemClock(), itertools.count(), time.time_ns()
    async with streams_alone(kind) as streams:
        communities = communities_on(streams)
        actors = await _members(run, clock.now())
        rooms = {}
        for number in range(STREAMS):
            creator = await Creator.create(name=f"creator {number}", description="", created_at=clock.now())
            community_id = await communities.open_for(creator.id)
            await Membership.bulk_create(
                [
                    Membership(
                        community_id=community_id,
                        user_id=actor.user_id,
                        rank=Role.MEMBER,
                        joined_at=clock.now() - timedelta(days=30),
                    )
                    for actor in actors
                ]
            )
            room = await Room.get(community_id=community_id)
            rooms[room_of(room.id)] = room.id

        async def append(key: str, data: dict[str, Any]) -> None:
            number = next(numbers)
            said = SendMessage(room_id=rooms[key], cid=f"{run}-{number}", text=f"{data['n']} {data['text']}")
            await communities.messages.send(actors[number % ACTORS], said)

        yield append, list(rooms)


async def _members(run: int, now: datetime) -> list[Actor]:
    users = [
        User(email=f"{run}-{i}@bench.invalid", password_hash="", display_name=f"{i}", settings={}, created_at=now)
        for i in range(ACTORS)
    ]
    for user in users:
        await user.save()
    return [Actor(user_id=user.id, role="fan", session_id=1, scopes=None, expires_at=None) for user in users]


APPENDERS: Mapping[str, Callable[[], AbstractAsyncContextManager[Appending]]] = {
    "ours": ours,
    "chat": chat,
    "chat, each alone": functools.partial(chat, Ungrouped),
    "one-per-transaction": one_per_transaction,
}


async def closed_loop(append: Append, keys: list[str], messages: int) -> float:
    """Seconds for ``messages`` appends with ``WRITERS`` under way."""
    numbers = iter(range(messages))

    async def writer() -> None:
        for number in numbers:
            await append(keys[number % len(keys)], {"text": TEXT, "n": number})

    began = time.perf_counter()
    async with asyncio.TaskGroup() as writers:
        for _ in range(min(WRITERS, messages)):
            writers.create_task(writer())
    return time.perf_counter() - began


async def paced(append: Append, keys: list[str], messages: int, rate: float) -> list[float]:
    """Seconds from due to acked of ``messages`` appends that are due at ``rate`` a second, ready or not."""
    latencies: list[float] = []

    async def one(number: int, due: float) -> None:
        await append(keys[number % len(keys)], {"text": TEXT, "n": number})
        latencies.append(time.perf_counter() - due)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as under_way:  # bounded by ``messages``
        for number in range(messages):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            under_way.create_task(one(number, due))
    return sorted(latencies)


async def measure(url: str, appender: str, messages: int) -> Appended:
    """Raises ``mypick.db.DatabaseUnavailable`` if ``url`` does not answer. What was written stays there."""
    async with db.open_database(url, POOL) as database:
        await database.migrate()
        collect_rarely()  # as the server does
        async with APPENDERS[appender]() as (append, keys):
            return await _measure(append, keys, messages)


async def _measure(append: Append, keys: list[str], messages: int) -> Appended:
    warm = messages // 4
    await closed_loop(append, keys, warm)
    cpu = time.process_time()
    wall = await closed_loop(append, keys, messages)
    cpu = time.process_time() - cpu
    rate = messages / wall
    late = await paced(append, keys, messages, rate / 2)
    expected = warm + 2 * messages
    stored, gapless = await _in_the_database(keys)
    return Appended(
        expected=expected,
        stored=stored,
        gapless=gapless,
        rate=rate,
        cpu_us=cpu / messages * 1e6,
        half_p50_ms=late[len(late) // 2] * 1e3,
        half_p99_ms=late[min(len(late) - 1, math.ceil(len(late) * 0.99))] * 1e3,
    )


async def _in_the_database(keys: list[str]) -> tuple[int, bool]:
    stored, gapless = 0, True
    for stream in await Stream.filter(key__in=keys):
        events = await StreamEvent.filter(stream_id=stream.id).order_by("seq").only("seq")
        stored += len(events)
        gapless = gapless and [event.seq for event in events] == list(range(1, stream.head_seq + 1))
    return stored, gapless


def main() -> None:
    parser = argparse.ArgumentParser(description="One round of one appender.")
    parser.add_argument("--url", required=True, help="the database, as DATABASE_URL")
    parser.add_argument("--appender", choices=sorted(APPENDERS), required=True)
    parser.add_argument("--messages", type=int, default=5_000)
    chosen = parser.parse_args()
    result = uvloop.run(measure(chosen.url, chosen.appender, chosen.messages))
    sys.stdout.write(json.dumps({**asdict(result), "exact": result.exact}) + "\n")


if __name__ == "__main__":
    main()
