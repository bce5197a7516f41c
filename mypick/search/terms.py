"""What the index holds of a text: numbers of 32 bits.

Of a word it is a hash of its stem. Of a sign it is the sign with the one that follows it at once, half of the number
each, or with nothing at the end of a run: so a run of n syllables gives n terms, a query of two syllables is one term,
and a query of one syllable is the terms that begin with it, which stand side by side. Whatever two texts share by
chance is found out when the text is compared: the index only has to miss nothing.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zlib import crc32

from snowballstemmer import stemmer

from mypick.search.text import runs

if TYPE_CHECKING:
    Terms = array[int]

RULES = 1  # of what is indexed; raised when they change, and then `run.py reindex` is needed
BUCKETS = 256
_WORDS = 50_000  # stems remembered, about 150 bytes each
_LONGEST = 40  # characters of a word that may have a stem

_english = stemmer("english")


@lru_cache(maxsize=_WORDS)
def stem(word: str) -> str:
    """The stem of an English word; other words are their own."""
    plain = word.replace("’", "'")
    if len(plain) > _LONGEST or not plain.isascii() or plain.isdigit():  # a number is its own stem
        return plain
    return str(_english.stemWord(plain))


@lru_cache(maxsize=_WORDS)
def term_of_word(word: str) -> int:
    return crc32(b"w" + stem(word).encode())


def term_of(name: str, value: object) -> int:
    """Of something about a text: its author, its room."""
    return crc32(f"{name}:{value}".encode())


def bucket_of(term: int) -> int:
    """The page of a segment that holds a term. Terms that begin with one sign are in one page."""
    return ((term >> 16) * 40_503 >> 8) & (BUCKETS - 1)


def terms_of(folded: str) -> set[int]:
    """All terms of a text."""
    terms: set[int] = set()
    for signs, word in runs(folded):
        if word:
            terms.add(term_of_word(word))
        else:
            codes = _codes(signs)
            terms.update([first << 16 | second for first, second in pairwise(codes)])
            terms.add(codes[-1] << 16)
    return terms


def terms_of_run(signs: str) -> list[tuple[int, int]]:
    """What a text has that holds these signs, one right after the other: for each range of terms (the lowest, the
    highest) one of it."""
    codes = _codes(signs)
    if len(codes) == 1:
        return [(codes[0] << 16, codes[0] << 16 | 0xFFFF)]
    return [(first << 16 | second,) * 2 for first, second in pairwise(codes)]


def pack_terms(terms: Iterable[int]) -> bytes:
    return little(array("I", sorted(terms))).tobytes()


def stored_of(low: int, high: int) -> bytes:
    """Bytes of stored terms of which one is ``low`` to ``high``: one term, or all that begin with a sign."""
    stored = low.to_bytes(4, "little")
    return stored if low == high else stored[2:]


def unpack_terms(body: bytes) -> Terms:
    terms = array("I")
    terms.frombytes(body)
    return little(terms)


def little(numbers: Terms) -> Terms:
    """As they are stored: the lowest byte first."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _codes(signs: str) -> Terms:
    """In UTF-16: a sign beyond the basic plane counts as two."""
    codes = array("H")
    codes.frombytes(signs.encode("utf-16-le"))
    return little(codes)
