"""Whatever several controllers send, in whatever order, twice or never: one timeline, on all nodes and in the log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from tests.fakes import FakeClock
from tests.watchparty.nodes import Process, log_of, opened, person, processes, replayed, timeline
from tests.watchparty.stage import cid, video


@contextmanager
def suppress_conflict() -> Iterator[None]:
    try:
        yield
    except DomainError as refused:
        if refused.code is not Code.CONFLICT:
            raise


async def assert_one_timeline(nodes: list[Process], party_id: int) -> dict[str, Any]:
    stored = (await timeline(party_id)).named()
    for node in nodes:
        assert await replayed(node, party_id) == stored
    return stored


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_loss_and_duplication_leaves_one_timeline(
    database: Database, clock: FakeClock, seed: int
) -> None:
    rng = random.Random(seed)
    async with processes(clock, "a", "b") as nodes:
        people = [await person(name, clock) for name in ("alice", "bob", "carol")]
        party_id = (await opened(nodes[0], people[0], policy={"control": "everyone"})).id
        other = await video(clock)
        for who in people:
            await rng.choice(nodes).arrive(who, party_id)
        acks: dict[str, set[int]] = {}
        for _ in range(12):
            clock.advance(rng.uniform(0, 8))
            base = (await timeline(party_id)).seq - rng.choice([0, 0, 0, 1])
            sent = []
            for who in people:
                op = rng.choice(["play", "pause", "seek", "rate", "load"])
                fields: dict[str, Any] = {
                    "seek": {"position_ms": rng.uniform(0, 700_000)},
                    "rate": {"rate": rng.choice([0.5, 1, 1.5])},
                    "load": {"content_id": other.id},
                }.get(op, {})
                name = cid()
                copies = rng.choice([0, 1, 1, 2, 3])  # lost, or sent again, to any node
                sent += [(who, op, {"cid": name, **fields})] * copies
            rng.shuffle(sent)

            async def send(who: Any, op: str, fields: dict[str, Any], base: int = base) -> None:
                with suppress_conflict():
                    seq = await rng.choice(nodes).steer(who, party_id, op, base, **fields)
                    acks.setdefault(fields["cid"], set()).add(seq)

            await asyncio.gather(*(send(*one) for one in sent))
            await asyncio.gather(*(node.tick() for node in nodes))
            await assert_one_timeline(nodes, party_id)
        assert all(len(seqs) == 1 for seqs in acks.values()), "a command sent again gets the same answer"
        moves = [event for event in await log_of(nodes[1], party_id) if event["type"] == "timeline"]
        moments = [event["data"]["effective_at_ms"] for event in moves]
        assert moments == sorted(moments)


async def test_of_fifty_who_steer_at_once_on_the_same_base_exactly_one_does(
    database: Database, clock: FakeClock
) -> None:
    async with processes(clock, "a", "b") as nodes:
        alice = await person("alice", clock)
        party_id = (await opened(nodes[0], alice)).id
        await nodes[0].arrive(alice, party_id)
        base = (await timeline(party_id)).seq
        answers = await asyncio.gather(
            *(
                nodes[number % 2].steer(alice, party_id, "seek", base, position_ms=1_000 + number)
                for number in range(50)
            ),
            return_exceptions=True,
        )
        won = [answer for answer in answers if isinstance(answer, int)]
        lost = [answer for answer in answers if isinstance(answer, DomainError)]
        assert len(won) == 1
        assert len(lost) == 49
        stored = await assert_one_timeline(nodes, party_id)
        assert stored["seq"] == won[0]
        assert {refused.code for refused in lost} == {Code.CONFLICT}
        assert all(refused.details == {"timeline": stored} for refused in lost)


async def test_a_process_that_starts_anew_finds_the_timeline_where_it_was(database: Database, clock: FakeClock) -> None:
    async with processes(clock, "a") as (node,):
        alice = await person("alice", clock)
        party_id = (await opened(node, alice)).id
        await node.arrive(alice, party_id)
        waiting = await node.steer(alice, party_id, "play", (await timeline(party_id)).seq)
        await node.ready(alice, party_id, waiting)
        clock.advance(30)
        before = await timeline(party_id)
        assert before.status == "playing"
        position = before.position_at(node.shared.now_ms())
    async with processes(clock, "a2") as (node,):
        details = await node.parties.reading.details(alice, party_id)
        assert details.timeline.model_dump() == before.named()
        assert (await timeline(party_id)).position_at(node.shared.now_ms()) == position
        clock.advance(3)
        await node.tick()
        await node.arrive(alice, party_id)
        assert await timeline(party_id) == before
        host = (await node.parties.reading.details(alice, party_id)).host
        assert host is not None
        assert host.name == "alice"


async def test_what_is_over_is_told_once_however_many_nodes_look(database: Database, clock: FakeClock) -> None:
    async with processes(clock, "a", "b") as nodes:
        alice = await person("alice", clock)
        party_id = (await opened(nodes[0], alice, await video(clock, duration_s=10))).id
        await nodes[0].arrive(alice, party_id)
        waiting = await nodes[0].steer(alice, party_id, "play", (await timeline(party_id)).seq)
        await nodes[0].ready(alice, party_id, waiting)
        clock.advance(10.9)
        await asyncio.gather(*(node.tick() for node in nodes))
        assert (await timeline(party_id)).status == "playing"
        clock.advance(2)
        await asyncio.gather(*(node.tick() for node in nodes))
        stored = await assert_one_timeline(nodes, party_id)
        assert (stored["status"], stored["anchor_position_ms"], stored["reason"]) == ("ended", 10_000, "end")
        assert stored["seq"] == waiting + 2
