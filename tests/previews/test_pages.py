"""What a page says of itself is read, cleaned and bounded; which link of a text is meant."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.previews.links import first_link
from mypick.previews.pages import MAX_DESCRIPTION, MAX_SITE, MAX_TITLE, clean, read_page


def test_open_graph_goes_before_twitter_and_both_before_the_plain() -> None:
    page = read_page(
        b"""<!doctype html><head><title>plain</title><meta name="description" content="plain words">
        <meta name="twitter:title" content="bird"><meta name="twitter:description" content="bird words">
        <meta property="og:title" content="Open &amp; &quot;Graph&quot;"><meta property=og:site_name content=Site>""",
        None,
    )
    assert page is not None
    assert (page.title, page.description, page.site) == ('Open & "Graph"', "bird words", "Site")


def test_nothing_behind_the_body_counts() -> None:
    assert read_page(b"<head></head><body><title>in the body</title><meta property=og:title content=x>", None) is None
    assert read_page(b"no html at all", None) is None
    assert read_page(b"<title>   </title>", None) is None


def test_texts_are_one_bounded_line_without_what_misleads() -> None:
    title = "a\u202eb\u200bc\n\n d\x00\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    page = read_page(f"<title>{title}{'x' * 900}</title><meta name=description content='{'y' * 900}'>".encode(), None)
    assert page is not None
    assert page.title.startswith("abc d")
    assert len(page.title) == MAX_TITLE
    assert len(page.description) == MAX_DESCRIPTION


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<title>한국</title>".encode("utf-16"), None),
        (b"\xef\xbb\xbf" + "<title>한국</title>".encode(), "latin-1"),
        ("<title>한국</title>".encode("euc-kr"), "EUC-KR"),
        ('<meta content="text/html; charset=ks_c_5601-1987"><title>한국</title>'.encode("cp949"), ""),
    ],
)
def test_charsets_of_header_mark_and_meta(body: bytes, charset: str | None) -> None:
    page = read_page(body, charset)
    assert page is not None
    assert page.title == "한국"


@pytest.mark.parametrize(
    "odd",
    [
        b"<![foo[x]]>",
        b"<![>",
        b"<![if !IE]>",
        b"<![CDATA[x]]>",
        b"<meta name=description content='&#" + b"9" * 5_000 + b";'>",
    ],
)
def test_what_no_parser_expects_takes_nothing_else_along(odd: bytes) -> None:
    page = read_page(b"<title>before</title>" + odd, None)
    assert page is not None
    assert page.title == "before"
    if odd.startswith(b"<!"):
        page = read_page(odd + b"<title>behind</title>", None)
        assert page is not None
        assert page.title == "behind"


_PIECES = ["<![", "]>", "<!", "<!--", "-->", "[", "&#", "9" * 4_400, ";", "<a ", "='", "x", ">"]


@given(st.lists(st.sampled_from(_PIECES)))
def test_no_markup_breaks_the_reading(pieces: list[str]) -> None:
    page = read_page(b"<title>a</title>" + "".join(pieces).encode(), None)
    assert page is not None
    assert page.title == "a"


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "euc-kr", "hex", "idna", "punycode", "\x00"]))
def test_no_bytes_break_the_reading(body: bytes, charset: str | None) -> None:
    page = read_page(b"<title>" + body, charset)
    if page is not None:
        assert 0 < len(page.title) <= MAX_TITLE
        assert "\n" not in page.title + page.description
        assert len(page.site) <= MAX_SITE


@pytest.mark.parametrize(
    "piece", [b"<", b"<a ", b"<!--", b"<![CDATA[", b"<title>", b"<meta a='", b"&", b"<a b=c ", b"</", b"<?x"]
)
def test_a_page_made_to_be_slow_is_read_in_time(piece: bytes) -> None:
    body = piece * (512 * 1024 // len(piece))
    began = time.process_time()
    read_page(body, None)
    assert time.process_time() - began < 3


@given(st.text())
def test_clean_is_done_once_and_for_all(text: str) -> None:
    assert clean(clean(text, 50), 50) == clean(text, 50)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://a.example/x.", "https://a.example/x"),
        ("(https://a.example/x_(y))", "https://a.example/x_(y)"),
        ("한국어https://a.example/가?b=1&c=2, 그리고", "https://a.example/가?b=1&c=2"),
        ("<https://hidden.example> and https://shown.example!", "https://shown.example"),
        ("HTTP://A.example", "HTTP://A.example"),
        ("<https://hidden.example>", None),
        ("ftp://a.example www.a.example", None),
        ("https://", None),
        ("https://a.example/" + "x" * 3_000, None),
        ('<a href="https://a.example/x">', "https://a.example/x"),
    ],
)
def test_which_link_is_meant(text: str, link: str | None) -> None:
    assert first_link(text) == link


@given(st.text())
def test_no_text_breaks_the_search_for_links(text: str) -> None:
    link = first_link(text + " https://a.example/ " + text)
    assert link is None or link.lower().startswith(("http://", "https://"))
