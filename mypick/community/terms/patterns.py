"""Terms, and the ways in which each may be written."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from mypick.community.terms.folding import View, views
from mypick.community.terms.signs import JAMO, JAMO_VOWELS, keys_of
from mypick.community.unseen import Without

MIN_LETTERS = 2  # different ones side by side; ㅗ or an emoji is looked for as it is
_WITHOUT = Without({"Cf", "Mn", "Me", "Cc", "Zs", "Zl", "Zp"})
MIN_HIDDEN = 4  # letters of a Latin term that is known with signs in it: f*ck


class Effect(Enum):
    """What a term does to the text that holds it."""

    BLOCK = "block"
    HOLD = "hold"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Term:
    """``text`` as a moderator writes it. An asterisk at an end lets the word go on there: ``damn*``, ``*바보*``."""

    text: str
    effect: Effect
    listed: bool = False  # in a list that comes with the server


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to write a term."""

    term: Term
    folded: str
    counts: tuple[int, ...]  # how long each run of letters is
    blocks: frozenset[int]  # runs at which a syllable begins
    spaces: frozenset[int]  # runs before which the term itself has a gap
    korean: bool
    initials: bool  # jamo alone: ㅅㅂ
    open_left: bool
    open_right: bool


def seen(term: str) -> str:
    """The letters of a term as they are compared: two terms with the same are one. Asterisks at its ends stay, since
    they change what it means."""
    left, core, right = core_of(term)
    view = _meant(list(views(core)))
    if len(view.folded) < MIN_LETTERS:
        return left + signs_of(core) + right
    letters = zip(view.letters, view.gaps, strict=True)
    return left + "".join((" " if gap and number else "") + one for number, (one, gap) in enumerate(letters)) + right


def _meant(shapes: Sequence[View]) -> View:
    """A term that is itself written with digits is meant as it is read."""
    return shapes[-1] if any(shapes[-1].weak) else shapes[0]


def core_of(term: str) -> tuple[str, str, str]:
    """The asterisk in front, the term, and the asterisk behind."""
    term = term.strip()
    left, right = term.startswith("*"), term.endswith("*") and len(term) > 1
    return "*" * left, term.strip("*"), "*" * right


def signs_of(text: str) -> str:
    """What can be seen of a text, without blanks: for terms that have no letters."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_WITHOUT)


def patterns_of(term: Term) -> list[Pattern]:
    left, core, right = core_of(term.text)
    opened = bool(left), bool(right)
    shapes = list(views(core))
    if len(_meant(shapes).folded) < MIN_LETTERS:
        return []
    found = [_pattern(term, _meant(shapes), opened)]
    if term.effect is Effect.ALLOW:
        return found
    if len(core) >= MIN_HIDDEN and core.isascii() and core.isalpha():
        found += [_pattern(term, list(views(hidden))[-1], opened) for hidden in _hidden(core.casefold())]
    if len(keys := keys_of(core)) >= MIN_HIDDEN:
        found.append(_pattern(term, next(iter(views(keys))), (False, False)))
    return found


def _pattern(term: Term, view: View, opened: tuple[bool, bool]) -> Pattern:
    starts, ends = view.runs[:-1], view.runs[1:]
    allowed = term.effect is Effect.ALLOW
    korean = any(letter in JAMO for letter in view.letters)
    # scripts that put no blanks between words, Han, Kana and Thai, have no ends of words either
    endless = not korean and any("\u0e00" <= one <= "\u0eff" or "\u3040" <= one <= "\u9fff" for one in view.letters)
    return Pattern(
        term=term,
        folded=view.folded,
        counts=tuple(end - start for start, end in zip(starts, ends, strict=True)),
        blocks=frozenset(number for number, start in enumerate(starts) if view.heads[start] and not view.tails[start]),
        spaces=frozenset(number for number, start in enumerate(starts) if number and view.gaps[start]),
        korean=korean,
        initials=korean and all(view.heads) and all(view.tails) and not JAMO_VOWELS & set(view.letters),
        open_left=opened[0] or allowed or endless,
        open_right=opened[1] or allowed or endless,
    )


def _hidden(core: str) -> list[str]:
    """The term with its first inner vowel behind a sign, and with all but its ends behind signs."""
    vowel = next((number for number in range(1, len(core) - 1) if core[number] in "aeiou"), None)
    first = [core[:vowel] + "*" + core[vowel + 1 :]] if vowel else []
    return [*first, core[0] + "*" * (len(core) - 2) + core[-1]]
