"""The party's timeline as a guest holds it: what the server has announced, and from when it counts."""

from __future__ import annotations

from dataclasses import dataclass

KEPT = 8  # announcements that have not yet been overtaken


@dataclass(frozen=True)
class Announced:
    """One ``timeline`` of the server. Moments are the server's, ms."""

    seq: int
    status: str  # idle, waiting, playing, paused or ended
    content_id: int | None
    anchor_position_ms: float
    anchor_at_ms: float
    rate: float
    effective_at_ms: float

    @property
    def playing(self) -> bool:
        return self.status == "playing"

    def position(self, at: float) -> float:
        """Where the video is at the moment ``at``, ms."""
        if not self.playing:
            return self.anchor_position_ms
        return self.anchor_position_ms + self.rate * max(0.0, at - self.anchor_at_ms)


class Timeline:
    """What holds when. A later ``seq`` beats an earlier one from its ``effective_at_ms`` on, whenever it came."""

    def __init__(self) -> None:
        self._known: list[Announced] = []  # by seq

    def announce(self, new: Announced) -> bool:
        """Take one from the server, in any order. False if it is known or overtaken already."""
        if self.knows(new.seq):
            return False
        later = [one for one in self._known if one.seq > new.seq]
        if any(one.effective_at_ms <= new.effective_at_ms for one in later):
            return False
        # what is older and would begin no sooner never holds
        older = [one for one in self._known if one.seq < new.seq and one.effective_at_ms < new.effective_at_ms]
        self._known = [*older, new, *later][-KEPT:]
        return True

    def knows(self, seq: int) -> bool:
        """Whether an announcement is held."""
        return any(one.seq == seq for one in self._known)

    @property
    def latest(self) -> Announced | None:
        """The one with the highest ``seq``, in force or not."""
        return self._known[-1] if self._known else None

    def reset(self, snapshot: Announced) -> None:
        """Begin anew from what the server says of now."""
        self._known = [snapshot]

    def at(self, now: float) -> Announced | None:
        """What holds at ``now``. Before the first known moment it is the first one, which then stands still."""
        held = None
        for one in self._known:
            if one.effective_at_ms <= now:
                held = one
        return held or (self._known[0] if self._known else None)

    def next(self, now: float) -> Announced | None:
        """The change that comes soonest after ``now``."""
        coming = [one for one in self._known if one.effective_at_ms > now]
        return min(coming, key=lambda one: one.effective_at_ms) if coming else None

    def settle(self, now: float) -> None:
        """Forget what ``now`` has overtaken for good: 2 s are kept for clocks that are set back a little."""
        held = self.at(now - 2_000.0)
        if held is not None:
            self._known = [one for one in self._known if one.seq >= held.seq]
