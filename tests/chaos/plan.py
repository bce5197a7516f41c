"""What happens in one round, drawn from a seed: who posts what in which order, and what is killed when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

Form = Literal["embedded", "full", "nodes", "chat"]
Target = Literal[
    "server",  # kill -9
    "worker",
    "both",
    "restart",  # rolling, of processes that share a port
    "redis",  # kill -9, and started again empty
    "redis paused",
    "postgres",
    "postgres paused",
    "connections",  # the clients cut them themselves
    "network",  # between clients and servers
    "bus",  # between processes and Redis
    "database",  # between processes and PostgreSQL
]
Moment = Literal["in a fan-out", "at once"]
Kind = Literal["slow", "hung", "cut with RST", "cut with FIN", "half-open"]

EVERYONE = "everyone"  # the channel that all clients follow
IN_FAN_OUT = 0.75  # of the kills of whoever works wait for a fan-out to begin
LONGEST_PAUSE = 0.4  # seconds between two posts
LONGEST_LATER = 0.12  # seconds between the begin of a fan-out and the kill; a chunk takes 20 to 150 ms
LEAST_STRUCK, MOST_STRUCK = 0.2, 0.8  # of the connections of one network
KINDS: Mapping[Target, Sequence[Kind]] = {
    "network": ("slow", "hung", "cut with RST", "cut with FIN", "half-open"),
    "bus": ("slow", "hung", "cut with RST", "cut with FIN"),
    # hung or half-open it would hold what is locked until PostgreSQL gives a silent client up, after 30 s
    "database": ("slow", "cut with RST", "cut with FIN"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How big a round is. ``posts_to_all`` go to all clients; each of ``groups`` channels is followed by an even share
    of them and has ``posts_to_group`` posts. ``faults`` says how many of each; what is struck stays away for up to
    ``down`` seconds, clients cut ``cut`` of their connections at once, and of the messages on the bus ``deaf`` never
    arrive. These two are shares."""

    form: Form
    clients: int
    posts_to_all: int
    groups: int
    posts_to_group: int
    faults: Mapping[Target, int]
    down: float = 1.0
    cut: float = 0.25
    deaf: float = 0.0

    @property
    def posts(self) -> int:
        return self.posts_to_all + self.groups * self.posts_to_group

    @property
    def notifications(self) -> int:
        """One for each post and follower."""
        return self.clients * (self.posts_to_all + self.posts_to_group if self.groups else self.posts_to_all)

    def channels(self) -> list[str]:
        return [EVERYONE, *(f"group{number}" for number in range(self.groups))]

    def followed_by(self, client: int) -> list[str]:
        """Channels of the client with this number, from 0."""
        return [EVERYONE, f"group{client % self.groups}"] if self.groups else [EVERYONE]


@dataclass(frozen=True, slots=True)
class Post:
    """Something new on ``channel``, ``pause`` seconds after what came before."""

    channel: str
    title: str
    pause: float


@dataclass(frozen=True, slots=True)
class Fault:
    """``target`` is struck, and back after ``down`` seconds. With ``in a fan-out`` this waits until one has begun, for
    ``chunks`` further chunks and ``later`` seconds. Of several servers it is the one that ``place``, from 0 to below 1,
    points at. ``kind`` is how a network fails, ``share`` how many of its connections do."""

    target: Target
    moment: Moment
    chunks: int
    later: float
    down: float
    place: float
    share: float = 0.0
    kind: Kind | None = None


Step = Post | Fault


def draw(shape: Shape, seed: int) -> Sequence[Step]:
    """The steps of a round. The same shape and seed give the same steps."""
    rng = Random(seed)
    channels = [EVERYONE] * shape.posts_to_all
    channels += [name for name in shape.channels()[1:] for _ in range(shape.posts_to_group)]
    rng.shuffle(channels)
    posts = [
        Post(channel, f"post {number} on {channel}", rng.uniform(0, LONGEST_PAUSE))
        for number, channel in enumerate(channels)
    ]
    faults = draw_faults(shape, rng)
    # every fault has posts before it, and the last posts come after all faults: they show that it works again
    share = len(posts) / (len(faults) + 1)
    steps: list[Step] = []
    for number, fault in enumerate(faults):
        steps += [*posts[round(number * share) : round((number + 1) * share)], fault]
    return [*steps, *posts[round(len(faults) * share) :]]


def draw_faults(shape: Shape, rng: Random, *, at_once: bool = False) -> list[Fault]:
    """The faults of a round; ``at_once`` where there is no fan-out to wait for."""
    targets = [target for target, count in shape.faults.items() for _ in range(count)]
    rng.shuffle(targets)
    faults = [_fault(shape, target, rng) for target in targets]
    return [replace(fault, moment="at once") for fault in faults] if at_once else faults


def _fault(shape: Shape, target: Target, rng: Random) -> Fault:
    kinds = KINDS.get(target)
    struck = shape.cut if target == "connections" else 0.0
    return Fault(
        target,
        "in a fan-out" if rng.random() < IN_FAN_OUT else "at once",
        rng.randrange(4),
        rng.uniform(0, LONGEST_LATER),
        rng.uniform(0, shape.down),
        rng.random(),
        rng.uniform(LEAST_STRUCK, MOST_STRUCK) if kinds else struck,
        rng.choice(kinds) if kinds else None,
    )
