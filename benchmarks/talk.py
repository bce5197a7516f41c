"""A watch party of thousands that talks: how soon what is said is with the last guest, and what it costs.

The stage is that of ``benchmarks.crowd``. The host seeks twice a second, guests say half of what a party lets through,
each in turn, and every guest reacts each ten seconds.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.client import Client, LoadError
from benchmarks.crowd import AT_ONCE, EVERY, Guests, at_share, open_party
from benchmarks.sample import SETTLE
from benchmarks.stage import Stage
from benchmarks.subjects import Cores, on_core, started

SAY_EVERY = 0.1  # seconds: a party lets 100 in 5 s through
REACT_EVERY = 10.0  # seconds, of each guest; each may react 30 times in that
WORDS = ("scene", "again", "sound", "light", "chorus", "dance", "encore", "stage", "song", "voice", "wave", "moment")
EMOJI = ("👏", "😂", "❤️")
_SPACE = b"/watch-party,"
_SAID = b"42" + _SPACE + b'["message-created"'
_TIMELINE = b"42" + _SPACE + b'["timeline"'
_REACTIONS = b"42" + _SPACE + b'["reactions"'
_ACK = b"43" + _SPACE
_NUMBER = re.compile(rb'"text":"(\d+) ')
_COUNTS = re.compile(rb'"counts":(\{[^}]*\})')


@dataclass(frozen=True)
class Talked:
    """What a party of ``guests`` costs that talks, and how late its words are."""

    guests: int
    expected: int  # messages and timelines, at all guests together
    received: int
    said_p50_ms: float  # from the message until the last guest has read it
    said_p99_ms: float
    ack_p99_ms: float  # of a message
    reach_p50_ms: float  # from the host's command until the last guest has read the timeline
    reach_p99_ms: float
    reactions: float  # events that a guest was sent in a second
    untold: float  # reactions of which the first guest was not told, of a hundred
    deliveries: float  # in a second
    delivery_us: float  # CPU of the server for each, commands and reactions included
    cpu_percent: float  # of the server's core
    load_bound: bool

    @property
    def exact(self) -> bool:
        return self.received == self.expected


@dataclass
class _Line:
    """Things of one kind that go from one to all: when each was sent, acked, and read by the last."""

    total: int
    sent: list[float] = field(default_factory=list)
    acked: list[float] = field(default_factory=list)
    last: dict[int, float] = field(default_factory=dict)
    received: int = 0
    numbers: dict[bytes, int] = field(default_factory=dict)

    def read(self, packet: bytes, number: Callable[[bytes], int]) -> None:
        if packet not in self.numbers:
            self.numbers[packet] = number(packet)
        self.last[self.numbers[packet]] = time.perf_counter()
        self.received += 1

    def reached(self) -> list[float]:
        return sorted(self.last[number] - sent for number, sent in enumerate(self.sent) if number in self.last)


class Talkers(Guests):
    """Guests who talk and react."""

    def talk(self, seconds: float) -> tuple[_Line, _Line, int, int, int, float]:
        """Messages and commands of so many seconds; events of reactions that came, reactions, and those that the first
        guest was told of; and how busy this program was."""
        guests = self._ready
        said, steered = _Line(max(1, int(seconds / SAY_EVERY))), _Line(max(1, int(seconds / EVERY)))
        waiting: dict[bytes, int] = {}
        events = reacted = told = 0
        plan = sorted(
            (begins + turn * REACT_EVERY, number)
            for number in range(len(guests))
            for begins in [REACT_EVERY * number / len(guests)]
            for turn in range(int(seconds / REACT_EVERY) + 1)
            if begins + turn * REACT_EVERY < seconds
        )
        speakers = itertools.cycle(range(1, len(guests)))

        def feed(client: Client, packet: bytes) -> None:
            nonlocal events, told
            if packet.startswith(_SAID):
                said.read(packet, _said_number)
                self._latencies.append(0.0)  # a sign of life
            elif packet.startswith(_TIMELINE):
                steered.read(packet, lambda packet: self._read_timeline(packet, len(steered.numbers)))
            elif packet.startswith(_REACTIONS):
                events += 1
                if client is guests[0] and (found := _COUNTS.search(packet)):
                    told += sum(json.loads(found[1]).values())
            elif packet.startswith(_ACK):
                number, _, answer = packet.removeprefix(_ACK).partition(b"[")
                if not answer.startswith(b'{"ok":true'):
                    raise LoadError(f"a command was refused: {packet[:200]!r}")
                if number in waiting:
                    said.acked.append(time.perf_counter() - said.sent[waiting.pop(number)])
            else:
                self.other += 1

        def step() -> bool:
            nonlocal reacted
            now = time.perf_counter() - began
            while len(said.sent) < said.total and now >= len(said.sent) * SAY_EVERY:
                number = len(said.sent)
                waiting[b"%d" % (10 + number)] = number
                said.sent.append(time.perf_counter())
                self._say(guests[next(speakers)], b"%d" % (10 + number), "party-message", self._message(number))
            while len(steered.sent) < steered.total and now >= len(steered.sent) * EVERY:
                steered.sent.append(time.perf_counter())
                self._say(guests[0], b"1", "control", self._seek(len(steered.sent)))
            while reacted < len(plan) and plan[reacted][0] <= now:
                emoji = EMOJI[reacted % len(EMOJI)]
                body = {"party_id": self._party_id, "emoji": emoji}
                self._say(guests[plan[reacted][1]], b"2", "party-react", body)
                reacted += 1
            everywhere = said.received == said.total * len(guests) and steered.received == steered.total * len(guests)
            return everywhere and reacted == len(plan) and not waiting and now >= seconds + 1.0

        for client in guests:
            client.feed = feed
        began = time.perf_counter()
        phase = self._phase(0, step, allowed=seconds)
        return said, steered, events, reacted, told, phase.busy

    def _message(self, number: int) -> dict[str, object]:
        # nobody says what another has just said, and by chance nobody what a list of terms blocks
        text = f"{number} {' '.join(random.choices(WORDS, k=6))}"
        return {"party_id": self._party_id, "cid": next(self._cids), "text": text}

    def _seek(self, number: int) -> dict[str, object]:
        said = {"cid": next(self._cids), "base_seq": self._newest, "op": "seek", "position_ms": 1_000 * number}
        return {"party_id": self._party_id, **said}


def _said_number(packet: bytes) -> int:
    found = _NUMBER.search(packet)
    if found is None:
        raise LoadError(f"nobody of ours said {packet[:200]!r}")
    return int(found[1])


def measure(stage: Stage, cores: Cores, guests: int, seconds: float) -> Talked:
    with started(stage.subject, cores.server) as server, on_core(cores.load):
        party_id = open_party(server.port, stage.tokens[0])
        with Talkers(server.port, stage.tokens[:guests], party_id) as load:
            load.connect(1)
            load.connect(guests - 1, at_once=AT_ONCE)
            load.idle(max(SETTLE, 2.5))  # who came is told at most once in 2 s
            load.steer(2)  # warm-up
            before, began = server.cpu(), time.perf_counter()
            said, steered, events, reacted, told, busy = load.talk(seconds)
            spent, wall = server.cpu() - before, time.perf_counter() - began
    received = said.received + steered.received
    deliveries = max(1, received + events)
    reached, commanded = said.reached(), steered.reached()
    return Talked(
        guests=guests,
        expected=(said.total + steered.total) * guests,
        received=received,
        said_p50_ms=at_share(reached, 0.5) * 1e3,
        said_p99_ms=at_share(reached, 0.99) * 1e3,
        ack_p99_ms=at_share(sorted(said.acked), 0.99) * 1e3,
        reach_p50_ms=at_share(commanded, 0.5) * 1e3,
        reach_p99_ms=at_share(commanded, 0.99) * 1e3,
        reactions=events / guests / wall,
        untold=100 * (1 - told / max(1, reacted)),
        deliveries=deliveries / wall,
        delivery_us=spent / deliveries * 1e6,
        cpu_percent=100 * spent / wall,
        load_bound=busy >= 0.9,
    )
