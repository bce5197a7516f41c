"""A room of a community that is full: a message each 50 ms, to everybody in it, by ``SPEAKERS`` of them in turn.

Ours is the whole server on PostgreSQL and Redis: a message is sent with ``send-message``, judged, stored and then told.
The peers broadcast what they keep nowhere. Of the clients one in ten is heard while the clock runs, since a load
program could not look at 200,000 messages a second; what the others take from their sockets, each ``TAKE_EVERY``
seconds, is looked at, and counted, afterwards. The server sends the same to all.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import select
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from benchmarks import wire
from benchmarks.broadcast import TEXT
from benchmarks.client import Client, Door, LoadError
from benchmarks.load import RECV, Load
from benchmarks.sample import SETTLE, Phase, Sample
from benchmarks.stage import Stage, bring_in, ids_of, production
from benchmarks.subjects import Cores, Running, Subject, on_core, started
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Role
from mypick.creators.models import Creator
from mypick.db import open_database

EVERY = 0.05  # seconds between two messages
SPEAKERS = 20
AHEAD = 2 * SPEAKERS  # messages that nobody has seen yet: who is late must not say more than a server takes from one
READ = 10  # one in so many clients is heard at once
TAKE_EVERY = 0.4  # seconds: a kernel whose buffers nobody empties slows the server after 30 messages
AT_ONCE = 1_000  # connections under way
BEFORE = 60  # messages that are there already: a join answers the newest 50
ROOM_ID = 1
UNLIMITED = ("socket.handshake", "socket.connect", "socket.sync", "socket.command", "community.send")
_SPACE = b"/community,"
_NUMBER = re.compile(rb'"(?:n": *|text":"n)(\d+)')


@dataclass(frozen=True)
class Talked:
    """A conversation: what a delivery cost, and how late it was."""

    expected: int
    received: int
    disordered: int
    cpu_us: float  # of the server process, for each delivery
    rate: float
    p50_ms: float  # from the moment a message was due until a client read it
    p99_ms: float
    load_bound: bool
    last_p99_ms: float  # until the last client read it
    join_kib: float  # the largest answer to join-room

    @property
    def exact(self) -> bool:
        return self.received == self.expected and self.disordered == 0


class Talking(Load):
    """Clients of whom some say something again and again."""

    joined_bytes = 0

    def talk(self, messages: int) -> tuple[Phase, list[float]]:
        """``messages``, one each ``EVERY`` seconds; and when the last client read each, in seconds."""
        read_now, read_later = self._ready[::READ], [c for at, c in enumerate(self._ready) if at % READ]
        speakers = read_now[:SPEAKERS]
        numbers: dict[bytes, int] = {}
        order: list[int] = []  # in which the first client heard them: all must hear them so
        due, lasts = [0.0] * messages, [0.0] * messages
        begun = wrong = later = taken = 0
        kept: list[tuple[Client, bytes]] = []

        def number_of(packet: bytes) -> int | None:
            if packet not in numbers:
                if b'"ok":false' in packet:
                    raise LoadError(f"a message was refused: {packet[:200]!r}")
                found = _NUMBER.search(packet) if packet.startswith(b"42") else None
                if found is None:
                    self.other += 1
                    return None
                numbers[packet] = int(found[1])
            return numbers[packet]

        def in_order(client: Client, number: int) -> None:
            nonlocal wrong
            client.last += 1
            if client.last == len(order):
                order.append(number)
            else:
                wrong += number != order[client.last]

        def seen(client: Client, packet: bytes) -> None:
            number = number_of(packet)
            if number is not None:
                in_order(client, number)
                late = time.perf_counter() - due[number]
                self._latencies.append(late)
                lasts[number] = late  # time only grows: the last one stays

        def seen_later(client: Client, packet: bytes) -> None:
            nonlocal later
            number = number_of(packet)
            if number is not None:
                in_order(client, number)
                later += 1

        def take() -> None:
            nonlocal taken
            due_by_now = int((time.perf_counter() - began) / TAKE_EVERY * len(read_later))
            while taken < due_by_now:
                client = read_later[taken % len(read_later)]
                taken += 1
                with contextlib.suppress(BlockingIOError):
                    kept.append((client, client.sock.recv(RECV)))

        def step() -> bool:
            nonlocal begun
            take()
            while begun < min(messages, len(order) + AHEAD) and time.perf_counter() >= began + begun * EVERY:
                due[begun] = began + begun * EVERY
                self._send(speakers[begun % len(speakers)], self.saying(begun))
                begun += 1
            return len(self._latencies) >= messages * len(read_now)

        for client in read_later:
            self._poll.unregister(client.sock.fileno())
            client.feed, client.last = seen_later, -1
        for client in read_now:
            client.feed, client.last = seen, -1
        began = time.perf_counter()
        phase = self._phase(messages * len(read_now), step)
        for client, data in kept:
            self._read(client, data)
        for client in read_later:
            self._poll.register(client.sock.fileno(), select.EPOLLIN)
        self._phase(0, lambda: later >= messages * len(read_later), allowed=SETTLE)
        missing = messages * len(read_later) - later
        wrong += len(order) - len(set(order))
        return Phase(phase.expected + missing, phase.latencies, wrong, phase.wall, phase.busy), sorted(lasts)

    def saying(self, number: int) -> bytes:
        return self._broadcast_frame(number, TEXT)


class Fans(Talking):
    """Members of the community, with a token each, who have joined its room."""

    def __init__(self, port: int, tokens: Sequence[str]) -> None:
        super().__init__(port, Door(namespace="/community"))
        self._tokens = iter(tokens)
        self._cids = map(str, itertools.count(time.time_ns()))  # the next round's clients are the same people

    def saying(self, number: int) -> bytes:
        said = {"room_id": ROOM_ID, "cid": next(self._cids), "text": f"n{number} {TEXT}"}
        return wire.client_frame(b"42" + _SPACE + b"1" + json.dumps(["send-message", said]).encode())

    def _opened(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"0{"):
            raise LoadError(f"expected the Engine.IO handshake, got {packet[:60]!r}")
        client.feed = self._entered
        self._send(client, wire.client_frame(b"40" + _SPACE + json.dumps({"token": next(self._tokens)}).encode()))

    def _entered(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"40" + _SPACE):
            raise LoadError(f"the namespace answered {packet[:120]!r}")
        client.feed = self._joined
        question = json.dumps(["join-room", {"room_id": ROOM_ID}])
        self._send(client, wire.client_frame(b"42" + _SPACE + b"0" + question.encode()))

    def _joined(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"43"):  # an event that came before the ack
            self.other += 1
            return
        if not packet.startswith(b"43" + _SPACE + b'0[{"ok":true'):
            raise LoadError(f"join-room was answered {packet[:200]!r}")
        self.joined_bytes = max(self.joined_bytes, len(packet))
        self._welcomed(client)


@contextlib.contextmanager
def stage(people: int, cores: Cores) -> Iterator[Stage]:
    with production("benchmarks.room", people, cores, UNLIMITED) as ready:
        yield ready


def measure_ours(stage: Stage, cores: Cores, clients: int, messages: int) -> Talked:
    with (
        started(stage.subject, cores.server) as server,
        on_core(cores.load),
        Fans(server.port, stage.tokens[:clients]) as load,
    ):
        load.connect(1)
        load.talk(BEFORE)
        load.connect(clients - 1, at_once=AT_ONCE)
        return _talked(load, server, messages)


def measure_bare(subject: Subject, cores: Cores, clients: int, messages: int) -> Talked:
    with started(subject, cores.server) as server, on_core(cores.load), Talking(server.port, subject.door) as load:
        load.connect(clients, at_once=AT_ONCE)
        return _talked(load, server, messages)


def _talked(load: Talking, server: Running, messages: int) -> Talked:
    load.idle(SETTLE)
    load.talk(max(2, messages // 10))  # warm-up
    before = server.cpu()
    phase, lasts = load.talk(messages)
    sample = Sample.of(phase, server.cpu() - before)
    # what one delivery cost: those that were read later were sent as well
    each = sample.cpu_us * max(1, phase.received) / max(1, messages * load.connected)
    figures = {**asdict(sample), "cpu_us": each}
    last = lasts[min(len(lasts) - 1, int(0.99 * len(lasts)))]
    return Talked(**figures, last_p99_ms=last * 1e3, join_kib=load.joined_bytes / 1024)


async def _populate(url: str, people: int) -> None:
    """One community with one room, whose members they all are."""
    now = datetime.now(UTC)
    ids = ids_of(people)
    async with open_database(url) as database:
        await database.migrate()
        await bring_in(ids, now)
        creator = await Creator.create(name="A creator", description="", created_at=now)
        community = await Community.create(creator_id=creator.id, name=creator.name, created_at=now)
        await Room.create(id=ROOM_ID, community_id=community.id, name="chat", created_at=now)
        members = [
            Membership(
                community_id=community.id,
                user_id=i,
                rank=Role.MEMBER if i > ids[0] else Role.MODERATOR,  # who speaks without end
                joined_at=now - timedelta(days=30),
            )
            for i in ids
        ]
        await Membership.bulk_create(members, batch_size=1_000)


if __name__ == "__main__":
    asyncio.run(_populate(sys.argv[1], int(sys.argv[2])))
