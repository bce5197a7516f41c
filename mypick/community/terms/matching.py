"""Which terms a text holds, however they are written.

Terms are found in folded views of the text by Aho-Corasick, and each find is then looked at where it stands: how long
its runs of letters are, what parts the letters, and what stands around them. Korean words may be followed by particles;
an allowed term keeps every find that lies within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, Implementation

from mypick.community.terms.folding import views
from mypick.community.terms.glance import glances, jamo_alone, visible
from mypick.community.terms.looks import Look, Sign
from mypick.community.terms.patterns import Effect, Pattern, Term, core_of, patterns_of, signs_of


@dataclass(frozen=True, slots=True)
class Found:
    term: Term
    start: int  # index of the first and of the last sign in the text, not counting signs that show nothing
    last: int


class Matcher:
    """Compiled terms; immutable. 2,000 terms take about 2 MB and 50 ms to compile."""

    def __init__(self, terms: Iterable[Term]) -> None:
        words: list[Pattern] = []
        initials: list[Pattern] = []
        signs: list[tuple[str, Term]] = []
        for term in terms:
            patterns = patterns_of(term)
            if patterns:
                for pattern in patterns:
                    (initials if pattern.initials else words).append(pattern)
            elif found := signs_of(core_of(term.text)[1]):
                signs.append((found, term))
        self._words, self._initials, self._signs = words, initials, signs
        self._in_words = _automaton([pattern.folded for pattern in words])
        self._in_initials = _automaton([pattern.folded for pattern in initials])
        self._in_signs = _automaton([found for found, _ in signs])

    def find(self, text: str) -> Found | None:
        """The worst that the text holds: a blocked term before a held one, then the first. ``text`` is NFC, as it is
        stored."""
        looks = list(self._looks(visible(text)))
        allowed = [(look, span) for look in looks if look.term.effect is Effect.ALLOW and (span := look.span())]
        worst: Found | None = None
        for look in looks:
            block = look.term.effect is Effect.BLOCK
            if look.term.effect is Effect.ALLOW or (worst and not block):
                continue
            if (span := look.span()) and not any(_keeps(good, extent, look, span) for good, extent in allowed):
                worst = Found(look.term, *span)
                if block:
                    break
        return worst

    def _looks(self, text: str) -> Iterator[Look | Sign]:
        """All that a look is worth, in the order of the text for each way to read it."""
        words = self._in_words and any(self._in_words.find_matches_as_indexes(one) for one in glances(text))
        initials = self._in_initials and self._in_initials.find_matches_as_indexes(jamo_alone(text))
        if words or initials:
            for view in views(text):
                for automaton, patterns in ((self._in_words, self._words), (self._in_initials, self._initials)):
                    finds = automaton.find_matches_as_indexes(view.folded, True) if automaton else ()
                    for number, start, end in finds:
                        yield Look(view, patterns[number], start, end, text)
        if self._in_signs:
            for number, start, end in self._in_signs.find_matches_as_indexes(signs_of(text), True):
                yield Sign(self._signs[number][1], start, end)


def _keeps(good: Look | Sign, extent: tuple[int, int], bad: Look | Sign, span: tuple[int, int]) -> bool:
    """Whether an allowed term keeps what lies in it. What parts it may lie in the other alone: 다시발 keeps 다시 발표
    and not 다 시발. A listed one gives way to a community's own of the same extent."""
    if good.term.listed and not bad.term.listed and extent == span:
        return False
    within = extent[0] <= span[0] and span[1] <= extent[1]
    return within and all(span[0] < place <= span[1] for place in good.parted())


def _automaton(patterns: Sequence[str]) -> AhoCorasick | None:
    # contiguous: built in a few ms where a DFA needs a tenth of a second, and no slower on texts of a line
    if not patterns:
        return None
    return AhoCorasick(patterns, implementation=Implementation.ContiguousNFA, store_patterns=False)
