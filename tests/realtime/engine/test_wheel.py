"""The timer wheel, on a loop whose time passes as soon as there is nothing else to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from realtime.engine.wheel import AT_ONCE, TICK, Wheel

START = 1_000.1  # seconds: between two ticks


class _Selector(selectors.DefaultSelector):
    """Does not wait: it puts the clock forward."""

    now = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = _Selector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


class Item:
    """Notes when it is looked at, and does then what the test says."""

    def __init__(self, loop: VirtualLoop, then: Callable[[int], object] = lambda tick: None) -> None:
        self.loop = loop
        self.then = then
        self.looks: list[float] = []

    def on_tick(self, tick: int) -> None:
        self.looks.append(self.loop.time() - START)
        self.then(tick)


def run(loop: VirtualLoop, seconds: float, setup: Callable[[], object]) -> None:
    async def main() -> None:
        setup()
        await asyncio.sleep(seconds)

    loop.run_until_complete(main())


@pytest.mark.parametrize("busy", [False, True], ids=["a wheel that stood", "one that turns"])
@pytest.mark.parametrize("seconds", [0.001, 0.1, 0.25, 0.26, 1, 7.3, 25])
def test_a_deadline_is_kept_and_at_most_a_tick_late(loop: VirtualLoop, seconds: float, busy: bool) -> None:
    wheel, item = Wheel(), Item(loop)
    if busy:
        run(loop, 5.01, lambda: wheel.enter(Item(loop), 60))
    began = loop.time() - START
    run(loop, seconds + 1, lambda: wheel.enter(item, seconds))
    (look,) = item.looks
    assert seconds <= look - began <= seconds + TICK + 1e-6


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.12, 0.2499])
def test_from_within_a_tick_a_short_deadline_is_kept_as_well(loop: VirtualLoop, offset: float) -> None:
    wheel, short = Wheel(), Item(loop)
    long = Item(loop, lambda tick: loop.call_later(offset, wheel.enter, short, 0.1))
    run(loop, 3, lambda: wheel.enter(long, 1))
    assert 0.1 <= short.looks[0] - long.looks[0] - offset <= 0.1 + TICK + 1e-6


def test_what_has_no_time_left_is_looked_at_at_once_but_not_within_the_call(loop: VirtualLoop) -> None:
    wheel = Wheel()
    now, past = Item(loop), Item(loop)

    def setup() -> None:
        tick = wheel.enter(now, 0)
        now.then = lambda at: ticks.append((tick, at))
        wheel.enter(past, -5)
        assert now.looks == past.looks == []

    ticks: list[tuple[int, int]] = []
    run(loop, 1, setup)
    assert now.looks == past.looks == [0.0]
    ((entered, looked),) = ticks
    assert looked >= entered  # it sees that its deadline has come


def test_one_that_enters_itself_again_and_again_holds_nobody_up(loop: VirtualLoop) -> None:
    wheel, other = Wheel(), Item(loop)
    again = Item(loop)
    again.then = lambda tick: wheel.enter(again, 0.001)

    def setup() -> None:
        wheel.enter(again, 0.001)
        wheel.enter(other, 1)

    run(loop, 2, setup)
    assert len(other.looks) == 1
    assert 7 <= len(again.looks) <= 9  # once a tick
    wheel.close()


def test_the_tick_it_is_told_is_the_one_it_was_promised(loop: VirtualLoop) -> None:
    wheel = Wheel()
    told: list[int] = []
    promised: list[int] = []
    run(loop, 10, lambda: promised.extend(wheel.enter(Item(loop, told.append), s / 3) for s in range(1, 25)))
    assert told == promised


def test_many_deadlines_in_one_tick_let_the_loop_breathe(loop: VirtualLoop) -> None:
    wheel = Wheel()
    at_a_turn: list[int] = []
    looked = 0

    def count(_: int) -> None:
        nonlocal looked
        looked += 1
        if looked == 1:
            loop.call_soon(watch)

    def watch() -> None:
        at_a_turn.append(looked)
        if looked < 3 * AT_ONCE:
            loop.call_soon(watch)

    def setup() -> None:
        for _ in range(3 * AT_ONCE):
            wheel.enter(Item(loop, count), 0.2)

    run(loop, 1, setup)
    assert at_a_turn == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE]


def test_one_that_fails_stops_no_other(loop: VirtualLoop) -> None:
    wheel, after = Wheel(), Item(loop)
    with capture_logs() as logs:
        run(loop, 2, lambda: (wheel.enter(Item(loop, lambda tick: 1 // 0), 0.5), wheel.enter(after, 1)))
    assert len(after.looks) == 1
    assert [line["log_level"] for line in logs] == ["error"]


def test_a_closed_wheel_stops_at_once_and_takes_nothing(loop: VirtualLoop) -> None:
    wheel = Wheel()
    items = [Item(loop, lambda tick: wheel.close()) for _ in range(5)]
    late = Item(loop)

    def setup() -> None:
        wheel.enter(late, 0)
        for item in items:
            wheel.enter(item, 0.5)
        loop.call_later(1, lambda: (wheel.enter(late, 0), wheel.enter(late, 0.1)))

    run(loop, 3, setup)
    assert sum(len(item.looks) for item in items) == 1  # the others of the same tick are not looked at
    assert late.looks == [0.0]
    assert wheel._slots == {}


def test_a_wheel_without_entries_has_no_timer(loop: VirtualLoop) -> None:
    wheel = Wheel()
    run(loop, 2, lambda: wheel.enter(Item(loop), 1))
    assert wheel._timer is None
    item = Item(loop)
    run(loop, 2, lambda: wheel.enter(item, 1))
    assert len(item.looks) == 1


def test_what_is_forgotten_is_let_go_of(loop: VirtualLoop) -> None:
    wheel = Wheel()
    kept, gone = Item(loop), Item(loop)

    def setup() -> None:
        wheel.enter(kept, 1)
        tick = wheel.enter(gone, 1)
        wheel.forget(gone, tick)
        wheel.forget(gone, tick)
        wheel.forget(gone, 0)

    run(loop, 2, setup)
    assert (len(kept.looks), gone.looks) == (1, [])


def test_a_loop_that_was_held_up_deals_with_all_that_is_due(loop: VirtualLoop) -> None:
    wheel = Wheel()
    items = [Item(loop) for _ in range(10)]

    def setup() -> None:
        for number, item in enumerate(items):
            wheel.enter(item, 0.3 * (number + 1))
        loop.call_later(0.1, stall)

    def stall() -> None:
        loop.clock.now += 20

    run(loop, 22, setup)
    assert [len(item.looks) for item in items] == [1] * 10
    assert items[-1].looks[0] < 20.1 + TICK
