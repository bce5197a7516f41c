"""Messages: said once, changed by whom they belong to, and gone when they are deleted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mypick.community.commands import (
    DeleteMessage,
    EditMessage,
    History,
    MarkRead,
    PinMessage,
    React,
    SendMessage,
    SetRoomMode,
    TimeoutMember,
)
from mypick.community.discussions.commands import EditDiscussion
from mypick.community.models import HeldMessage, Message, MessageRevision, RoomPace
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.streams.models import StreamEvent
from tests.community.discussions.stage import begin
from tests.community.stage import Cast, Node, cid, code, community, nodes, refused, texts, user
from tests.fakes import FakeClock
from tests.queries import counted


async def test_an_edit_says_nothing_that_was_just_said(node: Node, cast: Cast) -> None:
    """Where texts are unique an edit is no way around it; a text may become its own."""
    unique = SetRoomMode(room_id=cast.room, cid=cid(), unique_text=True)
    await node.communities.moderation.set_mode(cast["oz"], unique)
    await node.send(cast["alice"], cast.room, "same")
    sent = await node.send(cast["bob"], cast.room, "other")
    edits = node.communities.edits
    again = EditMessage(message_id=sent.id, cid=cid(), text="Same", rev=1)
    assert (await refused(edits.edit(cast["bob"], again))).code is Code.DUPLICATE_TEXT
    await edits.edit(cast["bob"], EditMessage(message_id=sent.id, cid=cid(), text="OTHER", rev=1))
    assert await texts(node, cast["alice"], cast.room) == ["same", "OTHER"]


async def test_same_cid_ten_times_through_two_nodes_is_one_message(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice")
    command = SendMessage(room_id=cast.room, cid="once", text="hello")
    replies = await asyncio.gather(
        *(node.communities.messages.send(cast["alice"], command) for node in two * 5)
    )
    assert len({(reply.id, reply.seq, reply.status) for reply in replies}) == 1
    assert [reply.duplicate for reply in replies].count(False) == 1
    assert await Message.all().count() == await StreamEvent.all().count() == 1
    other = SendMessage(room_id=cast.room, cid="once", text="something else")
    assert (await refused(two[1].communities.messages.send(cast["alice"], other))).code is Code.CID_REUSED


async def test_fifty_at_once_in_slow_mode_are_one(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice", "oz", roles={"oz": Role.OWNER})
    mode = SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=30)
    await two[0].communities.moderation.set_mode(cast["oz"], mode)
    outcomes = await asyncio.gather(
        *(node.send(cast["alice"], cast.room, f"message {number}") for number in range(25) for node in two),
        return_exceptions=True,
    )
    assert sorted(code(outcome) is None for outcome in outcomes) == [False] * 49 + [True]
    waits = {outcome.retry_after_ms for outcome in outcomes if isinstance(outcome, DomainError)}
    assert {code(outcome) for outcome in outcomes} == {None, Code.SLOW_MODE}
    assert waits == {30_000}
    clock.advance(29.9)
    assert (await refused(two[1].send(cast["alice"], cast.room, "again"))).retry_after_ms == 100
    clock.advance(0.1)
    await two[1].send(cast["alice"], cast.room, "again")
    assert await Message.all().count() == 2


async def test_a_message_of_a_clock_that_ran_ahead_silences_nobody(node: Node, cast: Cast, clock: FakeClock) -> None:
    await node.communities.moderation.set_mode(
        cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=30, unique_text=True)
    )
    clock.step(3_600)
    await node.send(cast["alice"], cast.room, "hello")
    clock.step(-3_600)
    await node.send(cast["alice"], cast.room, "hello")
    assert (await refused(node.send(cast["alice"], cast.room, "too soon"))).code is Code.SLOW_MODE


async def test_slow_mode_is_charged_only_for_what_was_sent(node: Node, cast: Cast, clock: FakeClock) -> None:
    await node.communities.moderation.set_mode(
        cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=30, unique_text=True)
    )
    await node.send(cast["bob"], cast.room, "taken")
    assert (await refused(node.send(cast["alice"], cast.room, "TAKEN"))).code is Code.DUPLICATE_TEXT
    assert (await refused(node.send(cast["alice"], cast.room, "x", reply_to=10**6))).code is Code.NOT_FOUND
    command = SendMessage(room_id=cast.room, cid="mine", text="at last")
    first = await node.communities.messages.send(cast["alice"], command)
    again = await node.communities.messages.send(cast["alice"], command)
    assert (again.id, again.duplicate) == (first.id, True), "a retry of what was sent is no second message"
    assert (await refused(node.send(cast["alice"], cast.room, "more"))).code is Code.SLOW_MODE
    await node.send(cast["mo"], cast.room, "moderators")
    await node.send(cast["mo"], cast.room, "need not wait")
    assert await RoomPace.all().count() == 2


async def test_same_text_at_once_is_said_once_where_texts_are_unique(two: list[Node], clock: FakeClock) -> None:
    names = [f"fan{number}" for number in range(10)]
    cast = await community(two[0], clock, *names, "oz", roles={"oz": Role.OWNER})
    mode = SetRoomMode(room_id=cast.room, cid=cid(), unique_text=True)
    await two[0].communities.moderation.set_mode(cast["oz"], mode)
    outcomes = await asyncio.gather(
        *(two[number % 2].send(cast[name], cast.room, "First  !") for number, name in enumerate(names)),
        return_exceptions=True,
    )
    assert [code(outcome) for outcome in outcomes].count(None) == 1
    clock.advance(601)
    await two[0].send(cast["fan1"], cast.room, "first!")


async def test_checks_come_in_their_order(node: Node, cast: Cast, clock: FakeClock) -> None:
    """Of several reasons the first is told: sanction, mode, slow mode, text."""
    await node.send(cast["alice"], cast.room, "before")
    await node.communities.moderation.set_mode(
        cast["oz"],
        SetRoomMode(room_id=cast.room, cid=cid(), locked=True, slow_seconds=60, unique_text=True),
    )
    timeout = TimeoutMember(room_id=cast.room, user_id=cast["alice"].user_id, seconds=10, reason="calm down", cid=cid())
    await node.communities.moderation.timeout(cast["mo"], timeout)
    told = await refused(node.send(cast["alice"], cast.room, "before"))
    assert (told.code, told.retry_after_ms) == (Code.TIMED_OUT, 10_000)
    assert told.details["reason"] == "calm down"
    clock.advance(10)
    assert (await refused(node.send(cast["alice"], cast.room, "before"))).code is Code.LOCKED
    await node.communities.moderation.set_mode(cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), locked=False))
    assert (await refused(node.send(cast["alice"], cast.room, "before"))).code is Code.DUPLICATE_TEXT
    await node.send(cast["alice"], cast.room, "after")
    assert (await refused(node.send(cast["alice"], cast.room, "before"))).code is Code.SLOW_MODE


async def test_rate_is_spent_by_messages_and_not_by_retries(sqlite_database: Database, clock: FakeClock) -> None:
    async with nodes(clock, "a", sends="2/10s") as (node,):
        cast = await community(node, clock, "alice")
        command = SendMessage(room_id=cast.room, cid="one", text="one")
        for _ in range(5):
            await node.communities.messages.send(cast["alice"], command)
        await node.send(cast["alice"], cast.room, "two")
        assert (await refused(node.send(cast["alice"], cast.room, "three"))).code is Code.RATE_LIMITED


async def test_edit_keeps_what_was_said_and_refuses_an_old_revision(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, "frist")
    edits = node.communities.edits
    done = await edits.edit(cast["alice"], EditMessage(message_id=sent.id, cid=cid(), text="first", rev=1))
    assert done.rev == 2
    assert [(row.rev, row.text) for row in await MessageRevision.all()] == [(1, "frist")]
    late = await refused(edits.edit(cast["alice"], EditMessage(message_id=sent.id, cid=cid(), text="x", rev=1)))
    assert (late.code, late.details) == (Code.CONFLICT, {"rev": 2})
    other = EditMessage(message_id=sent.id, cid=cid(), text="x", rev=2)
    for name in ("bob", "mo", "oz"):
        assert (await refused(edits.edit(cast[name], other))).code is Code.FORBIDDEN, name
    assert await texts(node, cast["bob"], cast.room) == ["first"]


async def test_a_text_is_edited_so_often_and_no_more(
    node: Node, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mypick.community.texts.MAX_EDITS", 3)
    edits, posts = node.communities.edits, node.communities.discussions.edits
    sent = await node.send(cast["alice"], cast.room, "text 0")
    talk = await begin(node, cast["alice"], cast.community, "title", "text 0")
    for rev in range(1, 5):
        words: dict[str, Any] = {"text": f"text {rev}", "rev": rev}
        again = EditMessage(message_id=sent.id, cid=cid(), **words)
        post = EditDiscussion(discussion_id=talk.id, cid=cid(), title="title", **words)
        if rev <= 3:
            assert (await edits.edit(cast["alice"], again)).rev == rev + 1
            assert (await posts.edit_discussion(cast["alice"], post)).rev == rev + 1
        else:
            assert (await refused(edits.edit(cast["alice"], again))).code is Code.FULL
            assert (await refused(posts.edit_discussion(cast["alice"], post))).code is Code.FULL
    assert await MessageRevision.all().count() == 3
    assert await texts(node, cast["bob"], cast.room) == ["text 3"]


async def test_two_edits_of_one_revision_at_once_are_one(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice")
    sent = await two[0].send(cast["alice"], cast.room, "one")
    outcomes = await asyncio.gather(
        *(
            node.communities.edits.edit(
                cast["alice"], EditMessage(message_id=sent.id, cid=cid(), text=f"edit {number}", rev=1)
            )
            for number in range(5)
            for node in two
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(outcome)) for outcome in outcomes) == ["Code.CONFLICT"] * 9 + ["None"]


async def test_deleted_is_a_tombstone_that_nothing_can_be_done_to(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, "oops")
    marks, edits, alice = node.communities.marks, node.communities.edits, cast["alice"]
    reactions = node.communities.reactions
    await reactions.react(cast["bob"], React(message_id=sent.id, cid=cid(), emoji="👍", on=True))
    await marks.pin(cast["mo"], PinMessage(message_id=sent.id, cid=cid(), on=True))
    deleted = await edits.delete(alice, DeleteMessage(message_id=sent.id, cid=cid()))
    again = await edits.delete(alice, DeleteMessage(message_id=sent.id, cid=cid()))
    assert again == deleted, "the second time nothing happens"
    for attempt in (
        edits.edit(alice, EditMessage(message_id=sent.id, cid=cid(), text="x", rev=1)),
        reactions.react(alice, React(message_id=sent.id, cid=cid(), emoji="👍", on=True)),
        marks.pin(cast["mo"], PinMessage(message_id=sent.id, cid=cid(), on=True)),
        node.send(alice, cast.room, "to this", reply_to=sent.id),
    ):
        assert (await refused(attempt)).code is Code.GONE
    (event,) = (await node.communities.reading.history(alice, cast.room, 100, 100)).events
    assert event["data"] | {"mentions": [], "reactions": [], "pinned": False, "text": "", "deleted": True} == (
        event["data"]
    )


async def test_deleting_somebodys_words_stands_in_the_log_without_them(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, "rude words")
    delete = DeleteMessage(message_id=sent.id, cid=cid(), reason="rude")
    assert (await refused(node.communities.edits.delete(cast["bob"], delete))).code is Code.FORBIDDEN
    await node.communities.edits.delete(cast["mo"], delete)
    (entry,) = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert (entry.action, entry.reason, entry.message_id) == ("delete-message", "rude", sent.id)
    assert entry.actor
    assert entry.actor.name == "mo"
    assert "rude words" not in entry.model_dump_json()
    assert (await refused(node.communities.reading.log(cast["bob"], cast.community, None, 10))).code is Code.FORBIDDEN


async def test_replies_make_threads(node: Node, cast: Cast) -> None:
    first = await node.send(cast["alice"], cast.room, "a question")
    second = await node.send(cast["bob"], cast.room, "an answer", reply_to=first.id)
    third = await node.send(cast["alice"], cast.room, "thanks", reply_to=second.id)
    rows = {row.id: row.thread_id for row in await Message.all()}
    assert rows == {first.id: None, second.id: first.id, third.id: first.id}


async def test_history_pages_back_to_the_first_message_even_where_the_log_was_trimmed(node: Node, cast: Cast) -> None:
    for number in range(25):
        await node.send(cast["alice"], cast.room, f"message {number}")
    await StreamEvent.all().delete()
    seen: list[str] = []
    before, more = 2**53 - 1, True
    while more:
        command = History(room_id=cast.room, before_seq=before, limit=10)
        page = await node.communities.reading.history(cast["bob"], command.room_id, command.before_seq, command.limit)
        seen = [event["data"]["text"] for event in page.events] + seen
        before, more = page.events[0]["seq"], page.more
    assert seen == [f"message {number}" for number in range(25)]


async def test_unread_are_the_messages_of_others_behind_the_marker(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = cast.add("carol", await user("carol", clock))
    await node.send(cast["alice"], cast.room, "before carol came")
    await node.communities.members.join(carol, cast.community)
    for number in range(3):
        await node.send(cast["alice"], cast.room, f"news {number}")
    last = await node.send(carol, cast.room, "my own")

    async def unread() -> int:
        (room,) = (await node.communities.reading.community(carol, cast.community)).rooms
        return room.unread

    assert await unread() == 3
    assert last.seq
    await node.communities.marks.mark_read(carol, MarkRead(room_id=cast.room, seq=last.seq - 1))
    await node.communities.marks.mark_read(carol, MarkRead(room_id=cast.room, seq=1))
    assert await unread() == 0, "a marker never moves back"
    await node.communities.marks.mark_read(carol, MarkRead(room_id=cast.room, seq=10**9))
    await node.send(cast["alice"], cast.room, "later")
    assert await unread() == 1, "nor beyond what there was"


async def test_links_of_newcomers_are_held_and_never_leak(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = cast.add("carol", await user("carol", clock))
    held = await node.send(carol, cast.room, "look at https://canary.example/")
    assert (held.status, held.seq) == ("held", None)
    assert await texts(node, cast["bob"], cast.room) == []
    assert (await node.streams.store.position(room_of(cast.room))).head_seq == 0
    assert (await refused(node.communities.reading.held(cast["bob"], cast.room, None, 10))).code is Code.FORBIDDEN
    sent = await node.send(carol, cast.room, "hello")
    edit = EditMessage(message_id=sent.id, cid=cid(), text="www.canary.example", rev=1)
    assert (await refused(node.communities.edits.edit(carol, edit))).code is Code.FORBIDDEN
    (waiting,) = (await node.communities.reading.held(cast["mo"], cast.room, None, 10)).items
    assert waiting.id == held.id
    for _ in range(4):
        await node.send(carol, cast.room, "https://more.example/")
    assert (await refused(node.send(carol, cast.room, "https://more.example/"))).code is Code.FULL
    await node.communities.members.join(carol, cast.community)
    clock.advance(timedelta(hours=12).total_seconds())
    assert (await node.send(carol, cast.room, "https://member.example/")).status == "sent"
    assert await HeldMessage.filter(status="waiting").count() == 5


async def test_a_busy_group_asks_the_same_questions_as_a_single_message(node: Node, clock: FakeClock) -> None:
    names = [f"fan{number}" for number in range(60)]
    cast = await community(node, clock, *names)
    await asyncio.gather(*(node.send(cast[name], cast.room, "warm up") for name in names))
    with counted() as alone:
        await node.send(cast["fan0"], cast.room, "alone")
    with counted() as together:
        await asyncio.gather(*(node.send(cast[name], cast.room, "together") for name in names))
    reads = [statement for statement in together if statement.startswith("SELECT")]
    assert len(reads) <= 3 * len([statement for statement in alone if statement.startswith("SELECT")]), reads
