"""What a client holds to, whatever networks, servers and players do. The browser's does too: ``test_twins`` says so."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.party.clock import AGEING, WINDOW, ServerClock
from benchmarks.party.decision import Seen
from benchmarks.party.drift import Drift
from benchmarks.party.player import YOUTUBE_RATES, Habits, Player
from benchmarks.party.speeds import FIRM, FIRM_MS, GENTLE, Speeds
from benchmarks.party.timeline import Announced, Timeline

delays = st.floats(0.1, 5_000)


@given(st.floats(-1e12, 1e12), st.lists(st.tuples(delays, delays, st.floats(0, 50)), min_size=1, max_size=40))
def test_the_clock_is_wrong_by_half_of_the_shortest_way_at_most(
    offset: float, ways: list[tuple[float, float, float]]
) -> None:
    clock, local = ServerClock(), 1_000.0
    for up, down, busy in ways:
        there = local + up + offset
        clock.add(local, there, there + busy, local + up + busy + down)
        local += up + busy + down + 5_000
    recent = [up + down for up, down, _ in ways][-WINDOW:]
    aged = WINDOW * 15_100 * AGEING  # an older sample may be beaten by so much
    assert abs(clock.offset - offset) <= (min(recent) + aged) / 2 + 1e-3 + abs(offset) * 1e-12


def exchange(clock: ServerClock, local: float, offset: float, way: float = 30.0) -> None:
    clock.add(local, local + way + offset, local + way + offset, local + 2 * way)


@given(st.floats(100, 1e9), st.booleans())
def test_a_clock_that_was_set_is_believed_from_the_next_exchange_on(step: float, back: bool) -> None:
    clock = ServerClock()
    for number in range(10):
        exchange(clock, number * 5_000.0, 777.0)
    moved = 777.0 + (-step if back else step)
    exchange(clock, 60_000.0, moved)
    assert clock.offset == pytest.approx(moved, abs=1e-3)
    assert clock.wait < 5_000  # and it is asked quickly until it is sure


@pytest.mark.parametrize("later", [(20_000.0, 20_000.0), (250.0, 60_250.0), (250.0, -9_750.0)])
def test_nothing_is_believed_after_a_sleep(later: tuple[float, float]) -> None:
    clock = ServerClock()
    exchange(clock, 0.0, 5.0)
    assert clock.awake(1_000.0, 1_000.0)
    assert clock.awake(1_250.0, 1_252.0)
    assert not clock.awake(1_250.0 + later[0], 1_252.0 + later[1])
    assert not clock.ready


def test_what_cannot_be_is_no_exchange() -> None:
    clock = ServerClock()
    assert not clock.add(10.0, 5.0, 4.0, 20.0)  # sent before it was received
    assert not clock.add(10.0, 0.0, 50.0, 20.0)  # longer there than away
    assert not clock.ready


@st.composite
def histories(draw: st.DrawFn) -> list[Announced]:
    """As a server makes them: later ones take effect no sooner."""
    at, history = 0.0, []
    for seq in range(1, draw(st.integers(1, 8)) + 1):
        at += draw(st.floats(0, 3_000))
        status = draw(st.sampled_from(("playing", "paused", "waiting")))
        history.append(Announced(seq, status, 1, draw(st.floats(0, 1e6)), at, draw(st.sampled_from((1.0, 1.25))), at))
    return history


@given(histories(), st.randoms(use_true_random=False), st.floats(0, 30_000))
def test_in_whatever_order_announcements_come_the_same_holds(
    history: list[Announced], random: Random, now: float
) -> None:
    in_order, shuffled = Timeline(), Timeline()
    for one in history:
        in_order.announce(one)
    for one in random.sample(history * 2, len(history) * 2):
        shuffled.announce(one)
    held = max((one for one in history if one.effective_at_ms <= now), key=lambda one: one.seq, default=None)
    if held is not None:
        assert shuffled.at(now) == in_order.at(now) == held
    assert shuffled.next(now) == in_order.next(now)


@given(st.floats(-5_000, 5_000), st.sampled_from((0.5, 1.0, 1.25, 2.0)))
def test_gentle_speeds_are_gentle(error: float, base: float) -> None:
    speed, _ = Speeds("fine").choose(0.0, error, 0.0, base)
    most = FIRM if abs(error) > FIRM_MS else GENTLE
    assert abs(speed / base - 1) <= most + 1e-9
    assert (speed - base) * error >= 0


@given(st.floats(-5_000, 5_000), st.sampled_from(YOUTUBE_RATES))
def test_a_player_with_few_speeds_is_told_no_other(error: float, base: float) -> None:
    speed, until = Speeds(YOUTUBE_RATES).choose(0.0, error, 0.0, base)
    assert speed in YOUTUBE_RATES
    assert until is None or until <= 2_000


@pytest.mark.parametrize(("obeys", "found"), [(True, "fine"), (False, "coarse")])
def test_whether_fine_speeds_work_is_found_out_by_the_way_that_the_position_goes(obeys: bool, found: str) -> None:
    speeds = Speeds("unknown")
    told, until = speeds.choose(0.0, 100.0, 0.0, 1.0)
    assert (told, until) == (1.05, 2_000.0)
    speeds.choose(2_000.0, 100.0, 2_000 * (1.05 if obeys else 1.0), 1.0)
    assert ("fine" if speeds.rates == "fine" else "coarse") == found


def followed(
    error: float, seconds: float, rates: tuple[float, ...], *, ad_at: float = float("inf")
) -> tuple[Drift, Player]:
    """A player that plays ``error`` ms behind the timeline, after so many seconds."""
    timeline = Timeline()
    timeline.announce(Announced(1, "playing", 1, 100_000.0, 0.0, 1.0, 0.0))
    player = Player(
        Habits(rates=rates, stall_every=0.0, ad_at=ad_at), Random(4), state="playing", position=100_000.0 - error
    )
    drift = Drift(timeline, rates or "fine")
    now = 0.0
    while now < seconds * 1_000:
        decision = drift.tick(now, player.seen(now))
        for command, value in decision.commands:
            {"play": player.play, "pause": player.pause}.get(command, lambda _: None)(now)
            if command == "seek":
                player.seek(now, value)
            elif command == "rate":
                player.set_speed(now, value)
        now = min(decision.wake_at, max(now + 1, player.next_change()))
    player.advance(now)
    return drift, player


@given(st.floats(-3_000, 3_000), st.sampled_from(((), YOUTUBE_RATES)))
def test_every_error_goes_away_and_does_not_come_back(error: float, rates: tuple[float, ...]) -> None:
    drift, player = followed(error, 25.0, rates)
    assert abs(100_000 + player.at - player.position) <= (25 if not rates else 60)
    assert drift.seeks <= 2


def test_nothing_is_told_to_an_ad() -> None:
    drift, player = followed(0.0, 12.0, (), ad_at=105_000.0)
    assert player.state == "ad"
    assert drift.seeks == 0
    drift, player = followed(0.0, 40.0, (), ad_at=105_000.0)
    assert abs(100_000 + player.at - player.position) <= 25  # caught up by one jump once it is over
    assert drift.seeks == 1


def test_a_player_that_always_stalls_is_not_jerked_about() -> None:
    timeline = Timeline()
    timeline.announce(Announced(1, "playing", 1, 0.0, 0.0, 1.0, 0.0))
    drift = Drift(timeline)
    for number in range(600):  # ten minutes: half a second of pictures, half of none
        now = number * 1_000.0
        drift.tick(now, Seen("playing", now / 2))
        drift.tick(now + 500, Seen("stalled", now / 2 + 500))
    assert drift.seeks <= 4 + 600 / 30
    assert drift.behind
