"""Starting together: over two processes, with guests that are ready, late, gone, or many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from mypick.db import Database
from mypick.watchparty.members import MAX_TOLD
from mypick.watchparty.models import PartyMember, PartySeat
from tests.fakes import FakeClock
from tests.queries import counted
from tests.watchparty.nodes import Process, log_of, opened, person, processes, timeline


@pytest.fixture
async def two(database: Database, clock: FakeClock) -> AsyncIterator[list[Process]]:
    async with processes(clock, "a", "b") as nodes:
        yield nodes


async def test_it_starts_once_with_the_host_and_four_of_five_guests_wherever_they_are(
    two: list[Process], clock: FakeClock
) -> None:
    alice = await person("alice", clock)
    guests = [await person(f"guest{number}", clock) for number in range(5)]
    party_id = (await opened(two[0], alice)).id
    await two[0].arrive(alice, party_id)
    for number, one in enumerate(guests):
        await two[number % 2].arrive(one, party_id)
    seq = await two[0].steer(alice, party_id, "play", (await timeline(party_id)).seq)
    for number in range(4):
        await two[number % 2].ready(guests[number], party_id, seq)
    await two[0].ready(guests[0], party_id, seq, "stalled")
    await two[0].ready(alice, party_id, seq)
    assert (await timeline(party_id)).status == "waiting", "three of five are ready"
    await two[0].ready(guests[0], party_id, seq - 1)
    assert (await timeline(party_id)).status == "waiting", "for an older timeline"
    await asyncio.gather(*(two[0].ready(guests[0], party_id, seq) for _ in range(5)))
    started = await timeline(party_id)
    assert (started.status, started.reason, started.seq) == ("playing", "ready", seq + 1)


async def test_it_waits_for_nobody_beyond_the_deadline_and_starts_once_though_its_node_is_gone(
    two: list[Process], clock: FakeClock
) -> None:
    alice, slow = await person("alice", clock), await person("slow", clock)
    party_id = (await opened(two[0], alice)).id
    await two[0].arrive(alice, party_id)
    await two[0].arrive(slow, party_id)
    seq = await two[0].steer(alice, party_id, "play", (await timeline(party_id)).seq)
    await two[0].ready(alice, party_id, seq)
    await two[0].ready(slow, party_id, seq, "ad")
    clock.advance(4.9)
    await two[1].tick()
    assert (await timeline(party_id)).status == "waiting"
    clock.advance(0.2)
    await asyncio.gather(*(two[1].tick() for _ in range(3)), two[0].tick())
    started = await timeline(party_id)
    assert (started.status, started.reason, started.seq) == ("playing", "deadline", seq + 1)


async def test_who_joins_holds_nobody_up_and_who_leaves_is_not_waited_for(two: list[Process], clock: FakeClock) -> None:
    alice, bob, late = [await person(name, clock) for name in ("alice", "bob", "late")]
    party_id = (await opened(two[0], alice)).id
    await two[0].arrive(alice, party_id)
    await two[1].arrive(bob, party_id)
    seq = await two[0].steer(alice, party_id, "play", (await timeline(party_id)).seq)
    await two[0].ready(alice, party_id, seq)
    two[1].vanish(bob, party_id)
    await two[1].tick()
    await two[0].tick()
    playing = await timeline(party_id)
    assert (playing.status, playing.reason) == ("playing", "ready")
    await two[1].arrive(late, party_id)
    await two[1].ready(late, party_id, playing.seq, "stalled")
    assert await timeline(party_id) == playing


async def test_hundreds_come_at_once_by_a_few_statements_and_the_stream_tells_of_the_first(
    two: list[Process], clock: FakeClock
) -> None:
    alice = await person("alice", clock)
    crowd = [await person(f"guest{number}", clock) for number in range(MAX_TOLD + 50)]
    party_id = (await opened(two[0], alice)).id
    await two[0].arrive(alice, party_id)
    with counted() as seen:
        await asyncio.gather(*(two[0].arrive(one, party_id) for one in crowd))
    assert len(seen) < 60
    assert await PartyMember.filter(party_id=party_id, present=True).count() == len(crowd) + 1
    joined = [event for event in await log_of(two[0], party_id) if event["type"] == "member-joined"]
    assert len(joined) == MAX_TOLD
    seq = await two[0].steer(alice, party_id, "play", (await timeline(party_id)).seq)
    await two[0].ready(alice, party_id, seq)
    with counted() as seen:
        await asyncio.gather(*(two[0].ready(one, party_id, seq) for one in crowd))
    assert len(seen) < 30
    assert (await timeline(party_id)).status == "playing"
    for one in crowd:
        two[0].vanish(one, party_id)
    await two[0].tick()
    clock.advance(11)
    two[0].alive(alice, party_id)
    await two[0].tick()
    left = [event for event in await log_of(two[0], party_id) if event["type"] == "member-left"]
    assert len(left) == MAX_TOLD - 1, "those who were told of, but for the host"
    assert await PartySeat.filter(party_id=party_id).count() == 1
