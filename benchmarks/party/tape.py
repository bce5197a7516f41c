"""Everything that goes into a guest's algorithm, written down so that another program can be given the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.party.clock import ServerClock
from benchmarks.party.decision import Decision, Seen
from benchmarks.party.drift import Drift
from benchmarks.party.timeline import Announced, Timeline

Step = list[Any]
"""A name and its arguments."""


class TapedClock(ServerClock):
    """Writes what it is given to ``tape``."""

    def __init__(self, tape: list[Step]) -> None:
        super().__init__()
        self.tape = tape

    def add(self, t0: float, t1: float, t2: float, t3: float) -> bool:
        self.tape.append(["exchange", t0, t1, t2, t3])
        return super().add(t0, t1, t2, t3)

    def burst(self) -> None:
        self.tape.append(["burst"])
        super().burst()


class TapedTimeline(Timeline):
    def __init__(self, tape: list[Step]) -> None:
        super().__init__()
        self.tape = tape

    def announce(self, new: Announced) -> bool:
        self.tape.append(["announce", new.seq, wire(new)])
        return super().announce(new)

    def settle(self, now: float) -> None:
        self.tape.append(["settle", now])
        super().settle(now)


class TapedDrift(Drift):
    tape: list[Step]

    def tick(self, now: float, seen: Seen) -> Decision:
        self.tape.append(["tick", now, seen.state, seen.position_ms])
        return super().tick(now, seen)

    def catch_up(self) -> None:
        self.tape.append(["catch-up"])
        super().catch_up()


def play(rates: str | Sequence[float], settle: float, steps: Sequence[Step]) -> list[Any]:
    """What the algorithm answers to each step: as ``tests/watchparty/twins.mjs`` has it."""
    clock, timeline = ServerClock(), Timeline()
    drift = Drift(timeline, rates if isinstance(rates, str) else tuple(rates), settle)
    return [_answer(clock, timeline, drift, what, given) for what, *given in steps]


def _answer(clock: ServerClock, timeline: Timeline, drift: Drift, what: str, given: Sequence[Any]) -> Any:
    if what == "announce":
        taken = timeline.announce(unwire(*given))
        return [taken, timeline.latest.seq if timeline.latest else None]
    if what == "reset":
        return timeline.reset(unwire(*given))
    if what == "settle":
        return timeline.settle(*given)
    if what == "catch-up":
        return drift.catch_up()
    if what == "burst":
        return clock.burst()
    if what == "exchange":
        return [clock.add(*given), clock.offset, clock.rtt, clock.wait, clock.ready, clock.settled]
    if what == "awake":
        return [clock.awake(*given), clock.ready]
    now, state, position = given
    said = drift.tick(now, Seen(state, position))
    commands = [list(command) for command in said.commands]
    orders = drift.orders
    learned = [orders.start.usual, orders.seek.usual, orders.seek.high]
    return [said.wake_at, said.mode, said.error_ms, commands, drift.behind, drift.seeks, orders.rate_changes, *learned]


def wire(one: Announced) -> dict[str, Any]:
    """The ``data`` of the event ``timeline``."""
    return {
        "status": one.status,
        "content_id": one.content_id,
        "anchor_position_ms": one.anchor_position_ms,
        "anchor_at_ms": one.anchor_at_ms,
        "rate": one.rate,
        "effective_at_ms": one.effective_at_ms,
    }


def unwire(seq: int, data: Mapping[str, Any]) -> Announced:
    """From the event."""
    return Announced(
        seq=seq,
        status=data["status"],
        content_id=data["content_id"],
        anchor_position_ms=data["anchor_position_ms"],
        anchor_at_ms=data["anchor_at_ms"],
        rate=data["rate"],
        effective_at_ms=data["effective_at_ms"],
    )
