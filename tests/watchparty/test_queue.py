"""What a party plays next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.content.models import Content
from mypick.creators.models import Channel
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.watchparty.commands import Steer
from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.commands import QueueAdd, QueueNext, QueueRemove
from mypick.watchparty.queue.models import QueueItem, QueueVote, Watched
from mypick.watchparty.queue.order import ordered
from mypick.watchparty.queue.showing import MAX_ITEMS
from tests.fakes import FakeClock
from tests.handlers.fakes import VIDEOS
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.watchparty.life import somebody, two_nodes
from tests.watchparty.queues import add, play, replayed, seated, shown, vote
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
    seq = await play(two[0], clock, host, party_id)
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


async def test_a_party_that_does_not_play_on_ends_with_its_video(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock, autoplay=False)
    waiting = await add(node, host, party_id)
    await play(node, clock, host, party_id)
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


async def test_what_was_done_gets_its_reply_again_whatever_became_of_the_video(node: Node, clock: FakeClock) -> None:
    party_id, host = await seated(node, clock)
    content = await video(clock)
    base = (await WatchParty.get(id=party_id)).timeline_seq
    load = Steer(party_id=party_id, cid=cid(), base_seq=base, op="load", content_id=content.id)
    add_it = QueueAdd(party_id=party_id, cid=cid(), content_id=content.id)
    by_address = QueueAdd(party_id=party_id, cid=cid(), url=f"{VIDEOS}abc")
    queue, playing = node.parties.queue, node.parties.playing
    first = [await playing.steer(host, load), await queue.add(host, add_it), await queue.add(host, by_address)]
    await Content.all().update(kind="post")
    assert [await playing.steer(host, load), await queue.add(host, add_it), await queue.add(host, by_address)] == first


async def test_no_platform_is_asked_for_a_stranger(node: Node, clock: FakeClock) -> None:
    party_id, _ = await seated(node, clock)
    stranger, known = await somebody("stranger", clock), await Content.all().count()
    with pytest.raises(DomainError) as caught:
        await node.parties.queue.add(stranger, QueueAdd(party_id=party_id, cid=cid(), url=f"{VIDEOS}abc"))
    assert (caught.value.code, await Content.all().count()) == (Code.NOT_MEMBER, known)


@given(st.data())
def test_a_command_names_one_of_content_and_address(data: st.DataObject) -> None:
    content_id = data.draw(st.none() | st.integers(1, 10))
    url = data.draw(st.none() | st.just(VIDEOS))
    if (content_id is None) == (url is None):
        with pytest.raises(ValueError, match="either content_id or url"):
            QueueAdd(party_id=1, cid="c", content_id=content_id, url=url)
    else:
        QueueAdd(party_id=1, cid="c", content_id=content_id, url=url)
