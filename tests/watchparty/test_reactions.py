"""Reactions of all in a party, gathered over all nodes."""

from __future__ import annotations

import pytest

from mypick.bus import RedisBus
from mypick.metrics import Metrics
from mypick.streams import Frame
from mypick.watchparty.chat.reactions import MAX_KINDS, PART
from tests.realtime.conftest import OpenClient, StartNode
from tests.realtime.node import Node, until
from tests.watchparty.stage import SPACE, Guest, actor_of, guest, party


async def react(one: Guest, emoji: str) -> str | None:
    answer = await one.ask("party-react", emoji=emoji)
    return None if answer["ok"] else str(answer["error"]["code"])


async def test_reactions_on_two_nodes_are_added_up(client: OpenClient, start_node: StartNode) -> None:
    here, there = await start_node(), await start_node()
    alice = await here.register("alice")
    bob = await here.register("bob")
    opened = await party(here, alice)
    host, other = await guest(client, here, alice, opened.id), await guest(client, there, bob, opened.id)
    for emoji in ("🎉", "🎉", "😂"):
        assert await react(host, emoji) is None
    assert await react(other, "🎉") is None
    await there.parties.reactions.tick()  # tells its own, and the other node
    await until(lambda: here.parties.reactions._heard, "nothing was heard of the other node")
    await here.parties.reactions.tick()
    told = await host.socket.event("reactions")
    assert told == {"party_id": opened.id, "counts": {"🎉": 3, "😂": 1}}
    await until(lambda: there.parties.reactions._heard, "nothing was heard of the first node")
    await there.parties.reactions.tick()
    await other.socket.event("reactions", 2)
    sums = [event["counts"].get("🎉", 0) for event in other.socket.all("reactions")]
    assert sums == [1, 2]
    assert len(host.socket.all("reactions")) == 1
    await here.parties.reactions.tick()
    assert here.parties.reactions._own == here.parties.reactions._heard == {}


async def test_reactions_go_from_node_to_node_over_redis(
    client: OpenClient, start_node: StartNode, redis_url: str
) -> None:
    here, there = [await start_node(bus=RedisBus(redis_url, metrics=Metrics.unread())) for _ in range(2)]
    alice, bob = await here.register("alice"), await here.register("bob")
    opened = await party(here, alice)
    host, other = await guest(client, here, alice, opened.id), await guest(client, there, bob, opened.id)
    for one in (host, other, other):
        assert await react(one, "🔥") is None
    await here.parties.reactions.tick()
    await until(lambda: there.parties.reactions._heard, "nothing was heard over Redis")
    await there.parties.reactions.tick()
    assert (await other.socket.event("reactions"))["counts"] == {"🔥": 3}
    assert (await host.socket.event("reactions"))["counts"] == {"🔥": 1}


async def test_only_who_is_there_reacts_and_only_with_an_emoji(node: Node, client: OpenClient) -> None:
    alice, bob = await node.register("alice"), await node.register("bob")
    opened = await party(node, alice)
    stranger = Guest(await client(node, bob, space=SPACE), bob, opened.id)
    assert await react(stranger, "🎉") == "NOT_MEMBER"
    inside = await guest(client, node, bob, opened.id)
    assert await react(inside, "boo") == "INVALID"
    assert await react(inside, "👏🏽") is None


async def test_nobody_reacts_to_a_party_that_is_over(node: Node, client: OpenClient) -> None:
    alice, bob = await node.register("alice"), await node.register("bob")
    opened = await party(node, alice)
    host, other = [await guest(client, node, fan, opened.id) for fan in (alice, bob)]
    assert await react(other, "🎉") is None
    await node.parties.reactions.tick()
    await node.parties.parties.end(actor_of(alice), opened.id)
    await host.socket.event("timeline")
    assert [await react(one, "🎉") for one in (host, other)] == ["GONE", "GONE"]
    await node.parties.reactions.tick()
    assert len(host.socket.all("reactions")) == 1


async def test_reactions_are_limited_and_bounded(client: OpenClient, start_node: StartNode) -> None:
    node = await start_node(limits={"party.react": "40/10s"})
    alice = await node.register("alice")
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    outcomes = [await react(host, chr(0x1F600 + number)) for number in range(41)]
    assert outcomes == [None] * 40 + ["RATE_LIMITED"]
    await node.parties.reactions.tick()
    told = await host.socket.event("reactions")
    assert len(told["counts"]) == MAX_KINDS


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"x": "y"}', b"null", b'{"x": null}'])
async def test_what_no_node_of_ours_says_is_passed_over(node: Node, client: OpenClient, body: bytes) -> None:
    alice = await node.register("alice")
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    frame = Frame(host.joined["stream"], "", None, PART, body, "another")
    await node.door.deliver([frame])
    await node.parties.reactions.tick()
    assert await react(host, "🎉") is None
    await node.parties.reactions.tick()
    assert (await host.socket.event("reactions"))["counts"] == {"🎉": 1}
    assert [name for name, _ in host.socket.heard if name == PART] == []
