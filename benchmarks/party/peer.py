"""A watcher of another system, and its server, as simple as they can be: what the models in ``peers`` build on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from benchmarks.party.clock import ServerClock
from benchmarks.party.scenario import Act
from benchmarks.party.simulation import Person
from benchmarks.party.timeline import Announced
from benchmarks.party.truth import Truth
from benchmarks.party.world import World

JUMP_MS = 50.0  # a command that moves the video by less is no seek


@dataclass(frozen=True)
class Word:
    """What the server tells: the video was at ``position`` when it was sent, or will be at ``at`` of its clock."""

    position: float
    playing: bool
    rate: float
    at: float | None = None
    command: bool = False


class Room:
    """The server. ``leads``: how far ahead commands take effect, ms; ``beat``: ms between what it tells of itself."""

    def __init__(self, world: World, leads: Mapping[str, float], beat: float) -> None:
        self.world, self._leads = world, leads
        self.truth = Truth()
        self.truth.add(Announced(1, "paused", 1, 0.0, 0.0, 1.0, 0.0))
        self.peers: list[Peer] = []
        if beat:
            world.every(beat, self.beat)

    @property
    def scheduled(self) -> bool:
        return bool(self._leads)

    def act(self, act: Act) -> None:
        last = self.truth.log[-1]
        at = max(self.world.now + self._leads.get(act.op, 0.0), last.effective_at_ms)
        position, status, rate = last.position(at), last.status, last.rate
        if act.op in ("play", "pause"):
            status = "playing" if act.op == "play" else "paused"
        elif act.op == "seek":
            position = act.value
        else:
            rate = act.value
        self.truth.add(Announced(last.seq + 1, status, 1, position, at, rate, at))
        self.tell(self.word(command=True))

    def word(self, *, command: bool = False) -> Word:
        last, now = self.truth.log[-1], self.world.now
        at = max(now, last.effective_at_ms) if self.scheduled else None
        return Word(last.position(now if at is None else at), last.playing, last.rate, at, command)

    def beat(self) -> None:
        self.tell(self.word())

    def tell(self, word: Word) -> None:
        for peer in self.peers:
            if peer.here:
                arrives = peer.person.network.down.arrival(self.world.now)
                self.world.at(arrives, partial(peer.hear, word))


class Peer:
    """Does what it is told when it hears it, and corrects nothing."""

    period = 1_000.0
    beat = 0.0

    leads: ClassVar[Mapping[str, float]] = {}  # ms, by command

    def __init__(self, room: Room, person: Person) -> None:
        self.room, self.world, self.person, self.player = room, room.world, person, person.player
        self.here = False
        self.seeks = self.rate_changes = 0
        self.playing, self.rate, self.speed = False, 1.0, 1.0
        self.clock = ServerClock()
        self._anchor: tuple[float, float] | None = None  # position, at local
        self._visit = 0
        room.peers.append(self)

    @property
    def local(self) -> float:
        return self.person.clock.local(self.world.now)

    def join(self) -> None:
        self.here = True
        self._visit += 1
        self.hello()
        self._look(self._visit)

    def leave(self) -> None:
        self.here = False
        self._visit += 1
        self.player.pause(self.world.now)

    def hello(self) -> None:
        def arrives() -> None:
            word = self.room.word(command=True)
            self.world.at(self.person.network.down.arrival(self.world.now), lambda: self.hear(word))

        self.world.at(self.person.network.up.arrival(self.world.now), arrives)

    def age(self) -> float:
        """How old a word is thought to be when it arrives, ms."""
        return 0.0

    def hear(self, word: Word) -> None:
        if not self.here:
            return
        self._anchor = (word.position, self.local - self.age())
        self.playing, self.rate = word.playing, word.rate
        if word.command:
            self.obey()

    def obey(self) -> None:
        now = self.world.now
        self.set_speed(self.rate)
        off = self.off()
        if off is not None and abs(off) > JUMP_MS and (self.seen != "stalled"):
            self.player.seek(now, self.expected() or 0.0)
        if self.playing:
            self.player.play(now)
        else:
            self.player.pause(now)

    def expected(self) -> float | None:
        if self._anchor is None:
            return None
        position, at = self._anchor
        return position + (self.rate * (self.local - at) if self.playing else 0.0)

    @property
    def seen(self) -> str:
        return self.player.seen(self.world.now).state

    def off(self) -> float | None:
        """Ms behind."""
        expected = self.expected()
        return None if expected is None else expected - self.player.seen(self.world.now).position_ms

    def _look(self, visit: int) -> None:
        if visit != self._visit:
            return
        off = self.off()
        if off is not None and self.playing and self.seen == "playing":
            self.correct(off)
        self.world.at(self.world.now + self.period, lambda: self._look(visit))

    def correct(self, off: float) -> None:
        """A look at the playing player."""

    def seek(self) -> None:
        self.seeks += 1
        self.player.seek(self.world.now, self.expected() or 0.0)

    def set_speed(self, speed: float) -> None:
        if speed != self.speed:
            self.rate_changes += 1
            self.speed = speed
            self.player.set_speed(self.world.now, speed)


class Clocked(Peer):
    """Measures the server's clock and acts at stated moments."""

    polls = (1_000.0, 8, 60_000.0)  # at first, so often, then

    def join(self) -> None:
        super().join()
        self._ask(self._visit, 0)

    def _ask(self, visit: int, count: int) -> None:
        if visit != self._visit:
            return
        t0, network = self.local, self.person.network
        there = network.up.arrival(self.world.now)
        back = network.down.arrival(there)

        def came() -> None:
            self.clock.add(t0, there, there, self.local)

        self.world.at(back, came)
        pause = self.polls[0] if count < self.polls[1] else self.polls[2]
        self.world.at(self.world.now + pause, lambda: self._ask(visit, count + 1))

    def hear(self, word: Word) -> None:
        if not self.here or word.at is None:
            return
        if not self.clock.ready:
            self.world.at(self.world.now + 200.0, lambda: self.hear(word))
            return
        at = word.at - self.clock.offset
        visit = self._visit

        def then() -> None:
            if visit == self._visit:
                self._anchor = (word.position, at)
                self.playing, self.rate = word.playing, word.rate
                self.obey()

        self.world.at(self.person.clock.true(at), then)
