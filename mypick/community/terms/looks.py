"""What an automaton found, looked at where it stands: how long its runs of letters are, what parts the letters, and
what stands around them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mypick.community.terms.folding import Gap, View
from mypick.community.terms.particles import (
    BEFORE_SPELLED,
    BEHIND_SPELLED,
    FOLLOWED,
    FOLLOWED_APART,
    LITTLE,
    STRENGTHENED,
)
from mypick.community.terms.patterns import Effect, Pattern, Term
from mypick.community.terms.signs import JAMO, JAMO_VOWELS, LAUGHTER

_ROW = 1 << 20  # longer than any text
MIN_STRETCHED = 4  # letters of a Latin term in which one letter twice is taken for one: shiit, but "good" is no "god"
MIN_JOINED = 5  # jamo of a Korean term in which a doubled consonant is taken for one: 십발, but 한나 is no 하나


@dataclass(frozen=True, slots=True)
class Sign:
    """An emoji, or a letter that stands alone."""

    term: Term
    start: int
    end: int

    def span(self) -> tuple[int, int] | None:
        """Below zero: where it stands is counted in another row than that of words, and neither lies in the other."""
        return self.start - _ROW, self.end - 1 - _ROW

    def parted(self) -> list[int]:
        return []


class Look:
    """One find of an automaton, looked at where it stands."""

    __slots__ = ("_end", "_first", "_last", "_pattern", "_start", "_text", "_view", "term")

    def __init__(self, view: View, pattern: Pattern, start: int, end: int, text: str) -> None:
        self._view, self._pattern, self._start, self._end, self._text = view, pattern, start, end, text
        self._first = self._last = 0  # letters
        self.term = pattern.term

    def span(self) -> tuple[int, int] | None:
        """Where it stands in the text; nothing where it is no use of the term."""
        if not (self._ends() and self._long_enough() and self._fits()):
            return None
        return self._view.places[self._first], self._view.places[self._last]

    def parted(self) -> list[int]:
        """Places in the text behind gaps that the term itself has not."""
        view = self._view
        own = {view.runs[self._start + number] for number in self._pattern.spaces}
        return [view.places[one] for one in range(self._first + 1, self._last + 1) if view.gaps[one] and one not in own]

    def _ends(self) -> bool:
        """Fix the first and the last letter: a block has to begin and one has to end there. A run may reach over a gap
        into another word (``shit to me``): then it is cut there."""
        view, counts = self._view, self._pattern.counts
        start, behind = view.runs[self._start], view.runs[self._start + 1]
        firsts = [one for one in range(start, behind) if view.heads[one] and self._counts(behind - one, counts[0], one)]
        start, behind = view.runs[self._end - 1], view.runs[self._end]
        need = counts[-1]
        lasts = [one for one in range(start, behind) if view.tails[one] and self._counts(one - start + 1, need, one)]
        if not firsts or not lasts:
            return False
        self._first = min(firsts, key=lambda one: (view.gaps[one] is Gap.NONE, one))
        self._last = min(lasts, key=lambda one: (self._gap_behind(one) is Gap.NONE, -one))
        return self._first <= self._last

    def _gap_behind(self, letter: int) -> Gap:
        gaps = self._view.gaps
        return gaps[letter + 1] if letter + 1 < len(gaps) else Gap.BLANK

    def _long_enough(self) -> bool:
        """Whether the runs between the ends are as long as in the term, or stretched."""
        runs = self._view.runs
        return all(
            self._counts(runs[self._start + number + 1] - runs[self._start + number], need, runs[self._start + number])
            for number, need in enumerate(self._pattern.counts)
            if 0 < number < len(self._pattern.counts) - 1
        )

    def _counts(self, have: int, need: int, letter: int) -> bool:
        if have == need:
            return True
        if have < need:
            return False
        sign, pattern = self._view.letters[letter], self._pattern
        if "*" in pattern.folded:
            return False  # s*ut in SSL/T would be one liberty too many
        if have >= 3 or sign in JAMO_VOWELS:
            return True
        if pattern.korean:
            return len(pattern.folded) >= MIN_JOINED or (self._view.heads[letter] and self._view.tails[letter])
        return len(pattern.folded) >= MIN_STRETCHED

    def _fits(self) -> bool:
        parted = max((self._gap(number) for number in range(self._start + 1, self._end)), default=Gap.NONE)
        parted = max(parted, *self._within_ends(), Gap.NONE)
        if self._misread():
            return False
        if self._pattern.initials:
            apart = parted <= Gap.SIGN or self._left_apart()
            return apart and self._all_alone() and self._left_end() and self._right_end()
        if parted <= Gap.SIGN:
            return self._left_fits() and self._right_fits()
        if self._pattern.term.effect is Effect.ALLOW:
            return True
        if parted is Gap.BLANK and self._goes_on():
            return False
        if self._pattern.korean:
            return self._aligned() and self._left_apart() and self._right_end(FOLLOWED_APART)
        if parted is Gap.PUNCTUATION:
            return (self._left_apart() or self._letter_by_letter()) and self._right_end()
        return self._left_apart() and self._right_end() and self._odd_pieces()

    def _goes_on(self) -> bool:
        """Whether it is a part of a longer word that is written with blanks: c l a s s i c, 다 시 발 표."""
        view, first, last = self._view, self._first, self._last
        blocks = [one for one in range(first, last + 1) if view.heads[one]]
        if not all(view.gaps[one] for one in blocks[1:]):
            return False
        before, behind = self._block_before(), self._block_behind()
        return (before is not None and before not in BEFORE_SPELLED) or (
            behind is not None and behind not in BEHIND_SPELLED
        )

    def _block_before(self) -> str | None:
        """The sign before it, where it stands between two blanks."""
        view, one = self._view, self._first - 1
        if one < 0 or not view.gaps[self._first]:
            return None
        while not view.heads[one]:
            one -= 1
        return self._text[view.places[one]].casefold() if one == 0 or view.gaps[one] else None

    def _block_behind(self) -> str | None:
        view, one = self._view, self._last + 1
        if one >= len(view.letters) or not view.gaps[one]:
            return None
        place = view.places[one]
        while one < len(view.letters) and view.places[one] == place:
            one += 1
        return self._text[place].casefold() if one == len(view.letters) or view.gaps[one] else None

    def _misread(self) -> bool:
        """Whether what seems to be written with digits is a number: AS5, 5H17, 3시8분."""
        view, first, last = self._view, self._first, self._last
        if not any(view.weak[first : last + 1]):
            return False
        before = view.places[first] - 1
        if self._pattern.korean:
            return (before >= 0 and self._text[before].isdigit()) or not (self._left_end() and self._right_end())
        letters = last - first + 1
        digits = sum(self._text[view.places[one]].isdigit() for one in range(first, last + 1))
        if letters < MIN_STRETCHED and digits == 1 and self._text[view.places[last]].isdigit():
            return True
        return digits >= letters - 1

    def _gap(self, run: int) -> Gap:
        """Before a run of the text, unless the term has one there as well."""
        if run - self._start in self._pattern.spaces:
            return Gap.NONE
        return self._view.gaps[self._view.runs[run]]

    def _within_ends(self) -> list[Gap]:
        """Gaps within runs: s s s h i t."""
        inner = set(self._view.runs[self._start : self._end])
        return [self._view.gaps[one] for one in range(self._first + 1, self._last + 1) if one not in inner]

    def _aligned(self) -> bool:
        """Whether syllables begin where those of the term do: 다시바로 holds no 시발."""
        view, pattern = self._view, self._pattern
        return not pattern.korean or all(
            view.heads[view.runs[self._start + number]] or pattern.counts[number] > 1
            for number in pattern.blocks
            if number
        )

    def _all_alone(self) -> bool:
        view = self._view
        return all(view.heads[one] and view.tails[one] for one in range(self._first, self._last + 1))

    # what stands around it

    def _left_fits(self) -> bool:
        if self._left_end() or (self._pattern.open_left and self._aligned()):
            return True
        return self._pattern.korean and STRENGTHENED.fullmatch(self._word_before()) is not None

    def _right_fits(self) -> bool:
        return self._right_end() or (self._pattern.open_right and self._aligned())

    def _left_apart(self) -> bool:
        """Whether a blank or the beginning stands before it."""
        return self._first == 0 or self._view.gaps[self._first] is Gap.BLANK

    def _left_end(self) -> bool:
        view, before = self._view, self._first - 1
        if before < 0 or view.gaps[self._first] or self._other(before):
            return True
        return self._pattern.initials and view.letters[before] == view.letters[self._last]

    def _right_end(self, followed: re.Pattern[str] = FOLLOWED) -> bool:
        view, behind = self._view, self._last + 1
        if behind == len(view.letters) or view.gaps[behind] or self._other(behind):
            return True
        if self._pattern.initials:
            return view.letters[behind] == view.letters[self._first]
        if self._pattern.korean:
            return followed.match(self._text, view.places[self._last] + 1) is not None
        return self._plural(behind)

    def _plural(self, behind: int) -> bool:
        view = self._view
        if view.letters[behind] not in "sz" or view.letters[self._last] == view.letters[behind]:
            return False
        return behind + 1 == len(view.letters) or bool(view.gaps[behind + 1])

    def _other(self, letter: int) -> bool:
        """Whether a letter belongs to no word that this could be a part of."""
        view, sign = self._view, self._view.letters[letter]
        if view.weak[letter] and not view.weak[self._first]:
            return True
        alone = not "가" <= self._text[view.places[letter]] <= "힣"  # a jamo, not a syllable
        if self._pattern.initials:
            return sign not in JAMO or sign in LAUGHTER or not alone
        if self._pattern.korean:
            return sign not in JAMO or (alone and (sign not in JAMO_VOWELS or sign in LAUGHTER))
        return sign in JAMO or sign == "'"

    def _word_before(self) -> str:
        end = self._view.places[self._first]
        start = end
        while start and "가" <= self._text[start - 1] <= "힣":
            start -= 1
        return self._text[start:end]

    def _letter_by_letter(self) -> bool:
        return all(self._view.gaps[one] for one in range(self._first + 1, self._last + 1))

    def _odd_pieces(self) -> bool:
        """Whether the pieces between blanks are no words: "an us" is two words, "fu ck" is none."""
        found, piece = [], ""
        for one in range(self._first, self._last + 1):
            if self._view.gaps[one] is Gap.BLANK and piece:
                found.append(piece)
                piece = ""
            piece += self._text[self._view.places[one]].casefold()
        letters = self._last - self._first + 1
        if len(found) + 1 == letters:
            return True
        return letters == sum(self._pattern.counts) and any(one not in LITTLE for one in (*found, piece))
