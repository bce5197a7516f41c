"""Votes for what a party plays next, and the queue that events make of any commands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.lanes import lane_of
from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.commands import QueueNext, QueueRemove
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.streams import QUEUE_CHANGED, party_stream
from tests.fakes import FakeClock
from tests.realtime.node import Node
from tests.watchparty.life import carry, claims_of, somebody, two_nodes
from tests.watchparty.queues import add, replayed, seated, shown, vote
from tests.watchparty.stage import cid, video


@pytest.fixture
async def two(database: Database, clock: FakeClock) -> AsyncIterator[list[Node]]:
    """Two nodes over each database in turn."""
    async with two_nodes(clock) as nodes:
        yield nodes


async def test_votes_of_many_are_told_together_and_none_is_lost(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock)
    items = [await add(node, host, party_id) for _ in range(3)]
    people = [await somebody(f"fan{number}", clock) for number in range(20)]
    for one in people:
        await node.parties.members.enter(one, party_id)
    await asyncio.gather(*(vote(node, one, party_id, items[number % 3]) for number, one in enumerate(people)))
    await vote(node, people[0], party_id, items[0], on=False)
    clock.advance(1)
    await carry(node)
    wanted = sorted([(items[0], 6), (items[1], 7), (items[2], 6)], key=lambda one: -one[1])
    assert await shown(node, host, party_id) == wanted
    assert await replayed(node, party_id) == wanted
    answer = await node.streams.store.resume(party_stream(party_id), None, 0, 200)
    events = (await node.streams.store.resume(party_stream(party_id), answer["epoch"], 0, 200))["events"]
    voted = [event for event in events if event["type"] == QUEUE_CHANGED and event["data"]["action"] == "voted"]
    assert len(voted) == 2  # the first at once, the other twenty together


async def test_a_worker_that_dies_loses_no_vote(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock)
    items = [await add(node, host, party_id) for _ in range(2)]
    for item in items:
        await vote(node, host, party_id, item)
    clock.advance(1)
    lost = await claims_of(node).claim(lane_of(1))
    assert lost is not None
    await node.parties.queue.show_votes(lost.work)  # done, and killed before that was noted
    clock.advance(61)
    assert await carry(node) == 1
    assert await replayed(node, party_id) == await shown(node, host, party_id) == [(items[0], 1), (items[1], 1)]


async def test_after_any_commands_of_many_the_events_make_the_queue(two: list[Node], clock: FakeClock) -> None:
    """Old state and events are the fresh state, whatever happens in whatever order on two nodes."""
    rng = random.Random(5)
    party_id, host = await seated(two[0], clock)
    people = [host, *[await somebody(f"fan{number}", clock) for number in range(4)]]
    for one in people[1:]:
        await two[1].parties.members.enter(one, party_id)
    contents = [await video(clock) for _ in range(6)]
    refusals: set[Code] = set()

    async def anything(number: int) -> None:
        node, who = two[number % 2], rng.choice(people)
        ids: list[Any] = await QueueItem.filter(party_id=party_id).values_list("id", flat=True)
        kind = rng.choice(["add", "add", "vote", "vote", "vote", "unvote", "remove", "next"])
        try:
            if kind == "add" or not ids:
                await add(node, who, party_id, rng.choice(contents))
            elif kind == "remove":
                command = QueueRemove(party_id=party_id, cid=cid(), item_id=rng.choice(ids))
                await node.parties.queue.remove(who, command)
            elif kind == "next":
                base = (await WatchParty.get(id=party_id)).timeline_seq
                await node.parties.queue.next(host, QueueNext(party_id=party_id, cid=cid(), base_seq=base))
            else:
                await vote(node, who, party_id, rng.choice(ids), on=kind == "vote")
        except DomainError as refused:
            refusals.add(refused.code)

    for round_of in range(10):
        await asyncio.gather(*(anything(number) for number in range(round_of * 12, round_of * 12 + 12)))
        clock.advance(0.3)
        if round_of % 3 == 0:
            await carry(two[0])
    clock.advance(2)
    await carry(two[1])
    assert refusals <= {Code.CONFLICT, Code.FORBIDDEN, Code.NOT_FOUND}
    state = await shown(two[0], host, party_id)
    assert state == await shown(two[1], host, party_id) == await replayed(two[0], party_id)
    for item_id, votes in state:
        assert await QueueVote.filter(item_id=item_id).count() == votes
