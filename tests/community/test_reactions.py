"""Reactions: each person's once, told gathered, and by whoever is left."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from mypick.community.commands import DeleteMessage, React
from mypick.community.models import Message, Reaction
from mypick.community.reactions import GATHER
from tests.community.stage import Cast, Node, RoomClient, cid, community
from tests.fakes import FakeClock


async def test_reactions_are_gathered_and_counted_once_each(two: list[Node], clock: FakeClock) -> None:
    names = [f"fan{number}" for number in range(6)]
    cast = await community(two[0], clock, *names)
    sent = await two[0].send(cast["fan0"], cast.room, "hello")
    client = RoomClient(two[1], cast["fan1"], cast.room)
    await client.join()
    before = client.seq
    await asyncio.gather(
        *(
            node.communities.reactions.react(cast[name], React(message_id=sent.id, cid=cid(), emoji="👍", on=True))
            for name in names
            for node in two
        )
    )
    assert await Reaction.all().count() == len(names), "each person once"
    await client.catch_up()
    assert client.seq == before + 1, "the first is told at once"
    assert client.messages[sent.id]["reactions"] == [{"emoji": "👍", "count": 1}]
    assert await two[1].carry_all() == 0, "the others wait for each other"
    clock.advance(GATHER.total_seconds())
    assert await two[1].carry_all() == 1
    await client.catch_up()
    assert client.seq == before + 2, "and are told together"
    assert client.messages[sent.id]["reactions"] == [{"emoji": "👍", "count": 6}]
    off = React(message_id=sent.id, cid=cid(), emoji="👍", on=False)
    await two[0].communities.reactions.react(cast["fan1"], off)
    clock.advance(1)
    await two[0].carry_all()
    await client.catch_up()
    assert client.messages[sent.id]["reactions"] == [{"emoji": "👍", "count": 5}]


async def test_reactions_that_wait_are_told_by_whoever_is_left(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice", "bob")
    sent = await two[0].send(cast["alice"], cast.room, "hello")
    for name in ("alice", "bob"):
        await two[0].communities.reactions.react(
            cast[name], React(message_id=sent.id, cid=cid(), emoji="👍", on=True)
        )
    await two[0].close()
    clock.advance(1)
    assert await two[1].carry_all() == 1
    assert (await two[1].snapshot(cast["bob"], cast.room))["messages"][sent.id]["reactions"][0]["count"] == 2
    assert await two[1].carry_all() == 0


async def test_reactions_to_what_was_deleted_meanwhile_are_not_told(node: Node, cast: Cast, clock: FakeClock) -> None:
    sent = await node.send(cast["alice"], cast.room, "hello")
    for name in ("alice", "bob"):
        await node.communities.reactions.react(cast[name], React(message_id=sent.id, cid=cid(), emoji="👍", on=True))
    deleted = await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=sent.id, cid=cid()))
    clock.advance(1)
    assert await node.carry_all() == 1
    assert (await Message.get(id=sent.id)).changed_seq == deleted.seq


async def test_a_clock_set_back_does_not_keep_reactions(node: Node, cast: Cast, clock: FakeClock) -> None:
    sent = await node.send(cast["alice"], cast.room, "hello")
    await Message.filter(id=sent.id).update(reacted_at=clock.now() + timedelta(days=1))
    put = await node.communities.reactions.react(
        cast["bob"], React(message_id=sent.id, cid=cid(), emoji="👍", on=True)
    )
    assert put.seq == (sent.seq or 0) + 1, "told at once"


async def test_a_snapshot_says_which_reactions_are_ones_own(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, "hello")
    for emoji in ("🎉", "👍"):
        await node.communities.reactions.react(
            cast["bob"], React(message_id=sent.id, cid=cid(), emoji=emoji, on=True)
        )
    _, joined = await node.communities.reading.join(cast["bob"], cast.room, None, None)
    own = [{"message_id": sent.id, "emoji": emoji} for emoji in sorted(("🎉", "👍"))]
    assert joined.model_dump()["own_reactions"] == own
    history = await node.communities.reading.history(cast["bob"], cast.room, 100, 100)
    assert history.model_dump()["own_reactions"] == own
    _, joined = await node.communities.reading.join(cast["alice"], cast.room, None, None)
    assert joined.own_reactions == []


@pytest.mark.parametrize(
    "emoji",
    ["a", "가", "<b>", "x👍", "1", " ", "👍 👍", "\u200b", "\ufe0f", "\u202e👍", "👍" + "\u0301" * 9],
)
def test_only_emoji_are_reactions(emoji: str) -> None:
    with pytest.raises(ValueError):
        React(message_id=1, cid="c", emoji=emoji, on=True)


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👨‍👩‍👧", "🇰🇷", "1️⃣", "‼️", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "〰️"])
def test_all_kinds_of_emoji_are_reactions(emoji: str) -> None:
    assert React(message_id=1, cid="c", emoji=emoji, on=True).emoji == emoji
