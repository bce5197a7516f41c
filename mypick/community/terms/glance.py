"""A first look at a text, at the speed of C: nearly all messages hold nothing that a term could be, and cost no more.

A glance holds at least the letters, in their order, that a view of ``folding`` holds where a term could be found. What
it finds is looked at again there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mypick.community.terms.signs import DIPHTHONGS, JAMO_VOWELS, LATIN_AS_JAMO, Piece, Sort, pieces

MAX_SIGNS = 1 << 15  # kept by each table, about 4 MB; a sign beyond is looked up each time

_RUN = re.compile(r"(.)\1+", re.DOTALL)
_DRAWN_OUT = re.compile(rf"({'|'.join(sorted(DIPHTHONGS))})\1+")
_ONSET = re.compile(  # silent, as folding has it
    "[ㅇᄋﾷ](?=[^가-힣ㄱ-ㅎᄀ-ᄒᆨ-ᇂﾡ-ﾾ\\s]{0,3}[ㅏ-ㅣᅡ-ᅵￂ-ￜ1l|!i])", re.IGNORECASE
)
_JOINED = re.compile(r"[^\W\d_][^\w\s][^\W\d_]")


class _Table(dict[int, str]):
    def __init__(self, letters: Callable[[Piece], str]) -> None:
        super().__init__()
        self._letters = letters

    def __missing__(self, point: int) -> str:
        found = self._of(chr(point))
        if len(self) < MAX_SIGNS:
            self[point] = found
        return found


    def _of(self, sign: str) -> str:
        return "".join(self._letters(piece) for piece in pieces(sign))


class _Visible(_Table):
    def __init__(self) -> None:
        super().__init__(_plain)

    def _of(self, sign: str) -> str:
        return sign if pieces(sign) else ""


def _plain(piece: Piece) -> str:
    return piece.latin if piece.sort in (Sort.HANGUL, Sort.LETTER) else ""


def _as_latin(piece: Piece) -> str:
    return piece.latin


def _hidden(piece: Piece) -> str:
    return "*" if piece.sort is Sort.PUNCTUATION else piece.latin


def _as_jamo(piece: Piece) -> str:
    if piece.sort is Sort.WEAK:
        return piece.jamo
    if piece.sort is Sort.LETTER:
        return LATIN_AS_JAMO.get(piece.latin, piece.latin)
    return piece.latin


def _alone(piece: Piece) -> str:
    """Consonants that stand alone; anything else that is read parts them."""
    if piece.sort is Sort.HANGUL and len(piece.latin) <= 2 and not JAMO_VOWELS.intersection(piece.latin):
        return piece.latin
    return " " if piece.sort in (Sort.HANGUL, Sort.LETTER) else ""


_VISIBLE = _Visible()
_ALONE = _Table(_alone)
_PLAIN, _AS_LATIN, _HIDDEN, _AS_JAMO = (_Table(letters) for letters in (_plain, _as_latin, _hidden, _as_jamo))


def glances(text: str) -> Iterator[str]:
    """The text without what parts its letters; then with digits and symbols for letters, where that is another."""
    text = _ONSET.sub("", text)
    seen = {plain := text.translate(_PLAIN)}
    yield _once(plain)
    for table in (_AS_LATIN, _AS_JAMO, _HIDDEN) if _JOINED.search(text) else (_AS_LATIN, _AS_JAMO):
        if (other := text.translate(table)) not in seen:
            seen.add(other)
            yield _once(other)


def _once(letters: str) -> str:
    return _RUN.sub(r"\1", _DRAWN_OUT.sub(r"\1", letters))


def jamo_alone(text: str) -> str:
    """The consonants that stand alone: ㅅㅂ in 아 ㅅㅂ, and none in 없습니다."""
    return _RUN.sub(r"\1", text.translate(_ALONE))


def visible(text: str) -> str:
    """The text without signs that show nothing, and without marks over letters."""
    return text.translate(_VISIBLE)
