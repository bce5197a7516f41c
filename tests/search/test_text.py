"""What is found: words by their stems, runs of Hangul by their parts, phrases as they stand. And the index misses none
of it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mypick.errors import DomainError
from mypick.search.excerpts import BEFORE, MAX_EXCERPT, excerpt
from mypick.search.index import has_all
from mypick.search.needles import Sought, needle_of
from mypick.search.terms import pack_terms, terms_of
from mypick.search.text import fold, runs, units
from mypick.search.wording import MAX_WORDS, person_number, read_wording

KOREAN = st.text("가나다라학교콘서트아이유ㅋㅠ ", min_size=1, max_size=14)
ANYTHING = st.text(
    st.one_of(
        st.sampled_from("학교콘서트ㅋㅎㅏㄱㄳ하\u1112\u1161\u11abABCdefİß'’ .-_😀👍🏽\u200d\ufe0f"),
        st.sampled_from("日本カﾞ２０26éé\u0301\u3164…"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=30,
)


def finds(query: str, text: str) -> bool:
    return read_wording(query).sought.marks(text) is not None


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("학교", "내일 학교에서 봐"),
        ("교에", "학교에서"),
        ("봄", "벚꽃이 핀 봄날"),
        ("꽃", "꽃"),
        ("running", "she RUNS every day"),
        ("community", "two communities"),
        ("콘서트", "\u110f\u1169\u11ab\u1109\u1165\u1110\u1173 가자"),  # written as jamo
        ("가", "ㄱㅏ"),
        ("ㅋㅋ", "아 ㅋㅋㅋㅋ"),
        ("2026", "2026년"),
        ("BTS의", "역시 bts의 노래"),
        ("ＡＢＣ", "abc"),
        ("youtube", "https://www.YouTube.com/watch?v=x"),
        ("watch", "https://www.youtube.com/watch?v=x"),
        ("😀", "그래😀😀"),
        ("v1.2", "v1.2 is out"),
        ("don't", "I don’t"),
        ('"see you there"', "See you, there!"),
        ('"아이유 콘서트"', "아이유콘서트 간다"),
        ("콘서트 -취소", "콘서트 간다"),
        ("日本", "日本語"),
    ],
)
def test_found(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("나라", "하나 라면"),  # no run holds it
        ("나라", "하나, 라면"),
        ("콘서트장", "콘서트"),
        ("you", "youtube"),
        ('"see you there"', "see there you"),
        ('"running"', "she runs"),
        ("콘서트 -취소", "콘서트 취소래"),
        ("17", "hello <@17>"),  # a person, shown by name
        ("콘서트 학교", "콘서트"),
    ],
)
def test_not_found(query: str, text: str) -> None:
    assert not finds(query, text)


@settings(max_examples=300, deadline=None)
@given(text=KOREAN, query=KOREAN)
def test_hangul_is_found_wherever_it_stands(text: str, query: str) -> None:
    """The reference: a part of the text in NFKC."""
    plain = unicodedata.normalize("NFKC", text)
    words = [unicodedata.normalize("NFKC", word) for word in query.split()]
    assert finds(query, text) is all(word in plain for word in words)


@settings(max_examples=300, deadline=None)
@given(text=ANYTHING, query=ANYTHING, phrase=st.booleans(), place=st.integers(0, 30), size=st.integers(1, 8))
def test_the_index_misses_nothing_that_the_text_has(text: str, query: str, phrase: bool, place: int, size: int) -> None:
    for asked in (query, text[place : place + size]):  # the second is likely to be there
        needle = needle_of(asked, phrase=phrase)
        if needle and Sought((needle,)).marks(text) is not None:
            assert has_all(pack_terms(terms_of(fold(text).text)), [(one,) for one in needle.terms()])


@settings(max_examples=300, deadline=None)
@given(text=ANYTHING, place=st.integers(0, 30), size=st.integers(1, 8), phrase=st.booleans())
def test_a_needle_has_the_shape_of_every_text_that_holds_it(text: str, place: int, size: int, phrase: bool) -> None:
    needle = needle_of(text[place : place + size], phrase=phrase)
    folded = fold(text).text
    if needle and needle.shape and needle.places(units(folded)):
        assert needle.shape.search(folded)


@settings(max_examples=300, deadline=None)
@given(text=ANYTHING)
def test_folding_is_the_same_by_either_way_and_knows_where_it_came_from(text: str) -> None:
    folded = fold(text)
    beside = fold(text + "\ufb01")  # a ligature, which is never folded the quick way
    assert beside.text == folded.text + "fi"
    if folded.spans is None:
        assert len(folded.text) == len(text)
    for unit in units(folded.text):
        start, end = folded.original(unit.start, unit.end)
        assert 0 <= start < end <= len(text)
    assert "".join(signs + word for signs, word in runs(folded.text)) == "".join(
        unit.text for unit in units(folded.text)
    )


@settings(max_examples=100, deadline=None)
@given(text=st.text("가나 ab", max_size=900), word=st.sampled_from(["가", "나가", "ab", '"a b"']))
def test_an_excerpt_is_a_stretch_of_the_text_and_shows_the_first_place(text: str, word: str) -> None:
    marks = read_wording(word).sought.marks(text)
    if marks is None:
        return
    parts = excerpt(text, marks)
    shown = "".join(part.text for part in parts)
    assert shown.strip("…") in text
    assert len(shown) <= MAX_EXCERPT + 2
    start, end = marks[0]
    first = next(part for part in parts if part.marked)
    assert text[start:end].startswith(first.text)
    assert len(shown.partition(first.text)[0]) <= BEFORE + MAX_EXCERPT


def test_an_excerpt_marks_every_place() -> None:
    marks = read_wording("콘서트 runs").sought.marks("콘서트 running, 콘서트!")
    assert marks is not None
    parts = excerpt("콘서트 running, 콘서트!", marks)
    assert [(part.text, part.marked) for part in parts] == [
        ("콘서트", True),
        (" ", False),
        ("running", True),
        (", ", False),
        ("콘서트", True),
        ("!", False),
    ]


def test_the_text_form_has_filters() -> None:
    asked = read_wording('concert "see you" -spoiler from:<@17> in:"main room" after:2026-01-01 has:link 3:1')
    assert (len(asked.needles), len(asked.excluded)) == (3, 1)
    assert (asked.author, asked.room, asked.has_link) == ("<@17>", "main room", True)
    assert asked.after is not None
    assert asked.after.isoformat() == "2026-01-01T00:00:00+00:00"
    assert asked.before is None
    assert [person_number(name) for name in ("17", "<@17>", "me", "0", str(2**63))] == [17, 17, None, None, None]


@pytest.mark.parametrize("query", ["before:tomorrow", "has:cats", "after:2026-02-30", "a " * (MAX_WORDS + 1)])
def test_what_is_wrong_is_said(query: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_wording(query)
    assert re.search(r"2026-01-31|has:link|at most", refused.value.message)
