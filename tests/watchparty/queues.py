"""Parties with queues, over nodes without sockets: what can be asked of them, and what a client makes of it."""

from __future__ import annotations

from typing import Any

from mypick.accounts.actor import Actor
from mypick.content.models import Content
from mypick.watchparty.commands import Steer
from mypick.watchparty.models import WatchParty
from mypick.watchparty.queue.commands import QueueAdd, QueueVoteOn
from mypick.watchparty.streams import QUEUE_CHANGED, party_stream
from tests.fakes import FakeClock
from tests.realtime.node import Fan, Node
from tests.watchparty.life import QueueClient, somebody
from tests.watchparty.stage import cid, party, video


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


async def play(node: Node, clock: FakeClock, host: Actor, party_id: int) -> int:
    """Let it play; the seq of the timeline."""
    base = (await WatchParty.get(id=party_id)).timeline_seq
    await node.parties.playing.steer(host, Steer(party_id=party_id, cid=cid(), base_seq=base, op="play"))
    clock.advance(6)
    await node.parties.playing.move_on(party_id)
    row = await WatchParty.get(id=party_id)
    assert row.status == "playing"
    return int(row.timeline_seq)
