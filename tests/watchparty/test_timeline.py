"""The timeline as a pure rule: where it stands, what commands make of it, and that its log tells all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.errors import Code, DomainError
from mypick.watchparty.gate import Present, may_start
from mypick.watchparty.timeline import END_GRACE_MS, GATE_MS, Op, Playable, Timeline, new_timeline, steered

NOW = 1_767_268_800_000.0
LEAD = 400
VIDEO = Playable(7, 600_000)
OTHER = Playable(8, None)


def playing(position: int = 0, at: float = NOW, rate: float = 1.0) -> Timeline:
    return replace(
        new_timeline(VIDEO, at), status="playing", anchor_position_ms=position, rate=rate, reason="ready", seq=3
    )


def test_a_position_is_the_anchor_and_what_was_played_since() -> None:
    timeline = playing(10_000, rate=1.5)
    assert timeline.position_at(NOW) == 10_000
    assert timeline.position_at(NOW + 1_000) == 11_500
    assert timeline.position_at(NOW - 1_000) == 10_000, "before its moment it stands at the anchor"
    assert timeline.position_at(NOW + 3_600_000) == 600_000, "not beyond the end"
    assert replace(timeline, status="paused").position_at(NOW + 1_000) == 10_000


def test_play_waits_at_the_gate_and_starts_in_a_lead() -> None:
    waiting = new_timeline(VIDEO, NOW).play(NOW + 10)
    assert waiting is not None
    assert (waiting.status, waiting.gate_until_ms) == ("waiting", NOW + 10 + GATE_MS)
    assert waiting.due_at_ms == NOW + 10 + GATE_MS
    started = waiting.start(NOW + 2_000, LEAD, "ready")
    assert started is not None
    assert (started.status, started.effective_at_ms, started.gate_until_ms) == ("playing", NOW + 2_000 + LEAD, None)
    assert started.due_at_ms == NOW + 2_000 + LEAD + 600_000 + END_GRACE_MS


def test_pausing_what_plays_stands_where_everybody_will_be() -> None:
    paused = playing(10_000).pause(NOW + 5_000, 150)
    assert paused is not None
    assert (paused.status, paused.anchor_position_ms, paused.effective_at_ms) == ("paused", 15_150, NOW + 5_150)


def test_nothing_takes_effect_before_what_was_said_first() -> None:
    timeline = playing().seek(NOW, 1_000, 50_000)
    assert timeline is not None
    paused = timeline.pause(NOW + 10, 150)
    assert paused is not None
    assert paused.effective_at_ms == timeline.effective_at_ms == NOW + 1_000
    assert paused.anchor_position_ms == 50_000


def test_what_changes_nothing_is_no_new_timeline() -> None:
    assert playing().play(NOW) is None
    assert new_timeline(VIDEO, NOW).pause(NOW, 150) is None
    assert playing().set_rate(NOW, LEAD, 1.0) is None
    assert playing().start(NOW, LEAD, "ready") is None


def test_another_rate_goes_on_from_where_it_is_then() -> None:
    faster = playing(0).set_rate(NOW + 10_000, LEAD, 2)
    assert faster is not None
    assert (faster.anchor_position_ms, faster.rate) == (10_400, 2)
    assert faster.position_at(NOW + 11_400) == 12_400


def test_loading_goes_on_where_it_played_and_stands_where_it_stood() -> None:
    loaded = playing(100_000).load(NOW, LEAD, OTHER)
    assert (loaded.status, loaded.content_id, loaded.anchor_position_ms) == ("waiting", 8, 0)
    assert loaded.gate_until_ms == NOW + LEAD + GATE_MS
    assert new_timeline(VIDEO, NOW).load(NOW, LEAD, OTHER, 3_000).status == "idle"
    ended = playing(0).end(NOW + 700_000, "end")
    assert ended is not None
    assert (ended.status, ended.anchor_position_ms) == ("ended", 600_000)
    again = ended.play(NOW + 800_000)
    assert again is not None
    assert (again.status, again.anchor_position_ms) == ("waiting", 0), "from its end it plays anew"
    assert ended.load(NOW + 800_000, LEAD, OTHER).status == "waiting"


def test_a_seek_stays_within_the_video_and_begins_the_gate_anew() -> None:
    waiting = new_timeline(VIDEO, NOW).play(NOW)
    assert waiting is not None
    moved = waiting.seek(NOW + 3_000, LEAD, 10**9)
    assert moved is not None
    assert (moved.anchor_position_ms, moved.gate_until_ms) == (600_000, NOW + 3_000 + GATE_MS)
    unbounded = replace(waiting, duration_ms=None).seek(NOW, LEAD, 10**9)
    assert unbounded is not None
    assert unbounded.anchor_position_ms == 10**9


@pytest.mark.parametrize(
    ("op", "fields", "field"),
    [
        ("seek", {}, "position_ms"),
        ("seek", {"position_ms": -1}, "position_ms"),
        ("seek", {"position_ms": 2.0**60}, "position_ms"),
        ("rate", {}, "rate"),
        ("rate", {"rate": 0}, "rate"),
        ("rate", {"rate": 17}, "rate"),
        ("rate", {"rate": 1.5, "position_ms": 3}, "position_ms"),
        ("load", {}, "content_id"),
        ("play", {"position_ms": 3}, "position_ms"),
        ("pause", {"rate": 2}, "rate"),
    ],
)
def test_nonsense_is_refused_with_the_field_that_is_wrong(op: Op, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as caught:
        steered(playing(), op, NOW, LEAD, **fields)
    assert caught.value.code is Code.INVALID
    assert caught.value.details[0]["field"] == field


commands = st.one_of(
    st.just(("play", {})),
    st.just(("pause", {})),
    st.tuples(st.just("seek"), st.fixed_dictionaries({"position_ms": st.integers(0, 700_000)})),
    st.tuples(st.just("rate"), st.fixed_dictionaries({"rate": st.sampled_from([0.5, 1.0, 1.25, 2.0])})),
    st.tuples(st.just("load"), st.fixed_dictionaries({"content": st.sampled_from([VIDEO, OTHER])})),
    st.just(("start", {})),
    st.just(("end", {})),
)


@given(st.lists(st.tuples(commands, st.integers(0, 30_000), st.integers(250, 1_000)), max_size=40))
def test_whatever_is_asked_moments_never_go_back_and_positions_stay_within(
    steps: list[tuple[tuple[Any, dict[str, Any]], int, int]],
) -> None:
    timeline, now = new_timeline(VIDEO, NOW), NOW
    for (op, fields), passed, lead in steps:
        now += passed
        if op == "start":
            moved = timeline.start(now, lead, "ready")
        elif op == "end":
            moved = timeline.end(now, "end")
        else:
            moved = steered(timeline, op, now, lead, **fields)
        if moved is None:
            continue
        assert moved.effective_at_ms >= timeline.effective_at_ms
        assert moved.effective_at_ms >= round(now)
        if op in ("pause", "rate"):  # nobody jumps: at its moment the new one is where the old one is
            at = moved.effective_at_ms
            assert moved.position_at(at) == pytest.approx(timeline.position_at(at), abs=1)
        timeline = moved
        for later in (0, 1, 10_000, 10**7):
            position = timeline.position_at(now + later)
            assert position >= 0
            assert timeline.duration_ms is None or position <= timeline.duration_ms
        assert (timeline.gate_until_ms is not None) is (timeline.status == "waiting")


@given(st.integers(0, 2_000), st.integers(0, 2_000), st.booleans(), st.booleans())
def test_the_gate_waits_for_the_host_and_four_fifths_of_the_guests(
    guests: int, ready: int, host: bool, host_ready: bool
) -> None:
    ready = min(ready, guests)
    open_ = may_start(Present(guests, ready, host, host and host_ready))
    assert open_ is ((guests > 0 or host) and (not host or host_ready) and ready * 10 >= guests * 8)
