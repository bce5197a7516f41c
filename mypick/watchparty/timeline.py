"""What a party plays, as a pure state machine: where it stands at any moment, and what each command makes of it.

Nothing ticks. A timeline says where it was at one moment (the anchor) and how fast it goes from there, so that whoever
knows it and the clock knows the position, on any node, before and after a restart. Times are milliseconds on the
watch-party clock (``mypick/shared_clock.py``), positions milliseconds from the beginning of the content.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from mypick.errors import invalid

Status = Literal["idle", "waiting", "playing", "paused", "ended"]
Op = Literal["play", "pause", "seek", "rate", "load"]
Reason = Literal["created", "play", "pause", "seek", "rate", "load", "ready", "deadline", "end", "party-ended"]

MAX_POSITION_MS = 2**40  # some 35 years: beyond any content
SLOWEST, FASTEST = 0.25, 4.0
GATE_MS = 5_000  # that guests have to be ready; then it starts regardless
END_GRACE_MS = 1_000  # platforms tell whole seconds: what plays is up to one longer than that


@dataclass(frozen=True, slots=True)
class Playable:
    """Content that can be loaded. ``duration_ms`` is None where nobody knows it, as of a live stream."""

    content_id: int
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """One state. ``epoch`` and ``seq`` are the place of its event in the party's stream and name it; the next one is
    given them when it is written. ``effective_at_ms`` is when all act on it, and never before that of the one before.
    ``gate_until_ms`` is set while ``waiting``: the moment at which it starts regardless."""

    status: Status
    content_id: int
    anchor_position_ms: int
    anchor_at_ms: int
    rate: float
    effective_at_ms: int
    reason: Reason
    epoch: str = ""
    seq: int = 0
    duration_ms: int | None = None
    gate_until_ms: int | None = None

    def position_at(self, now_ms: float) -> float:
        """Where it stands at ``now_ms``; before the anchor, at the anchor's position; never beyond the end."""
        if self.status != "playing":
            return float(self.anchor_position_ms)
        position = self.anchor_position_ms + self.rate * max(0.0, now_ms - self.anchor_at_ms)
        return position if self.duration_ms is None else min(position, float(self.duration_ms))

    @property
    def ends_at_ms(self) -> int | None:
        """When it will have played to its end. None while it stands still, or where the end is not known."""
        if self.status != "playing" or self.duration_ms is None:
            return None
        left = max(0, self.duration_ms - self.anchor_position_ms)
        return self.anchor_at_ms + round(left / self.rate) + END_GRACE_MS

    @property
    def due_at_ms(self) -> int | None:
        """When it moves on without a command: the gate opens, or the content ends."""
        return self.gate_until_ms if self.status == "waiting" else self.ends_at_ms

    def wire(self) -> dict[str, Any]:
        """``data`` of the event ``timeline``."""
        return {
            "status": self.status,
            "content_id": self.content_id,
            "anchor_position_ms": self.anchor_position_ms,
            "anchor_at_ms": self.anchor_at_ms,
            "rate": self.rate,
            "effective_at_ms": self.effective_at_ms,
            "reason": self.reason,
        }

    def named(self) -> dict[str, Any]:
        """As clients see it outside of its event, which says ``epoch`` and ``seq`` itself."""
        return {**self.wire(), "epoch": self.epoch, "seq": self.seq}

    # commands: each is given the moment and the lead, and gives the next state, or None where nothing would change

    def play(self, now_ms: float) -> Timeline | None:
        """Wait for the guests, then start. From its end it plays anew."""
        if self.status in ("playing", "waiting"):
            return None
        begin = 0 if self.status == "ended" else self.anchor_position_ms
        return self._standing("waiting", self._moment(now_ms, 0), begin, "play", gate_from=now_ms)

    def start(self, now_ms: float, lead_ms: int, reason: Literal["ready", "deadline"]) -> Timeline | None:
        """The gate opens."""
        if self.status != "waiting":
            return None
        at = self._moment(now_ms, lead_ms)
        return replace(self, status="playing", anchor_at_ms=at, effective_at_ms=at, reason=reason, gate_until_ms=None)

    def pause(self, now_ms: float, lead_ms: int) -> Timeline | None:
        if self.status not in ("playing", "waiting"):
            return None
        at = self._moment(now_ms, lead_ms)
        return self._standing("paused", at, round(self.position_at(at)), "pause")

    def seek(self, now_ms: float, lead_ms: int, position_ms: float) -> Timeline | None:
        """What plays goes on playing from there; a gate begins anew, for there is other video to load."""
        position = self.clamped(position_ms)
        at = self._moment(now_ms, lead_ms if self.status == "playing" else 0)
        if self.status == "playing":
            return replace(self, anchor_position_ms=position, anchor_at_ms=at, effective_at_ms=at, reason="seek")
        if self.status == "waiting":
            return self._standing("waiting", at, position, "seek", gate_from=now_ms)
        return self._standing("idle" if self.status == "idle" else "paused", at, position, "seek")

    def set_rate(self, now_ms: float, lead_ms: int, rate: float) -> Timeline | None:
        if not SLOWEST <= rate <= FASTEST:
            raise invalid(f"rate is between {SLOWEST} and {FASTEST}", field="rate")
        rate = round(rate, 2)
        if rate == self.rate:
            return None
        if self.status != "playing":
            return replace(self, rate=rate, effective_at_ms=self._moment(now_ms, 0), reason="rate")
        at = self._moment(now_ms, lead_ms)
        position = round(self.position_at(at))
        return replace(self, rate=rate, anchor_position_ms=position, anchor_at_ms=at, effective_at_ms=at, reason="rate")

    def load(self, now_ms: float, lead_ms: int, content: Playable, position_ms: float = 0) -> Timeline:
        """Other content. A party that played goes on with it once its guests are ready; one that stood still stands at
        its beginning."""
        fresh = replace(self, content_id=content.content_id, duration_ms=content.duration_ms)
        position = fresh.clamped(position_ms)
        if self.status in ("playing", "waiting", "ended"):
            at = fresh._moment(now_ms, lead_ms if self.status == "playing" else 0)
            return fresh._standing("waiting", at, position, "load", gate_from=at)
        return fresh._standing(self.status, fresh._moment(now_ms, 0), position, "load")

    def end(self, now_ms: float, reason: Literal["end", "party-ended"]) -> Timeline | None:
        """Nothing is played any more: the content is over, or the party."""
        if self.status == "ended" and reason == "end":
            return None
        at = self._moment(now_ms, 0)
        return self._standing("ended", at, round(self.position_at(at)), reason)

    def clamped(self, position_ms: float) -> int:
        """A position within the content, from one that somebody named. ``INVALID`` where it is none at all."""
        if not 0 <= position_ms <= MAX_POSITION_MS:
            raise invalid("position_ms is from the beginning, 0 or more", field="position_ms")
        position = round(position_ms)
        return position if self.duration_ms is None else min(position, self.duration_ms)

    def _moment(self, now_ms: float, lead_ms: int) -> int:
        """In ``lead_ms``, but not before what was said last takes effect: who acts on it has not acted yet."""
        return max(round(now_ms) + lead_ms, self.effective_at_ms)

    def _standing(
        self, status: Status, at_ms: int, position_ms: int, reason: Reason, *, gate_from: float | None = None
    ) -> Timeline:
        return replace(
            self,
            status=status,
            anchor_position_ms=position_ms,
            anchor_at_ms=at_ms,
            effective_at_ms=at_ms,
            reason=reason,
            gate_until_ms=None if gate_from is None else round(gate_from) + GATE_MS,
        )


def new_timeline(content: Playable, now_ms: float) -> Timeline:
    """Of a party that has just been made: at the beginning, not yet played."""
    at = round(now_ms)
    return Timeline("idle", content.content_id, 0, at, 1.0, at, "created", duration_ms=content.duration_ms)


def steered(
    timeline: Timeline,
    op: Op,
    now_ms: float,
    lead_ms: int,
    *,
    position_ms: float | None = None,
    rate: float | None = None,
    content: Playable | None = None,
) -> Timeline | None:
    """What a command makes of ``timeline``; None where nothing would change. ``INVALID`` for a command that lacks what
    it needs, or has what it has no use for."""
    wanted = {"seek": {"position_ms"}, "rate": {"rate"}, "load": {"content_id"}}.get(op, set())
    given = {"position_ms": position_ms, "rate": rate, "content_id": content}
    for field, value in given.items():
        if field in wanted and value is None:
            raise invalid(f"{op} needs {field}", field=field)
        if field not in wanted and value is not None and not (op == "load" and field == "position_ms"):
            raise invalid(f"{op} takes no {field}", field=field)
    if op == "seek" and position_ms is not None:
        return timeline.seek(now_ms, lead_ms, position_ms)
    if op == "rate" and rate is not None:
        return timeline.set_rate(now_ms, lead_ms, rate)
    if op == "load" and content is not None:
        return timeline.load(now_ms, lead_ms, content, position_ms or 0)
    return timeline.play(now_ms) if op == "play" else timeline.pause(now_ms, lead_ms)
