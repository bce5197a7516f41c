"""What a player is told, whether it has followed, and how long that takes: learned from when it did."""

from __future__ import annotations

from benchmarks.party.decision import Decision, Told
from benchmarks.party.latency import Latency
from benchmarks.party.timeline import Announced, Timeline

STUCK_MS = 4_000.0  # a player that has not obeyed for so long is told again


class Orders:
    """``start`` and ``seek``: what players need for them."""

    def __init__(self) -> None:
        self.start = Latency(125.0, 220.0, 1_500.0)
        self.seek = Latency(250.0, 400.0, 3_000.0)
        self.speed = 1.0  # the last that it was told
        self.rate_changes = 0
        self.told: Told | None = None  # a play or seek that the player has not followed yet
        self.lesson: Told | None = None  # one it has followed: the next believed reading says how late
        self._gained = 0.0  # the error when it followed: what of it is gone was gained by speeds

    def busy(self, now: float) -> bool:
        """It was told something, and may be on its way to do it."""
        return self.told is not None and now - self.told.at < STUCK_MS

    def forget(self) -> None:
        """Readings are void: nothing is learned from them."""
        self.lesson = None

    def entered(self, now: float, before: str, state: str, timeline: Timeline) -> float | None:
        """The player does something else now than ``before``. How far it is behind, where it went on by an order at
        this moment, ms."""
        told = self.told
        if before == "seeking" and told is not None and told.what != "play":
            self.told = None
            if state == "paused":
                self.seek.learn(now - told.at)
        if state != "playing":
            return None
        # one that stalled on the way says nothing of how long players take
        self.lesson = told if before != "stalled" and told is not None and told.what != "move" else None
        self.told = None
        goal = timeline.at(max(now, self.lesson.lands_at)) if self.lesson is not None else None
        if self.lesson is None or goal is None or not goal.playing:
            return None
        line = goal.anchor_position_ms + goal.rate * (now - goal.anchor_at_ms)
        self._gained = line - self.lesson.position
        return self._gained

    def learn(self, now: float, position: float, left: float) -> None:
        """Take the first position that is believed after it followed. ``left``: what the error is foreseen to be now,
        ms."""
        told, self.lesson = self.lesson, None
        if told is None:
            return
        latency = self.start if told.what == "play" else self.seek
        gained = self._gained - left
        latency.learn(now - told.at - (position - gained - told.position) / told.rate)

    def play(self, now: float, position: float, goal: Announced, out: Decision) -> None:
        self.tell_speed(goal.rate, out)
        out.commands.append(("play", 0.0))
        self.told = Told("play", now, position, goal.rate, max(now, goal.effective_at_ms))

    def pause(self, rate: float, out: Decision) -> None:
        self.tell_speed(rate, out)
        out.commands.append(("pause", 0.0))

    def send(self, now: float, to: float, lands: float, rate: float, what: str, out: Decision) -> None:
        """``what``: "seek" while it plays, "move" while it stands."""
        self.tell_speed(rate, out)
        position = max(0.0, to)
        out.commands.append(("seek", position))
        self.told = Told(what, now, position, rate, lands)

    def tell_speed(self, speed: float, out: Decision) -> None:
        if speed != self.speed:
            self.speed = speed
            self.rate_changes += 1
            out.commands.append(("rate", speed))
