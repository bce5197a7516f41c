"""Appending: numbers, receipts, groups and their failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.notifications.models import Inbox
from mypick.streams import Append, Event, NewEvent, ReceiptKey
from mypick.streams.models import Receipt, StreamEvent
from tests.streams.nodes import assert_gapless, nodes, said


async def test_seq_is_gapless_over_two_nodes_that_write_at_once(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        both = (("a", a), ("b", b))
        writes = [node.streams.append(said("room:1", f"{name}{i}")) for i in range(60) for name, node in both]
        done = await asyncio.gather(*writes)
        assert sorted(event.seq for one in done for event in one.events) == list(range(1, 121))
        await assert_gapless(a, "room:1")


async def test_appends_that_arrive_together_share_a_transaction(sqlite_database: Database) -> None:
    async with nodes("a") as (a,):
        await asyncio.gather(*(a.streams.append(said(f"room:{i % 5}", f"t{i}")) for i in range(100)))
        metrics = a.streams.appender._metrics
        (samples,) = metrics.stream_commit_appends.collect()
        commits = next(s.value for s in samples.samples if s.name.endswith("_count"))
        assert commits <= 5, "100 appends of one moment took more than five transactions"


async def test_same_cid_twice_returns_same_reply_and_writes_once(database: Database) -> None:
    async with nodes("a", "b") as (a, b):
        unit = said("room:1", "hello", cid="c1")
        replies = await asyncio.gather(*(node.streams.append(unit) for node in [a, b] * 5))
        assert len({tuple(sorted(done.reply.items())) for done in replies}) == 1
        assert [done.duplicate for done in replies].count(False) == 1
        assert await StreamEvent.all().count() == 1
        assert await Receipt.all().count() == 1


async def test_same_cid_with_another_payload_is_refused_and_does_not_harm_its_group(database: Database) -> None:
    async with nodes("a") as (a,):
        await a.streams.append(said("room:1", "hello", cid="c1"))
        outcomes = await asyncio.gather(
            a.streams.append(said("room:1", "other", cid="c1")),
            a.streams.append(said("room:1", "beside", cid="c2")),
            return_exceptions=True,
        )
        refused, beside = outcomes
        assert isinstance(refused, DomainError)
        assert refused.code is Code.CID_REUSED
        assert not isinstance(beside, BaseException)
        await assert_gapless(a, "room:1")


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(said("room:1", "x", cid="c" * 65), id="cid"),
        pytest.param(
            Append([NewEvent("room:1", "t" * 41, {})], receipt=ReceiptKey.of(1, "bad", "say", {})), id="type"
        ),
    ],
)
async def test_what_does_not_fit_its_column_is_refused_on_every_dialect(database: Database, unit: Append) -> None:
    async with nodes("a") as (a,):
        outcomes = await asyncio.gather(
            a.streams.append(unit), a.streams.append(said("room:1", "beside")), return_exceptions=True
        )
        assert isinstance(outcomes[0], ValueError)
        assert not isinstance(outcomes[1], BaseException)
        assert await StreamEvent.all().count() == await Receipt.all().count() == 1


async def test_a_receipt_gives_back_the_reply_as_it_was(database: Database) -> None:
    reply = {"text": "안녕 \"x\" \\ ' %s $1 ?", "none": None, "big": 2**53, "nested": {"list": [1, {"a": True}]}}
    unit = Append(
        [NewEvent("room:1", "said", reply)], receipt=ReceiptKey.of(1, "c", "say", {}), reply=lambda _: reply
    )
    async with nodes("a", "b") as (a, b):
        first, again = await a.streams.append(unit), await b.streams.append(unit)
        assert (first.duplicate, again.duplicate) == (False, True)
        assert first.reply == again.reply == reply
        (stored,) = (await b.streams.store.resume("room:1", None, 0))["events"]
        assert stored["data"] == reply


async def test_same_cid_of_two_users_are_two_commands(sqlite_database: Database) -> None:
    async with nodes("a") as (a,):
        first = await a.streams.append(said("room:1", "x", actor=1, cid="same"))
        second = await a.streams.append(said("room:1", "x", actor=2, cid="same"))
        assert (first.reply["seq"], second.reply["seq"]) == (1, 2)


async def test_a_unit_that_fails_fails_alone_and_leaves_nothing(database: Database) -> None:
    async def broken(_: Sequence[Event]) -> None:
        raise DomainError(Code.LOCKED, "no")

    bad = Append(
        events=[NewEvent("room:1", "said", {})], effect=broken, receipt=ReceiptKey.of(1, "bad", "say", {})
    )
    async with nodes("a") as (a,):
        outcomes = await asyncio.gather(
            *(a.streams.append(said("room:1", f"t{i}")) for i in range(10)),
            a.streams.append(bad),
            *(a.streams.append(said("room:1", f"u{i}")) for i in range(10)),
            return_exceptions=True,
        )
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        assert len(failed) == 1
        assert isinstance(failed[0], DomainError)
        assert failed[0].code is Code.LOCKED
        assert await StreamEvent.all().count() == 20
        await assert_gapless(a, "room:1")
        assert not await Receipt.filter(cid="bad").exists(), "a command that failed may be tried again"


async def test_what_is_refused_under_the_lock_costs_its_group_no_second_transaction(database: Database) -> None:
    async def refuse() -> Sequence[NewEvent]:
        raise DomainError(Code.SLOW_MODE, "not now")

    refused = Append(streams=["room:1"], decide=refuse, receipt=ReceiptKey.of(1, "no", "say", {}))
    async with nodes("a") as (a,):
        outcomes = await asyncio.gather(
            a.streams.append(said("room:1", "before")),
            a.streams.append(refused),
            a.streams.append(said("room:1", "behind")),
            return_exceptions=True,
        )
        assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, Code.SLOW_MODE, None]
        (samples,) = a.streams.appender._metrics.stream_commits.collect()
        assert {s.labels["result"]: s.value for s in samples.samples if s.name.endswith("_total")} == {"ok": 1}
        assert await Receipt.all().count() == 2, "who was refused may try again with the same cid"
        await assert_gapless(a, "room:1")


async def test_rows_and_events_commit_together(database: Database) -> None:
    def rows(events: Sequence[Event]) -> list[Inbox]:
        return [Inbox(user_id=event.seq, unread_count=0) for event in events]

    def unit(cid: str) -> Append:
        return Append(events=[NewEvent("room:1", "said", {})], rows=rows, receipt=ReceiptKey.of(1, cid, "say", {}))

    async with nodes("a") as (a,):
        await a.streams.append(unit("one"))
        await Inbox.create(user_id=2, unread_count=0)  # the next event's row will break a rule
        with pytest.raises(DomainError) as refused:
            await a.streams.append(unit("two"))
        assert refused.value.code is Code.UNAVAILABLE
        assert await StreamEvent.all().count() == 1
        await assert_gapless(a, "room:1")


async def test_one_append_to_many_streams_numbers_each(database: Database) -> None:
    keys = [f"inbox:{i}" for i in range(300)]

    async def decide() -> list[NewEvent]:
        return [NewEvent(key, "told", {}) for key in keys]

    async with nodes("a") as (a,):
        for expected in (1, 2):
            done = await a.streams.append_alone(Append(streams=keys, decide=decide))
            assert {event.seq for event in done.events} == {expected}
            assert len({event.id for event in done.events}) == 300


async def test_crossing_fan_outs_on_two_nodes_do_not_deadlock(database: Database) -> None:
    keys = [f"inbox:{i}" for i in range(40)]

    def told(order: list[str]) -> Append:
        async def decide() -> list[NewEvent]:
            return [NewEvent(key, "told", {}) for key in order]

        return Append(streams=order, decide=decide)

    async with nodes("a", "b") as (a, b):
        both = ((a, keys), (b, keys[::-1]))
        await asyncio.gather(*(node.streams.append_alone(told(order)) for node, order in both for _ in range(8)))
        for key in keys[:3]:
            assert len(await StreamEvent.filter(stream_id=(await a.streams.store.position(key)).id)) == 16


async def test_events_without_a_receipt_are_refused_by_construction() -> None:
    with pytest.raises(ValueError, match="receipt"):
        Append(events=[NewEvent("room:1", "said", {})])


async def test_a_full_queue_says_come_back_and_a_closing_one_too(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mypick.streams.appender.MAX_WAITING", 3)
    async with nodes("a") as (a,):
        outcomes = await asyncio.gather(
            *(a.streams.append(said("room:1", f"t{i}")) for i in range(8)), return_exceptions=True
        )
        refused = [one for one in outcomes if isinstance(one, DomainError)]
        assert refused
        assert all(one.code is Code.UNAVAILABLE and one.retry_after_ms for one in refused)
        a.streams.appender.close()
        with pytest.raises(DomainError):
            await a.streams.append(said("room:1", "late"))
