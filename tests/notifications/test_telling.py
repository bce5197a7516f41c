"""Telling a few people by name: each once, what quotes can be taken back, and settings are obeyed."""

from __future__ import annotations

from collections.abc import Collection

from mypick.db import Database, transaction
from mypick.notifications.announcements import Announcement, announce_to, reword
from mypick.notifications.commands import KindSettings, UpdateNotificationSettings
from tests.fakes import FakeClock
from tests.notifications.stage import Node, assert_everybody_was_told_once, assert_inboxes_are_whole, person


async def tell(node: Node, clock: FakeClock, people: Collection[int], text: str, key: str = "mention:1") -> int:
    (notice_id,) = await node.ids.take(1)
    told = Announcement(notice_id, key, "mention", "alice", text, "/somewhere", None, 1, None)
    async with transaction():
        await announce_to(people, told, jobs=node.jobs, now=clock.now())
    return notice_id


async def test_named_people_are_told_once_and_others_not_at_all(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    notice = await tell(node, clock, {2, 3}, "hello")
    await tell(node, clock, {2, 3}, "hello")  # the same key: a second look at the same message
    assert await node.carry_all() == 1
    await assert_everybody_was_told_once(notice, {2, 3})
    await assert_inboxes_are_whole()
    assert (await node.notifications.unread(person(2))).items[0].data.body == "hello"
    assert (await node.notifications.unread(person(4))).unread_count == 0


async def test_whoever_wants_no_mentions_hears_none(sqlite_database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await node.notifications.update_settings(
        person(2), UpdateNotificationSettings(kinds=KindSettings(mention=False))
    )
    notice = await tell(node, clock, {2, 3}, "hello")
    await node.carry_all()
    await assert_everybody_was_told_once(notice, {3})


async def test_what_a_notice_quotes_can_be_taken_back(sqlite_database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await tell(node, clock, {2}, "a secret")
    await tell(node, clock, {2}, "beside", key="mention:2")
    await node.carry_all()
    async with transaction():
        await reword(["mention:1", "reply:1"], "")
    items = (await node.notifications.unread(person(2))).items
    assert sorted(item.data.body for item in items) == ["", "beside"]
    missed = await node.streams.store.resume("inbox:2", None, 0)
    assert "a secret" not in str(missed)


async def test_telling_nobody_asks_for_no_work(sqlite_database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await tell(node, clock, set(), "hello")
    assert await node.carry_all() == 0
