"""Terms of a community: set by managers, in force on every node at once, and never a way for a text to leak."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import DecideHeld, EditMessage, SetRoomMode
from mypick.community.discussions.commands import EditDiscussion
from mypick.community.models import Community, HeldMessage, Message, RoomPace
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.community.terms import service
from mypick.community.terms.commands import RemoveTerm, SetTerm, SetTermLists, TryText
from mypick.errors import Code, DomainError
from mypick.notifications.models import Notice
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, code, community, refused, texts
from tests.fakes import FakeClock
from tests.queries import counted


async def put(node: Node, who: Actor, cast: Cast, text: str, effect: Literal["block", "hold", "allow"]) -> int:
    command = SetTerm(community_id=cast.community, cid=cid(), text=text, effect=effect)
    return (await node.communities.terms.set(who, command)).id


async def test_a_term_holds_on_all_nodes_from_its_commit(two: list[Node], clock: FakeClock) -> None:
    """Both nodes have compiled what held before. alice sends through both without a pause while the term is set."""
    cast = await community(two[0], clock, "alice", "oz", roles={"oz": Role.OWNER})
    await put(two[0], cast["oz"], cast, "something", "block")
    for node in two:
        await node.send(cast["alice"], cast.room, "a banana")
    done = asyncio.Event()

    async def keep_talking(node: Node) -> list[Code | None]:
        outcomes: list[Code | None] = []
        behind = 0
        while behind < 5:
            behind += done.is_set()
            try:
                await node.send(cast["alice"], cast.room, "a banana")
                outcomes.append(None)
            except DomainError as no:
                outcomes.append(no.code)
        return outcomes

    talking = [asyncio.create_task(keep_talking(node)) for node in two]
    await put(two[1], cast["oz"], cast, "banana", "block")
    sent = await Message.filter(text="a banana").count()
    done.set()
    for outcomes in await asyncio.gather(*talking):
        assert outcomes[-5:] == [Code.BLOCKED] * 5
    assert await Message.filter(text="a banana").count() == sent, "nothing was accepted behind the commit"


async def test_terms_in_one_transaction_hold_for_what_is_behind_them(node: Node, cast: Cast) -> None:
    waiting = []
    async with node.gathering():
        for number, command in enumerate(
            (
                node.send(cast["alice"], cast.room, "banana"),
                put(node, cast["oz"], cast, "banana", "block"),
                node.send(cast["bob"], cast.room, "banana"),
            )
        ):
            waiting.append(asyncio.create_task(command))
            while node.streams.appender.depth <= number:
                await asyncio.sleep(0)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [code(outcome) for outcome in outcomes] == [None, None, Code.BLOCKED]


async def test_same_letters_are_one_term_and_the_last_word_counts(node: Node, cast: Cast) -> None:
    first = await put(node, cast["oz"], cast, "바나나*", "block")
    assert await put(node, cast["oz"], cast, "ㅂㅏㄴㅏㄴㅏ*", "hold") == first
    (only,) = (await node.communities.terms.list(cast["mo"], cast.community, None, None, 10)).items
    assert (only.text, only.effect, only.actor and only.actor.name) == ("ㅂㅏㄴㅏㄴㅏ*", "hold", "oz")
    assert (await node.communities.terms.list(cast["mo"], cast.community, "hold", None, 10)).items == [only]
    assert (await node.communities.terms.list(cast["mo"], cast.community, "block", None, 10)).items == []
    assert (await node.send(cast["alice"], cast.room, "바나나우유")).status == "held"
    remove = RemoveTerm(community_id=cast.community, term_id=first, cid=cid())
    assert (await node.communities.terms.remove(cast["oz"], remove)).removed
    again = RemoveTerm(community_id=cast.community, term_id=first, cid=cid())
    assert not (await node.communities.terms.remove(cast["oz"], again)).removed
    assert (await node.send(cast["alice"], cast.room, "바나나우유")).status == "sent"
    entries = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert [(entry.action, entry.details["effect"]) for entry in entries] == [
        ("remove-term", "hold"),
        ("set-term", "hold"),
        ("set-term", "block"),
    ]


async def test_lists_are_switched_and_own_terms_replace_listed_ones(node: Node, cast: Cast) -> None:
    alice, services = cast["alice"], node.communities
    assert (await node.send(alice, cast.room, "씨발")).status == "held"
    only = SetTermLists(community_id=cast.community, cid=cid(), languages=["en"])
    assert (await services.terms.set_lists(cast["oz"], only)).languages == ["en"]
    assert (await services.terms.lists(cast["mo"], cast.community)).languages == ["en"]
    assert (await node.send(alice, cast.room, "씨발")).status == "sent"
    assert (await node.send(alice, cast.room, "what the fuck")).status == "held"
    await put(node, cast["oz"], cast, "fuck", "allow")
    assert (await node.send(alice, cast.room, "what the fuck")).status == "sent"
    tried = await services.terms.try_text(cast["mo"], TryText(community_id=cast.community, text="b.i.t.c.h"))
    assert (tried.effect, tried.term, tried.listed) == ("hold", "*bitch*", True)
    nothing = await services.terms.try_text(cast["mo"], TryText(community_id=cast.community, text="class"))
    assert (nothing.effect, nothing.term) == (None, None)
    for attempt in (
        services.terms.try_text(alice, TryText(community_id=cast.community, text="x")),
        services.terms.list(alice, cast.community, None, None, 10),
        services.terms.lists(alice, cast.community),
        put(node, cast["mo"], cast, "moderators only read", "hold"),
    ):
        assert (await refused(attempt)).code is Code.FORBIDDEN


async def test_a_held_text_tells_nobody_and_costs_nothing(node: Node, cast: Cast) -> None:
    """Not the room, not who is answered or mentioned; slow mode is not charged, a thread does not grow."""
    await node.communities.moderation.set_mode(
        cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=60)
    )
    await put(node, cast["oz"], cast, "canary*", "hold")
    question = await node.send(cast["bob"], cast.room, "who sings?")
    before = (await node.streams.store.position(room_of(cast.room))).head_seq
    mention = f"c.a.n.a.r.y <@{cast['bob'].user_id}>"
    held = await node.send(cast["alice"], cast.room, mention, reply_to=question.id)
    assert (held.status, held.seq) == ("held", None)
    assert (await node.streams.store.position(room_of(cast.room))).head_seq == before
    assert await texts(node, cast["bob"], cast.room) == ["who sings?"]
    assert (await node.communities.reading.thread(cast["bob"], question.id, None, 10)).items == []
    assert await Notice.all().count() == await node.carry_all() == 0
    assert await RoomPace.filter(user_id=cast["alice"].user_id).count() == 0
    (waiting,) = (await node.communities.reading.held(cast["mo"], cast.room, None, 10)).items
    assert (waiting.cause, waiting.term) == ("term", "canary*")
    sent = await node.send(cast["alice"], cast.room, "not charged")
    assert sent.status == "sent"


async def test_an_edit_brings_in_no_term(node: Node, cast: Cast) -> None:
    await put(node, cast["oz"], cast, "canary", "hold")
    await put(node, cast["oz"], cast, "vulture", "block")
    sent = await node.send(cast["alice"], cast.room, "a bird")
    for text, why in (("a can4ry", Code.FORBIDDEN), ("a v u l t u r e", Code.BLOCKED)):
        edit = EditMessage(message_id=sent.id, cid=cid(), text=text, rev=1)
        told = await refused(node.communities.edits.edit(cast["alice"], edit))
        assert told.code is why
        assert "canary" not in told.message
        assert "vulture" not in told.message
    assert await texts(node, cast["bob"], cast.room) == ["a bird"]


async def test_moderators_write_what_they_have_to_talk_about(node: Node, cast: Cast) -> None:
    await put(node, cast["oz"], cast, "vulture", "block")
    assert (await node.send(cast["mo"], cast.room, "do not say vulture")).status == "sent"
    told = await refused(node.send(cast["alice"], cast.room, "vulture"))
    assert (told.code, told.details) == (Code.BLOCKED, None)


async def test_held_text_is_let_through_whatever_the_terms_say(node: Node, cast: Cast) -> None:
    held = await node.send(cast["alice"], cast.room, "what the fuck")
    approve = DecideHeld(message_id=held.id, approve=True, cid=cid())
    await node.communities.held.decide(cast["mo"], approve)
    assert await texts(node, cast["bob"], cast.room) == ["what the fuck"]
    assert (await HeldMessage.get(id=held.id)).text == ""


async def test_terms_are_bounded(node: Node, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_TERMS", 2)
    await put(node, cast["oz"], cast, "first", "hold")
    await put(node, cast["oz"], cast, "second", "hold")
    assert (await refused(put(node, cast["oz"], cast, "third", "hold"))).code is Code.FULL
    await put(node, cast["oz"], cast, "second", "block")


@pytest.mark.parametrize("text", ["", " ", "*", "**", "a", "b*d", "two\nlines", "x" * 51, "ﷺ" * 50, "\u200b"])
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        SetTerm(community_id=1, cid="c", text=text, effect="hold")


async def test_terms_cost_no_query_once_they_are_known(node: Node, cast: Cast) -> None:
    await put(node, cast["oz"], cast, "something", "hold")
    await node.send(cast["alice"], cast.room, "warm up")
    with counted() as asked:
        await node.send(cast["alice"], cast.room, "hello")
    assert [statement for statement in asked if '"term"' in statement] == []
    assert (await Community.get(id=cast.community)).terms_rev > 0


async def test_terms_hold_in_discussions_as_in_rooms(node: Node, cast: Cast) -> None:
    await put(node, cast["oz"], cast, "canary*", "hold")
    await put(node, cast["oz"], cast, "vulture", "block")
    discussions = node.communities.discussions
    begun = await begin(node, cast["alice"], cast.community, "birds", "of all kinds")
    assert (await begin(node, cast["alice"], cast.community, "a c a n a r y", "sings")).status == "held"
    assert (await say(node, cast["alice"], begun.id, "canaries")).status == "sent"
    assert (await say(node, cast["alice"], begun.id, "canarybird")).status == "held"
    assert (await refused(say(node, cast["alice"], begun.id, "vu1ture"))).code is Code.BLOCKED
    waiting = (await discussions.held.list(cast["mo"], cast.community, None, 10)).items
    assert [(one.kind, one.cause, one.term) for one in waiting] == [
        ("discussion", "term", "canary*"), ("comment", "term", "canary*")
    ]  # fmt: skip
    edit = EditDiscussion(discussion_id=begun.id, cid=cid(), title="canary", text="of all kinds", rev=1)
    assert (await refused(discussions.edits.edit_discussion(cast["alice"], edit))).code is Code.FORBIDDEN
    assert (await begin(node, cast["mo"], cast.community, "what to do", "of the vulture")).status == "sent"
