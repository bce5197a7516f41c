"""Floods: refused or held, and no cheer is one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.community.models import Room
from mypick.community.terms import floods
from mypick.community.terms.floods import Floods, sketch_of, too_much
from mypick.errors import Code
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, refused, texts, user
from tests.fakes import FakeClock

ADVERTISEMENT = "come to my channel for the best free skins of the whole wide world"


async def test_one_person_says_a_sentence_twice_in_whatever_room(node: Node, cast: Cast, clock: FakeClock) -> None:
    other = await Room.create(community_id=cast.community, name="second", created_at=clock.now())
    await node.send(cast["alice"], cast.room, ADVERTISEMENT)
    await node.send(cast["alice"], other.id, ADVERTISEMENT.upper() + "!!! 2")
    told = await refused(node.send(cast["alice"], cast.room, ADVERTISEMENT + " now"))
    assert told.code is Code.DUPLICATE_TEXT
    await node.send(cast["bob"], cast.room, ADVERTISEMENT)
    await node.send(cast["alice"], cast.room, "something else that is as long as a sentence can be")
    clock.advance(floods.WINDOW.total_seconds())
    await node.send(cast["alice"], cast.room, ADVERTISEMENT)


async def test_discussions_and_comments_count_with_messages(node: Node, cast: Cast, clock: FakeClock) -> None:
    talk = await begin(node, cast["bob"], cast.community, "birds", "of all kinds")
    await node.send(cast["alice"], cast.room, ADVERTISEMENT)
    assert (await say(node, cast["alice"], talk.id, ADVERTISEMENT)).status == "sent"
    assert (await refused(say(node, cast["alice"], talk.id, ADVERTISEMENT))).code is Code.DUPLICATE_TEXT
    again = begin(node, cast["alice"], cast.community, ADVERTISEMENT, "!!!")
    assert (await refused(again)).code is Code.DUPLICATE_TEXT
    raiders = [await user(f"raider{number}", clock) for number in range(floods.RAIDERS)]
    outcomes = [(await say(node, raider, talk.id, ADVERTISEMENT)).status for raider in raiders]
    assert outcomes == ["sent"] * (floods.RAIDERS - 1) + ["held"]
    (waiting,) = (await node.communities.discussions.held.list(cast["mo"], cast.community, None, 10)).items
    assert (waiting.kind, waiting.cause, waiting.term) == ("comment", "flood", None)
    long = await say(node, await user("guest", clock), talk.id, "A story of many words. " * 40)
    assert long.status == "sent", "a page of text is no flood where one scrolls"


async def test_cheers_are_no_flood(node: Node, cast: Cast, clock: FakeClock) -> None:
    for _ in range(6):
        for text in ("ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ", "사랑해요 언니", "goooooooooooooooooooooal"):
            assert (await node.send(cast["alice"], cast.room, text)).status == "sent"


async def test_a_raid_of_newcomers_is_held_and_members_may_chant(node: Node, cast: Cast, clock: FakeClock) -> None:
    raiders = [await user(f"raider{number}", clock) for number in range(floods.RAIDERS + 2)]
    outcomes = [(await node.send(raider, cast.room, ADVERTISEMENT)).status for raider in raiders]
    assert outcomes == ["sent"] * (floods.RAIDERS - 1) + ["held"] * 3
    assert (await node.send(cast["alice"], cast.room, ADVERTISEMENT)).status == "sent"
    assert len(await texts(node, cast["bob"], cast.room)) == floods.RAIDERS
    waiting = (await node.communities.reading.held(cast["mo"], cast.room, None, 10)).items
    assert {one.cause for one in waiting} == {"flood"}


@pytest.mark.parametrize(
    "text",
    [
        "word " * 101,
        "line\n" * 10 + "line",
        "🔥" * 16,
        "<@1><@2><@3><@4>",
        "WHY IS NOBODY ANSWERING ME IN THIS CHAT",
        "Z" + "\u0301" * 5,
    ],
)
async def test_newcomers_are_told_what_to_change(node: Node, cast: Cast, clock: FakeClock, text: str) -> None:
    carol = await user("carol", clock)
    told = await refused(node.send(carol, cast.room, text.strip()))
    assert (told.code, bool(told.message)) == (Code.FORBIDDEN, True)
    assert (await node.send(cast["alice"], cast.room, text.strip())).status == "sent"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "OMG",
        "👨‍👩‍👧‍👦❤️🔥",
        "สวัสดีครับ ยินดีต้อนรับ",
        "नमस्ते दोस्तों",
        "Xin chào, rất vui được gặp bạn",
        "안녕하세요 " * 20,
    ],
)
def test_what_most_write_is_not_too_much(text: str) -> None:
    assert too_much(text) is None


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    too_much(text)
    assert sketch_of(text) == sketch_of(text.strip() + " 7!")


def test_memory_is_bounded(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods, "MAX_PEOPLE", 10)
    monkeypatch.setattr(floods, "MAX_TEXTS", 10)
    counted = Floods()
    for number in range(100):
        letters = "".join(chr(97 + (number * step) % 26) for step in range(1, 40))
        counted.repeats(1, number, number, letters, clock.now())
        counted.raided(1, number, letters, clock.now() + timedelta(seconds=number))
    assert (len(counted._said), len(counted._raids)) == (10, 10)
