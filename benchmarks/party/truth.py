"""The timeline as it truly was, and how far from it somebody is."""

from __future__ import annotations

from benchmarks.party.timeline import Announced

JUMP_MS = 20.0
NEARBY_MS = 3_000.0  # a jump is looked at for so long before and after


class Truth:
    """Announcements of the server with their moments in true time. They must come in order of ``seq``."""

    def __init__(self) -> None:
        self.log: list[Announced] = []

    def add(self, announced: Announced) -> None:
        self.log.append(announced)

    def at(self, now: float) -> Announced | None:
        held = None
        for one in reversed(self.log):
            if one.effective_at_ms <= now:
                held = one
                break
        return held

    def error(self, now: float, position: float) -> float | None:
        """Ms between ``position`` and the timeline. Across a jump, where positions cannot be compared, the time that
        lies between ``now`` and the jump is added: who shows the new place 100 ms early is 100 ms off."""
        held = self.at(now)
        if held is None:
            return None
        error = abs(position - held.position(now))
        if error <= JUMP_MS:
            return error
        before: Announced | None = None
        for one in self.log:
            at = one.effective_at_ms
            if before is not None and abs(at - now) < NEARBY_MS:
                old, new = before.position(at), one.position(at)
                if abs(new - old) > JUMP_MS:
                    there = old if now >= at else new
                    error = min(error, abs(now - at) + abs(position - there))
            before = one
        return error

    def changes(self) -> list[float]:
        """Moments at which anything changed."""
        return [one.effective_at_ms for one in self.log]
