"""What goes into a look at the player, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.party.timeline import Announced

JUMP_MS = 20.0  # what moves the timeline by less is no jump


@dataclass(frozen=True)
class Seen:
    """What the player shows: ``state`` is playing, paused, stalled, seeking, ad, ended, blocked or none."""

    state: str
    position_ms: float


@dataclass
class Decision:
    """``commands`` in order: ("play", 0), ("pause", 0), ("seek", ms) or ("rate", speed). Look again at ``wake_at`` at
    the latest. ``error_ms``: behind the timeline if positive; None while nobody can know."""

    wake_at: float
    mode: str = "idle"
    error_ms: float | None = None
    commands: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """A play or a seek, and where the player was to go on from."""

    what: str
    at: float
    position: float
    rate: float
    lands_at: float


def jumps(before: Announced, after: Announced) -> bool:
    """Whether the timeline is elsewhere after a change than it would have been."""
    at = after.effective_at_ms
    return abs(after.position(at) - before.position(at)) > JUMP_MS
