"""Who does what, and what breaks: drawn from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.chaos.plan import Fault, Shape, Target, draw_faults

Part = Literal["owner", "moderator", "member", "guest"]

LONGEST_PAUSE = 1.2  # seconds between two deeds of one person
TWIN = 0.1  # of the commands go through another node too, at the same time and with the same cid
MODERATORS = 0.05  # of the clients; one more is the owner
GUESTS = 0.1  # have not joined: newcomers in a public community
WEIGHTS: Mapping[Part, Mapping[str, int]] = {
    "member": {"send": 40, "reply": 14, "edit": 14, "delete": 9, "react": 20, "held": 3},
    "guest": {"send": 50, "reply": 20, "react": 20, "held": 10},
    "moderator": {
        "send": 10, "edit": 4, "react": 5, "delete": 10, "pin": 16, "decide": 16,
        "timeout": 8, "ban": 10, "unban": 12, "purge": 3,
    },
    "owner": {"send": 10, "pin": 6, "delete": 6, "mode": 30, "unban": 10, "decide": 10, "ban": 4},
}
"""How often each does what, in proportion."""


@dataclass(frozen=True, slots=True)
class Size:
    """``clients`` with ``deeds`` each, in ``rooms`` of one community; ``faults`` says how many of each."""

    clients: int
    deeds: int
    rooms: int
    faults: Mapping[Target, int]
    down: float = 1.0
    cut: float = 0.4
    deaf: float = 0.01
    gap: float = 1.0  # seconds between two faults, at most

    @property
    def ground(self) -> Shape:
        return Shape("chat", self.clients, 0, 0, 0, self.faults, self.down, self.cut, self.deaf)


@dataclass(frozen=True, slots=True)
class Deed:
    """``dice``, from 0 to below 1, choose on whom or what, of what the client knows by then."""

    kind: str
    pause: float
    dice: tuple[float, float]
    twin: bool


@dataclass(frozen=True, slots=True)
class Script:
    parts: Sequence[Part]  # by client
    deeds: Sequence[Sequence[Deed]]  # by client
    faults: Sequence[tuple[float, Fault]] = field(default=())  # each after a pause


def draw(size: Size, seed: int) -> Script:
    """The same size and seed give the same script."""
    rng = Random(f"{seed}: chat")
    moderators, guests = max(2, round(size.clients * MODERATORS)), round(size.clients * GUESTS)
    parts: list[Part] = ["owner", *["moderator"] * moderators]  # type: ignore[list-item]
    parts += ["member"] * (size.clients - len(parts) - guests)
    parts += ["guest"] * guests
    deeds = [[_deed(part, rng) for _ in range(size.deeds)] for part in parts]
    faults = [(rng.uniform(0, size.gap), fault) for fault in draw_faults(size.ground, rng, at_once=True)]
    return Script(parts, deeds, faults)


def _deed(part: Part, rng: Random) -> Deed:
    (kind,) = rng.choices(list(WEIGHTS[part]), list(WEIGHTS[part].values()))
    return Deed(kind, rng.uniform(0, LONGEST_PAUSE), (rng.random(), rng.random()), rng.random() < TWIN)
