"""Which clock is set to what, drawn from a seed, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

OFFSETS = (-7_200.0, -3_600.0, -90.0, -3.0, 3.0, 90.0, 3_600.0, 7_200.0)  # seconds from the truth
HOLD = (0.2, 0.6)  # seconds between two steps


@dataclass(frozen=True, slots=True)
class Size:
    """``followers`` are ours, ``official`` python-socketio's and the official one in turn, ``talkers`` use mypick.js.
    ``steps`` by a random machine each."""

    followers: int
    official: int
    talkers: int
    steps: int


@dataclass(frozen=True, slots=True)
class Step:
    machine: int
    offset: float
    hold: float


@dataclass(slots=True)
class Stepped:
    """What came of it."""

    seed: int
    size: Size
    machines: int
    notifications: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    reconnects: int = 0
    renewals: int = 0
    back: int = 0  # messages that are older than the one before them, by the clock that stamped them
    slowest: float = 0.0  # seconds that a server took to answer after a step
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def draw(size: Size, machines: int, seed: int) -> list[Step]:
    """The same seed gives the same steps; every machine goes ahead and back at least once where there are enough."""
    rng = Random(f"{seed}: steps")
    steps = []
    for number in range(size.steps):
        # ahead and behind in turn for each machine: the jump backward is what hurts
        ahead = number // machines % 2 == 0
        offset = rng.choice([each for each in OFFSETS if (each > 0) == ahead])
        steps.append(Step(number % machines, offset, rng.uniform(*HOLD)))
    return steps
