from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.errors import Code, DomainError
from mypick.pagination import MAX_CURSOR, decode_cursor, encode_cursor, page_of
from mypick.wire import MAX_ID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 8_000 * 365 * 86_400 * 1_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@given(TIMES, st.integers(0, MAX_ID), TEXTS)
def test_a_cursor_gives_back_its_keys(at: datetime, number: int, text: str) -> None:
    cursor = encode_cursor("list", at, number, text)
    if len(cursor) <= MAX_CURSOR:
        assert decode_cursor(cursor, "list", datetime, int, str) == (at, number, text)


@given(st.one_of(st.text(max_size=600), st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_no_text_breaks_the_reading_of_cursors(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        decode_cursor(text, "list", datetime, int)
    assert refused.value.code is Code.INVALID


@pytest.mark.parametrize(
    "content",
    [
        ["other", 1],
        ["list"],
        ["list", 1, 2],
        ["list", "1"],
        ["list", True],
        ["list", 1.5],
        ["list", None],
        ["list", 2**63],
        {"list": 1},
        [],
    ],
)
def test_a_made_up_cursor_is_invalid(content: object) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()
    with pytest.raises(DomainError):
        decode_cursor(cursor, "list", int)


@given(st.integers(0, 30), st.integers(1, 10))
def test_pages_show_each_item_once(count: int, limit: int) -> None:
    items, seen, cursor = list(range(count)), [], None
    for _ in range(count + 1):
        start = 0 if cursor is None else int(decode_cursor(cursor, "n", int)[0]) + 1
        page = page_of(items[start : start + limit + 1], limit, int, lambda row: encode_cursor("n", row))
        seen += page.items
        assert len(page.items) <= limit
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == items
    assert cursor is None
