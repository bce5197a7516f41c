"""A video player as the study found them: it starts late, seeks slowly, runs a little wrong and stands still at times.

It lives on true time, of which no guest knows. Everything that it does is drawn from its own random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.party.decision import Seen

YOUTUBE_RATES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
NEVER = float("inf")


@dataclass(frozen=True)
class Habits:
    """What one player is like. Pairs are the least and the most of what is drawn, ms."""

    ppm: float = 0.0  # its clock runs wrong by
    start: tuple[float, float] = (40.0, 210.0)
    seek: tuple[float, float] = (100.0, 400.0)
    noise: float = 10.0  # a position is read wrong by up to so much
    stall: tuple[float, float] = (300.0, 2_000.0)
    stall_every: float = 120_000.0  # on average, of time that it plays; 0 for never
    rates: tuple[float, ...] = ()  # the speeds that it has; empty for any
    unsure: float = 200.0  # so long after a change its positions are wrong by up to
    unsure_by: float = 60.0
    refresh: float = 0.0  # its position is renewed once in so many ms
    ad_at: float = NEVER  # of its own time: an ad is shown
    ad: float = 15_000.0

    @classmethod
    def drawn(cls, random: Random, *, alike: float = 0.0, **more: Any) -> Habits:
        """A player of ±100 ppm. ``alike``: 0 if each start and seek is drawn anew, 1 if all of one player are equal."""

        def narrowed(least: float, most: float) -> tuple[float, float]:
            typical = random.uniform(least, most)
            return (typical + (least - typical) * (1 - alike), typical + (most - typical) * (1 - alike))

        start, seek = narrowed(40.0, 210.0), narrowed(100.0, 400.0)
        return cls(ppm=random.uniform(-100.0, 100.0), start=start, seek=seek, **more)


@dataclass
class Player:
    """``at`` is where it stands in true time, ms; calls may not go back in time."""

    habits: Habits
    random: Random
    at: float = 0.0
    state: str = "paused"
    position: float = 0.0  # of the picture that is shown
    speed: float = 1.0
    stalls: int = 0
    stalled_for: float = 0.0
    blocks: list[tuple[float, float]] = field(default_factory=list)  # longer stalls, forced from outside
    _due: float = NEVER  # a start, a seek, a stall or an ad ends
    _then: str = "paused"
    _to: float | None = None
    _stall_in: float = NEVER
    _changed: float = -1e9
    _ad_seen: bool = False

    def __post_init__(self) -> None:
        self._stall_in = self._next_stall()

    @property
    def moving(self) -> bool:
        """Whether pictures change."""
        return self.state == "playing"

    @property
    def shows(self) -> str:
        """The state as a page sees it: a start counts once pictures move."""
        return "paused" if self.state == "starting" else self.state

    def next_change(self) -> float:
        """True time at which it changes by itself; a page hears of that by an event."""
        if self.moving:
            return self.at + min(self._stall_in, self._ad_in())
        return self._due

    def advance(self, now: float) -> None:
        """Live until ``now``."""
        while (change := self.next_change()) <= now:
            self._live(change - self.at)
            self._change()
        self._live(now - self.at)

    def play(self, now: float) -> None:
        self.advance(now)
        if self.state == "paused":
            self._become("starting", self.random.uniform(*self.habits.start), "playing")
        elif self.state == "seeking":
            self._then = "playing"

    def pause(self, now: float) -> None:
        self.advance(now)
        if self.state == "seeking":
            self._then = "paused"
        elif self.state != "ad":
            self._become("paused")

    def seek(self, now: float, to: float) -> None:
        self.advance(now)
        if self.state == "ad":
            return
        then = self._then if self.state in ("seeking", "starting") else self.state
        took = self.random.uniform(*self.habits.seek)
        if self.state == "stalled":  # what was missing is still missing
            took, then = max(took, self._due - now), "playing"
        self._to = to
        self._become("seeking", took, then)

    def set_speed(self, now: float, speed: float) -> None:
        self.advance(now)
        rates = self.habits.rates
        self.speed = speed if not rates else min(rates, key=lambda rate: (abs(rate - speed), abs(rate - 1)))

    def stall(self, now: float, long: float) -> None:
        """Stand still for want of data."""
        self.advance(now)
        if self.moving:
            self._stall(long)

    def seen(self, now: float) -> Seen:
        """What a page reads now."""
        self.advance(now)
        if self.state == "seeking" and self._to is not None:
            return Seen("seeking", self._to)
        position = self.position
        if self.moving:
            if self.habits.refresh:
                position -= (now % self.habits.refresh) * self.speed
            position += self.random.uniform(-self.habits.noise, self.habits.noise)
            if now - self._changed < self.habits.unsure:
                position += self.random.uniform(-self.habits.unsure_by, self.habits.unsure_by)
        return Seen(self.shows, position)

    def _live(self, long: float) -> None:
        if self.moving:
            self.position += long * self.speed * (1 + self.habits.ppm * 1e-6)
            self._stall_in -= long
        elif self.state == "stalled":
            self.stalled_for += long
        self.at += long

    def _change(self) -> None:
        if self.moving:
            if self._ad_in() <= 0:
                self._ad_seen = True
                self._become("ad", self.habits.ad, "playing")
            else:
                self._stall(self.random.uniform(*self.habits.stall))
            return
        if self._to is not None:
            self.position, self._to = self._to, None
        self._become(self._then)

    def _stall(self, long: float) -> None:
        self.stalls += 1
        self._stall_in = self._next_stall()
        self._become("stalled", long, "playing")

    def _become(self, state: str, long: float = NEVER, then: str = "paused") -> None:
        if state != "seeking":
            self._to = None
        self.state, self._due, self._then, self._changed = state, self.at + long, then, self.at

    def _ad_in(self) -> float:
        return NEVER if self._ad_seen else max(0.0, self.habits.ad_at - self.position)

    def _next_stall(self) -> float:
        every = self.habits.stall_every
        return every * self.random.uniform(0.5, 1.5) if every else NEVER
