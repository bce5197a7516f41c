"""A server of a few lines, on true time: to try algorithms on. The real one stands in ``real``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.party.scenario import Act, Scenario
from benchmarks.party.simulation import Kind, Outcome, cast, come_and_go, ours, watch
from benchmarks.party.tape import wire
from benchmarks.party.timeline import Announced
from benchmarks.party.truth import Truth
from benchmarks.party.world import World

PAUSE_LEAD_MS = 150.0


class ModelServer:
    """The timeline, announced ``lead`` ms ahead."""

    def __init__(self, world: World, lead: float = 400.0) -> None:
        self.world, self.lead = world, lead
        self.truth = Truth()
        self.truth.add(Announced(1, "paused", 1, 0.0, 0.0, 1.0, 0.0))
        self.listeners: list[Callable[[str, int, dict[str, Any]], None]] = []

    def ask(self, event: str, data: dict[str, Any], answer: Callable[[dict[str, Any] | None], None]) -> None:
        now = self.world.now
        if event == "clock":
            answer({"t0": data["t0"], "t1": now, "t2": now})
        elif event == "join-party":
            last = self.truth.log[-1]
            answer({"timeline": {"seq": last.seq, **wire(last)}})
        else:
            answer({})

    def act(self, act: Act) -> None:
        """As the host commands, when it arrives."""
        last, now = self.truth.log[-1], self.world.now
        at = now + (PAUSE_LEAD_MS if act.op == "pause" else self.lead)
        position = last.position(at)
        status, rate = last.status, last.rate
        if act.op in ("play", "pause"):
            status = "playing" if act.op == "play" else "paused"
        elif act.op == "seek":
            position = act.value
        else:
            rate = act.value
        new = Announced(last.seq + 1, status, 1, position, at, rate, at)
        self.truth.add(new)
        for listener in list(self.listeners):
            listener("timeline", new.seq, wire(new))


async def party(seed: int, scenario: Scenario, kind: Kind) -> Outcome:
    """Our algorithm against this server."""
    world = World()
    server = ModelServer(world)
    guests = [ours(world, person, server, kind) for person in cast(seed, scenario, kind)]
    for guest in guests:
        server.listeners.append(guest.receive)
    outcome = Outcome(guests=guests, bad=scenario.bad)
    come_and_go(world, scenario, guests)
    for act in scenario.acts:
        world.at(act.at, partial(server.act, act))
    watch(world, outcome, server.truth)
    await world.run(scenario.length)
    return outcome
