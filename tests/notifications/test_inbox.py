"""The inbox: what is in it, what has been read, and counters that always count."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.bus.memory import MemoryExchange
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.notifications import arrivals
from mypick.notifications.arrivals import UNREAD_ON_CONNECT
from mypick.notifications.commands import KindSettings, MarkRead, UpdateNotificationSettings
from mypick.notifications.models import Notice, NotificationSettings
from mypick.notifications.views import NotificationView
from tests.fakes import FakeClock
from tests.notifications.stage import Node, assert_inboxes_are_whole, creator_with, person
from tests.queries import counted

ALICE = person(1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 1)),
        st.tuples(st.just("read up to"), st.integers(0, 12)),
        st.tuples(st.just("read ids"), st.sets(st.integers(0, 9), max_size=4)),
    ),
    min_size=1,
    max_size=10,
)


async def filled(node: Node, clock: FakeClock, count: int, *, followers: tuple[int, ...] = (1, 2)) -> int:
    """``count`` notices in the inboxes of all ``followers``. Their creator."""
    creator = await creator_with(clock, followers)
    for number in range(count):
        await node.announce(creator, f"news {creator}.{number}")
        clock.advance(1)
    await node.carry_all()
    return creator


async def test_the_unread_of_many_are_made_over_many_turns_of_the_loop(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in items of one turn; with the real bound that is a few milliseconds."""
    node = Node("a", clock, MemoryExchange())
    people = range(1, 9)
    await filled(node, clock, 3, followers=tuple(people))
    turn, made, make = 0, Counter[int](), arrivals._event

    def watched(*arguments: Any) -> dict[str, Any]:
        made[turn] += 1
        return make(*arguments)

    monkeypatch.setattr(arrivals, "READ_AT_ONCE", 5)
    monkeypatch.setattr(arrivals, "_event", watched)
    together = asyncio.gather(*(node.notifications.arrival(person(number)) for number in people))
    while not together.done():
        await asyncio.sleep(0)
        turn += 1
    assert [[item["seq"] for item in shown["items"]] for _, shown in await together] == [[3, 2, 1]] * len(people)
    assert (sum(made.values()), max(made.values())) == (3 * len(people), 5)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rounds=st.lists(STEPS, min_size=1, max_size=3))
async def test_counter_equals_the_unread_whatever_happens_at_once_on_two_nodes(
    database: Database, clock: FakeClock, rounds: list[list[tuple[str, int | set[int]]]]
) -> None:
    """Fan-outs and reading at random, all steps of a round at the same time, alternately on two nodes."""
    exchange = MemoryExchange()
    nodes = [Node("a", clock, exchange, online={1}), Node("b", clock, exchange)]
    creators = [await creator_with(clock, [1, 2]), await creator_with(clock, [1, 3])]
    for steps in rounds:
        ids = [item.id for item in (await nodes[0].notifications.list(ALICE, None, None, 100)).page.items]
        work = []
        for number, (what, which) in enumerate(steps):
            node = nodes[number % 2]
            if isinstance(which, set):
                named = [ids[place] for place in which if place < len(ids)]
                work.append(node.notifications.mark_read(ALICE, MarkRead(ids=named)))
            elif what == "read up to":
                work.append(node.notifications.mark_read(ALICE, MarkRead(upto_seq=which)))
            else:
                await node.announce(creators[which], f"{creators} {len(ids)} {number}")
        await asyncio.gather(*work, *(node.carry_all() for node in nodes))
        await assert_inboxes_are_whole()
    page = await nodes[1].notifications.list(ALICE, None, None, 100)
    assert page.state.unread_count == sum(not item.read for item in page.page.items)


async def test_unread_shows_the_newest_unread_and_where_the_stream_stands(
    database: Database, clock: FakeClock
) -> None:
    node = Node("a", clock)
    empty = await node.notifications.unread(ALICE)
    assert (empty.stream, empty.head_seq, empty.unread_count, empty.items) == ("inbox:1", 0, 0, [])
    await filled(node, clock, UNREAD_ON_CONNECT + 3)
    await node.notifications.mark_read(ALICE, MarkRead(upto_seq=1))
    unread = await node.notifications.unread(ALICE)
    assert (unread.head_seq, unread.unread_count) == (UNREAD_ON_CONNECT + 3, UNREAD_ON_CONNECT + 2)
    assert [item.seq for item in unread.items] == list(range(UNREAD_ON_CONNECT + 3, 3, -1))
    assert unread.epoch == empty.epoch


async def test_marking_by_ids_and_by_place_says_what_is_left_and_does_nothing_twice(
    database: Database, clock: FakeClock
) -> None:
    node = Node("a", clock)
    await filled(node, clock, 6)
    items = (await node.notifications.list(ALICE, None, None, 10)).page.items
    assert (await node.notifications.mark_read(ALICE, MarkRead(ids=[items[0].id, items[2].id]))).unread_count == 4
    assert (await node.notifications.mark_read(ALICE, MarkRead(ids=[items[0].id, items[2].id]))).unread_count == 4
    assert (await node.notifications.mark_read(ALICE, MarkRead(upto_seq=4))).unread_count == 1
    assert (await node.notifications.mark_read(ALICE, MarkRead(upto_seq=4))).unread_count == 1
    left = (await node.notifications.list(ALICE, True, None, 10)).page.items
    assert [item.seq for item in left] == [5]
    read = (await node.notifications.list(ALICE, False, None, 10)).page.items
    assert [item.seq for item in read] == [6, 4, 3, 2, 1]
    await assert_inboxes_are_whole()


async def test_nobody_reads_or_marks_in_anothers_inbox(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await filled(node, clock, 2)
    hers = (await node.notifications.list(ALICE, None, None, 10)).page.items
    bob, stranger = person(2), person(3)
    assert (await node.notifications.mark_read(bob, MarkRead(ids=[item.id for item in hers]))).unread_count == 2
    assert (await node.notifications.unread(ALICE)).unread_count == 2
    assert (await node.notifications.list(stranger, None, None, 10)).page.items == []
    await assert_inboxes_are_whole()


@pytest.mark.parametrize("unread", [None, True, False])
async def test_pages_of_an_inbox_have_no_hole_and_no_repeat_while_more_arrives(
    database: Database, clock: FakeClock, unread: bool | None
) -> None:
    node = Node("a", clock)
    await filled(node, clock, 11)
    await node.notifications.mark_read(ALICE, MarkRead(upto_seq=5))
    expected = {None: range(11, 0, -1), True: range(11, 5, -1), False: range(5, 0, -1)}[unread]
    seen: list[NotificationView] = []
    cursor = None
    while True:
        page = (await node.notifications.list(ALICE, unread, cursor, 2)).page
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
        await filled(node, clock, 1)
    assert [item.seq for item in seen] == list(expected)


async def test_cursor_of_another_list_is_refused(database: Database, clock: FakeClock) -> None:
    with pytest.raises(DomainError) as refused:
        await Node("a", clock).notifications.list(ALICE, None, "W10", 10)
    assert refused.value.code is Code.INVALID


async def test_notice_that_is_gone_leaves_its_place_without_its_text(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await filled(node, clock, 2)
    gone = await Notice.all().order_by("id").first()
    assert gone is not None
    await gone.delete()
    items = (await node.notifications.list(ALICE, None, None, 10)).page.items
    assert [(item.seq, item.data.body != "") for item in items] == [(2, True), (1, False)]
    answer = await node.streams.store.resume("inbox:1", None, 0)
    assert [event["data"]["body"] != "" for event in answer["events"]] == [False, True]


async def test_reads_of_an_inbox_ask_three_queries_whatever_is_in_it(database: Database, clock: FakeClock) -> None:
    """Position with counter, items, notices. Before, once for each node and inbox: the id of the stream."""
    node = Node("a", clock)
    await filled(node, clock, 8)
    await node.notifications.unread(ALICE)
    with counted() as queries:
        await node.notifications.unread(ALICE)
    assert len(queries) <= 3, queries
    with counted() as queries:
        await node.notifications.list(ALICE, None, None, 5)
    assert len(queries) <= 3, queries


async def test_settings_keep_what_is_not_named_and_survive_two_first_changes_at_once(
    database: Database, clock: FakeClock
) -> None:
    node = Node("a", clock)
    assert all((await node.notifications.settings(ALICE)).kinds.model_dump().values())

    def change(**kinds: bool) -> UpdateNotificationSettings:
        named = {name.replace("_", "-"): wanted for name, wanted in kinds.items()}
        return UpdateNotificationSettings(kinds=KindSettings.model_validate(named))

    await asyncio.gather(
        node.notifications.update_settings(ALICE, change(new_video=False)),
        node.notifications.update_settings(ALICE, change(reply=False)),
        node.notifications.update_settings(ALICE, change(mention=False)),
    )
    await node.notifications.update_settings(ALICE, change(mention=True))
    kinds = (await node.notifications.settings(ALICE)).kinds.model_dump(by_alias=True)
    assert {name for name, wanted in kinds.items() if not wanted} == {"new-video", "reply"}
    assert await NotificationSettings.all().count() == 1


async def test_many_who_come_at_once_cost_the_queries_of_one(database: Database, clock: FakeClock) -> None:
    """Read together, what each is given is what each would have been given alone."""
    people = tuple(range(1, 61))
    node = Node("a", clock, MemoryExchange())
    await filled(node, clock, 3, followers=people)
    await filled(node, clock, 1, followers=people[::2])
    await node.notifications.mark_read(person(3), MarkRead(upto_seq=2))
    await node.notifications.mark_read(person(4), MarkRead(upto_seq=3))
    strangers = (1_001, 1_002)  # who have never been told anything
    alone = [await node.notifications.unread(person(number)) for number in people]
    with counted() as queries:
        together = await asyncio.gather(*(node.notifications.unread(person(number)) for number in people))
    assert together == alone
    assert [len(each.items) for each in together[:4]] == [4, 3, 2, 0]
    assert len(queries) <= 2
    with counted() as queries:
        first = await asyncio.gather(*(node.notifications.unread(person(number)) for number in strangers))
    assert [(each.head_seq, each.unread_count, each.items) for each in first] == [(0, 0, [])] * 2
    assert len(queries) <= 5  # their streams are made

    async def missed(number: int) -> dict[str, object]:
        return await node.streams.store.resume(f"inbox:{number}", None, 1)

    alone_missed = [await missed(number) for number in people]
    with counted() as queries:
        together_missed = await asyncio.gather(*(missed(number) for number in people))
    assert together_missed == alone_missed
    assert [len(answer["events"]) for answer in together_missed[:2]] == [3, 2]  # type: ignore[arg-type]
    assert len(queries) <= 2
