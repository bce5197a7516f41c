"""From rounds to ratios, verdicts and the page."""

from __future__ import annotations

import pytest

from benchmarks.table import Figure, Goal, Measurement, render, verdicts

COST = Figure("cpu_us", "CPU µs each")
SIZE = Figure("bytes_each", "KB each", 2, 1 / 1024)
WHEN = "2026-11-23 20:00 UTC · 2 cores"


def measurement(*goals: Goal, **rounds: list[float]) -> Measurement:
    return Measurement(
        "ack",
        "Emit and ack",
        (COST, SIZE),
        goals,
        {name: [{"cpu_us": cost, "bytes_each": 2048} for cost in costs] for name, costs in rounds.items()},
    )


def test_a_ratio_is_taken_within_a_round_so_a_slow_minute_cancels_out() -> None:
    table = measurement(ours=[10, 100, 30], node=[20, 200, 60])
    assert table.ratios("ours", "node", "cpu_us") == [0.5, 0.5, 0.5]
    assert "0.50 (0.50–0.50)" in render(table, WHEN)
    assert "30.0 (10.0–100.0)" in render(table, WHEN)


def test_a_round_in_which_the_peer_cost_nothing_that_shows_gives_no_ratio() -> None:
    assert measurement(ours=[10, 10], node=[0, 5]).ratios("ours", "node", "cpu_us") == [2.0]
    assert "–" in render(measurement(ours=[10], node=[0]), WHEN)


@pytest.mark.parametrize(("bound", "word"), [(0.6, "reached"), (0.4, "MISSED")])
def test_a_verdict_compares_the_median_ratio_with_the_goal(bound: float, word: str) -> None:
    table = measurement(Goal("cpu_us", bound, "node"), ours=[10, 10, 90], node=[20, 20, 20])
    assert verdicts(table) == [f"CPU µs each: 0.50 (0.50–4.50) × node, goal ≤ {bound:.2f}: {word}"]


def test_a_plain_goal_is_shown_in_the_unit_of_its_column() -> None:
    table = measurement(Goal("bytes_each", 5 * 1024), ours=[1])
    assert verdicts(table) == ["KB each: 2.00, goal ≤ 5.00: reached"]


def test_a_goal_to_exceed_is_missed_below_it() -> None:
    table = measurement(Goal("cpu_us", 8, "stock", "≥"), ours=[70], stock=[10])
    assert verdicts(table) == ["CPU µs each: 7.00 × stock, goal ≥ 8.00: MISSED"]


def test_what_was_not_measured_gets_no_verdict() -> None:
    goal = Goal("cpu_us", 0.6, "node")
    assert verdicts(measurement(goal, stock=[1], node=[1])) == []
    assert verdicts(measurement(goal, ours=[1], stock=[1])) == []


def test_every_line_of_a_table_has_the_same_width() -> None:
    shown = render(measurement(ours=[1.5, 9], node=[1000, 2]), WHEN)
    lines = [line for line in shown.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(("costs", "rounds"), [([1.0], "one round"), ([1.0, 2.0], "2 rounds, median (least–most)")])
def test_a_table_says_when_it_was_taken_and_of_how_many_rounds(costs: list[float], rounds: str) -> None:
    assert render(measurement(ours=costs), WHEN).rstrip().endswith(f"- {WHEN} · {rounds}")
