"""How far ahead commands take effect, by what the server measures."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.bounded_redis import BoundedRedis
from mypick.clock import SystemClock
from mypick.shared_clock import SharedClock
from mypick.watchparty.lead import (
    EDGES,
    GENERATION_MS,
    LEAST_MS,
    MARGIN_MS,
    MOST_MS,
    Delays,
    added,
    lead_ms,
    percentile_of,
)
from mypick.watchparty.leads import Leads, RedisDelays
from mypick.watchparty.watchers import Watchers
from realtime.roundtrips import BURST, BURST_WAIT, RoundTrips
from tests.fakes import FakeClock


def test_the_lead_is_twice_the_delay_and_a_margin_within_bounds() -> None:
    assert lead_ms(0) == LEAST_MS
    assert lead_ms(100) == 400
    assert lead_ms(10_000) == MOST_MS


@given(st.lists(st.floats(0, 2_000), min_size=1, max_size=300))
def test_the_percentile_is_that_of_the_delays_up_to_the_edge_of_its_bucket(delays: list[float]) -> None:
    counted = Delays(0)
    for delay in delays:
        counted.observe(delay, 0)
    true = sorted(delays)[-(-95 * len(delays) // 100) - 1]
    found = percentile_of(counted.counts(0))
    assert found == next((edge for edge in EDGES if edge >= true), EDGES[-1])


def test_one_bad_guest_among_many_moves_nobody_and_no_guest_moves_anybody_beyond_the_most() -> None:
    rng = random.Random(7)
    counted = Delays(0)
    for _ in range(50 * 4):
        counted.observe(rng.uniform(10, 80), 0)
    before = percentile_of(counted.counts(0))
    for _ in range(4):
        counted.observe(60_000, 0)
    assert percentile_of(counted.counts(0)) == before == 80
    alone = Delays(0)
    alone.observe(60_000, 0)
    assert lead_ms(percentile_of(alone.counts(0)) or 0) == MOST_MS


def test_delays_of_a_minute_ago_are_forgotten() -> None:
    counted = Delays(0)
    counted.observe(300, 0)
    assert sum(counted.counts(GENERATION_MS)) == 1
    counted.observe(10, GENERATION_MS)
    assert percentile_of(counted.counts(2 * GENERATION_MS)) == 10
    assert percentile_of(counted.counts(5 * GENERATION_MS)) is None


def test_counts_of_another_version_are_left_out() -> None:
    assert added([[1, 2, 3], [0] * (len(EDGES) + 1)]) == [0] * (len(EDGES) + 1)


def test_pings_come_in_a_burst_and_then_as_often_as_is_asked(clock: FakeClock) -> None:
    told: list[float] = []
    trips = RoundTrips(clock.monotonic, told.append, lambda: 10.0)
    waits = []
    for number in range(BURST + 2):
        trips.sent()
        clock.advance(0.1 * number)
        waits.append(trips.answered())
    assert told == pytest.approx([0.1 * number for number in range(BURST + 2)])
    assert waits == [BURST_WAIT] * (BURST - 1) + [10.0] * 3
    assert trips.answered() == 10.0, "an answer to nothing measures nothing"
    assert len(told) == BURST + 2


async def test_nodes_hear_of_the_delays_that_others_measured(bounded_redis: BoundedRedis) -> None:
    clock = FakeClock()
    nodes: list[tuple[Watchers, Leads]] = []
    for name in ("a", "b"):
        watchers = Watchers()
        watchers.joined("party:1", 7)
        nodes.append((watchers, Leads(watchers, RedisDelays(bounded_redis), SharedClock(clock), name)))
    (near, near_leads), (far, far_leads) = nodes
    now = clock.now().timestamp() * 1_000
    near.measured("party:1", 10, now)
    for _ in range(9):
        far.measured("party:1", 190, now)
    assert (near_leads.lead(1), far_leads.lead(1)) == (LEAST_MS, 2 * 200 + MARGIN_MS)
    for leads in (far_leads, near_leads, far_leads):
        await leads.share()
    assert near_leads.lead(1) == 2 * 200 + MARGIN_MS
    clock.advance(60)
    await near_leads.share()
    near.measured("party:1", 10, now + 60_000)
    assert near_leads.lead(1) == LEAST_MS, "what a node said half a minute ago counts no more"


async def test_without_redis_each_node_goes_by_its_own_guests() -> None:
    away = BoundedRedis("redis://127.0.0.1:1", clock=SystemClock())
    clock, watchers = FakeClock(), Watchers()
    watchers.joined("party:1", 7)
    leads = Leads(watchers, RedisDelays(away), SharedClock(clock), "a")
    watchers.measured("party:1", 190, clock.now().timestamp() * 1_000)
    await leads.share()
    assert leads.lead(1) == 2 * 200 + MARGIN_MS
    await away.close()
