"""What is said is found at once by those who may read it, and by nobody else; what is deleted is found by nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mypick import db
from mypick.accounts.actor import Actor
from mypick.community.commands import BanMember, DecideHeld, DeleteMessage, EditMessage, ReportMessage
from mypick.community.models import Community, Message
from mypick.community.policy import Role
from mypick.community.views import SearchHit
from mypick.errors import Code
from mypick.search import packer
from mypick.search.commands import SearchTexts
from mypick.search.pages import Postings, page_number
from mypick.search.terms import BUCKETS, term_of_word, terms_of, unpack_terms
from tests.community.stage import Cast, Node, cid, community, refused, texts, user
from tests.fakes import FakeClock
from tests.queries import counted


async def hits(node: Node, who: Actor, q: str = "", **filters: Any) -> list[SearchHit]:
    page = await node.communities.search.search(who, SearchTexts.model_validate({"q": q, **filters}))
    assert page.next_cursor is None
    return page.items


async def found(node: Node, who: Actor, q: str = "", **filters: Any) -> list[int]:
    return [hit.id for hit in await hits(node, who, q, **filters)]


async def test_what_reports_hid_is_found_by_nobody_until_it_stands(node: Node, clock: FakeClock) -> None:
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", roles={"mo": Role.MODERATOR})
    kept, rude = [await node.send(cast["alice"], cast.room, text) for text in ("공연 봐요", "공연 꺼져")]
    for who in "abc":
        command = ReportMessage(message_id=rude.id, reason="rude", cid=cid())
        await node.communities.reports.report(cast[who], command)
    for who in ("alice", "a", "mo"):
        assert await found(node, cast[who], "공연", limit=1) == [kept.id], "and no cursor that tells of another"
        assert await found(node, cast[who], "꺼져") == []
    await node.communities.reports.dismiss(cast["mo"], rude.id)
    assert await found(node, cast["a"], "공연") == [rude.id, kept.id]


@pytest.mark.parametrize("packed", [False, True])
async def test_however_much_reports_hid_no_cursor_tells_of_it(
    node: Node, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr("mypick.search.service.MAX_COMPARED", 3)
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", roles={"mo": Role.MODERATOR})
    kept = await node.send(cast["alice"], cast.room, "공연 봐요")
    rude = [await node.send(cast["alice"], cast.room, f"공연 꺼져 {number}") for number in range(5)]
    edit = EditMessage(message_id=rude[0].id, cid=cid(), text="공연 꺼지라고", rev=1)
    if packed:
        assert await packer.pack_once(1)
    await node.communities.edits.edit(cast["alice"], edit)
    for message in rude:
        for who in "abc":
            command = ReportMessage(message_id=message.id, reason="rude", cid=cid())
            await node.communities.reports.report(cast[who], command)
    if packed:
        assert await packer.pack_once(1) is False, "nothing of them waits"
    assert await found(node, cast["a"], "공연") == [kept.id]
    assert await found(node, cast["a"], "꺼져") == []
    await node.communities.search.reindex(lambda done: None)
    assert await found(node, cast["a"], "공연") == [kept.id]
    await node.communities.reports.dismiss(cast["mo"], rude[0].id)
    assert await found(node, cast["a"], "공연") == [rude[0].id, kept.id]
    assert await found(node, cast["a"], "꺼지라고") == [rude[0].id]
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=rude[1].id, cid=cid()))
    assert await found(node, cast["a"], "공연") == [rude[0].id, kept.id]


@pytest.mark.parametrize("packed", [False, True])
async def test_what_is_said_is_found_at_once(two: list[Node], clock: FakeClock, packed: bool) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob")
    first = await node.send(cast["alice"], cast.room, "내일 콘서트에서 봐요")
    second = await node.send(cast["bob"], cast.room, f"she was RUNNING there, <@{cast['alice'].user_id}>")
    if packed:
        assert await packer.pack_once(1)
    assert await found(other, cast["bob"], "콘서트") == [first.id]
    (hit,) = await hits(other, cast["alice"], "runs", community_id=cast.community)
    assert (hit.kind, hit.id, hit.room_id, hit.seq) == ("message", second.id, cast.room, second.seq)
    assert hit.community_id == cast.community
    assert hit.author is not None
    assert (hit.author.id, hit.author.name) == (cast["bob"].user_id, "bob")
    assert [(part.text, part.marked) for part in hit.excerpt][:2] == [("she was ", False), ("RUNNING", True)]
    assert [person.name for person in hit.mentions] == ["alice"]
    edit = EditMessage(message_id=first.id, cid=cid(), text="공연에서 봐요", rev=1)
    await node.communities.edits.edit(cast["alice"], edit)
    assert await found(other, cast["bob"], "콘서트") == []
    (hit,) = await hits(other, cast["bob"], "공연")
    assert (hit.id, hit.edited) == (first.id, True)
    for message in (first, second):
        await node.communities.edits.delete(
            cast["alice" if message is first else "bob"], DeleteMessage(message_id=message.id, cid=cid())
        )
    assert await found(other, cast["bob"], "공연") == await found(other, cast["bob"], "runs") == []


async def test_filters_by_text_and_by_parameter(node: Node, cast: Cast, clock: FakeClock) -> None:
    alice, bob = cast["alice"], cast["bob"]
    began = clock.now()
    old = await node.send(alice, cast.room, "콘서트 https://example.com/ticket")
    clock.advance(86_400)
    new = await node.send(bob, cast.room, "콘서트 간다")
    day = (began + timedelta(days=1)).date().isoformat()
    assert await found(node, bob, "콘서트") == [new.id, old.id]
    for query in (f"from:{alice.user_id}", f"from:<@{alice.user_id}>", "from:Alice", f"before:{day}", "has:link"):
        assert await found(node, bob, f"콘서트 {query}") == [old.id], query
    for query in ("from:me", f"after:{day}", "-ticket", "-https"):
        assert await found(node, bob, f"콘서트 {query}") == [new.id], query
    assert await found(node, bob, "콘서트 from:nobody") == []
    for filters in ({"author_id": alice.user_id}, {"before": day}, {"has_link": True}):
        assert await found(node, bob, "콘서트", **filters) == [old.id], filters
    assert await found(node, bob, "콘서트", after=day) == [new.id]
    assert await found(node, bob, "from:me", author_id=alice.user_id) == []
    assert await found(node, bob, room_id=cast.room) == [new.id, old.id]
    assert await found(node, bob, "콘서트 in:Chat", community_id=cast.community) == [new.id, old.id]
    assert await found(node, bob, "콘서트 in:elsewhere", community_id=cast.community) == []
    assert await found(node, bob, f"콘서트 in:{cast.room}", kind="message") == [new.id, old.id]
    assert await found(node, bob, "콘서트", kind="discussion") == []
    for wrong in ({"q": ""}, {"q": "!!"}, {"q": "-콘서트"}, {"q": "콘서트 in:Chat"}, {"q": "has:cats"}):
        assert (await refused(hits(node, bob, **wrong))).code is Code.INVALID, wrong


async def test_pages_go_on_where_the_last_ended_whatever_is_packed_or_said_meanwhile(
    node: Node, cast: Cast
) -> None:
    ids = [(await node.send(cast["alice"], cast.room, f"봄날 {number}")).id for number in range(7)]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        asked = SearchTexts(q="봄날", limit=2, cursor=cursor)
        page = await node.communities.search.search(cast["bob"], asked)
        seen += [hit.id for hit in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await packer.pack_once(1)
        await node.send(cast["alice"], cast.room, "봄날 더")
    assert seen == ids[::-1]
    asked = SearchTexts(q="봄날", cursor="WyJvdGhlciIsMV0")
    assert (await refused(node.communities.search.search(cast["bob"], asked))).code is Code.INVALID


async def test_nobody_finds_what_they_may_not_read(node: Node, clock: FakeClock) -> None:
    word = "비밀번호"
    cast = await community(node, clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    guest = await user("guest", clock)
    staff = await user("staff", clock, "moderator")
    sent = await node.send(cast["alice"], cast.room, word)
    for packed in (False, True):
        if packed:
            assert await packer.pack_once(1)
        for visibility, code in (("public", None), ("members", Code.NOT_MEMBER), ("private", Code.NOT_FOUND)):
            await Community.filter(id=cast.community).update(visibility=visibility)
            for who in (cast["alice"], staff):
                assert await found(node, who, word) == [sent.id]
            assert await found(node, guest, word) == ([sent.id] if code is None else [])
            for filters in ({"community_id": cast.community}, {"room_id": cast.room}):
                if code is None:
                    assert await found(node, guest, word, **filters) == [sent.id]
                else:
                    assert (await refused(hits(node, guest, word, **filters))).code is code
    await Community.filter(id=cast.community).update(visibility="public")
    ban = BanMember(room_id=cast.room, user_id=cast["alice"].user_id, cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    assert await found(node, cast["alice"], word) == []
    assert (await refused(hits(node, cast["alice"], word, community_id=cast.community))).code is Code.BANNED


async def test_what_one_may_not_read_leaves_no_trace_in_the_answer(
    node: Node, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is behind a closed door: the answer is that of an empty place, without a cursor."""
    monkeypatch.setattr("mypick.search.service.MAX_COMPARED", 3)
    monkeypatch.setattr("mypick.search.finder._KEYS", 2)
    monkeypatch.setattr("mypick.search.finder.MAX_WAITING", 5)
    cast = await community(node, clock, "alice", visibility="private")
    guest = await user("guest", clock)
    for packed in (False, True):
        for number in range(12):
            await node.send(cast["alice"], cast.room, f"비밀 {number}")
        if packed:
            assert await packer.pack_once(1)
        page = await node.communities.search.search(guest, SearchTexts(q="비밀", limit=1))
        assert (page.items, page.next_cursor) == ([], None)


async def test_held_text_is_found_when_it_is_let_through(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    held = await node.send(guest, cast.room, "콘서트 https://example.com")
    assert held.status == "held"
    assert await found(node, cast["mo"], "콘서트") == []
    await node.communities.held.decide(
        cast["mo"], DecideHeld(message_id=held.id, approve=True, cid=cid())
    )
    assert await found(node, cast["bob"], "콘서트 has:link") == [held.id]


async def test_a_page_asks_as_many_queries_as_it_must(node: Node, cast: Cast) -> None:
    for number in range(30):
        await node.send(cast["alice"], cast.room, f"봄날 running {number}")
        if number % 10 == 9:
            await packer.pack_once(1)
    with counted() as queries:
        page = await node.communities.search.search(cast["bob"], SearchTexts(q="봄날 runs"))
    assert len(page.items) == 20
    # what waits; segments, terms, communities, directory; two times entry and bans; texts and rooms; names
    assert len(queries) <= 12


async def test_an_upgraded_installation_is_indexed_anew_and_goes_on_where_it_was_stopped(
    two: list[Node], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mypick.search.reindex.BATCH", 3)
    node = two[0]
    cast = await community(node, clock, "alice", "bob")
    for number in range(8):
        await node.send(cast["alice"], cast.room, f"봄날 {number}")
    await packer.pack_once(1)
    for table in ("search_page", "search_segment", "search_pending"):
        await db.connection().execute_query(f"DELETE FROM {table}")
    assert await found(node, cast["bob"], "봄날") == []

    class Killed(Exception):
        pass

    def killed(count: int) -> None:
        raise Killed

    done: list[int] = []
    with pytest.raises(Killed):
        await node.communities.search.reindex(killed)
    assert len(await found(node, cast["bob"], "봄날")) == 3
    assert await node.communities.search.reindex(done.append) == 5
    assert done == [3, 2]
    everything = await found(node, cast["bob"], "봄날")
    assert len(everything) == 8
    await packer.pack_once(1)
    assert await node.communities.search.reindex(done.append) == 8
    await packer.pack_once(1)
    assert await found(node, cast["bob"], "봄날") == everything


async def test_a_hit_is_shown_amid_what_was_said_around_it(node: Node, cast: Cast) -> None:
    for number in range(9):
        await node.send(cast["alice"], cast.room, f"{number}")
    rows = {row.text: row.seq for row in await Message.all()}
    around = node.communities.reading.around
    page = await around(cast["bob"], cast.room, rows["4"], 4)
    assert [event["data"]["text"] for event in page.events] == ["2", "3", "4", "5"]
    assert (page.more, page.more_after) == (True, True)
    page = await around(cast["bob"], cast.room, rows["0"], 20)
    assert [event["data"]["text"] for event in page.events] == await texts(node, cast["bob"], cast.room)
    assert (page.more, page.more_after) == (False, False)


@pytest.mark.parametrize("packed", [False, True])
async def test_deleted_text_is_in_no_part_of_the_index(two: list[Node], clock: FakeClock, packed: bool) -> None:
    """Not even as hashes of its words: in none of its versions, waiting or packed, and other texts keep theirs."""
    node = two[0]
    cast = await community(node, clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    sent = await node.send(cast["alice"], cast.room, "캐너리 canary")
    await node.send(cast["alice"], cast.room, "다른 말")
    if packed:
        assert await packer.pack_once(1)
    edit = EditMessage(message_id=sent.id, cid=cid(), text="다른 카나리아 canaries", rev=1)
    await node.communities.edits.edit(cast["alice"], edit)
    kept, canary = terms_of("다른 말"), terms_of("캐너리 canary") | terms_of("카나리아")
    assert {term_of_word("canary")} <= await index_terms()
    await node.communities.edits.delete(cast["mo"], DeleteMessage(message_id=sent.id, cid=cid()))
    left = await index_terms()
    assert left.isdisjoint(canary)
    assert left >= kept


async def index_terms() -> set[int]:
    """All terms that the index has of anything."""
    rows = await db.connection().execute_query_dict("SELECT terms FROM search_pending")
    terms = {term for row in rows for term in unpack_terms(row["terms"])}
    for row in await db.connection().execute_query_dict("SELECT id, body FROM search_page"):
        if page_number(row["id"]) < BUCKETS:
            terms.update(Postings(row["body"]).terms)
    return terms
