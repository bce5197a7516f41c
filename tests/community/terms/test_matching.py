"""What a term is found in, and what it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.community.terms import matching
from mypick.community.terms.lists import BUILT_IN
from mypick.community.terms.matching import Matcher
from mypick.community.terms.patterns import Effect, Term, seen

LISTED = Matcher(BUILT_IN["ko"] + BUILT_IN["en"])
ALPHABET = "시씨발바보병신개새끼다역점ㅅㅂㅣㅏㅇㄹㅋ fuckshitFUCKclaSSe1!0$*.-'\u200b\u0301 십알이위ㅟ18ㅗ@"


def holds(*terms: str) -> Matcher:
    return Matcher([Term(term, Effect.HOLD) for term in terms])


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("damn", "DAMN"), ("damn", "damns"), ("damn", "oh\ndamn\nit"), ("바보", "야\n바보\t상자"), ("damn",
        "d a m n"), ("damn", "d.a.m.n"), ("damn", "daaaamn"), ("damn",
        "d4mn"),
        ("damn", "dаmn"), ("damn", "ｄａｍｎ"), ("damn", "d*mn"), ("damn", "d**n"), ("damn", "well, damn!"), ("damn",
        "ㅋㅋdamn야"),
        ("damn*", "damnation"), ("*damn", "goddamn"), ("*damn*", "goddamnit"), ("kill yourself", "kill   yourself"),
        ("kill yourself", "killyourself"), ("ass", "a$$"), ("ass", "asss"), ("сука", "СУКА"), ("死ね",
        "お前死ねよ"), ("🖕", "🖕🏽"),
        ("ㅗ", "ㅗㅗㅗ"), ("1818", "야 1818"), ("바보", "바보야"), ("바보", "바보들이"), ("바보", "개바보"), ("바보",
        "너는 바 보"),
        ("바보", "ㅂㅏㅂㅗ"), ("바보", "바아아보"), ("바보", "바.보"), ("바보", "바1보"), ("바보",
        "ㅋㅋ바보ㅋㅋ"), ("*바보*", "왕왕바보상자"),
        ("ㅂㅂ", "아ㅂㅂ"), ("ㅅㅂ", "ㅅㅂㅋㅋ"), ("ㅅㅂ", "ㅅㅅㅂㅂ"), ("ㅅㅂ", "ㅅㅂㅅㅂ"), ("시발",
        "tlqkf"), ("시발", "십알"), ("씨발", "c발"),
    ],
)  # fmt: skip
def test_term_is_found(term: str, text: str) -> None:
    assert holds(term).find(text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("damn", "damnation"), ("damn", "goddamn"), ("ass", "as"), ("ass", "class"), ("ass", "assess"), ("ass",
        "c l a s s"),
        ("ass", "AS5"), ("god", "good"), ("hell", "he'll"), ("hell", "hello"), ("anus", "an us citizen"), ("penis",
        "the pen is"),
        ("shit", "let's hit it"), ("shit", "shh it's on"), ("shit", "5H17"), ("바보", "바보상자"), ("바보",
        "나바보"), ("시발", "다시바로"),
        ("시발", "다시 발표"), ("시발", "다 시 발 표"), ("*시발*", "다시바로"), ("하나", "한나"), ("조나",
        "존나"), ("ㅅㅂ", "옷보다 신발"),
        ("ㅅㅂ", "없습니다"), ("ㅅㅂ", "ㄱㅅㅂㄴ"), ("시팔", "3시8분"), ("ㅗ", "오소리"),
    ],
)  # fmt: skip
def test_term_is_not_found(term: str, text: str) -> None:
    assert holds(term).find(text) is None


def test_an_allowed_term_keeps_what_lies_in_it_and_nothing_beside_it() -> None:
    matcher = Matcher([Term("*시발*", Effect.HOLD), Term("시발점", Effect.ALLOW), Term("다시발", Effect.ALLOW)])
    assert matcher.find("여기가 시발점") is None
    assert matcher.find("다시 발표") is None
    assert matcher.find("시발점에서 시발")
    assert matcher.find("다 시발")


def test_own_terms_are_stronger_than_listed_ones() -> None:
    listed = Term("시발점", Effect.ALLOW, listed=True)
    assert Matcher([listed, Term("시발점", Effect.BLOCK)]).find("시발점")
    assert Matcher([listed, Term("시발점", Effect.HOLD, listed=True)]).find("시발점") is None


def test_what_blocks_is_told_before_what_holds() -> None:
    matcher = Matcher([Term("first", Effect.HOLD), Term("second", Effect.BLOCK), Term("third", Effect.HOLD)])
    found = matcher.find("first second third")
    assert found
    assert found.term.text == "second"
    found = matcher.find("first, third")
    assert found
    assert found.term.text == "first"


@pytest.mark.parametrize(
    ("one", "other"), [("Shit", "sh1t"), ("시발", "ㅅㅣㅂㅏㄹ"), ("ｄａｍｎ", "damn"), ("a  b", "a b"), ("🖕",
    "🖕\ufe0f")]
)
def test_terms_with_the_same_letters_are_one(one: str, other: str) -> None:
    assert seen(one) == seen(other)


@pytest.mark.parametrize(("one", "other"), [("god", "good"), ("damn", "damn*"), ("바보", "바 보"), ("시발", "씨발")])
def test_terms_with_other_letters_are_two(one: str, other: str) -> None:
    assert seen(one) != seen(other)


@given(st.text(alphabet=ALPHABET, max_size=40))
def test_the_first_look_overlooks_nothing(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        expected = LISTED.find(text)
        patch.setattr(matching, "glances", lambda _: ["ㅅㅣㅂㅏㄹ"])
        patch.setattr(matching, "jamo_alone", lambda _: "ㅅㅂ")
        assert LISTED.find(text) == expected


@given(st.text(alphabet=ALPHABET, max_size=30), st.data())
def test_signs_that_show_nothing_change_nothing(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    sign = data.draw(st.sampled_from("\u200b\u200d\ufe0f\u00ad\u2060\u034f\u115f\u0336"))
    assert (LISTED.find(text) is None) is (LISTED.find(text[:place] + sign + text[place:]) is None)


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    found = LISTED.find(text)
    assert found is None or found.start <= found.last < len(text)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_no_term_breaks_it(term: str, text: str) -> None:
    holds(term).find(text)
