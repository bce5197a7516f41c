"""Logs of chats from elsewhere come in whole, in order, once, and from wherever they were stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.accounts.commands import LogIn
from mypick.accounts.models import User
from mypick.community.entry.commands import CreateRoom
from mypick.community.imports import discord, reading, youtube
from mypick.community.imports.importer import BATCH, Importer, Outcome
from mypick.community.imports.models import ChatImport, ImportedMessage
from mypick.community.imports.reading import Broken, read
from mypick.community.imports.records import Unreadable
from mypick.community.models import Message
from mypick.community.streams import room_of
from mypick.db import Database
from mypick.errors import Code
from mypick.search import packer
from mypick.search.commands import SearchTexts
from mypick.search.pages import SEGMENT
from tests.community.stage import Cast, Node, RoomClient, community, nodes, refused, texts
from tests.fakes import FakeClock
from tests.queries import Killed, power_cut

BEGAN = 1_700_000_000


def youtube_line(number: int, text: str, author: str = "UCfan", **renderer: Any) -> dict[str, Any]:
    shown = {
        "id": f"chat-{number}",
        "timestampUsec": str((BEGAN + number) * 1_000_000),
        "authorName": {"simpleText": f"name of {author}"},
        "authorExternalChannelId": author,
        "authorPhoto": {"thumbnails": [{"url": "https://yt.example/s32"}, {"url": f"https://yt.example/{author}"}]},
        "message": {"runs": [{"text": text}]},
        **renderer,
    }
    item = {"liveChatTextMessageRenderer": shown}
    actions = [{"addChatItemAction": {"item": item, "clientId": "x"}}]
    return {"replayChatItemAction": {"actions": actions, "videoOffsetTimeMsec": "0"}}


def discord_message(number: int, text: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(10**17 + number),
        "type": "Default",
        "timestamp": f"2023-01-05T12:{number // 60:02}:{number % 60:02}.5+09:00",
        "timestampEdited": None,
        "content": text,
        "author": {"id": "77", "name": "fan", "nickname": "Fan 팬", "avatarUrl": "https://cdn.example/a.png"},
        "attachments": [],
        **fields,
    }


def write(path: Path, lines: Sequence[Any]) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines) + "\n")
    return path


def importer(node: Node) -> Importer:
    return node.communities.importer


async def load(node: Node, cast: Cast, path: Path, source: str = "youtube") -> Outcome:
    return await importer(node).load(cast.room, path, source, lambda _: None)


def test_a_line_of_youtube_is_read_as_the_page_shows_it() -> None:
    runs = [
        {"text": "와 "},
        {"emoji": {"emojiId": "👏", "shortcuts": [":clap:"]}},
        {"emoji": {"emojiId": "UCx/abc", "shortcuts": [":heart-star:"], "isCustomEmoji": True}},
    ]
    said = youtube.parse(youtube_line(1, "", message={"runs": runs}))
    assert said is not None
    assert (said.key, said.text) == ("chat-1", "와 👏:heart-star:")
    assert (said.author.key, said.author.name) == ("UCfan", "name of UCfan")
    assert said.author.avatar_url == "https://yt.example/UCfan"
    assert said.at == datetime.fromtimestamp(BEGAN + 1, UTC)


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("liveChatPaidMessageRenderer", {"purchaseAmountText": {"simpleText": "₩5,000"}}, "₩5,000 · hi"),
        ("liveChatMembershipItemRenderer", {"headerSubtext": {"runs": [{"text": "새 멤버"}]}}, "새 멤버 · hi"),
    ],
)
def test_what_was_paid_for_says_so(name: str, fields: dict[str, Any], text: str) -> None:
    line = youtube_line(1, "hi", **fields)
    item = line["replayChatItemAction"]["actions"][0]["addChatItemAction"]["item"]
    item[name] = item.pop("liveChatTextMessageRenderer")
    said = youtube.parse(line)
    assert said is not None
    assert said.text == text


def test_what_is_no_message_is_passed_and_what_is_no_chat_refused() -> None:
    ticker: dict[str, Any] = {"replayChatItemAction": {"actions": [{"addLiveChatTickerItemAction": {"item": {}}}]}}
    assert youtube.parse(ticker) is None
    assert youtube.parse({"clickTrackingParams": "x"}) is None
    assert discord.parse(discord_message(1, "joined", type="GuildMemberJoin")) is None
    for parse, line in ((youtube.parse, {"a": 1}), (discord.parse, {"a": 1})):
        with pytest.raises(Unreadable):
            parse(line)
    with pytest.raises(Unreadable, match="no time"):
        youtube.parse(youtube_line(1, "hi", timestampUsec="soon"))


def test_lines_of_chat_downloader_are_read_too() -> None:
    line = {
        "message_id": "m1",
        "message": "hello",
        "timestamp": BEGAN * 1_000_000,
        "author": {"id": "UCa", "name": "A", "images": [{"url": "http://not.safe/"}]},
    }
    said = youtube.parse(line)
    assert said is not None
    assert (said.text, said.author.avatar_url) == ("hello", None)


def test_ids_of_elsewhere_name_nobody_here() -> None:
    said = discord.parse(discord_message(1, "<@123456> <@&5> <#9> <a:wow:77> 안녕"))
    assert said is not None
    assert said.text == "@… @… #… :wow: 안녕"


async def test_messages_stand_in_the_order_of_the_file_with_their_times_and_people(
    node: Node, cast: Cast, tmp_path: Path
) -> None:
    path = write(tmp_path / "chat.json", [youtube_line(n, f"said {n}", f"UC{n % 3}") for n in range(5)])
    outcome = await load(node, cast, path)
    assert (outcome.messages, outcome.bad) == (5, 0)
    page = await node.communities.reading.history(cast["bob"], cast.room, 2**53 - 1, 100)
    assert [event["data"]["text"] for event in page.events] == [f"said {n}" for n in range(5)]
    assert [event["seq"] for event in page.events] == [1, 2, 3, 4, 5]
    assert page.events[0]["at"] == "2023-11-14T22:13:20.000Z"
    assert page.events[0]["actor"]["name"] == "name of UC0"
    assert page.events[0]["actor"]["id"] == page.events[3]["actor"]["id"]
    await node.send(cast["bob"], cast.room, "we moved")
    assert (await texts(node, cast["bob"], cast.room))[-1] == "we moved"


async def test_a_document_of_discord_keeps_replies_and_edits(node: Node, cast: Cast, tmp_path: Path) -> None:
    messages = [
        discord_message(1, "question"),
        discord_message(2, "answer", type="Reply", reference={"messageId": str(10**17 + 1)}),
        discord_message(
            3, "and", reference={"messageId": str(10**17 + 2)}, timestampEdited="2023-01-06T00:00:00+00:00"
        ),
        discord_message(4, "", attachments=[{"url": "https://cdn.example/cat.png"}]),
    ]
    path = tmp_path / "channel.json"
    path.write_text(json.dumps({"guild": {"id": "1"}, "channel": {"id": "2"}, "messages": messages}, indent=2))
    outcome = await load(node, cast, path, "discord")
    assert outcome.messages == 4
    question, answer, further, picture = await Message.filter(room_id=cast.room).order_by("seq")
    assert (answer.reply_to, answer.thread_id) == (question.id, question.id)
    assert (further.reply_to, further.thread_id) == (answer.id, question.id)
    assert further.edited_at == datetime(2023, 1, 6, tzinfo=UTC)
    assert picture.text == "https://cdn.example/cat.png"


async def test_bad_lines_are_told_by_number_and_stop_nothing(node: Node, cast: Cast, tmp_path: Path) -> None:
    lines = [youtube_line(1, "one"), "{broken", "[1, 2]", {"other": True}, youtube_line(2, "two")]
    outcome = await load(node, cast, write(tmp_path / "chat.json", lines))
    assert (outcome.messages, outcome.bad) == (2, 3)
    assert [number for number, _ in outcome.listed] == [2, 3, 4]
    assert (await ChatImport.get()).bad == 3


async def test_a_second_run_and_another_file_with_the_same_messages_double_nothing(
    node: Node, cast: Cast, tmp_path: Path
) -> None:
    lines = [youtube_line(n, f"said {n}") for n in range(4)]
    await load(node, cast, write(tmp_path / "a.json", lines))
    again = await load(node, cast, tmp_path / "a.json")
    assert (again.messages, again.known) == (0, 0)
    longer = await load(node, cast, write(tmp_path / "b.json", [*lines, youtube_line(9, "new"), lines[0]]))
    assert (longer.messages, longer.known) == (1, 5)
    assert await texts(node, cast["bob"], cast.room) == [f"said {n}" for n in range(4)] + ["new"]
    assert await Message.all().count() == await ImportedMessage.all().count() == 5


async def test_killed_before_any_statement_it_goes_on_and_doubles_nothing(
    database: Database, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mypick.community.imports.importer.BATCH", 3)
    async with nodes(clock, "a") as (node,):
        cast = await community(node, clock, "bob")
        died = 0
        for statement in range(1, 200):
            path = write(
                tmp_path / f"{statement}.json", [youtube_line(statement * 10 + n, f"{statement} {n}") for n in range(8)]
            )
            before = await Message.all().count()
            try:
                with power_cut(statement):
                    await load(node, cast, path)
            except Killed:
                died += 1
            await load(node, cast, path)
            rows = await Message.filter(room_id=cast.room).order_by("seq").offset(before)
            assert [row.text for row in rows] == [f"{statement} {n}" for n in range(8)]
            if died < statement:
                break
        assert 15 < died < 198
        position = await node.streams.store.position(room_of(cast.room))
        assert position.head_seq == position.floor_seq == await Message.all().count()
        assert await packer.waiting() == await Message.all().count(), "search has each once"


async def test_what_is_brought_along_is_packed_as_it_comes(node: Node, cast: Cast, tmp_path: Path) -> None:
    lines = [youtube_line(n, f"word{n} 콘서트") for n in range(SEGMENT + 10)]
    await load(node, cast, write(tmp_path / "chat.json", lines))
    assert await packer.waiting() < BATCH
    (hit,) = (await node.communities.search.search(cast["bob"], SearchTexts(q="word7"))).items
    assert (hit.at, hit.room_id, hit.author and hit.author.name) == (
        datetime.fromtimestamp(BEGAN + 7, UTC), cast.room, "name of UCfan"
    )  # fmt: skip


async def test_what_comes_into_a_staff_room_is_in_no_index(node: Node, cast: Cast, tmp_path: Path) -> None:
    staff = await node.communities.settings.create_room(
        cast["oz"], cast.community, CreateRoom(name="staff", kind="staff")
    )
    path = write(tmp_path / "chat.json", [youtube_line(n, f"plan {n}") for n in range(150)])
    await importer(node).load(await importer(node).room_named(cast.community, "staff"), path, "youtube", lambda _: None)
    assert await Message.filter(room_id=staff.id).count() == 150
    assert await packer.waiting() == 0
    for who in ("bob", "oz"):
        page = await node.communities.search.search(cast[who], SearchTexts(q="plan"))
        assert (page.items, page.next_cursor) == ([], None), "not even that there is more"


async def test_clients_with_the_room_open_are_told_to_read_it_anew(node: Node, cast: Cast, tmp_path: Path) -> None:
    client = RoomClient(node, cast["bob"], cast.room)
    await client.join()
    await load(node, cast, write(tmp_path / "chat.json", [youtube_line(n, f"said {n}") for n in range(300)]))
    answer = await node.streams.store.resume(room_of(cast.room), client.epoch, client.seq)
    assert (answer["reset"], answer["events"], answer["head_seq"]) == (True, [], 300)
    await client.join()
    assert len(client.messages) == 50


async def test_a_room_in_which_people_talked_is_refused(node: Node, cast: Cast, tmp_path: Path) -> None:
    await node.send(cast["bob"], cast.room, "we are here")
    path = write(tmp_path / "chat.json", [youtube_line(1, "before")])
    assert (await refused(load(node, cast, path))).code is Code.CONFLICT
    other = await importer(node).room_named(cast.community, "old chat")
    assert await importer(node).room_named(cast.community, "old chat") == other
    assert (await importer(node).load(other, path, "youtube", lambda _: None)).messages == 1


async def test_imported_people_cannot_log_in_and_are_told_nothing(node: Node, cast: Cast, tmp_path: Path) -> None:
    await load(node, cast, write(tmp_path / "chat.json", [youtube_line(1, "hi")]))
    person = await User.get(kind="imported")
    with pytest.raises(ValueError, match="email"):
        LogIn(email=person.email, password="whatever it is")
    await node.send(cast["bob"], cast.room, f"hello <@{person.id}>")
    assert await node.carry_all() == 0


async def test_a_dry_run_changes_nothing(node: Node, cast: Cast, tmp_path: Path) -> None:
    lines = [youtube_line(n, "x") for n in range(BATCH + 5)] + ["bad"]
    seen: list[int] = []
    path = write(tmp_path / "chat.json", lines)
    outcome = await importer(node).check(path, "youtube", seen.append)
    assert (outcome.messages, outcome.bad, sum(seen)) == (BATCH + 5, 1, path.stat().st_size)
    assert await Message.all().count() == await ChatImport.all().count() == 0


OBJECTS = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers(0, 99) | st.lists(st.text(max_size=4))),
    max_size=20,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=OBJECTS, piece=st.integers(1, 64), indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_documents_are_read_alike_in_pieces_of_any_size_and_from_any_record_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    objects: list[dict[str, Any]],
    piece: int,
    indent: int | None,
    ascii_only: bool,
) -> None:
    path = tmp_path / "channel.json"
    document = {"guild": "서버", "messages": objects, "messageCount": len(objects)}
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(reading, "PIECE", piece)
        records = list(read(path))
        assert [record.value for record in records] == objects
        for record in records[:: max(1, len(records) // 3)]:
            assert list(read(path, record.behind, record.number)) == records[record.number :]


def test_a_document_that_breaks_off_is_refused_where_it_does(tmp_path: Path) -> None:
    path = tmp_path / "channel.json"
    path.write_text('{"messages": [{"id": "1"}, {"id": "2"')
    records = read(path)
    assert next(records).value == {"id": "1"}
    with pytest.raises(Broken, match="byte"):
        next(records)
