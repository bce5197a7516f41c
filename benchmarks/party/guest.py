"""A guest: a player, a network, a clock of its own, and the client's algorithm between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol

from benchmarks.party.clock import ServerClock
from benchmarks.party.drift import Drift
from benchmarks.party.network import GuestClock, Network
from benchmarks.party.player import Player
from benchmarks.party.tape import Step, TapedClock, TapedDrift, TapedTimeline, unwire
from benchmarks.party.timeline import Timeline
from benchmarks.party.world import Clocked

REPORT_MS = 10_000.0
ANSWER_MS = 5_000.0  # a question without an answer for so long is asked again
TIMER_MS = 4.0  # a browser's timers are late by up to

Reply = Mapping[str, Any] | None
"""The ``data`` of an ack; None where the server has gone or refused."""


class Line(Protocol):
    """The server's end of one connection. It takes no time: the guest's network does."""

    def ask(self, event: str, data: dict[str, Any], answer: Callable[[Reply], None]) -> None:
        """Send a command; ``answer`` may be called at once or later, or never."""


class Guest:
    """Joins over ``line`` and stays in step until it leaves."""

    def __init__(
        self,
        world: Clocked,
        name: str,
        line: Line,
        *,
        party_id: int,
        player: Player,
        network: Network,
        clock: GuestClock,
        random: Random,
        rates: str | tuple[float, ...] = "fine",
        tape: list[Step] | None = None,
    ) -> None:
        self.world, self.name, self.line, self.party_id = world, name, line, party_id
        self.player, self.network, self.clock, self.random = player, network, clock, random
        self.server = ServerClock() if tape is None else TapedClock(tape)
        self.timeline = Timeline() if tape is None else TapedTimeline(tape)
        self.drift = Drift(self.timeline, rates)
        if tape is not None:
            self.drift = TapedDrift(self.timeline, rates)
            self.drift.tape = tape
        self.joined_at: float | None = None
        self.here = False
        self.seq = 0
        self.connections = 0
        self.willing = True  # says that it is ready; the bad never do
        self._ready_for = 0  # seq
        self._turn = 0  # of looking: an earlier appointment is void
        self._ready = False

    @property
    def ready(self) -> bool:
        """It knows what is played."""
        return self._ready

    @property
    def seeks(self) -> int:
        return self.drift.seeks

    @property
    def rate_changes(self) -> int:
        return self.drift.orders.rate_changes

    # ---- coming and going ----

    def join(self) -> None:
        """Come in, or come back."""
        self.here, self._ready = True, False
        self._ready_for = 0
        self.joined_at = self.world.now
        self.connections += 1
        connection = self.connections
        self._clock(connection)
        self._join(connection)
        self._report_later(connection)

    def leave(self) -> None:
        """Go without a word. The player stops."""
        self.here = False
        self.connections += 1
        self.player.pause(self.world.now)

    def cut(self) -> None:
        """The connection is gone; the player goes on with what it knows."""
        self.connections += 1

    def back(self) -> None:
        """A new connection after ``cut``."""
        self.connections += 1
        connection = self.connections
        self._ready_for = 0
        self.server.burst()  # another server may have another clock
        self._clock(connection)
        self._join(connection)
        self._report_later(connection)

    # ---- the wire ----

    def receive(self, event: str, seq: int, data: Mapping[str, Any]) -> None:
        """What the server sends at this moment; it arrives when the network brings it."""
        connection = self.connections

        def arrived() -> None:
            if connection == self.connections and self.here and event == "timeline":
                self.seq = max(self.seq, seq)
                self.timeline.announce(unwire(seq, data))
                self.look()

        self.world.at(self.network.down.arrival(self.world.now), arrived)

    def ask(self, event: str, data: dict[str, Any], then: Callable[[Reply], None]) -> None:
        """A command through the network and its answer back."""
        connection, world = self.connections, self.world

        def answered(reply: Reply) -> None:
            def arrived() -> None:
                if connection == self.connections:
                    then(reply)

            world.at(self.network.down.arrival(world.now), arrived)

        def arrives() -> Any:
            return self.line.ask(event, data, answered) if connection == self.connections else None

        world.at(self.network.up.arrival(world.now), arrives)

    def _join(self, connection: int) -> None:
        def came(reply: Reply) -> None:
            if reply is None:
                self.world.at(self.world.now + 500.0, lambda: self._join(connection))
                return
            if connection != self.connections:
                return
            snapshot = reply["timeline"]
            self.seq = snapshot["seq"]
            self.timeline.announce(unwire(self.seq, snapshot))
            self._ready = True
            self.look()

        self.ask("join-party", {"party_id": self.party_id}, came)

    def _clock(self, connection: int) -> None:
        if connection != self.connections:
            return
        asked = self.clock.local(self.world.now)

        def came(reply: Reply) -> None:
            if reply is not None:
                self.server.add(asked, reply["t1"], reply["t2"], self.clock.local(self.world.now))
                if self.server.taken in (1, 4):
                    self.look()

        self.ask("clock", {"t0": asked}, came)
        self._later(self.server.wait, lambda: self._clock(connection))

    def _report_later(self, connection: int) -> None:
        def report() -> None:
            if connection != self.connections:
                return
            if self.server.ready and self.drift.error is not None and self.seq:
                local = self.clock.local(self.world.now)
                data = {
                    "party_id": self.party_id,
                    "seq": self.seq,
                    "position_ms": self.player.seen(self.world.now).position_ms,
                    "at_ms": self.server.now(local),
                    "error_ms": -self.drift.error,  # ahead is positive on the wire
                    "rtt_ms": self.server.rtt,
                }
                self.ask("report", data, lambda _: None)
            self._later(REPORT_MS, report)

        self._later(REPORT_MS * self.random.uniform(0.5, 1.0), report)

    # ---- the player ----

    def look(self) -> None:
        """Look at the player and do what has to be done; and make the next appointment."""
        self._turn += 1
        if not (self.here and self._ready and self.server.settled):
            return
        turn, now = self._turn, self.world.now
        server_now = self.server.now(self.clock.local(now))
        decision = self.drift.tick(server_now, self.player.seen(now))
        for command, value in decision.commands:
            if command == "play":
                self.player.play(now)
            elif command == "pause":
                self.player.pause(now)
            elif command == "seek":
                self.player.seek(now, value)
            else:
                self.player.set_speed(now, value)
        if decision.mode == "standing" and not decision.commands:
            self._say_ready()
        self.timeline.settle(server_now)

        def again() -> None:
            if turn == self._turn:
                self.look()

        self._later(decision.wake_at - server_now, again)
        change = self.player.next_change()
        if change < float("inf"):  # the player's own event, after which nothing of this look holds
            self.world.at(change, again)

    def _say_ready(self) -> None:
        """A party that waits waits for this."""
        latest = self.timeline.latest
        if latest is None or latest.status != "waiting" or latest.seq == self._ready_for:
            return
        self._ready_for = latest.seq
        state = "ready" if self.willing else "stalled"
        self.ask("ready", {"party_id": self.party_id, "seq": latest.seq, "state": state}, lambda _: None)

    def _later(self, pause: float, happening: Callable[[], None]) -> None:
        """After ``pause`` ms of this guest's own clock, and a little late, as timers are."""
        true = max(0.0, pause) / (1 + self.clock.ppm * 1e-6)
        self.world.at(self.world.now + true + self.random.uniform(0.0, TIMER_MS), happening)
