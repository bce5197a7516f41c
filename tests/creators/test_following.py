"""Following: counts that are right whoever races, and lists without a hole."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.creators import service
from mypick.creators.models import Creator, Subscription
from mypick.creators.service import Creators
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.platforms.youtube import YouTube
from tests.creators.stage import creators_on, named, person
from tests.fakes import FakeClock

ALICE = person(1)
MOVES = st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=12)


async def assert_counts_count() -> None:
    for creator in await Creator.all():
        assert creator.subscriber_count == await Subscription.filter(creator_id=creator.id).count()


async def test_following_and_leaving_twice_count_once(creators: Creators, clock: FakeClock) -> None:
    creator = await named(clock, "one")
    for _ in range(2):
        assert (await creators.subscribe(ALICE, creator)).subscribed
    view = await creators.get(ALICE, creator)
    assert (view.subscribed, view.subscriber_count) == (True, 1)
    assert not (await creators.get(None, creator)).subscribed
    for _ in range(2):
        assert not (await creators.unsubscribe(ALICE, creator)).subscribed
    view = await creators.get(ALICE, creator)
    assert (view.subscribed, view.subscriber_count) == (False, 0)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(moves=MOVES)
async def test_counts_are_right_whoever_follows_and_leaves_at_once(
    database: Database, with_key: YouTube, clock: FakeClock, moves: list[tuple[int, bool]]
) -> None:
    nodes = [creators_on(with_key, clock), creators_on(with_key, clock)]
    creator = await named(clock, "one")
    await asyncio.gather(
        *(
            nodes[number % 2].subscribe(person(user), creator)
            if follows
            else nodes[number % 2].unsubscribe(person(user), creator)
            for number, (user, follows) in enumerate(moves)
        )
    )
    await assert_counts_count()
    for user in {user for user, _ in moves}:
        last_known = {follows for who, follows in moves if who == user}
        if len(last_known) == 1:
            (follows,) = last_known
            assert (await nodes[0].get(person(user), creator)).subscribed is follows


async def test_one_person_who_clicks_ten_times_at_once_follows_once(
    database: Database, with_key: YouTube, clock: FakeClock
) -> None:
    nodes = [creators_on(with_key, clock), creators_on(with_key, clock)]
    creator = await named(clock, "one")
    for round_of in (True, False, True):
        clicks = (
            nodes[n % 2].subscribe(ALICE, creator) if round_of else nodes[n % 2].unsubscribe(ALICE, creator)
            for n in range(10)
        )
        assert {state.subscribed for state in await asyncio.gather(*clicks)} == {round_of}
        assert (await Creator.get(id=creator)).subscriber_count == int(round_of)


async def test_unknown_creator_is_not_found(creators: Creators) -> None:
    for ask in (creators.subscribe, creators.unsubscribe, creators.get):
        with pytest.raises(DomainError) as refused:
            await ask(ALICE, 404)
        assert refused.value.code is Code.NOT_FOUND
    assert await Subscription.all().count() == 0


async def test_subscriptions_are_bounded_and_following_again_is_still_no_error(
    creators: Creators, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_SUBSCRIPTIONS", 2)
    first, second, third = [await named(clock, name) for name in "abc"]
    await creators.subscribe(ALICE, first)
    await creators.subscribe(ALICE, second)
    with pytest.raises(DomainError) as refused:
        await creators.subscribe(ALICE, third)
    assert refused.value.code is Code.FULL
    assert (await creators.subscribe(ALICE, first)).subscribed
    await creators.unsubscribe(ALICE, first)
    await creators.subscribe(ALICE, third)
    await assert_counts_count()


async def test_own_subscriptions_are_listed_newest_first_without_hole_or_repeat(
    creators: Creators, clock: FakeClock
) -> None:
    followed = [await named(clock, "same name") for _ in range(7)]
    for creator in followed:
        await creators.subscribe(ALICE, creator)
        await creators.subscribe(person(2), creator)
    seen: list[int] = []
    cursor = None
    while True:
        page = await creators.subscriptions(ALICE, 1, cursor, 2)
        seen += [view.id for view in page.items]
        assert all(view.subscribed for view in page.items)
        if (cursor := page.next_cursor) is None:
            break
    assert seen == followed[::-1]


async def test_whom_somebody_else_follows_is_not_shown(creators: Creators) -> None:
    with pytest.raises(DomainError) as refused:
        await creators.subscriptions(ALICE, 2, None, 10)
    assert refused.value.code is Code.FORBIDDEN
