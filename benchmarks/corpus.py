"""Chat as it is written, from a seed: Korean with its particles, English with its endings, laughter, links, numbers.

Words come by Zipf's law. No text of anybody is in it.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

KOREAN_WORDS = 30_000
ENGLISH_WORDS = 8_000
AUTHORS = 5_000
COMMUNITIES = 20  # the first has half of all messages
ROOMS_EACH = 5
_PARTICLES = (
    "",
    "",
    "",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "도",
    "에서",
    "으로",
    "에",
    "만",
    "까지",
    "이랑",
    "해요",
    "했어요",
)
_ENDINGS = ("", "", "", "s", "ed", "ing")
_LAUGHTER = ("ㅋㅋ", "ㅋㅋㅋ", "ㅋㅋㅋㅋ", "ㅠㅠ", "ㅎㅎ", "ㄷㄷ", "😀", "👍", "❤️")
_ONSETS = ("b", "br", "c", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "w")
_CORES = ("a", "e", "i", "o", "u", "ea", "oo", "ai")
_CODAS = ("n", "r", "t", "l", "ck", "nd", "m", "p", "sh")


@dataclass(frozen=True, slots=True)
class Line:
    """One message."""

    community_id: int
    room_id: int
    author_id: int
    text: str


class Corpus:
    """The same for the same seed. ``korean`` and ``english`` are its words, the commonest first."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        syllables = [chr(code) for code in self._rng.sample(range(0xAC00, 0xD7A4), 1_200)]
        weights = _zipf(len(syllables), 0.6)
        self.korean = self._distinct(
            KOREAN_WORDS,
            lambda: "".join(_pick(self._rng, syllables, weights) for _ in range(self._rng.choice((2, 2, 2, 3, 3, 4)))),
        )
        self.english = self._distinct(
            ENGLISH_WORDS,
            lambda: (
                "".join(
                    self._rng.choice(_ONSETS) + self._rng.choice(_CORES) for _ in range(self._rng.choice((1, 2, 2)))
                )
                + self._rng.choice(_CODAS)
            ),
        )
        self._korean_weights = _zipf(KOREAN_WORDS, 1.0)
        self._english_weights = _zipf(ENGLISH_WORDS, 1.0)

    def lines(self, count: int) -> Iterator[Line]:
        rng = self._rng
        for _ in range(count):
            community = 1 if rng.random() < 0.5 else rng.randint(2, COMMUNITIES)
            room = (community - 1) * ROOMS_EACH + 1 + min(int(rng.expovariate(1.2)), ROOMS_EACH - 1)
            author = min(int(rng.paretovariate(0.7)), AUTHORS)
            yield Line(community, room, author, self._text())

    def _text(self) -> str:
        rng = self._rng
        parts = []
        for _ in range(1 + min(int(rng.expovariate(0.25)), 30)):
            chance = rng.random()
            if chance < 0.72:
                parts.append(_pick(rng, self.korean, self._korean_weights) + rng.choice(_PARTICLES))
            elif chance < 0.88:
                parts.append(_pick(rng, self.english, self._english_weights) + rng.choice(_ENDINGS))
            elif chance < 0.97:
                parts.append(rng.choice(_LAUGHTER))
            else:
                parts.append(str(rng.randint(1, 3_000)))
        if rng.random() < 0.01:
            word = _pick(rng, self.english, self._english_weights)
            parts.append(f"https://example.com/{word}/{rng.randint(1, 99_999)}")
        return " ".join(parts)

    @staticmethod
    def _distinct(count: int, make: Callable[[], str]) -> list[str]:
        words: dict[str, None] = {}
        while len(words) < count:
            words[make()] = None
        return list(words)


def _zipf(count: int, exponent: float) -> list[float]:
    return list(accumulate(1 / (rank + 2) ** exponent for rank in range(count)))


def _pick(rng: random.Random, items: list[str], sums: list[float]) -> str:
    return items[bisect(sums, rng.random() * sums[-1])]
