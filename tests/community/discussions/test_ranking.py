"""Orders: rules that hold for all votes and times, and pages that follow them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick import db
from mypick.community.discussions.commands import ReadDiscussions
from mypick.community.discussions.lists import read_page
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.ranking import HOT_SECONDS, best, hot
from mypick.community.discussions.trees import _first_of, read_tree
from mypick.db import Database
from tests.community.stage import Cast, Node
from tests.fakes import FakeClock
from tests.queries import counted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VOTES = st.integers(0, 1_000_000)
SCORE = st.integers(-1_000_000, 1_000_000)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone


@given(SCORE, TIMES, st.integers(0, 10**6))
def test_hot_rises_with_the_score_and_with_youth(score: int, at: datetime, seconds: int) -> None:
    assert hot(score + 1, at) >= hot(score, at)
    assert hot(score, at + timedelta(seconds=seconds)) >= hot(score, at)


@given(st.integers(1, 100_000), TIMES)
def test_ten_times_the_score_is_worth_twelve_and_a_half_hours(score: int, at: datetime) -> None:
    later = at + timedelta(seconds=HOT_SECONDS)
    assert abs(hot(10 * score, at) - hot(score, later)) <= 1
    assert abs(hot(-10 * score, later) - hot(-score, at)) <= 1


@given(TIMES)
def test_no_score_and_a_score_of_one_differ_by_age_alone(at: datetime) -> None:
    assert hot(0, at) == hot(1, at) == hot(-1, at)


def test_hot_is_what_the_source_gives() -> None:
    """Worked out by hand: log10(100) + (1 767 225 600 - 1 134 028 003) / 45 000."""
    assert hot(100, NOW) == round((2 + 633_197_597 / 45_000) * 10_000_000)


@given(VOTES, VOTES)
def test_best_is_a_share_below_the_share_that_is_seen(ups: int, downs: int) -> None:
    rank = best(ups, downs)
    assert 0 <= rank <= 1_000_000_000
    if ups + downs:
        assert rank <= 1_000_000_000 * ups / (ups + downs) + 1


@given(VOTES, VOTES)
def test_best_rises_with_each_vote_up_and_falls_with_each_down(ups: int, downs: int) -> None:
    assert best(ups + 1, downs) >= best(ups, downs)
    assert best(ups, downs + 1) <= best(ups, downs)


@given(st.integers(1, 1_000), st.integers(0, 1_000), st.integers(2, 100))
def test_the_same_share_of_more_votes_is_more_certain(ups: int, downs: int, times: int) -> None:
    assert best(times * ups, times * downs) >= best(ups, downs)


def test_best_is_what_the_formula_gives() -> None:
    """One of one, as the bound says: 1 / (1 + z²). And ninety of a hundred stand above it."""
    assert best(1, 0) == round(1_000_000_000 / (1 + 1.281551565545**2))
    assert best(90, 10) > best(1, 0) > best(0, 0) == best(0, 5) == 0


async def _many(cast: Cast, clock: FakeClock, count: int) -> list[Discussion]:
    rows = []
    for number in range(count):
        at = clock.now() - timedelta(hours=number * 7)
        score = (number * 7919) % 23 - 5  # scattered, with ties
        rows.append(
            Discussion(
                id=10_000 + number, community_id=cast.community, author_id=cast["alice"].user_id,
                title=f"talk {number}", text="x", score=score, ups=max(score, 0), hot=hot(score, at), last_at=at,
                created_at=at,
            )
        )  # fmt: skip
    await Discussion.bulk_create(rows)
    return rows


ORDERS: dict[str, Any] = {
    "new": lambda row: (row.created_at, row.id),
    "hot": lambda row: (row.hot, row.id),
    "top-all": lambda row: (row.score, row.id),
    "top-week": lambda row: (row.score, row.id),
    "top-day": lambda row: (row.score, row.id),
}


@pytest.mark.parametrize("sort", ORDERS)
async def test_pages_follow_the_order_and_leave_nothing_out(
    node: Node, cast: Cast, clock: FakeClock, sort: str
) -> None:
    rows = await _many(cast, clock, 60)
    within = {"top-week": timedelta(days=7), "top-day": timedelta(days=1)}.get(sort, timedelta(days=999))
    began = clock.now()
    wanted = [row.id for row in sorted(rows, key=ORDERS[sort], reverse=True) if row.created_at > began - within]
    seen: list[int] = []
    cursor = None
    while True:
        command = ReadDiscussions.model_validate(
            {"community_id": cast.community, "sort": sort, "limit": 7, "cursor": cursor}
        )
        page = await node.communities.discussions.reading.page(cast["bob"], command)
        seen += [one.discussion_id for one in page.discussions]
        cursor = page.next_cursor
        if cursor is None:
            break
        clock.advance(20_000)  # the time that the list is of stays that of its first page
    assert seen == wanted


async def test_pages_are_read_from_an_index_however_many_there_are(
    sqlite_database: Database, node: Node, cast: Cast
) -> None:
    """What the database says of the very statements: no sort of its own, no scan of a table."""
    await db.connection().execute_query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO discussion (id, community_id, author_id, title, text, rev, place, locked, ups, downs, score, hot, "
        "comments, last_at, changed_seq, untold, created_at) SELECT 20000 + i, "
        f"{cast.community}, 1, 'x', 'x', 1, 1, 0, 0, 0, i % 50, i * 37 % 2000, 0, '{NOW}', 0, 0, '{NOW}' FROM n"
    )
    await db.connection().execute_query("ANALYZE")
    with counted() as statements:
        for sort in ("new", "hot", "top-all"):
            await read_page(cast.community, sort, None, 20, NOW)
        for order in ("best", "new", "old"):
            await read_tree(20_001, None, order, None, 20)
            await _first_of([(20_001, 5), (20_001, 6)], order, 3)
    pages = [one for one in statements if one.startswith("SELECT")]
    assert len(pages) == 9
    for statement in pages:
        values = [1] * statement.count("?")
        plan = await db.connection().execute_query_dict(f"EXPLAIN QUERY PLAN {statement}", values)
        steps = [row["detail"] for row in plan if "community_id" in row["detail"] or "comment" in row["detail"]]
        assert steps, statement
        assert all("USING" in step and "INDEX" in step for step in steps), steps
        assert "TEMP B-TREE" not in str([dict(row) for row in plan]), statement


async def test_comments_are_sorted_by_certainty(node: Node, cast: Cast, clock: FakeClock) -> None:
    votes = [(0, 0), (1, 0), (90, 10), (5, 1), (0, 3), (1, 0)]
    for seq, (ups, downs) in enumerate(votes, 1):
        await Comment.create(
            id=30_000 + seq, discussion_id=9, author_id=1, seq=seq, changed_seq=seq, text="x", ups=ups, downs=downs,
            score=ups - downs, best=best(ups, downs), created_at=clock.now(),
        )  # fmt: skip
    tree = await read_tree(9, None, "best", None, 30)
    assert [(row.ups, row.downs) for row in tree.top] == [(90, 10), (5, 1), (1, 0), (1, 0), (0, 3), (0, 0)]
    assert [row.id for row in tree.top][2:4] == [30_006, 30_002], "of equals the newer first"
