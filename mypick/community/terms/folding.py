"""Text as it is compared with terms: a row of letters, with what stood between them.

One view takes digits and symbols for gaps (``f1u1c1k``), the other for the letters that they stand for (``sh1t``). Runs
of one letter are folded into one, and their length is kept: ``shiiit`` is found, ``as`` is not ``ass``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby, pairwise

from mypick.community.terms.signs import DIPHTHONGS, JAMO_VOWELS, LATIN_AS_JAMO, Piece, Sort, pieces


class Gap(IntEnum):
    """What stands before a letter, the most separating of it."""

    NONE = 0
    SIGN = 1  # a digit, an emoji, a symbol: nobody writes these between the letters of a word
    PUNCTUATION = 2
    BLANK = 3


@dataclass(slots=True)
class View:
    """Letters in parallel lists. A block is what a reader sees as one: a syllable, or a letter."""

    letters: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)  # before each letter
    heads: list[bool] = field(default_factory=list)  # the first letter of a block
    tails: list[bool] = field(default_factory=list)  # the last one
    weak: list[bool] = field(default_factory=list)  # written with a digit or a symbol
    places: list[int] = field(default_factory=list)  # index of the sign in the text
    last_gap: Gap = Gap.NONE  # behind the last letter
    folded: str = ""  # runs of one letter as one
    runs: list[int] = field(default_factory=list)  # index of the first letter of each run, and the end of all

    def add(self, letters: str, gap: Gap, place: int, *, weak: bool = False, apart: bool = False) -> None:
        if letters in DIPHTHONGS and not gap and "".join(self.letters[-2:]) == letters:
            return  # 뒤위위: the vowel goes on
        last = len(letters) - 1
        for number, letter in enumerate(letters):
            self.letters.append(letter)
            self.gaps.append(gap if number == 0 else Gap.NONE)
            self.heads.append(apart or number == 0)
            self.tails.append(apart or number == last)
            self.weak.append(weak)
            self.places.append(place)

    def fold(self) -> View:
        starts = 0
        folded = []
        for letter, run in groupby(self.letters):
            folded.append(letter)
            self.runs.append(starts)
            starts += sum(1 for _ in run)
        self.runs.append(starts)
        self.folded = "".join(folded)
        return self


Row = Sequence[tuple[int, Piece]]


def views(text: str) -> Iterator[View]:
    """The first view always; the second where digits or symbols could stand for letters."""
    row = [(place, piece) for place, sign in enumerate(text) for piece in pieces(sign)]
    row = [found for number, found in enumerate(row) if not _silent(text, row, number)]
    yield _plain(row)
    if any(piece.sort is Sort.WEAK for _, piece in row) or _mixed(row) or _joined(row):
        yield _written_for(row)


def _silent(text: str, row: Row, number: int) -> bool:
    """Whether it is an onset ㅇ that stands alone: ㅇㅏ is 아, but ㅇ어 is the end of one syllable and another."""
    piece = row[number][1]
    if piece.sort is not Sort.HANGUL or piece.latin != "ㅇ":
        return False
    for place, following in row[number + 1 : number + 4]:
        match following.sort:
            case Sort.HANGUL:
                return following.latin in JAMO_VOWELS and not "가" <= text[place] <= "힣"
            case Sort.WEAK if following.jamo:
                return following.jamo in JAMO_VOWELS
            case Sort.LETTER:
                return LATIN_AS_JAMO.get(following.latin, "") in JAMO_VOWELS
            case Sort.BLANK:
                return False
    return False


def _plain(row: Row) -> View:
    view, gap = View(), Gap.NONE
    for number, (place, piece) in enumerate(row):
        match piece.sort:
            case Sort.HANGUL | Sort.LETTER:
                view.add(piece.latin, gap, place, apart=piece.sort is Sort.LETTER)
                gap = Gap.NONE
            case Sort.APOSTROPHE if _between_letters(row, number):
                view.add("'", gap, place)
                gap = Gap.NONE
            case _:
                gap = max(gap, _GAPS[piece.sort])
    view.last_gap = gap
    return view.fold()


_GAPS = {
    Sort.WEAK: Gap.SIGN,
    Sort.SIGN: Gap.SIGN,
    Sort.APOSTROPHE: Gap.PUNCTUATION,
    Sort.PUNCTUATION: Gap.PUNCTUATION,
    Sort.BLANK: Gap.BLANK,
}


def _between_letters(row: Row, number: int) -> bool:
    return (
        0 < number < len(row) - 1
        and row[number - 1][1].sort is Sort.LETTER
        and row[number + 1][1].sort is Sort.LETTER
    )


def _mixed(row: Row) -> bool:
    """Whether Latin letters stand beside Hangul."""
    return any(
        {one.sort, other.sort} == {Sort.HANGUL, Sort.LETTER}
        for (_, one), (_, other) in pairwise(row)
    )


def _joined(row: Row) -> bool:
    """Whether punctuation stands within a word."""
    return any(
        piece.sort is Sort.PUNCTUATION and _between_letters(row, number) for number, (_, piece) in enumerate(row)
    )


def _written_for(row: Row) -> View:
    view, gap = View(), Gap.NONE
    for number, (place, piece) in enumerate(row):
        letters = ""
        if piece.sort is Sort.WEAK:
            beside = _beside(row, number)
            letters = piece.jamo if beside is Sort.HANGUL else piece.latin if beside is Sort.LETTER else ""
        elif piece.sort is Sort.LETTER and len(piece.latin) == 1 and _alone_by_hangul(row, number):
            letters = LATIN_AS_JAMO.get(piece.latin, piece.latin)
        elif piece.sort is Sort.PUNCTUATION and _between_letters(row, number):
            letters = "*"  # sh-t
        if letters:
            view.add(letters, gap, place, weak=True, apart=piece.sort is not Sort.WEAK or letters not in _SYLLABLES)
            gap = Gap.NONE
        elif piece.sort in (Sort.HANGUL, Sort.LETTER):
            view.add(piece.latin, gap, place, apart=piece.sort is Sort.LETTER)
            gap = Gap.NONE
        elif piece.sort is Sort.APOSTROPHE and _between_letters(row, number):
            view.add("'", gap, place)
            gap = Gap.NONE
        else:
            gap = max(gap, _GAPS[piece.sort])
    view.last_gap = gap
    return view.fold()


_SYLLABLES = frozenset({"ㅍㅏㄹ", "ㅆㅣ"})


def _beside(row: Row, number: int) -> Sort | None:
    """Hangul or letters: which of them stands in the same word, before it or else behind it."""
    for step in (-1, 1):
        at = number + step
        while 0 <= at < len(row) and row[at][1].sort is Sort.WEAK:
            at += step
        if 0 <= at < len(row) and row[at][1].sort in (Sort.HANGUL, Sort.LETTER):
            return row[at][1].sort
    return None


def _alone_by_hangul(row: Row, number: int) -> bool:
    sides = [row[at][1] for at in (number - 1, number + 1) if 0 <= at < len(row)]
    return any(piece.sort is Sort.HANGUL for piece in sides) and not any(
        piece.sort is Sort.LETTER for piece in sides
    )

