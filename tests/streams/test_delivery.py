"""Delivery: in order, each once, whatever the bus does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mypick.db import Database
from mypick.streams import Frame, Position, delivery
from mypick.streams.delivery import CHANNEL
from tests.queries import counted
from tests.streams.nodes import assert_log_equals_database, database_log, nodes, said


async def test_members_on_two_nodes_see_all_in_order(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        members = [(a, await a.join("room:1")), (b, await b.join("room:1"))]
        await asyncio.gather(
            *(node.streams.append(said("room:1", f"{i}-{node is a}")) for i in range(40) for node in (a, b))
        )
        for node, member in members:
            await node.settle()
            assert len(member.seen) == 80
            await assert_log_equals_database(node, member)


async def test_a_lost_wake_up_is_only_a_delay(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        member = await b.join("room:1")
        a.bus._exchange.interrupt()
        for number in range(5):
            await a.streams.append(said("room:1", f"t{number}"))
        assert member.seen == []
        await b.settle()
        await assert_log_equals_database(b, member)
        assert member.seen == [1, 2, 3, 4, 5]


async def test_heads_are_compared_in_parts_and_none_is_left_out(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "COMPARED_AT_ONCE", 2)
    async with nodes("a", "b") as (a, b):
        members = [await b.join(f"room:{number}") for number in range(5)]
        a.bus._exchange.interrupt()
        for number in range(5):
            await a.streams.append(said(f"room:{number}", f"unheard {number}"))
        with counted() as queries:
            await b.streams.delivery.check_heads()
        compared = [query for query in queries if 'FROM "stream" WHERE "id" IN' in query]
        assert len(compared) >= 3
        assert all(query.count("?") <= 2 for query in compared)
        await b.settle()
        assert [member.seen for member in members] == [[1]] * 5


async def test_the_end_of_an_interruption_looks_at_once(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        member = await b.join("room:1")
        check = asyncio.create_task(b.streams.delivery.run_head_check())
        a.bus._exchange.interrupt()
        await a.streams.append(said("room:1", "while away"))
        a.bus._exchange.mend()
        async with asyncio.timeout(1.5):  # the periodic look alone would take two seconds
            while member.seen != [1]:
                await asyncio.sleep(0.01)
        check.cancel()


async def test_a_frame_from_the_future_waits_and_the_gap_is_read(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        member = await b.join("room:1")
        await b.bus.unsubscribe([CHANNEL + "room:1"])
        await a.streams.append(said("room:1", "unheard"))
        await b.bus.subscribe([CHANNEL + "room:1"])
        await a.streams.append(said("room:1", "heard"))
        async with asyncio.timeout(2):
            while len(member.seen) < 2:
                await asyncio.sleep(0.005)
        assert member.seen == [1, 2]


async def test_old_and_repeated_frames_are_dropped(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        member = await b.join("room:1")
        done = await a.streams.append(said("room:1", "one"))
        (frame,) = await a.streams.store.frames(done.events, "a")
        for _ in range(3):
            b.streams.delivery.on_message(CHANNEL + "room:1", frame.encode())
        b.streams.delivery.on_message(CHANNEL + "room:1", b"not a frame")
        b.streams.delivery.on_message(CHANNEL + "room:1", b"a b c\n{}")
        await b.settle()
        assert member.seen == [1]


async def test_joining_in_the_middle_of_a_storm_neither_misses_nor_repeats(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        first = await b.join("room:1")
        members = [first]

        async def storm() -> None:
            for number in range(60):
                await a.streams.append(said("room:1", f"t{number}"))

        async def visitors() -> None:
            for arrival in range(1, 13):
                while len(first.seen) < arrival * 4:
                    await asyncio.sleep(0)
                members.append(await b.join("room:1"))

        await asyncio.gather(storm(), visitors())
        await b.settle()
        for member in members:
            await assert_log_equals_database(b, member)
        assert any(0 < member.started_at < 60 for member in members), "nobody joined in the middle"


async def test_hundreds_join_one_stream_at_once_and_nobody_waits_for_anybody(database: Database) -> None:
    """They read together, and what is sent meanwhile reaches those who are in at once and the others as they enter."""
    async with nodes("a", "b") as (a, b):
        early = await a.join("room:1")
        count = 0

        async def talk() -> None:
            nonlocal count
            while True:
                count += 1
                await (a, b)[count % 2].streams.append(said("room:1", f"t{count}"))

        talking = asyncio.create_task(talk())
        with counted() as queries:
            crowd = await asyncio.gather(*(a.join("room:1") for _ in range(300)))
            reads = [query for query in queries if "floor_seq" in query]  # of positions
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await a.settle()
        log = await database_log(a, "room:1")
        assert early.seen == log
        for member in crowd:
            assert member.seen == log[member.started_at :]
        assert 0 < len(reads) < 60  # one for each would be 300


async def test_what_is_sent_while_one_reads_reaches_the_others_at_once_and_it_as_it_enters(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        early = await a.join("room:1")
        await a.streams.append(said("room:1", "before"))
        has_read, go_on = asyncio.Event(), asyncio.Event()
        given: list[int | None] = []

        async def read() -> tuple[Position, None]:
            position = await a.streams.store.position("room:1")
            has_read.set()
            await go_on.wait()
            return position, None

        async def enter(_: None, missed: Sequence[Frame]) -> None:
            given.extend(frame.seq for frame in missed)

        joining = asyncio.create_task(a.streams.delivery.join("room:1", read, enter))
        await has_read.wait()
        for number in range(3):
            await (a, b)[number % 2].streams.append(said("room:1", f"meanwhile {number}"))
        await a.settle()
        assert early.seen == [1, 2, 3, 4]
        go_on.set()
        await joining
        assert given == [2, 3, 4]


async def test_one_that_fails_to_enter_holds_nobody_up(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, _):
        early = await a.join("room:1")
        entering, go_on = asyncio.Event(), asyncio.Event()

        async def read() -> tuple[Position, None]:
            return await a.streams.store.position("room:1"), None

        async def enter(_: None, __: Sequence[Frame]) -> None:
            entering.set()
            await go_on.wait()
            raise PermissionError("it was put out meanwhile")

        joining = asyncio.create_task(a.streams.delivery.join("room:1", read, enter))
        await entering.wait()
        for number in range(3):
            await a.streams.append(said("room:1", f"held {number}"))
        assert early.seen == []  # while somebody enters
        go_on.set()
        await asyncio.gather(joining, return_exceptions=True)
        await a.streams.delivery._out.flushed()
        assert early.seen == [1, 2, 3]


async def test_leaving_and_joining_again_at_once_stays_subscribed(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        for round_number in range(10):
            member = await b.join("room:1")
            _, member = await asyncio.gather(b.leave(member), b.join("room:1"))
            await a.streams.append(said("room:1", f"round {round_number}"))
            async with asyncio.timeout(2):
                while len(member.seen) < 1:
                    await asyncio.sleep(0.005)
            await assert_log_equals_database(b, member)
            await b.leave(member)
        assert b.streams.delivery.streams == 0


async def test_who_is_too_far_behind_is_told_to_sync(sqlite_database: Database, monkeypatch: object) -> None:
    import mypick.streams.gaps as module

    async with nodes("a", "b") as (a, b):
        member = await b.join("room:1")
        limit, module.MAX_CATCH_UP = module.MAX_CATCH_UP, 3
        try:
            a.bus._exchange.interrupt()
            for number in range(5):
                await a.streams.append(said("room:1", f"t{number}"))
            await b.settle()
            assert member.lagged
            assert member.seen == []
        finally:
            module.MAX_CATCH_UP = limit
            a.bus._exchange.mend()
        await a.streams.append(said("room:1", "after"))
        await b.settle()
        assert member.seen == [6]


async def test_signals_reach_every_node_and_are_not_in_the_log(sqlite_database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        here, there = await a.join("room:1"), await b.join("room:1")
        await a.streams.signal("room:1", "typing", {"user": 1})
        await a.settle()
        await b.settle()
        assert (here.signals, there.signals) == (["typing"], ["typing"])
        assert (await a.streams.store.position("room:1")).head_seq == 0
