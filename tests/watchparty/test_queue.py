"""What a party plays next."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.accounts.actor import Actor
from mypick.content.models import Content
from mypick.creators.models import Channel
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.lanes import lane_of
from mypick.watchparty.commands import Steer
from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.commands import QueueAdd, QueueNext, QueueRemove, QueueVoteOn
from mypick.watchparty.queue.models import QueueItem, QueueVote, Watched
from mypick.watchparty.queue.order import ordered
from mypick.watchparty.queue.showing import MAX_ITEMS
from mypick.watchparty.streams import QUEUE_CHANGED, party_stream
from tests.fakes import FakeClock
from tests.handlers.fakes import VIDEOS
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.watchparty.life import QueueClient, carry, claims_of, somebody, two_nodes
from tests.watchparty.stage import DURATION_MS, cid, guest, party, video


@pytest.fixture
async def alice(node: Node) -> Fan:
    return await node.register("alice")


@pytest.fixture
async def bob(node: Node) -> Fan:
    return await node.register("bob")


@pytest.fixture
async def two(database: Database, clock: FakeClock) -> AsyncIterator[list[Node]]:
    """Two nodes over each database in turn."""
    async with two_nodes(clock) as nodes:
        yield nodes


async def seated(node: Node, clock: FakeClock, **fields: Any) -> tuple[int, Actor]:
    """A party, and its host who is there."""
    host = await somebody("host", clock)
    content = await video(clock)
    fan = Fan(host.user_id, "host", "", "")
    opened = await party(node, fan, content, **fields)
    await node.parties.members.enter(host, opened.id)
    return opened.id, host


async def add(node: Node, who: Actor, party_id: int, content: Content | None = None) -> int:
    content = content or await video(node.clock)
    command = QueueAdd(party_id=party_id, cid=cid(), content_id=content.id)
    return (await node.parties.queue.add(who, command)).item_id


async def vote(node: Node, who: Actor, party_id: int, item_id: int, *, on: bool = True) -> None:
    command = QueueVoteOn(party_id=party_id, cid=cid(), item_id=item_id, on=on)
    await node.parties.queue.vote(who, command)


async def shown(node: Node, who: Actor, party_id: int) -> list[tuple[int, int]]:
    return [(item.id, item.votes) for item in (await node.parties.queue.show(who, party_id)).items]


async def replayed(node: Node, party_id: int) -> list[tuple[int, int]]:
    """What a client has that has seen every event and nothing else."""
    one, after, epoch = QueueClient([]), 0, None
    while True:
        answer = await node.streams.store.resume(party_stream(party_id), epoch, after, 200)
        epoch = answer["epoch"]
        for event in answer["events"]:
            after = event["seq"]
            if event["type"] == QUEUE_CHANGED:
                one.apply(event["data"])
        if not answer["more"]:
            return one.shown


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(1, 10**9)), unique_by=lambda pair: pair[1]))
def test_most_votes_come_first_and_of_equals_what_waits_longest(pairs: list[tuple[int, int]]) -> None:
    items = [QueueItem(votes=votes, place=place) for votes, place in pairs]
    played = ordered(items)
    assert sorted(map(id, played)) == sorted(map(id, items))
    for one, behind in itertools.pairwise(played):
        assert (one.votes, -one.place) > (behind.votes, -behind.place)
    assert ordered(reversed(items)) == played


async def test_what_is_added_is_told_and_shown_to_whoever_comes(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    host, other = [await guest(client, node, fan, opened.id) for fan in (alice, bob)]
    content = await video(node.clock)
    answer = await other.ask("queue-add", cid=cid(), content_id=content.id)
    told = await host.socket.event("queue-changed")
    assert told["data"]["action"] == "added"
    assert told["data"]["item"]["added_by"]["name"] == "bob"
    assert told["data"]["item"]["content"]["title"] == content.title
    assert (told["seq"], told["data"]["item"]["id"]) == (answer["data"]["seq"], answer["data"]["item_id"])
    assert (await other.ask("queue-vote", cid=cid(), item_id=answer["data"]["item_id"], on=True))["ok"]
    again = await guest(client, node, bob, opened.id)
    (item,) = again.joined["queue"]
    assert {**told["data"]["item"], "votes": 1} == item
    assert again.joined["own_votes"] == [item["id"]]
    assert host.joined["queue"] == []


async def test_the_same_cid_through_two_nodes_at_once_adds_one_item(two: list[Node], clock: FakeClock) -> None:
    party_id, host = await seated(two[0], clock)
    content = await video(clock)
    command = QueueAdd(party_id=party_id, cid=cid(), content_id=content.id)
    answers = await asyncio.gather(*(two[number % 2].parties.queue.add(host, command) for number in range(10)))
    assert len({answer.item_id for answer in answers}) == 1
    assert await shown(two[1], host, party_id) == [(answers[0].item_id, 0)]
    assert await replayed(two[1], party_id) == [(answers[0].item_id, 0)]


async def test_one_video_waits_once(two: list[Node], clock: FakeClock) -> None:
    party_id, host = await seated(two[0], clock)
    content = await video(clock)
    outcomes = await asyncio.gather(
        *(add(two[number % 2], host, party_id, content) for number in range(6)), return_exceptions=True
    )
    (item_id,) = [one for one in outcomes if isinstance(one, int)]
    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert [(one.code, one.details) for one in refused] == [(Code.CONFLICT, {"item_id": item_id})] * 5


async def test_a_video_that_ends_is_followed_by_the_first_exactly_once(two: list[Node], clock: FakeClock) -> None:
    party_id, host = await seated(two[0], clock)
    first, second, third = [await add(two[0], host, party_id) for _ in range(3)]
    await vote(two[1], host, party_id, second)
    seq = await play(two[0], host, party_id)
    clock.advance(DURATION_MS / 1_000 + 10)
    await asyncio.gather(*(two[number % 2].parties.playing.move_on(party_id) for number in range(8)))
    assert await shown(two[0], host, party_id) == [(first, 0), (third, 0)]
    row = await WatchParty.get(id=party_id)
    assert (row.status, row.reason, row.timeline_seq > seq) == ("waiting", "load", True)
    assert await replayed(two[1], party_id) == [(first, 0), (third, 0)]
    for _ in range(2):  # the gate opens by itself, and the next ends: the rest is played as well
        clock.advance(6)
        await two[1].parties.playing.move_on(party_id)
        clock.advance(DURATION_MS / 1_000 + 10)
        await asyncio.gather(*(node.parties.playing.move_on(party_id) for node in two))
    assert await shown(two[0], host, party_id) == []
    clock.advance(6)
    await two[0].parties.playing.move_on(party_id)
    clock.advance(DURATION_MS / 1_000 + 10)
    await asyncio.gather(*(node.parties.playing.move_on(party_id) for node in two))
    assert (await WatchParty.get(id=party_id)).status == "ended"
    assert await Watched.filter(party_id=party_id).exclude(until_ms=None).count() == 4


async def play(node: Node, host: Actor, party_id: int) -> int:
    """Let it play; the seq of the timeline."""
    base = (await WatchParty.get(id=party_id)).timeline_seq
    await node.parties.playing.steer(host, Steer(party_id=party_id, cid=cid(), base_seq=base, op="play"))
    node.clock.advance(6)  # type: ignore[attr-defined]  # the clock of tests
    await node.parties.playing.move_on(party_id)
    row = await WatchParty.get(id=party_id)
    assert row.status == "playing"
    return int(row.timeline_seq)


async def test_a_party_that_does_not_play_on_ends_with_its_video(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock, autoplay=False)
    waiting = await add(node, host, party_id)
    await play(node, host, party_id)
    clock.advance(DURATION_MS / 1_000 + 10)
    await node.parties.playing.move_on(party_id)
    row = await WatchParty.get(id=party_id)
    assert row.status == "ended"
    assert await shown(node, host, party_id) == [(waiting, 0)]
    await node.parties.queue.next(host, QueueNext(party_id=party_id, cid=cid(), base_seq=row.timeline_seq))
    assert (await WatchParty.get(id=party_id)).status == "waiting"


async def test_two_who_ask_for_the_next_skip_one_video(two: list[Node], clock: FakeClock) -> None:
    party_id, host = await seated(two[0], clock)
    items = [await add(two[0], host, party_id) for _ in range(3)]
    base = (await WatchParty.get(id=party_id)).timeline_seq
    commands = [QueueNext(party_id=party_id, cid=cid(), base_seq=base) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(two[number % 2].parties.queue.next(host, command) for number, command in enumerate(commands)),
        return_exceptions=True,
    )
    conflicts = [one for one in outcomes if isinstance(one, DomainError)]
    assert [one.code for one in conflicts] == [Code.CONFLICT] * 3
    assert await shown(two[0], host, party_id) == [(items[1], 0), (items[2], 0)]
    row = await WatchParty.get(id=party_id)
    chosen = QueueNext(party_id=party_id, cid=cid(), base_seq=row.timeline_seq, item_id=items[2])
    await two[0].parties.queue.next(host, chosen)
    assert await shown(two[0], host, party_id) == [(items[1], 0)]
    assert (await two[1].parties.queue.next(host, chosen)).seq > row.timeline_seq  # again: the same reply
    assert await shown(two[0], host, party_id) == [(items[1], 0)]


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


async def test_who_may_add_and_remove_is_the_partys_policy(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock, policy={"queue": "host"})
    fan, stranger = await somebody("fan", clock), await somebody("stranger", clock)
    await node.parties.members.enter(fan, party_id)
    item = await add(node, host, party_id)
    for who, code in ((fan, Code.FORBIDDEN), (stranger, Code.NOT_MEMBER)):
        for refused in (
            add(node, who, party_id),
            node.parties.queue.remove(who, QueueRemove(party_id=party_id, cid=cid(), item_id=item)),
            node.parties.queue.next(who, QueueNext(party_id=party_id, cid=cid(), base_seq=99)),
        ):
            with pytest.raises(DomainError) as caught:
                await refused
            assert caught.value.code is code
    with pytest.raises(DomainError):
        await vote(node, stranger, party_id, item)
    await vote(node, fan, party_id, item)
    await node.parties.queue.remove(host, QueueRemove(party_id=party_id, cid=cid(), item_id=item))
    assert await shown(node, host, party_id) == await replayed(node, party_id) == []
    assert await QueueVote.all().count() == 0


async def test_a_queue_has_bounds_for_each_and_for_all(
    node: Node, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    party_id, host = await seated(node, clock)
    fan = await somebody("fan", clock)
    await node.parties.members.enter(fan, party_id)
    for _ in range(10):
        await add(node, fan, party_id)
    with pytest.raises(DomainError) as caught:
        await add(node, fan, party_id)
    assert (caught.value.code, "of yours" in caught.value.message) == (Code.FULL, True)
    for _ in range(MAX_ITEMS - 10):
        await add(node, host, party_id)
    with pytest.raises(DomainError) as caught:
        await add(node, host, party_id)
    assert (caught.value.code, "of yours" in caught.value.message) == (Code.FULL, False)


async def test_a_video_is_added_by_its_address(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock)
    await node.parties.queue.add(host, QueueAdd(party_id=party_id, cid=cid(), url=f"{VIDEOS}abc"))
    with pytest.raises(DomainError) as twice:
        await node.parties.queue.add(host, QueueAdd(party_id=party_id, cid=cid(), url=f"{VIDEOS}abc"))
    assert twice.value.code is Code.CONFLICT
    (item,) = (await node.parties.queue.show(host, party_id)).items
    assert item.content is not None
    assert item.content.title == "the video abc"
    assert await Channel.filter(handle="tube").count() == 1
    assert await Content.filter(external_id="abc").count() == 1
    for url, code in ((f"{VIDEOS}private1", Code.NOT_FOUND), ("@tube", Code.INVALID), ("https://x.y/", Code.INVALID)):
        with pytest.raises(DomainError) as caught:
            await node.parties.queue.add(host, QueueAdd(party_id=party_id, cid=cid(), url=url))
        assert caught.value.code is code


@given(st.data())
def test_a_command_names_one_of_content_and_address(data: st.DataObject) -> None:
    content_id = data.draw(st.none() | st.integers(1, 10))
    url = data.draw(st.none() | st.just(VIDEOS))
    if (content_id is None) == (url is None):
        with pytest.raises(ValueError, match="either content_id or url"):
            QueueAdd(party_id=1, cid="c", content_id=content_id, url=url)
    else:
        QueueAdd(party_id=1, cid="c", content_id=content_id, url=url)


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
