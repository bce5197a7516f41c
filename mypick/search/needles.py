"""What is looked for in a text, and where it stands there. These rules say what search finds; the index only makes it
quick.

A word finds words of the same stem. A run of signs (Hangul, Kana, Han) is found in any run that holds it: particles and
endings do not hide a noun. A phrase finds its words as they are typed, one after the other, whatever stands between
them: also nothing, since blanks between Korean words are a matter of taste.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mypick.search.terms import stem, term_of_word, terms_of_run
from mypick.search.text import Folded, Unit, fold, units

Range = tuple[int, int]
"""Terms from the lowest to the highest; a text must have one of them."""


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    sign: bool
    tied: bool  # nothing may stand between it and the part before


@dataclass(frozen=True, slots=True)
class Needle:
    """One word or phrase. ``exact`` compares words as they are and not by stem."""

    parts: tuple[_Part, ...]
    exact: bool
    shape: re.Pattern[str] | None  # of every folded text that has it; some others have it too

    def terms(self) -> set[Range]:
        """What the terms of every text have that holds this; it may be in terms of others too."""
        wanted = {(term,) * 2 for part in self.parts if not part.sign for term in [term_of_word(part.text)]}
        run = ""
        for part in (*self.parts, _Part("", False, False)):
            if part.sign and part.tied:
                run += part.text
                continue
            if run:
                wanted.update(terms_of_run(run))
            run = part.text if part.sign else ""
        return wanted

    def places(self, text: Sequence[Unit]) -> list[tuple[int, int]]:
        """Where it stands in the folded text; without overlaps."""
        found: list[tuple[int, int]] = []
        size, place = len(self.parts), 0
        while place + size <= len(text):
            if all(self._is(part, text, place + offset) for offset, part in enumerate(self.parts)):
                found.append((text[place].start, text[place + size - 1].end))
                place += size
            else:
                place += 1
        return found

    def _is(self, part: _Part, text: Sequence[Unit], place: int) -> bool:
        unit = text[place]
        if unit.sign is not part.sign or (part.tied and text[place - 1].end != unit.start):
            return False
        return unit.text == part.text or (not (part.sign or self.exact) and stem(unit.text) == stem(part.text))


def needle_of(text: str, *, phrase: bool) -> Needle | None:
    """What ``text`` asks for; None where it has nothing that can be found."""
    found = units(fold(text).text)
    parts = tuple(
        # the first part is tied to nothing; signs and words that were typed in one go must stand so
        _Part(unit.text, unit.sign, place > 0 and found[place - 1].end == unit.start)
        for place, unit in enumerate(found)
    )
    return Needle(parts, phrase, _shape_of(parts, phrase)) if parts else None


def _shape_of(parts: Sequence[_Part], exact: bool) -> re.Pattern[str] | None:
    """A look for it takes 1 µs, cutting a text into units 30; none where a word may have other forms."""
    if not exact and not all(part.sign for part in parts):
        return None
    between = ("" if part.tied else r"[\W_]*" for part in parts)
    return re.compile("".join(gap + re.escape(part.text) for gap, part in zip(between, parts, strict=True)))


@dataclass(frozen=True, slots=True)
class Sought:
    """All that a text must hold, and what it must not."""

    needles: tuple[Needle, ...]
    excluded: tuple[Needle, ...] = ()

    def terms(self) -> set[Range]:
        return set().union(*(needle.terms() for needle in self.needles))

    def marks(self, text: str) -> list[tuple[int, int]] | None:
        """Places in ``text`` of what was looked for, in order and without overlaps; None where it does not match."""
        folded = fold(text)
        if any(needle.shape and not needle.shape.search(folded.text) for needle in self.needles):
            return None
        found = units(folded.text)
        places: list[tuple[int, int]] = []
        for needle in self.needles:
            here = needle.places(found)
            if not here:
                return None
            places += here
        if any(needle.places(found) for needle in self.excluded):
            return None
        return _joined(places, folded)


def _joined(places: list[tuple[int, int]], folded: Folded) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(folded.original(*place) for place in places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
