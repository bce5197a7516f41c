"""Texts as search compares them: folded, and cut into units.

A unit is a word of a script that puts blanks between words (``concert``, ``2026``), or one sign of a script where a
word may be a part of a run (Hangul, where particles stick to nouns; Han; Kana; Thai) or stands alone (an emoji).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_MENTION = re.compile(r"<@[1-9][0-9]{0,18}>")  # a person by number, who is shown by name: no word of the text
_CONSONANTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏ-ㅣ"
# most of what is said: each sign folds by itself to one sign. A consonant before a vowel would become a syllable.
_PLAIN = re.compile(
    f"(?:[\t\n -~가-힣‘’“”·、。\u2190-\u21ff\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6ff"
    f"\U0001f900-\U0001f9ff]|[{_CONSONANTS}](?![{_VOWELS}])|[{_VOWELS}])*"
)
_SIMPLE = {
    **{ord(sign): sign.lower() for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in (*map(ord, _CONSONANTS), *range(0x314F, 0x3164))},
}
_JAMO = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\ud7b0-\ud7fb\uffa0-\uffdc]")
_UNSEEN = re.compile("[\u115f\u1160\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_SIGN = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2190-\u2bff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"([{_SIGN}]+)|([^\\W_{_SIGN}]+(?:['’][^\\W_{_SIGN}]+)*)")
_UNIT = re.compile(f"(?P<sign>[{_SIGN}])|[^\\W_{_SIGN}]+(?:['’][^\\W_{_SIGN}]+)*")


class Unit(NamedTuple):
    """``start`` and ``end`` are places in the folded text."""

    text: str
    sign: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it is compared. ``spans`` gives for each of its signs the place in the original that it comes from;
    none where both have the same signs in the same places."""

    text: str
    spans: Sequence[tuple[int, int]] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The part of the original that ``start`` to ``end`` came from; not empty."""
        if self.spans is None:
            return start, end
        return self.spans[start][0], self.spans[end - 1][1]


def fold(text: str) -> Folded:
    """NFKC, lower case, without signs that show nothing. Jamo that make a syllable are that syllable, so that a text
    is the same whichever keyboard wrote it."""
    if "<@" in text:
        text = _MENTION.sub(lambda found: " " * len(found[0]), text)
    if _PLAIN.fullmatch(text):
        return Folded(text.translate(_SIMPLE), None)
    signs: list[str] = []
    spans: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[start:end]).casefold())
        kept = [
            (place, sign)
            for place, sign in enumerate(folded)
            if unicodedata.category(sign) != "Cf" and not _UNSEEN.match(sign)
        ]
        apart = len(folded) == end - start
        for place, sign in kept:
            signs.append(sign)
            spans.append((start + place, start + place + 1) if apart else (start, end))
    return Folded("".join(signs), spans)


def units(folded: str) -> list[Unit]:
    """In the order of the text. Blanks and punctuation are none."""
    return [Unit(found[0], found["sign"] is not None, found.start(), found.end()) for found in _UNIT.finditer(folded)]


def runs(folded: str) -> list[tuple[str, str]]:
    """The same units with signs that follow one another together: ``(signs, "")`` or ``("", word)``."""
    return _RUN.findall(folded)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """The smallest parts that fold on their own: a sign with the marks that follow it, or a run of Hangul with jamo."""
    start = 0
    for place in range(1, len(text)):
        if not _continues(text[place], text[place - 1]):
            yield start, place
            start = place
    if text:
        yield start, len(text)


def _continues(sign: str, before: str) -> bool:
    if sign.isascii() or "가" <= sign <= "힣":
        return False
    if _JAMO.match(sign):
        return "가" <= before <= "힣" or _JAMO.match(before) is not None
    return sign in "ﾞﾟ" or unicodedata.category(sign) in ("Mn", "Mc", "Me", "Cf")
