"""One leader, never two."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick import db
from mypick.clock import SystemClock
from mypick.db import Database
from mypick.jobs.leadership import LEASE_S, RENEW_S, SAFETY, Leadership
from mypick.jobs.models import Lease
from tests.fakes import FakeClock
from tests.jobs.conftest import WAIT_S

NODES = ("a", "b", "c")


async def test_of_many_who_stand_at_once_one_leads(database: Database, clock: FakeClock) -> None:
    nodes = [Leadership("schedules", name, clock) for name in "abcdefgh"]
    led = await asyncio.gather(*(node.renew() for node in nodes))
    assert led.count(True) == 1
    assert [node.leading for node in nodes] == led
    assert await Lease.all().count() == 1


async def test_the_leader_stays_while_it_renews_and_another_follows_when_it_resigns(
    database: Database, clock: FakeClock
) -> None:
    first, second = Leadership("schedules", "a", clock), Leadership("schedules", "b", clock)
    assert await first.renew()
    for _ in range(5):
        clock.advance(RENEW_S)
        assert await first.renew()
        assert not await second.renew()
    await first.resign()
    assert not first.leading
    assert await second.renew()
    assert not await first.renew()


async def test_a_dead_leader_is_followed_within_ten_seconds(sqlite_database: Database, clock: FakeClock) -> None:
    dead, next_one = Leadership("schedules", "a", clock), Leadership("schedules", "b", clock)
    assert await dead.renew()
    waited = 0.0
    while not await next_one.renew():
        clock.advance(RENEW_S)
        waited += RENEW_S
    assert waited <= LEASE_S + RENEW_S <= 10
    assert not dead.leading


async def test_a_dead_leader_is_followed_on_the_databases_own_clock(database: Database) -> None:
    """The process' clock is a day behind: on a server database it decides nothing."""
    clock: SystemClock | FakeClock = SystemClock()
    if db.dialect() != "sqlite":
        clock = FakeClock(SystemClock().now() - timedelta(days=1))
    dead = Leadership("schedules", "a", clock, lease_s=0.6, renew_s=0.2)
    next_one = Leadership("schedules", "b", clock, lease_s=0.6, renew_s=0.2)
    asked = asyncio.get_running_loop().time()
    assert await dead.renew()
    assert not await next_one.renew()
    async with asyncio.timeout(WAIT_S):
        while not await next_one.renew():
            await asyncio.sleep(0.02)
    assert asyncio.get_running_loop().time() - asked >= 0.6


async def test_a_leader_that_cannot_renew_steps_down_before_its_lease_ends(
    sqlite_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = Leadership("schedules", "a", clock)
    assert await leader.renew()

    async def away() -> bool:
        raise ConnectionError

    monkeypatch.setattr(leader, "_take_or_renew", away)
    clock.advance(RENEW_S)
    assert await leader.renew(), "its lease still stands"
    clock.advance(LEASE_S * (1 - SAFETY) - RENEW_S)
    assert not leader.leading
    assert not await leader.renew()


def test_a_lease_too_short_for_two_renewals_is_refused(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="two renewals"):
        Leadership("schedules", "a", clock, lease_s=3, renew_s=2)


action = st.one_of(
    st.tuples(st.just("renew"), st.sampled_from(NODES)),
    st.tuples(st.just("resign"), st.sampled_from(NODES)),
    st.tuples(st.just("wait"), st.floats(0, LEASE_S * 1.5)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(action, max_size=25))
async def test_whatever_happens_there_are_never_two_leaders(
    sqlite_database: Database, actions: list[tuple[str, str | float]]
) -> None:
    await Lease.all().delete()
    clock = FakeClock()
    nodes = {name: Leadership("schedules", name, clock) for name in NODES}
    for what, which in actions:
        if what == "wait":
            clock.advance(float(which))
        elif what == "renew":
            await nodes[str(which)].renew()
        else:
            await nodes[str(which)].resign()
        assert [node.leading for node in nodes.values()].count(True) <= 1
