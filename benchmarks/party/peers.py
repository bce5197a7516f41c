"""How others keep watchers together: models of their algorithms, from the constants that a study of their code gives.

These are not the programs: a few lines each, simplified alike, on the same players and networks as ours. Where a group
waits for whoever stalls, it does not wait here. Names are those of the projects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any, ClassVar

from benchmarks.party.peer import Clocked, Peer, Room, Word
from benchmarks.party.scenario import Scenario
from benchmarks.party.simulation import Kind, Outcome, cast, come_and_go, watch
from benchmarks.party.world import World


class Syncplay(Peer):
    beat = 1_000.0

    def age(self) -> float:
        network = self.person.network
        return (network.up.base + network.down.base) / 2 + 10.0  # half of a long mean of round trips

    def correct(self, off: float) -> None:
        if off < -4_000 or off > 5_000:
            self.seek()
        elif off < -1_500 or (self.speed < self.rate and off < -100):
            self.set_speed(self.rate * 0.95)
        else:
            self.set_speed(self.rate)


class SlowestRoom(Room):
    """The group is where its slowest watcher is."""

    def beat(self) -> None:
        now, last = self.world.now, self.truth.at(self.world.now)
        at = [p.player.position for p in self.peers if p.here and p.player.state in ("playing", "stalled")]
        slowest = min(at, default=last.position(now) if last else 0.0)
        if last is not None and last.playing and now - last.effective_at_ms > 2_000:
            self.tell(Word(slowest, True, last.rate))


class OpenTogetherTube(Peer):
    period = 250.0

    def correct(self, off: float) -> None:
        if abs(off) > 1_000:
            self.seek()


class JellyfinDefault(Clocked):
    leads: ClassVar[Mapping[str, float]] = dict.fromkeys(("play", "pause", "seek", "rate"), 500.0)


class JellyfinCorrecting(JellyfinDefault):
    _busy = False

    def correct(self, off: float) -> None:
        if self._busy or abs(off) < 60:
            return
        if abs(off) < 3_000:
            self._busy = True
            self.set_speed(self.rate * max(0.2, 1 + off / 1_000))
            self.world.at(self.world.now + 1_000, self._done)
        else:
            self.seek()

    def _done(self) -> None:
        self._busy = False
        self.set_speed(self.rate)


class WatchPartyAuto(Peer):
    def correct(self, off: float) -> None:
        del off
        at = [p.player.position for p in self.room.peers if p.here and p.player.state == "playing"]
        behind = (median(at) if at else 0.0) - self.player.seen(self.world.now).position_ms
        # reports come once a second: what is known of the others is half a second old, and theirs grew meanwhile
        faster = self.rate * min(1.1, 1 + behind / 10_000)
        self.set_speed(faster if behind > 500 or (self.speed > self.rate and behind > 0) else self.rate)


class CyTube(Peer):
    beat = 5_000.0

    def correct(self, off: float) -> None:
        if abs(off) > 2_000:
            self.seek()


class BiliSyncPlay(Peer):
    period = 500.0

    def correct(self, off: float) -> None:
        if abs(off) > 1_200:
            self.seek()
        elif abs(off) > 450 or (self.speed != self.rate and abs(off) > 50):
            share = min(0.16, 0.3 * abs(off) / 1_000)
            self.set_speed(self.rate * (1 + math.copysign(share, off)))
        else:
            self.set_speed(self.rate)


class OpenWatchParty(Clocked):
    period = 500.0
    polls = (1_000.0, 8, 10_000.0)

    leads: ClassVar[Mapping[str, float]] = {"play": 1_000.0, "pause": 1.0, "seek": 300.0, "rate": 300.0}

    def correct(self, off: float) -> None:
        if abs(off) >= 2_000:
            self.seek()
        elif abs(off) > 40:
            speed = 1 + math.copysign(0.5 * math.sqrt(abs(off) / 1_000), off)
            self.set_speed(self.rate * min(2.0, max(0.85, speed)))
        else:
            self.set_speed(self.rate)


PEERS: dict[str, type[Peer]] = {
    "Jellyfin, corr. on": JellyfinCorrecting,
    "Jellyfin, default": JellyfinDefault,
    "OpenWatchParty": OpenWatchParty,
    "Bili-SyncPlay": BiliSyncPlay,
    "OpenTogetherTube": OpenTogetherTube,
    "Syncplay": Syncplay,
    "WatchParty, auto": WatchPartyAuto,
    "WatchParty, default": Peer,
    "CyTube": CyTube,
}


async def party(name: str, seed: int, scenario: Scenario, kind: Kind) -> Outcome:
    """The same party as ours, by the algorithm ``name``."""
    world, make = World(), PEERS[name]
    room: Any = (SlowestRoom if make is Syncplay else Room)(world, make.leads, make.beat)
    peers = [make(room, person) for person in cast(seed, scenario, kind)]
    outcome = Outcome(guests=peers, bad=scenario.bad)
    come_and_go(world, scenario, peers)
    for act in scenario.acts:
        world.at(act.at, partial(room.act, act))
    watch(world, outcome, room.truth)
    await world.run(scenario.length)
    return outcome
