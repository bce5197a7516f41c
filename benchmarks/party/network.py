"""The way between one guest and the server, and the guest's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass
class Way:
    """One direction of a connection, in which nothing overtakes (TCP). ms."""

    base: float
    random: Random
    jitter: float = 10.0  # mean of an exponential
    spikes: float = 0.01  # share of messages
    spike: tuple[float, float] = (100.0, 400.0)
    _last: float = -1e18

    def arrival(self, sent: float) -> float:
        """When what is sent at ``sent`` arrives."""
        self._last = max(self._last, sent + self.delay())
        return self._last

    def delay(self) -> float:
        """Of one message."""
        delay = self.base + (self.random.expovariate(1 / self.jitter) if self.jitter else 0.0)
        if self.random.random() < self.spikes:
            delay += self.random.uniform(*self.spike)
        return delay


@dataclass
class Network:
    """Both directions, each with a delay of its own between 10 and 80 ms."""

    up: Way
    down: Way

    @classmethod
    def drawn(cls, random: Random, *, symmetric: bool = False, slow: float = 0.0) -> Network:
        """``slow``: ms more on each way; ``symmetric``: the same both ways."""
        up = random.uniform(10.0, 80.0)
        down = up if symmetric else random.uniform(10.0, 80.0)
        return cls(Way(up + slow, Random(random.random())), Way(down + slow, Random(random.random())))


@dataclass
class GuestClock:
    """A clock that is set wrong by ``skew`` ms and runs wrong by ``ppm``."""

    skew: float
    ppm: float

    @classmethod
    def drawn(cls, random: Random) -> GuestClock:
        return cls(random.uniform(-2_000.0, 2_000.0), random.uniform(-50.0, 50.0))

    def local(self, true: float) -> float:
        return true * (1 + self.ppm * 1e-6) + self.skew

    def true(self, local: float) -> float:
        return (local - self.skew) / (1 + self.ppm * 1e-6)
