"""What a page says of itself: Open Graph, Twitter's cards, or its title and description.

Python's own ``html.parser``: it keeps pace with HTML5, needs nothing compiled that a hostile page could break, and gets
no more than what stands before ``<body>``.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser

MAX_HEAD = 256 * 1024  # characters that are parsed
MAX_TITLE, MAX_DESCRIPTION, MAX_SITE = 200, 300, 60  # characters
_SNIFFED = 4096  # bytes in which a page names its charset

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BODY = re.compile(r"<body[\s>/]|</head\s*>", re.IGNORECASE)
_CODECS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|cp949|johab|euc_jp|iso2022_jp|shift_jis|cp932|gb2312|gbk|gb18030|big5|big5hkscs|"
    r"ascii|iso8859-\d+|cp125\d|cp874|tis-620|koi8-[ru]|euc_kr"
)
"""Those of Python that a page is written in. Others unpack bytes, or cannot replace what is wrong."""
_WIDER = {"euc_kr": "cp949", "iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "shift_jis": "cp932"}
"""As browsers read them: pages that name the left are written in the right."""
_NAMES = {
    "og:title": "title",
    "twitter:title": "title",
    "og:description": "description",
    "twitter:description": "description",
    "description": "description",
    "og:site_name": "site",
    "application-name": "site",
}
_RANKS = ("og:", "twitter:", "")


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    description: str
    site: str


def read_page(body: bytes, charset: str | None) -> Page | None:
    """What the page says; None where it says no title. ``charset`` is that of its header, which goes before its own."""
    text = _decoded(body, charset)
    head = _BODY.search(text, 0, MAX_HEAD)
    reader = _Reader()
    with suppress(AssertionError, ValueError):  # of marks and numbers that it does not expect: what it read stands
        reader.feed(text[: head.start() if head else MAX_HEAD])
    title = clean(reader.best("title") or reader.title, MAX_TITLE)
    if not title:
        return None
    return Page(title, clean(reader.best("description"), MAX_DESCRIPTION), clean(reader.best("site"), MAX_SITE))


def clean(text: str, limit: int) -> str:
    """On one line, without signs that show nothing or turn the direction of what follows, cut at ``limit``."""
    text = unicodedata.normalize("NFC", text[: 8 * limit])
    shown = "".join(" " if sign.isspace() else sign for sign in text if _shows(sign))
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _shows(sign: str) -> bool:
    # Cc but blanks, Cf (zero width, direction), Co, Cs, Cn; the joiner of emoji stays
    return sign.isspace() or sign == "\u200d" or not unicodedata.category(sign).startswith("C")


def _decoded(body: bytes, charset: str | None) -> str:
    for bom, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(bom):
            return body.decode(name, "replace")
    named = _META_CHARSET.search(body[:_SNIFFED])
    for candidate in (charset, named[1].decode() if named else None, "utf-8"):
        if candidate and (codec := _codec(candidate)):
            return body.decode(codec, "replace")
    raise AssertionError("unreachable: UTF-8 is known")


def _codec(name: str) -> str | None:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return _WIDER.get(found.name, found.name) if _CODECS.fullmatch(found.name) else None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._found: dict[tuple[str, str], str] = {}
        self._in_title = False
        self._title_read = False
        self.title = ""

    def best(self, what: str) -> str:
        """Open Graph before Twitter before plain."""
        return next((self._found[rank, what] for rank in _RANKS if (rank, what) in self._found), "")

    def parse_html_declaration(self, i: int) -> int:
        """``<![…`` is a comment up to the next ``>``, as browsers have it; the parser knows a few words and fails."""
        return self.parse_bogus_comment(i) if self.rawdata.startswith("<![", i) else super().parse_html_declaration(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = not self._title_read
        elif tag == "meta":
            given = {name: value or "" for name, value in attrs}
            name = (given.get("property") or given.get("name") or "").strip().lower()
            content = given.get("content", "")
            if (what := _NAMES.get(name)) and content.strip():
                rank = next(rank for rank in _RANKS if name.startswith(rank))
                self._found.setdefault((rank, what), content)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._in_title:
            self._in_title, self._title_read = False, True

    def handle_data(self, data: str) -> None:
        if self._in_title and len(self.title) < 8 * MAX_TITLE:
            self.title += data
