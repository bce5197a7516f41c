"""Coming into a room, alone and with everybody else."""

from __future__ import annotations

import asyncio

import pytest

from mypick.community.commands import React, SetRoomMode, TimeoutMember
from mypick.community.policy import Role
from mypick.streams import Position
from tests.community.stage import Node, cid, community
from tests.fakes import FakeClock
from tests.queries import counted


async def test_who_come_at_once_are_read_together(two: list[Node], clock: FakeClock) -> None:
    node, names = two[0], [f"fan{number}" for number in range(40)]
    cast = await community(node, clock, *names)
    sent = await node.send(cast["fan0"], cast.room, "hello")
    for name in names[:3]:
        react = React(message_id=sent.id, cid=cid(), emoji="👍", on=True)
        await node.communities.reactions.react(cast[name], react)
    clock.advance(1)
    await node.carry_all()

    async def join(name: str) -> tuple[int, list[str], list[int]]:
        position, joined = await node.communities.reading.join(cast[name], cast.room, None, None)
        assert position.head_seq == joined.head_seq
        return joined.head_seq, [one.emoji for one in joined.own_reactions], [one["id"] for one in joined.events]

    with counted() as alone:
        await join("fan0")
    with counted() as together:
        seen = await asyncio.gather(*(join(name) for name in names))
    assert len(together) <= 2 * len(alone), "however many they are: a second batch may follow the first"
    assert sent.seq is not None
    assert seen == [(sent.seq + 2, ["👍"] if at < 3 else [], [sent.id]) for at in range(len(names))]


async def test_what_was_said_meanwhile_is_in_the_snapshot_or_behind_its_head(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice", "bob")

    async def join() -> tuple[int, int]:
        position, joined = await two[1].communities.reading.join(cast["bob"], cast.room, None, None)
        return position.head_seq, len(joined.events)

    async with asyncio.TaskGroup() as under_way:
        joins = []
        for number in range(20):
            under_way.create_task(two[0].send(cast["alice"], cast.room, f"word {number}"))
            joins.append(under_way.create_task(join()))
    for head_seq, shown in (one.result() for one in joins):
        assert shown >= head_seq, "nothing up to the head is left out"


async def test_a_mode_or_timeout_that_is_set_while_one_comes_in_is_told(
    two: list[Node], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = await community(two[0], clock, "alice", "oz", roles={"oz": Role.OWNER})
    moderation, store = two[0].communities.moderation, two[1].streams.store
    position = store.position

    async def late(key: str) -> Position:
        monkeypatch.undo()
        on = {"room_id": cast.room, "cid": cid()}
        await moderation.set_mode(cast["oz"], SetRoomMode.model_validate({**on, "locked": True}))
        timeout = {**on, "cid": cid(), "user_id": cast["alice"].user_id, "seconds": 60}
        await moderation.timeout(cast["oz"], TimeoutMember.model_validate(timeout))
        return await position(key)

    monkeypatch.setattr(store, "position", late)
    at, joined = await two[1].communities.reading.join(cast["alice"], cast.room, None, None)
    assert at.head_seq == 2, "the events are behind her: she is sent neither"
    assert joined.mode.locked
    assert joined.timeout is not None
