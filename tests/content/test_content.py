"""Content in the feed and on a creator's page: newest first, without a hole, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.content.models import Content
from mypick.content.service import Contents
from mypick.content.views import ContentView
from mypick.creators.models import Creator, Subscription
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.pagination import Page
from tests.creators.stage import named, person
from tests.fakes import FakeClock
from tests.queries import counted

ALICE = person(1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
# microseconds after noon: ties, neighbours, and the whole second, which SQLite writes without a fraction
MOMENTS = st.lists(st.sampled_from([0, 0, 1, 2, 500_000, 999_999, 1_000_000, -1]), min_size=1, max_size=15)


@pytest.fixture
def contents(database: Database, clock: FakeClock) -> Contents:
    return Contents(clock)


async def published(creator_id: int, at: datetime, title: str = "clip") -> int:
    content_id = await Ids().one()
    await Content.create(
        id=content_id,
        creator_id=creator_id,
        channel_id=1,
        platform="youtube",
        external_id=f"video{content_id}",
        kind="video",
        title=title,
        description="",
        url="https://youtube.invalid/",
        published_at=at,
        discovered_at=at,
    )
    return content_id


async def follow(creator_id: int, user_id: int = 1) -> None:
    await Subscription.create(user_id=user_id, creator_id=creator_id, created_at=NOON)


async def all_of(contents: Contents, which: str, creator_id: int, limit: int) -> list[ContentView]:
    seen: list[ContentView] = []
    cursor = None
    for _ in range(100):
        page: Page[ContentView] = (
            await contents.feed(ALICE, cursor, limit)
            if which == "feed"
            else await contents.of_creator(creator_id, cursor, limit)
        )
        assert 0 < len(page.items) <= limit
        seen += page.items
        if (cursor := page.next_cursor) is None:
            return seen
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("which", ["feed", "videos"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(moments=MOMENTS, limit=st.integers(1, 4))
async def test_pages_are_newest_first_without_hole_or_repeat_whatever_the_ties(
    database: Database, clock: FakeClock, which: str, moments: list[int], limit: int
) -> None:
    await Content.all().delete()
    await Subscription.all().delete()
    contents, creator = Contents(clock), await named(clock, "somebody")
    await follow(creator)
    rows = [(NOON + timedelta(microseconds=moment), 0) for moment in moments]
    rows = [(at, await published(creator, at)) for at, _ in rows]
    seen = await all_of(contents, which, creator, limit)
    assert [view.id for view in seen] == [row_id for _, row_id in sorted(rows, reverse=True)]
    assert [view.published_at for view in seen] == [at for at, _ in sorted(rows, reverse=True)]


async def test_what_arrives_between_two_pages_makes_no_hole_and_no_repeat(contents: Contents, clock: FakeClock) -> None:
    creator = await named(clock, "somebody")
    await follow(creator)
    ids = [await published(creator, NOON) for _ in range(4)]
    first = await contents.feed(ALICE, None, 2)
    await published(creator, NOON + timedelta(seconds=1))
    await published(creator, NOON)  # ties with the last one shown, and has a higher id
    second = await contents.feed(ALICE, first.next_cursor, 2)
    assert [view.id for view in [*first.items, *second.items]] == ids[::-1]


async def test_feed_is_of_followed_creators_alone(contents: Contents, clock: FakeClock) -> None:
    followed, other = await named(clock, "followed"), await named(clock, "other")
    await follow(followed)
    await follow(other, user_id=2)
    mine = await published(followed, NOON)
    await published(other, NOON)
    page = await contents.feed(ALICE, None, 10)
    assert [(view.id, view.creator.name) for view in page.items] == [(mine, "followed")]
    assert (await contents.feed(person(3), None, 10)).items == []


async def test_reads_ask_two_queries_whatever_is_followed(contents: Contents, clock: FakeClock) -> None:
    """The content, with whom the asker follows as a part of the query, and the creators' names."""
    for number in range(30):
        creator = await named(clock, f"name {number}")
        await follow(creator)
        await published(creator, NOON + timedelta(seconds=number))
    with counted() as queries:
        page = await contents.feed(ALICE, None, 25)
    assert len(queries) == 2, queries
    with counted() as queries:
        await contents.feed(ALICE, page.next_cursor, 25)
    assert len(queries) == 2, queries
    with counted() as queries:
        await contents.of_creator(creator, None, 25)
    assert len(queries) <= 3, queries


async def test_unknown_creator_is_not_found(contents: Contents) -> None:
    with pytest.raises(DomainError) as refused:
        await contents.of_creator(404, None, 10)
    assert refused.value.code is Code.NOT_FOUND


async def test_cursor_of_another_list_is_refused(contents: Contents, clock: FakeClock) -> None:
    creator = await named(clock, "somebody")
    await follow(creator)
    for _ in range(2):
        await published(creator, NOON)
    cursor = (await contents.feed(ALICE, None, 1)).next_cursor
    with pytest.raises(DomainError) as refused:
        await contents.of_creator(creator, cursor, 1)
    assert refused.value.code is Code.INVALID


async def test_counts_beyond_53_bits_travel_as_text_and_unknown_ones_as_null(
    contents: Contents, clock: FakeClock
) -> None:
    creator = await named(clock, "somebody")
    content_id = await published(creator, NOON)
    assert (await contents.of_creator(creator, None, 1)).items[0].view_count is None
    await Content.filter(id=content_id).update(view_count=2**53 + 1)
    assert (await contents.of_creator(creator, None, 1)).items[0].view_count == "9007199254740993"
    assert await Creator.all().count() == 1
