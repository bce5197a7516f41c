"""Fifty guests of a real server, whose networks, clocks and players are simulated, are where the timeline is."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.party import real
from benchmarks.party.measure import percentile
from benchmarks.party.scenario import drawn
from benchmarks.party.simulation import Kind

SEED = 3

pytestmark = pytest.mark.xdist_group("in-step")  # all of it looks at one party


@pytest.fixture(scope="module")
def happened(sqlite_template: Path) -> real.Happened:
    """Two minutes of a busy party: a host that vanishes, a server that dies, and one guest who is never ready."""
    scenario = drawn(SEED, guests=50, minutes=2, every=(9_000, 14_000))
    return real.play(SEED, scenario, Kind(), sqlite_template)


def test_everybody_is_in_step_while_nothing_happens(happened: real.Happened) -> None:
    steady = happened.outcome.measure.steady
    assert steady.count > 5_000
    assert steady.percentile(0.5) <= 15
    assert steady.percentile(0.99) <= 50


def test_what_the_host_does_and_what_players_lack_is_made_good_soon(happened: real.Happened) -> None:
    assert happened.outcome.measure.moving.percentile(0.99) <= 200


def test_who_comes_or_returns_is_there_within_three_seconds(happened: real.Happened) -> None:
    joins = happened.outcome.measure.joins
    assert len(joins) >= 10
    assert percentile(joins, 1.0) <= 100


def test_a_host_who_vanishes_is_followed_and_the_timeline_goes_on(happened: real.Happened) -> None:
    assert happened.migration is not None
    assert happened.migration <= 12_000
    assert happened.migration_jump == 0


def test_a_server_that_dies_takes_no_time_with_it(happened: real.Happened) -> None:
    assert happened.restart_jump is not None
    assert happened.restart_jump <= 50
    assert happened.after_restart is not None
    assert happened.after_restart <= 100


def test_one_bad_guest_holds_up_nobody_beyond_the_gate(happened: real.Happened) -> None:
    assert happened.gates
    assert max(happened.gates) <= 5_000


def test_players_are_left_in_peace(happened: real.Happened) -> None:
    assert happened.outcome.seeks <= 0.5
    assert happened.refused == []
