"""Resume: the rest, or an honest reset; never a silent gap."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mypick.clock import SystemClock
from mypick.db import Database
from mypick.streams import Event, missed, store
from mypick.streams.models import Stream
from mypick.streams.retention import Retention, Trimmer
from tests.streams.nodes import Node, nodes, said, seqs


async def fill(node: Node, stream: str, count: int) -> None:
    for number in range(count):
        await node.streams.append(said(stream, f"t{number}", cid=f"{stream} {number}"))


async def test_what_was_missed_comes_in_pages(database: Database) -> None:
    async with nodes("a") as (a,):
        await fill(a, "room:1", 7)
        first = await a.streams.store.resume("room:1", None, 2, limit=3)
        assert (seqs(first["events"]), first["more"], first["reset"]) == ([3, 4, 5], True, False)
        rest = await a.streams.store.resume("room:1", first["epoch"], 5, limit=3)
        assert (seqs(rest["events"]), rest["more"], rest["head_seq"]) == ([6, 7], False, 7)
        assert rest["events"][0]["type"] == "said"
        assert rest["events"][0]["data"] == {"text": "t5"}


@pytest.mark.parametrize(
    ("epoch", "after_seq"), [("ffffffff", 3), (None, 8), (None, 1)], ids=["other epoch", "beyond head", "below floor"]
)
async def test_a_past_that_cannot_be_told_is_a_reset(
    sqlite_database: Database, epoch: str | None, after_seq: int
) -> None:
    async with nodes("a") as (a,):
        await fill(a, "room:1", 7)
        await Stream.filter(key="room:1").update(floor_seq=2)
        answer = await a.streams.store.resume("room:1", epoch, after_seq)
        assert answer["reset"] is True
        assert answer["events"] == []
        assert answer["more"] is False
        assert answer["head_seq"] == 7


async def test_a_stream_that_nobody_wrote_to_stands_at_zero(sqlite_database: Database) -> None:
    async with nodes("a") as (a,):
        answer = await a.streams.store.resume("inbox:9", None, 0)
        assert (answer["head_seq"], answer["reset"], answer["more"]) == (0, False, False)


async def test_trimming_raises_the_floor_and_keeps_the_newest(database: Database) -> None:
    async with nodes("a") as (a,):
        await fill(a, "room:1", 9)
        await fill(a, "inbox:1", 3)
        trimmer = Trimmer(SystemClock(), (Retention("room:", 4), Retention("inbox:", 5)))
        assert await trimmer.trim() == 5
        assert await trimmer.trim() == 0
        answer = await a.streams.store.resume("room:1", None, 5)
        assert (seqs(answer["events"]), answer["floor_seq"]) == ([6, 7, 8, 9], 5)
        assert (await a.streams.store.resume("room:1", None, 4))["reset"] is True
        assert len((await a.streams.store.resume("inbox:1", None, 0))["events"]) == 3


async def test_text_behind_a_reference_is_rendered_at_reading_time(sqlite_database: Database) -> None:
    shown = {"text": "hello"}

    async def render(events: Sequence[Event]) -> list[Mapping[str, Any]]:
        return [dict(shown) for _ in events]

    async with nodes("a") as (a,):
        a.streams.store.render("said", render)
        await fill(a, "room:1", 2)
        shown["text"] = "(erased)"
        answer = await a.streams.store.resume("room:1", None, 0)
        assert [event["data"]["text"] for event in answer["events"]] == ["(erased)"] * 2


async def test_a_large_answer_is_made_over_many_turns_of_the_loop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in steps of one turn; with the real bounds each is a few milliseconds."""
    turn = 0
    work: dict[str, Counter[int]] = {name: Counter() for name in ("read", "shown", "answered")}

    def watch(owner: Any, name: str, what: str) -> None:
        function = getattr(owner, name)

        def counted(*arguments: Any) -> Any:
            work[what][turn] += 1
            return function(*arguments)

        monkeypatch.setattr(owner, name, counted)

    monkeypatch.setattr(missed, "READ_AT_ONCE", 7)
    monkeypatch.setattr(store, "SHOWN_AT_ONCE", 5)
    monkeypatch.setattr(store, "ANSWERED_AT_ONCE", 3)
    async with nodes("a") as (a,):
        for room in range(15):
            await fill(a, f"room:{room}", 4)
        watch(missed, "_event", "read")
        watch(store, "to_wire", "shown")
        watch(missed.Page, "answer", "answered")
        asked = asyncio.gather(*(a.streams.store.resume(f"room:{room}", None, 1) for room in range(15)))
        while not asked.done():
            await asyncio.sleep(0)
            turn += 1
        answers = await asked
    assert [seqs(answer["events"]) for answer in answers] == [[2, 3, 4]] * 15
    assert {what: sum(calls.values()) for what, calls in work.items()} == {"read": 45, "shown": 45, "answered": 15}
    assert {what: max(calls.values()) for what, calls in work.items()} == {"read": 7, "shown": 5, "answered": 3}
