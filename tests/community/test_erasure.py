"""What is deleted is gone: from rows, logs, replays, notifications, and from what is yet to be delivered."""

from __future__ import annotations

from pathlib import Path

from mypick import db
from mypick.community.commands import DeleteMessage, EditMessage, ReportMessage
from mypick.community.policy import Role
from mypick.community.streams import room_of
from tests.community.stage import Cast, Node, cid, community, texts
from tests.fakes import FakeClock

CANARY = "캐너리-canary-7f3a"


async def everything() -> str:
    """All rows of all tables, as text."""
    listing = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
        "mysql": "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()",
    }[db.dialect()]
    ask = db.connection().execute_query_dict
    found = []
    for table in await ask(listing):
        found += [dict(row) for row in await ask(f"SELECT * FROM {db.quoted(table['name'])}")]
    return str(found)


async def test_deleted_text_is_nowhere(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob", "carol", "mo", roles={"mo": Role.MODERATOR})
    question = await node.send(cast["bob"], cast.room, "what is the word?")
    bob, carol = cast["bob"], cast["carol"]
    sent = await node.send(cast["alice"], cast.room, f"{CANARY} <@{carol.user_id}>", reply_to=question.id)
    for rev in (1, 2):
        edit = EditMessage(message_id=sent.id, cid=cid(), text=f"{CANARY} <@{carol.user_id}> {rev}", rev=rev)
        await node.communities.edits.edit(cast["alice"], edit)
    assert await node.carry_all() == 2
    for reader, kind in ((bob, "reply"), (carol, "mention")):
        (item,) = (await node.notifications.unread(reader)).items
        assert (item.data.kind, item.data.title) == (kind, "alice")
        assert CANARY in item.data.body
    report = ReportMessage(message_id=sent.id, reason=f'"{CANARY}" is no word', cid=cid())
    await node.communities.reports.report(bob, report)
    assert CANARY in await everything()

    await node.communities.edits.delete(cast["mo"], DeleteMessage(message_id=sent.id, cid=cid(), reason="off topic"))

    assert CANARY not in await everything()
    replay = await other.streams.store.resume(room_of(cast.room), None, 0)
    assert [event["type"] for event in replay["events"]] == [
        "message-created",
        "message-created",
        "message-edited",
        "message-edited",
        "message-deleted",
    ]
    assert CANARY not in str(replay)
    assert await texts(other, bob, cast.room) == ["what is the word?", ""]
    for reader in (bob, carol):
        (item,) = (await other.notifications.unread(reader)).items
        assert item.data.body == ""
        assert CANARY not in str(await other.streams.store.resume(f"inbox:{reader.user_id}", None, 0))


async def test_the_file_does_not_keep_what_its_rows_do_not(sqlite_url: str, node: Node, cast: Cast) -> None:
    """SQLite leaves the bytes of old rows in its pages unless it is told otherwise."""
    path = Path(sqlite_url.removeprefix("sqlite://"))

    async def on_disk() -> bool:
        await db.connection().execute_query("PRAGMA wal_checkpoint(TRUNCATE)")
        return CANARY.encode() in path.read_bytes() + Path(f"{path}-wal").read_bytes()

    for number in range(30):
        await node.send(cast["bob"], cast.room, f"around it {number} " + "x" * 500)
    sent = await node.send(cast["alice"], cast.room, f"{CANARY} <@{cast['bob'].user_id}>")
    edit = EditMessage(message_id=sent.id, cid=cid(), text=f"{CANARY} " * 40, rev=1)
    await node.communities.edits.edit(cast["alice"], edit)
    assert await on_disk()
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=sent.id, cid=cid()))
    assert not await on_disk()


async def test_nobody_is_told_of_a_message_that_was_deleted_first(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, f"{CANARY} <@{cast['bob'].user_id}>")
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=sent.id, cid=cid()))
    await node.carry_all()
    assert CANARY not in await everything()
