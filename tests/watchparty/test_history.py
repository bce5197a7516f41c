"""What was watched, and by how many."""

from __future__ import annotations

from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.commands import QueueAdd, QueueNext
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Node
from tests.watchparty.life import somebody
from tests.watchparty.stage import DURATION_MS, actor_of, cid, guest, party, video


async def test_what_was_watched_is_written_down_with_its_times_and_guests(
    node: Node, client: OpenClient, clock: FakeClock
) -> None:
    alice, bob = await node.register("alice"), await node.register("bob")
    first, second = await video(clock), await video(clock)
    opened = await party(node, alice, first)
    host = await guest(client, node, alice, opened.id)
    add = QueueAdd(party_id=opened.id, cid=cid(), content_id=second.id)
    await node.parties.queue.add(actor_of(alice), add)
    assert (await node.parties.history.of_party(actor_of(alice), opened.id, None, 20)).items == []
    other = await guest(client, node, bob, opened.id)
    waiting = (await host.control("play"))["data"]["seq"]
    for one in (host, other):
        await one.until_seq(waiting)
        assert (await one.ask("ready", seq=waiting, state="ready"))["ok"]
    began = (await host.until_seq(waiting + 1))["effective_at_ms"]
    clock.advance(30)
    paused = (await host.control("pause"))["data"]["seq"]
    await host.until_seq(paused)
    assert (await other.ask("leave-party"))["ok"]
    (on,) = (await node.parties.history.of_party(actor_of(bob), opened.id, None, 20)).items
    assert (on.until_at, on.guests, round(on.from_at.timestamp() * 1_000)) == (None, 2, began)
    clock.advance(100)
    await node.parties.queue.next(actor_of(alice), QueueNext(party_id=opened.id, cid=cid(), base_seq=paused))
    (over,) = (await node.parties.history.of_party(actor_of(alice), opened.id, None, 20)).items
    assert (over.until_at, over.guests) == (clock.now(), 2)
    assert over.content is not None
    assert over.content.id == first.id
    base = (await WatchParty.get(id=opened.id)).timeline_seq
    waiting = (await host.control("play", base))["data"]["seq"]
    await host.until_seq(waiting)
    clock.advance(6)
    await node.parties.playing.move_on(opened.id)
    clock.advance(DURATION_MS / 1_000 + 10)
    await node.parties.playing.move_on(opened.id)
    newest, oldest = (await node.parties.history.of_party(actor_of(alice), opened.id, None, 20)).items
    assert oldest == over
    assert newest.content is not None
    assert (newest.content.id, newest.guests) == (second.id, 1)
    page = await node.parties.history.of_party(actor_of(alice), opened.id, None, 1)
    assert (page.items, page.next_cursor is None) == ([newest], False)
    rest = await node.parties.history.of_party(actor_of(alice), opened.id, page.next_cursor, 1)
    assert (rest.items, rest.next_cursor) == ([oldest], None)


async def test_ones_own_history_has_the_parties_that_one_was_in(node: Node, clock: FakeClock) -> None:
    alice = await node.register("alice")
    fan = await somebody("fan", clock)
    parties = []
    for _ in range(3):
        parties.append(await party(node, alice))
        clock.advance(1)
        await node.parties.members.enter(fan, parties[-1].id)
    await node.parties.members.leave(fan, parties[0].id)
    left_at = clock.now()
    page = await node.parties.history.mine(fan, None, 2)
    assert [visit.party.id for visit in page.items] == [parties[2].id, parties[1].id]
    rest = await node.parties.history.mine(fan, page.next_cursor, 2)
    assert [(one.party.id, one.left_at, one.role, one.watched) for one in rest.items] == [
        (parties[0].id, left_at, "guest", 0)
    ]
    assert (await node.parties.history.mine(actor_of(alice), None, 20)).items == []
