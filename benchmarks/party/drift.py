"""Keeps one player on the party's timeline: what to tell it, and when to look again.

Pure: no clock, no player, no network. ``tick`` is given the server's time and what the player shows, and answers with
commands. Small errors are taken away by speeds that nobody notices, large ones by one aimed seek; starts are told early
by what the player needs to start.
"""

from __future__ import annotations

from benchmarks.party.allowance import Allowance
from benchmarks.party.decision import Decision, Seen, jumps
from benchmarks.party.estimate import Estimate
from benchmarks.party.orders import Orders
from benchmarks.party.speeds import START_MS, Speeds
from benchmarks.party.timeline import Announced, Timeline

EVERY_MS = 250.0  # between two looks
SETTLE_MS = 500.0  # after a start, a seek or a pause: positions are not believed
SEEK_MS = 800.0  # errors above this are sought away
STALL_SEEK_MS = 500.0  # after a stall the picture has just stood still: one short jump, not ten seconds of haste
NEAR_MS = 250.0  # a player so near the timeline starts from where it stands
PAUSED_MS = 30.0  # a player that is paused this far off is moved: nobody sees more than a still picture change
FAR_MS = 20_000.0  # a player that is ahead by more does not wait for the timeline
ROOM_MS = 75.0  # between the end of the longest seek and the moment to say play
EVENT_MS = 50.0  # events of a player come late by up to this


class Drift:
    """One player's corrections. ``rates`` as in ``Speeds``; ``settle``: how long a player's positions are not believed
    after it changed what it does, ms."""

    def __init__(self, timeline: Timeline, rates: str | tuple[float, ...] = "fine", settle: float = SETTLE_MS) -> None:
        self.timeline = timeline
        self.speeds = Speeds(rates)
        self.settle = settle
        self.seeks = 0  # corrective ones: those that the host asked for are not counted
        self._state = "none"
        self._trust_at = 0.0
        self._estimate = Estimate()
        self.orders = Orders()
        self._holding = False  # it was sent ahead and waits for the timeline
        self._jumped = 0  # seq of the jump that was begun before its moment
        self._moved = (0, 0)  # seq, and how often a paused player was moved for it
        self._stalled = False
        self._forced = False
        self._allowance = Allowance()
        self._goal: Announced | None = None
        self._missed = 0  # seq of a jump that the player has not made

    @property
    def error(self) -> float | None:
        """Ms behind the timeline at the last look; None while nobody can know."""
        return self._estimate.value

    @property
    def behind(self) -> bool:
        """Too far off for speeds, and seeks are spent for now: offer "catch me up"."""
        return self.error is not None and abs(self.error) > SEEK_MS

    def catch_up(self) -> None:
        """Go to the timeline at the next look, whatever it costs."""
        self._forced = True

    def forget(self) -> None:
        """Drop what was read: the machine has slept, or another video is shown."""
        self._estimate.forget()
        self.orders.forget()
        self.speeds.stop()

    def tick(self, now: float, seen: Seen) -> Decision:
        """What to do at ``now``, the server's time in ms."""
        out = Decision(now + EVERY_MS)
        self._entered(now, seen.state)
        goal = self.timeline.at(now)
        if goal is None or seen.state in ("none", "ended", "blocked", "ad"):
            self.forget()
            self._stalled = seen.state == "ad"
            out.mode = seen.state if goal is not None else "idle"
            return out
        before, self._goal = self._goal, goal
        if before is not None and before.seq != goal.seq and self._jumped != goal.seq and jumps(before, goal):
            self._missed = goal.seq
        coming = self.timeline.next(now)
        if seen.state == "seeking":
            self._seek_again(now, out)
        elif not (goal.playing and goal.effective_at_ms <= now):
            self._stand(now, goal, coming, seen, out)
        else:
            if seen.state == "paused":
                self._catch(now, goal, seen, out)
            elif seen.state == "stalled":
                self.forget()
                self._stalled = True
                self._estimate.suppose(now, goal.position(now) - seen.position_ms)
                out.mode = "stalled"
            else:
                self._follow(now, goal, seen, out)
            self._foresee(now, goal, coming, out)
        out.error_ms = self.error
        return out

    def _entered(self, now: float, state: str) -> None:
        before, self._state = self._state, state
        if before == state:
            return
        if state in ("playing", "paused"):
            self.forget()
            self._trust_at = now + self.settle
        if state == "playing":
            self._holding = False
        off = self.orders.entered(now, before, state, self.timeline)
        if off is not None:
            self._estimate.suppose(now, off)

    # ---- the timeline stands ----

    def _stand(self, now: float, goal: Announced, coming: Announced | None, seen: Seen, out: Decision) -> None:
        out.mode = "standing"
        self._holding = False
        starts = coming if coming is not None and coming.playing else None
        # a player waits already where the timeline will start from
        place = goal.position(now) if starts is None else starts.position(starts.effective_at_ms)
        off = place - seen.position_ms
        self._estimate.suppose(now, off)
        if self.orders.busy(now):
            return
        if seen.state != "paused":
            if starts is None or now < self._start_at(starts, place):
                self.orders.pause(goal.rate, out)
            return
        if abs(off) > PAUSED_MS and self._may_move(starts or goal):
            self._send(now, place, now, goal.rate, "move", out)
        elif starts is not None:
            at = self._start_at(starts, seen.position_ms)
            if now < at:
                out.wake_at = min(out.wake_at, at)
            else:
                self.orders.play(now, seen.position_ms, starts, out)

    def _start_at(self, starts: Announced, position: float) -> float:
        """When to say play to a player that stands at ``position``."""
        return starts.anchor_at_ms + (position - starts.anchor_position_ms) / starts.rate - self.orders.start.usual

    def _may_move(self, goal: Announced) -> bool:
        """Players that only seek to key frames would be moved forever."""
        times = self._moved[1] if self._moved[0] == goal.seq else 0
        self._moved = (goal.seq, times + 1)
        return times < 2

    # ---- the timeline moves and the player stands ----

    def _catch(self, now: float, goal: Announced, seen: Seen, out: Decision) -> None:
        out.mode = "starting"
        off = goal.position(now) - seen.position_ms
        self._estimate.suppose(now, off)
        if self.orders.busy(now):
            return
        late = off / goal.rate + self.orders.start.usual
        if self._holding and late > NEAR_MS:
            self._holding = False  # this seek took longer than any before: once more, with what it has taught
        if not self._holding and (late > NEAR_MS or off < -FAR_MS):
            ahead = self.orders.seek.high + self.orders.start.usual + ROOM_MS
            self._send(now, goal.position(now + ahead), now + ahead, goal.rate, "move", out)
            self._holding = True
        elif late >= 0:
            self.orders.play(now, seen.position_ms, goal, out)
        else:
            out.wake_at = min(out.wake_at, now - late)

    # ---- both move ----

    def _follow(self, now: float, goal: Announced, seen: Seen, out: Decision) -> None:
        out.mode = "following"
        raw = goal.position(now) - seen.position_ms
        after_stall, self._stalled = self._stalled, False
        forced, self._forced = self._forced, False
        if (
            (forced and abs(raw) > START_MS)
            or (self._missed == goal.seq and abs(raw) > NEAR_MS)
            or (after_stall and abs(raw) > STALL_SEEK_MS and self._allowance.allows(now))
        ):
            self._correct_by_seek(now, goal, out)
            return
        if now < self._trust_at:
            self._go_by_event(now, goal, out)
            return
        faster = self.orders.speed - goal.rate
        if self.orders.lesson is not None:
            self.orders.learn(now, seen.position_ms, self._estimate.foresee(now, faster))
        error = self._estimate.read(now, raw, faster)
        if abs(error) > SEEK_MS and self._allowance.allows(now):
            self._correct_by_seek(now, goal, out)
            return
        speed, wake_at = self.speeds.choose(now, error, seen.position_ms, goal.rate)
        self.orders.tell_speed(speed, out)
        if speed != goal.rate:
            out.mode = "correcting"
        if wake_at is not None:
            out.wake_at = min(out.wake_at, wake_at)

    def _go_by_event(self, now: float, goal: Announced, out: Decision) -> None:
        """No position is believed yet, but the moment at which the player went on is known, and where from. What is off
        by more than events are late is corrected at once."""
        out.wake_at = min(out.wake_at, self._trust_at)
        speed = goal.rate
        if self.orders.lesson is not None and self.speeds.rates == "fine":
            # of a jump that is still to come, the timeline after it
            goal = self.timeline.at(max(now, self.orders.lesson.lands_at)) or goal
            error = self._estimate.foresee(now, self.orders.speed - goal.rate)
            if abs(error) > EVENT_MS:
                speed, _ = self.speeds.choose(now, error, 0.0, goal.rate)
            else:
                self.speeds.stop()
        self.orders.tell_speed(speed, out)

    def _correct_by_seek(self, now: float, goal: Announced, out: Decision) -> None:
        if self._missed == goal.seq:
            self._missed = 0  # the host asked for it
        else:
            self.seeks += 1
            self._allowance.take()
        lands = now + self.orders.seek.usual
        self._send(now, goal.position(lands), lands, goal.rate, "seek", out)

    # ---- what will be ----

    def _foresee(self, now: float, goal: Announced, coming: Announced | None, out: Decision) -> None:
        """Begin a jump of the timeline before its moment, so that the seek ends with it."""
        if coming is None or any(command != "rate" for command, _ in out.commands):
            return
        at = coming.effective_at_ms
        if coming.playing and self._jumped != coming.seq and jumps(goal, coming):
            begin = at - self.orders.seek.usual
            if now < begin:
                at = begin
            else:
                lands = now + self.orders.seek.usual
                self._jumped = coming.seq
                self._send(now, coming.position(lands), lands, coming.rate, "seek", out)
        out.wake_at = min(out.wake_at, max(at, now))

    def _seek_again(self, now: float, out: Decision) -> None:
        """The player is on its way. Somewhere else, if the timeline has jumped since."""
        out.mode = "seeking"
        told = self.orders.told
        goal = self.timeline.at(max(now, told.lands_at)) if told is not None else None
        if told is None or goal is None or told.what != "seek":
            return
        if abs(goal.position(told.lands_at) - told.position) > SEEK_MS:
            lands = now + self.orders.seek.usual
            self._send(now, goal.position(lands), lands, goal.rate, "seek", out)

    def _send(self, now: float, to: float, lands: float, rate: float, what: str, out: Decision) -> None:
        self.forget()
        self.orders.send(now, to, lands, rate, what, out)
        self._state = "seeking"  # it may have ended before the next look
