"""One notice into many inboxes: once for each person, whatever is killed when."""

from __future__ import annotations

import asyncio

import pytest

from mypick.bus.memory import MemoryExchange
from mypick.clock import SystemClock
from mypick.creators.models import Subscription
from mypick.db import Database
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.work import LeaseLost, Permanent
from mypick.notifications import fan_out
from mypick.notifications.commands import KindSettings, UpdateNotificationSettings
from mypick.notifications.models import Notice, Notification
from tests.fakes import FakeClock
from tests.notifications.stage import (
    LEASE_S,
    Node,
    assert_everybody_was_told_once,
    assert_inboxes_are_whole,
    creator_with,
    person,
    told,
)
from tests.queries import Killed, counted, power_cut

PEOPLE = range(1, 10)
MOST_STATEMENTS = 200  # of one fan-out: a loop over crashes that goes further runs wild


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three people in a chunk, so that a few people make several."""
    monkeypatch.setattr(fan_out, "CHUNK", 3)


async def test_every_follower_is_told_once_and_nobody_else(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    node = Node("a", clock)
    creator, other = await creator_with(clock, PEOPLE), await creator_with(clock, [1, 77])
    notice = await node.announce(creator, "hello")
    assert await node.carry_all() == 1
    await assert_everybody_was_told_once(notice, PEOPLE)
    second = await node.announce(other, "elsewhere")
    assert await node.carry_all() == 1
    await assert_everybody_was_told_once(second, [1, 77])
    await assert_inboxes_are_whole()
    assert (await node.notifications.unread(person(1))).unread_count == 2
    assert (await Job.filter(state="done").count()) == 2


async def test_same_announcement_twice_is_one_notice(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    creator = await creator_with(clock, [1])
    await node.announce(creator, "hello")
    await node.announce(creator, "hello")
    assert await Notice.all().count() == 1
    assert await node.carry_all() == 1
    assert await Notification.all().count() == 1


async def test_kill_at_any_point_of_a_fan_out_tells_everybody_once(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    """A node dies before each statement in turn, before and after each chunk's commit among them; another goes on."""
    creator = await creator_with(clock, PEOPLE)
    died = 0
    for statement in range(1, MOST_STATEMENTS):
        notice = await Node("setter", clock).announce(creator, f"news {statement}")
        try:
            with power_cut(statement):
                await Node("dies", clock, online={2, 5, 8}).carry_all()
        except Killed:
            died += 1
        clock.advance(LEASE_S + 1)
        await Node("goes on", clock, online={5, 7}).carry_all()
        await assert_everybody_was_told_once(notice, PEOPLE)
        assert await Job.filter(state="due").count() == 0
        if died < statement:
            break
    assert 40 <= died < MOST_STATEMENTS - 1
    await assert_inboxes_are_whole()


async def test_two_nodes_that_carry_one_notice_at_once_tell_everybody_once(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    """The first node is thought dead and is not: its lease went to the second while it works on."""
    exchange = MemoryExchange()
    first, second = Node("a", clock, exchange, online={4}), Node("b", clock, exchange, online={9})
    creator = await creator_with(clock, PEOPLE)
    notice = await first.announce(creator, "hello")
    stale = await first.claim()
    clock.advance(LEASE_S + 1)
    fresh = await second.claim()
    assert stale is not None
    assert fresh is not None
    outcomes = await asyncio.gather(
        first.fan_out.run(stale.work), second.fan_out.run(fresh.work), return_exceptions=True
    )
    assert isinstance(outcomes[0], LeaseLost)
    assert outcomes[1] is None
    assert not await first.claims.finish(stale.work)
    assert await second.claims.finish(fresh.work)
    await assert_everybody_was_told_once(notice, PEOPLE)
    await assert_inboxes_are_whole()


async def test_chunk_whose_lease_is_lost_leaves_nothing_behind(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    notice = await node.announce(await creator_with(clock, PEOPLE), "hello")
    claim = await node.claim()
    assert claim is not None
    await Job.all().update(lease="somebody else")
    with pytest.raises(LeaseLost):
        await node.fan_out.run(claim.work)
    assert await told(notice) == []
    assert (await node.notifications.unread(person(1))).unread_count == 0
    await assert_inboxes_are_whole()


async def test_many_notices_at_once_from_two_nodes_are_all_told(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    """Followers in common, in chunks that cross: whoever locks in another order would deadlock."""
    exchange = MemoryExchange()
    nodes = [Node("a", clock, exchange, online={1, 8}), Node("b", clock, exchange, online={8, 3, 2})]
    creators = [await creator_with(clock, PEOPLE), await creator_with(clock, list(reversed(PEOPLE)))]
    notices = [await nodes[i % 2].announce(creators[i // 3], f"news {i}") for i in range(6)]
    assert sum(await asyncio.gather(*(node.carry_all() for node in nodes))) == 6
    for notice in notices:
        await assert_everybody_was_told_once(notice, PEOPLE)
    await assert_inboxes_are_whole()


async def test_people_who_are_online_are_told_first(database: Database, clock: FakeClock, small_chunks: None) -> None:
    node = Node("a", clock, online={8, 6, 4, 99})
    notice = await node.announce(await creator_with(clock, PEOPLE), "hello")
    await node.carry_all()
    order = await told(notice)
    assert set(order[:3]) == {4, 6, 8}, "somebody who is away was told before somebody who looks"
    assert sorted(order) == list(PEOPLE)


async def test_muted_kind_is_not_told_and_the_others_are(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    creator = await creator_with(clock, [1, 2, 3])
    mute = UpdateNotificationSettings(kinds=KindSettings.model_validate({"new-video": False}))
    await node.notifications.update_settings(person(2), mute)
    video = await node.announce(creator, "a video")
    stream = await node.announce(creator, "a stream", kind="live-started")
    await node.carry_all()
    await assert_everybody_was_told_once(video, [1, 3])
    await assert_everybody_was_told_once(stream, [1, 2, 3])
    unmute = UpdateNotificationSettings(kinds=KindSettings.model_validate({"new-video": True}))
    await node.notifications.update_settings(person(2), unmute)
    later = await node.announce(creator, "another")
    await node.carry_all()
    await assert_everybody_was_told_once(later, [1, 2, 3])
    await assert_inboxes_are_whole()


async def test_who_leaves_during_a_fan_out_may_miss_it_and_who_stays_does_not(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    node = Node("a", clock)
    notice = await node.announce(await creator_with(clock, PEOPLE), "hello")
    with pytest.raises(Killed), power_cut(30):
        await node.carry_all()
    reached = await told(notice)
    assert 0 < len(reached) < len(PEOPLE)
    await Subscription.filter(user_id=9).delete()
    clock.advance(LEASE_S + 1)
    await Node("b", clock).carry_all()
    await assert_everybody_was_told_once(notice, range(1, 9))


@pytest.mark.parametrize("creator_less", [True, False])
async def test_notice_that_cannot_be_told_is_not_tried_again(
    database: Database, clock: FakeClock, creator_less: bool
) -> None:
    node = Node("a", clock)
    await node.announce(await creator_with(clock, [1]), "hello")
    if creator_less:
        await Notice.all().update(creator_id=None)
    else:
        await Notice.all().delete()
    claim = await node.claim()
    assert claim is not None
    with pytest.raises(Permanent):
        await node.fan_out.run(claim.work)


async def test_real_queue_carries_a_notice_to_five_thousand_in_chunks_of_bounded_queries(database: Database) -> None:
    """A chunk of 500 asks at most 18 statements, whoever is in it: the followers; the ids of their streams (three
    where they are new), a block of event ids (two, once in 1,000); the locks; who was told, who does not want it;
    counters (known, new, raised, read); the checkpoint; heads, events, rows; and the notice, to show it."""
    clock = SystemClock()
    node, process = Node("a", clock), ProcessJobs(clock)
    people = range(1, 5_001)
    notice = await node.announce(await creator_with(clock, people), "hello")
    with counted() as queries:
        await node.carry_all()
    chunks = len(people) // fan_out.CHUNK
    around = 10  # claim, notice, the turn from online to the rest, the empty last page, the end
    assert len(queries) <= chunks * 18 + around, len(queries) / chunks
    await assert_everybody_was_told_once(notice, people)
    again = await node.announce((await Notice.get()).creator_id or 0, "again")
    try:
        await node.jobs.start(process)
        node.jobs.wake()
        async with asyncio.timeout(60):
            while (await Job.get(dedupe_key=f"fan-out:{again}")).state != "done":
                await asyncio.sleep(0.02)
    finally:
        await node.jobs.close()
        await process.close()
    await assert_everybody_was_told_once(again, people)


async def test_one_chunk_asks_the_same_number_of_queries_for_few_and_for_many(
    database: Database, clock: FakeClock
) -> None:
    counts = []
    for size in (5, 400):
        node = Node(f"n{size}", clock)
        creator = await creator_with(clock, range(size * 10, size * 11))
        await node.announce(creator, f"first {size}")
        await node.carry_all()  # their streams and counters are made
        await node.announce(creator, f"second {size}")
        with counted() as queries:
            await node.carry_all()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert await Job.filter(state="done").count() == 4


async def test_checkpoint_of_the_job_moves_with_each_chunk(
    database: Database, clock: FakeClock, small_chunks: None
) -> None:
    node = Node("a", clock)
    await node.announce(await creator_with(clock, PEOPLE), "hello")
    claim = await node.claim()
    assert claim is not None
    await node.fan_out.run(claim.work)
    assert (await Job.get()).cursor == {"online": True, "after": max(PEOPLE)}
