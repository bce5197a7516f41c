"""A watch party of thousands: how soon a command is with the last guest, and what one guest costs while all just watch.

Ours is the whole server on PostgreSQL and Redis. The host seeks once and again; every guest reads the ``timeline``
event. Then all do what clients do while nothing happens: ask the clock each 5 s, report each 10 s, and answer pings.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks import wire
from benchmarks.client import Client, Door, LoadError
from benchmarks.load import Load
from benchmarks.sample import SETTLE
from benchmarks.stage import Stage, bring_in, ids_of, production
from benchmarks.subjects import Cores, on_core, started
from mypick.content.models import Content
from mypick.creators.models import Creator
from mypick.db import open_database

EVERY = 0.5  # seconds between two commands
CLOCK_EVERY, REPORT_EVERY = 5.0, 10.0  # seconds, of each guest
AT_ONCE = 1_000  # connections under way
CONTENT_ID = 1
UNLIMITED = ("socket.handshake", "socket.connect", "socket.sync", "socket.command", "party.control")
_SPACE = b"/watch-party,"
_TIMELINE = b"42" + _SPACE + b'["timeline"'
_ACK = b"43" + _SPACE


@dataclass(frozen=True)
class Crowded:
    """What a party of ``guests`` costs, and how late commands are."""

    guests: int
    expected: int
    received: int
    ack_p99_ms: float  # of a command
    reach_p50_ms: float  # from the command until the last guest has read the event
    reach_p99_ms: float
    last_p99_ms: float  # the part of it after the ack; 0 where the event was everywhere before
    delivery_us: float  # CPU of the server for each event delivered, commands included
    clock_p99_ms: float  # of a question of the clock
    cpu_ms: float  # of the server, for one guest and minute of watching
    load_bound: bool

    @property
    def exact(self) -> bool:
        return self.received == self.expected


class Guests(Load):
    """Each with a token, in one party."""

    def __init__(self, port: int, tokens: Sequence[str], party_id: int) -> None:
        super().__init__(port, Door(namespace="/watch-party"))
        self._tokens = iter(tokens)
        self._party_id = party_id
        self._cids = map(str, itertools.count(time.time_ns()))
        self._newest = 0  # seq of the newest timeline that was read: one host gives all commands, long after each other

    def steer(self, commands: int) -> tuple[int, list[float], list[float], list[float], float]:
        """``commands`` seeks, one each ``EVERY``: events read; of each command how long the ack took, how long it was
        until the last guest had read the event, and how much of that was after the ack, in seconds; and how busy this
        program was."""
        sent, acked, last = [0.0] * commands, [0.0] * commands, [0.0] * commands
        seen = [0] * commands
        numbers: dict[bytes, int] = {}
        begun = acks = 0

        def feed(_: Client, packet: bytes) -> None:
            nonlocal acks
            if packet.startswith(_TIMELINE):
                if packet not in numbers:
                    numbers[packet] = self._read_timeline(packet, len(numbers))
                number = numbers[packet]
                if number >= commands:
                    raise LoadError("more timelines than commands")
                seen[number] += 1
                last[number] = time.perf_counter()
                self._latencies.append(last[number] - sent[number])
            elif packet.startswith(_ACK):
                if b'"ok":true' not in packet:
                    raise LoadError(f"a command was refused: {packet[:200]!r}")
                acked[acks] = time.perf_counter()
                acks += 1
            else:
                self.other += 1

        def step() -> bool:
            nonlocal begun
            while begun < commands and time.perf_counter() >= began + begun * EVERY:
                said = {
                    "party_id": self._party_id,
                    "cid": next(self._cids),
                    "base_seq": self._newest,
                    "op": "seek",
                    "position_ms": 1_000 * (begun + 1),
                }
                sent[begun] = time.perf_counter()
                self._say(self._ready[0], b"1", "control", said)
                begun += 1
            return acks == commands and sum(seen) >= commands * len(self._ready)

        for client in self._ready:
            client.feed = feed
        began = time.perf_counter()
        phase = self._phase(commands * len(self._ready), step)
        acks_took = [there - here for here, there in zip(sent, acked, strict=True)]
        after = [max(0.0, there - here) for here, there in zip(acked, last, strict=True)]
        reached = [there - here for here, there in zip(sent, last, strict=True)]
        return phase.received, sorted(acks_took), sorted(reached), sorted(after), phase.busy

    def watch(self, seconds: float) -> tuple[list[float], int]:
        """Clock and reports of all for so long: how long answers of the clock took, and how many reports were taken."""
        clocks: dict[int, float] = {}
        took: list[float] = []
        reports = 0
        plan = sorted(self._plan(seconds), key=lambda one: one[0])
        at = 0
        began = time.perf_counter()
        numbers = {id(client): number for number, client in enumerate(self._ready)}

        def feed(client: Client, packet: bytes) -> None:
            nonlocal reports
            if packet.startswith(_ACK + b"2["):
                took.append(time.perf_counter() - clocks.pop(numbers[id(client)]))
            elif packet.startswith(_ACK + b"3["):
                if b'"ok":true' not in packet:
                    raise LoadError(f"a report was refused: {packet[:200]!r}")
                reports += 1
            else:
                self.other += 1

        def step() -> bool:
            nonlocal at
            now = time.perf_counter()
            while at < len(plan) and plan[at][0] <= now - began:
                _, number, asks = plan[at]
                client = self._ready[number]
                if asks:
                    clocks[number] = now
                    self._say(client, b"2", "clock", {"t0": now * 1_000})
                else:
                    self._say(client, b"3", "report", self._report())
                at += 1
            return now - began >= seconds and at == len(plan) and not clocks

        for client in self._ready:
            client.feed = feed
        self._phase(0, step, allowed=seconds)
        return sorted(took), reports

    def _plan(self, seconds: float) -> Iterator[tuple[float, int, bool]]:
        """When which guest asks the clock (or reports), spread evenly."""
        many = len(self._ready)
        for number in range(many):
            for every, asks in ((CLOCK_EVERY, True), (REPORT_EVERY, False)):
                moment = every * number / many
                while moment < seconds:
                    yield moment, number, asks
                    moment += every

    def _report(self) -> dict[str, float]:
        now = time.time() * 1_000
        return {
            "party_id": self._party_id,
            "seq": 1,
            "position_ms": 1.0,
            "at_ms": now,
            "error_ms": 3.5,
            "rtt_ms": 40.0,
        }

    def _read_timeline(self, packet: bytes, number: int) -> int:
        """``number``: events come in the order of their seq."""
        self._newest = json.loads(packet.removeprefix(b"42" + _SPACE))[1]["seq"]
        return number

    def _say(self, client: Client, number: bytes, event: str, data: object) -> None:
        self._send(client, wire.client_frame(b"42" + _SPACE + number + json.dumps([event, data]).encode()))

    def _opened(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"0{"):
            raise LoadError(f"expected the Engine.IO handshake, got {packet[:60]!r}")
        client.feed = self._entered
        self._send(client, wire.client_frame(b"40" + _SPACE + json.dumps({"token": next(self._tokens)}).encode()))

    def _entered(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"40" + _SPACE):
            raise LoadError(f"the namespace answered {packet[:120]!r}")
        client.feed = self._joined
        self._say(client, b"0", "join-party", {"party_id": self._party_id})

    def _joined(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(_ACK):  # an event that came before the ack
            self.other += 1
            return
        if not packet.startswith(_ACK + b'0[{"ok":true'):
            raise LoadError(f"join-party was answered {packet[:200]!r}")
        self._newest = json.loads(packet.removeprefix(_ACK + b"0"))[0]["data"]["timeline"]["seq"]
        self._welcomed(client)


@contextlib.contextmanager
def stage(people: int, cores: Cores) -> Iterator[Stage]:
    with production("benchmarks.crowd", people, cores, UNLIMITED) as ready:
        yield ready


def measure(stage: Stage, cores: Cores, guests: int, commands: int, seconds: float) -> Crowded:
    with started(stage.subject, cores.server) as server, on_core(cores.load):
        party_id = open_party(server.port, stage.tokens[0])
        with Guests(server.port, stage.tokens[:guests], party_id) as load:
            load.connect(1)
            load.connect(guests - 1, at_once=AT_ONCE)
            load.idle(max(SETTLE, 2.5))  # who came is told at most once in 2 s
            load.steer(2)  # warm-up
            before = server.cpu()
            received, acks, reached, lasts, busy = load.steer(commands)
            steered = server.cpu() - before
            before, began = server.cpu(), time.perf_counter()
            clocks, _ = load.watch(seconds)
            watched, wall = server.cpu() - before, time.perf_counter() - began
    return Crowded(
        guests=guests,
        expected=commands * guests,
        received=received,
        ack_p99_ms=at_share(acks, 0.99) * 1e3,
        reach_p50_ms=at_share(reached, 0.5) * 1e3,
        reach_p99_ms=at_share(reached, 0.99) * 1e3,
        last_p99_ms=at_share(lasts, 0.99) * 1e3,
        delivery_us=steered / max(1, received) * 1e6,
        clock_p99_ms=at_share(clocks, 0.99) * 1e3,
        cpu_ms=watched / guests / (wall / 60) * 1e3,
        load_bound=busy >= 0.9,
    )


def at_share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def open_party(port: int, token: str) -> int:
    """A party, by its host."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/watch-parties",
        data=json.dumps({"content_id": CONTENT_ID, "visibility": "public"}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        party_id: int = json.load(answer)["data"]["id"]
    return party_id


async def _populate(url: str, people: int) -> None:
    """People, and a video."""
    now = datetime.now(UTC)
    async with open_database(url) as database:
        await database.migrate()
        await bring_in(ids_of(people), now)
        creator = await Creator.create(name="A creator", description="", created_at=now)
        await Content.create(
            id=CONTENT_ID,
            creator_id=creator.id,
            channel_id=1,
            platform="youtube",
            external_id="film",
            kind="video",
            title="A film",
            description="",
            url="https://video.invalid/film",
            duration_s=36_000,
            published_at=now,
            discovered_at=now,
        )


if __name__ == "__main__":
    asyncio.run(_populate(sys.argv[1], int(sys.argv[2])))
