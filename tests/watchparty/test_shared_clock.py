"""One clock for all nodes, with machines whose own clocks are wrong."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.clock import SystemClock
from mypick.db import Database
from mypick.shared_clock import EVERY, MAX_SLEW, SharedClock
from tests.fakes import FakeClock


class World:
    """True time, a database that has it, and networks between."""

    def __init__(self, seed: int = 1) -> None:
        self.now_s = 0.0
        self.wrong_ms = 0.0  # how far the database's clock was set
        self.rng = random.Random(seed)
        self.machines: list[FakeClock] = []
        self.drifts: list[float] = []

    def machine(self, *, skew_s: float = 0.0, drift: float = 0.0) -> FakeClock:
        clock = FakeClock()
        clock.step(skew_s)
        self.machines.append(clock)
        self.drifts.append(drift)
        return clock

    def pass_(self, seconds: float) -> None:
        self.now_s += seconds
        for clock, drift in zip(self.machines, self.drifts, strict=True):
            clock.advance(seconds * (1 + drift))

    @property
    def true_ms(self) -> float:
        return 1_767_268_800_000 + self.now_s * 1_000 + self.wrong_ms

    def source(self, *, delay: Callable[[], float] | None = None) -> Callable[[], Awaitable[float]]:
        one_way = delay or (lambda: 0.0002 + self.rng.expovariate(1 / 0.0003))

        async def ask() -> float:
            self.pass_(one_way())
            found = self.true_ms
            self.pass_(one_way())
            return found

        return ask


async def test_nodes_whose_machines_differ_by_seconds_agree_within_a_millisecond() -> None:
    world = World()
    clocks = [
        SharedClock(world.machine(skew_s=skew, drift=drift), world.source())
        for skew, drift in ((2.0, 50e-6), (-2.0, -50e-6), (0.0, 0.0))
    ]
    for clock in clocks:
        await clock.start()
    for _ in range(200):
        world.pass_(EVERY)
        for clock in clocks:
            await clock.sample()
        shown = [clock.now_ms() for clock in clocks]
        assert max(shown) - min(shown) < 1
        assert all(abs(one - world.true_ms) < 1 for one in shown)


@given(st.lists(st.floats(-30_000, 30_000), min_size=1, max_size=6), st.integers(0, 1_000))
async def test_it_never_goes_back_and_never_jumps_whatever_the_database_says(jumps: list[float], seed: int) -> None:
    world = World(seed)
    clock = SharedClock(world.machine(), world.source(delay=lambda: 0.001))
    await clock.start()
    before, at = clock.now_ms(), world.now_s
    for jump in jumps:
        world.wrong_ms += jump
        for _ in range(10):
            await clock.sample()
            world.pass_(0.5)
            now = clock.now_ms()
            passed = (world.now_s - at) * 1_000
            assert (1 - MAX_SLEW) * passed - 0.01 <= now - before <= (1 + MAX_SLEW) * passed + 0.01
            before, at = now, world.now_s


async def test_it_comes_to_the_new_time_of_a_database_that_was_set() -> None:
    world = World()
    clock = SharedClock(world.machine(), world.source(delay=lambda: 0.001))
    await clock.start()
    world.wrong_ms = 1_000
    for _ in range(40):
        world.pass_(EVERY)
        await clock.sample()
    assert clock.now_ms() == pytest.approx(world.true_ms, abs=1)


async def test_a_slow_answer_does_not_move_it() -> None:
    world = World()
    quick = iter([True] * 6 + [False] * 3)

    async def ask() -> float:
        if next(quick):
            world.pass_(0.0005)
            found = world.true_ms
            world.pass_(0.0005)
            return found
        found = world.true_ms  # it waited for half a second on its way back
        world.pass_(0.5)
        return found

    clock = SharedClock(world.machine(), ask)
    await clock.start()
    for _ in range(4):
        await clock.sample()
        assert clock.now_ms() == pytest.approx(world.true_ms, abs=1)


async def test_where_there_is_no_answer_it_goes_on() -> None:
    machine = FakeClock()
    clock = SharedClock(machine)
    before = clock.now_ms()
    machine.advance(1.5)
    machine.step(-3_600)  # somebody set the machine's time of day
    assert clock.now_ms() == before + 1_500


async def test_it_is_the_time_of_the_real_database(database: Database) -> None:
    clock = SharedClock(SystemClock())
    await clock.start()
    assert clock.now_ms() == pytest.approx(SystemClock().now().timestamp() * 1_000, abs=100), "the same machine's"
