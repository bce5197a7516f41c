"""One party from its first act to its last, and the errors of everybody in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from benchmarks.party.guest import Guest
from benchmarks.party.measure import EVERY_MS, Measure, Seats
from benchmarks.party.network import GuestClock, Network
from benchmarks.party.player import Habits, Player
from benchmarks.party.scenario import Scenario
from benchmarks.party.truth import Truth
from benchmarks.party.world import Clocked, World


@dataclass(frozen=True)
class Kind:
    """What the guests' players and networks are like."""

    alike: float = 0.8  # how far the starts and seeks of one player are like each other; 0: each drawn anew
    symmetric: bool = False  # the ways there and back take equally long
    rates: str | tuple[float, ...] = "fine"  # what the guest believes of its player
    has: tuple[float, ...] = ()  # the speeds that the player has; empty for any
    stall_every: float = 120_000.0


@dataclass(frozen=True)
class Person:
    """One guest of the cast. Everything of it is drawn from the seed and its number alone."""

    number: int
    player: Player
    network: Network
    clock: GuestClock
    random: Random
    bad: bool


class Timed(Protocol):
    """A world, or what stands for one."""

    @property
    def now(self) -> float: ...

    def at(self, when: float, happening: Callable[[], None]) -> None: ...

    def every(self, pause: float, happening: Callable[[], None]) -> None: ...


class Anyone(Protocol):
    """A guest, by whatever algorithm."""

    @property
    def player(self) -> Player: ...

    @property
    def here(self) -> bool: ...

    def join(self) -> None: ...

    def leave(self) -> None: ...

    @property
    def seeks(self) -> int: ...

    @property
    def rate_changes(self) -> int: ...


@dataclass
class Outcome:
    """What a party was like."""

    measure: Measure = field(default_factory=Measure)
    guests: Sequence[Anyone] = ()
    bad: Sequence[int] = ()  # numbers of guests who are left out of all figures
    minutes: float = 0.0  # that guests were there, all together

    @property
    def judged(self) -> list[Anyone]:
        """Everybody but the bad."""
        return [guest for number, guest in enumerate(self.guests) if number not in self.bad]

    @property
    def seeks(self) -> float:
        """Corrective seeks a guest and minute."""
        return sum(guest.seeks for guest in self.judged) / max(1e-9, self.minutes)

    @property
    def rate_changes(self) -> float:
        """A guest and minute."""
        return sum(guest.rate_changes for guest in self.judged) / max(1e-9, self.minutes)


def cast(seed: int, scenario: Scenario, kind: Kind) -> list[Person]:
    """Who is there."""
    people = []
    for number in range(len(scenario.stays)):
        random = Random(f"{seed} guest {number}")
        bad = number in scenario.bad
        habits = Habits.drawn(
            random, alike=kind.alike, rates=kind.has, stall_every=3_000.0 if bad else kind.stall_every
        )
        network = Network.drawn(random, symmetric=kind.symmetric, slow=800.0 if bad else 0.0)
        clock = GuestClock.drawn(random)
        people.append(Person(number, Player(habits, Random(random.random())), network, clock, random, bad))
    return people


def watch(world: Timed, outcome: Outcome, truth: Truth) -> None:
    """Look at everybody ten times a second, but not at the ``bad``."""
    seats = [Seats() for _ in outcome.guests]

    def look() -> None:
        rows = []
        for number, guest in enumerate(outcome.guests):
            if number in outcome.bad or not guest.here:
                seats[number].joined_at = world.now
                continue
            player = guest.player
            player.advance(world.now)
            rows.append((seats[number], truth.error(world.now, player.position), player.position, player.state))
        outcome.minutes += len(rows) * EVERY_MS / 60_000
        last = max((at for at in truth.changes() if at <= world.now), default=0.0)
        outcome.measure.look(world.now, rows, last)

    world.every(EVERY_MS, look)


def come_and_go(world: Timed, scenario: Scenario, guests: Sequence[Anyone]) -> None:
    """As the scenario says."""
    for guest, stay in zip(guests, scenario.stays, strict=True):
        world.at(stay.comes, guest.join)
        for goes, returns in stay.away:
            if goes > stay.comes:
                world.at(goes, guest.leave)
                world.at(returns, guest.join)


def ours(world: Clocked, person: Person, line: Any, kind: Kind, party_id: int = 1, tape: Any = None) -> Guest:
    """A guest by our algorithm."""
    return Guest(
        world,
        f"guest {person.number}",
        line,
        party_id=party_id,
        player=person.player,
        network=person.network,
        clock=person.clock,
        random=person.random,
        rates=kind.rates,
        tape=tape,
    )


Make = Callable[[World, Person, Any, Kind], Anyone]
