"""What is taken out of a text because it shows nothing."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mypick.community.unseen import MAX_SIGNS, Without

CATEGORIES = ("Cf", "Mn", "Zs")
SIGNS = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)


def seen(text: str) -> str:
    return "".join(sign for sign in text if unicodedata.category(sign) not in CATEGORIES)


@given(st.text())
def test_it_is_what_the_categories_say(text: str) -> None:
    without = Without(CATEGORIES)
    assert text.translate(without) == text.translate(without) == seen(text)


def test_it_remembers_no_more_than_it_may_and_is_right_beyond() -> None:
    without = Without(CATEGORIES)
    assert SIGNS.translate(without) == seen(SIGNS)
    assert len(without) == MAX_SIGNS
    assert SIGNS[::-1].translate(without) == seen(SIGNS)[::-1]
