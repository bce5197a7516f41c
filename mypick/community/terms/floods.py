"""Floods: one person who says the same again and again, many newcomers who say the same at once, texts that push others
off the screen.

Counted by each process for itself, like the rate of messages: a person is on one node or two, and a raid that is spread
over n nodes is noticed at n times its size. Nothing here is lost that anybody would miss after a restart.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections import OrderedDict
from datetime import datetime, timedelta

from mypick.community.terms.glance import glances
from mypick.community.texts import mentions_in

WINDOW = timedelta(seconds=60)  # a raid is over in less, and who repeats a question after a minute is no flood
MIN_LETTERS = 20  # below it are cheers, laughter and greetings, which a chat says together
REPEATS = 2  # near-same texts of one person within the window; the next one is refused
RAIDERS = 8  # newcomers with one text within the window: fewer than eight say the same by chance or in jest
ALIKE = 0.75  # of two sketches: a word added or a letter changed in a sentence
SKETCH = 16  # the smallest hashes of a text's triples of letters; 16 tell 0.5 from 0.9
KEPT = 4  # texts of one person
MAX_PEOPLE, MAX_TEXTS = 5_000, 2_000  # about 10 MB and 2 MB at most; the longest unused go first
MAX_RAIDERS = 64  # people that are kept for one text; more make no difference

# what newcomers may write at once: more of it fills a phone's screen
MAX_NEW_LENGTH, MAX_NEW_LINES, MAX_NEW_EMOJI, MAX_NEW_MENTIONS = 500, 10, 15, 3
MIN_LOUD, LOUD = 30, 0.7  # letters with case, and the part of them that is capital: shouting, not a name
MAX_MARKS = 4  # over one letter; languages need three

Sketch = frozenset[int]


def too_much(text: str) -> str | None:
    """What a newcomer should change about a text; nothing where it is as most are."""
    cased = [sign for sign in text if sign.isupper() or sign.islower()]
    marks = most = 0
    for sign in unicodedata.normalize("NFD", text):
        marks = marks + 1 if unicodedata.category(sign) in ("Mn", "Me") and not 0xFE00 <= ord(sign) <= 0xFE0F else 0
        most = max(most, marks)
    if len(text) > MAX_NEW_LENGTH or text.count("\n") >= MAX_NEW_LINES:
        return f"newcomers write at most {MAX_NEW_LENGTH} characters on {MAX_NEW_LINES} lines"
    if sum(unicodedata.category(sign) == "So" for sign in text) > MAX_NEW_EMOJI:
        return f"newcomers write at most {MAX_NEW_EMOJI} emoji at once"
    if mentions_in(text) > MAX_NEW_MENTIONS:
        return f"newcomers mention at most {MAX_NEW_MENTIONS} people at once"
    if len(cased) >= MIN_LOUD and sum(sign.isupper() for sign in cased) > LOUD * len(cased):
        return "newcomers do not write all in capitals"
    if most > MAX_MARKS:
        return "there are too many marks over the letters"
    return None


class Floods:
    def __init__(self) -> None:
        self._said: OrderedDict[tuple[int, int], OrderedDict[int, tuple[datetime, Sketch]]] = OrderedDict()
        self._raids: OrderedDict[tuple[int, Sketch], OrderedDict[int, datetime]] = OrderedDict()

    def repeats(self, community_id: int, user_id: int, message_id: int, text: str, now: datetime) -> bool:
        """Whether this is the third near-same text of one person, in whatever room; else it is kept. Asked again for
        the same message, it answers the same."""
        sketch = sketch_of(text)
        if not sketch:
            return False
        mine = self._said.setdefault((community_id, user_id), OrderedDict())
        self._said.move_to_end((community_id, user_id))
        others = [(at, one) for number, (at, one) in mine.items() if number != message_id and now - at < WINDOW]
        if sum(_alike(sketch, one) for _, one in others) >= REPEATS:
            return True
        mine[message_id] = (now, sketch)
        while len(mine) > KEPT:
            mine.popitem(last=False)
        while len(self._said) > MAX_PEOPLE:
            self._said.popitem(last=False)
        return False

    def raided(self, community_id: int, user_id: int, text: str, now: datetime) -> bool:
        """Whether so many newcomers have just said this that it looks arranged."""
        sketch = sketch_of(text)
        if not sketch:
            return False
        people = self._raids.setdefault((community_id, sketch), OrderedDict())
        self._raids.move_to_end((community_id, sketch))
        people[user_id] = now
        while len(people) > MAX_RAIDERS:
            people.popitem(last=False)
        while len(self._raids) > MAX_TEXTS:
            self._raids.popitem(last=False)
        return sum(now - at < WINDOW for at in people.values()) >= RAIDERS


def sketch_of(text: str) -> Sketch:
    """The smallest hashes of the triples of a text's letters (bottom-k, Broder 1997), without digits, signs and case;
    empty for texts that are too short to compare."""
    letters = next(glances(text))
    if len(letters) < MIN_LETTERS:
        return frozenset()
    triples = {zlib.crc32(letters[at : at + 3].encode()) for at in range(len(letters) - 2)}
    return frozenset(sorted(triples)[:SKETCH])


def _alike(one: Sketch, other: Sketch) -> bool:
    least = sorted(one | other)[:SKETCH]
    return sum(number in one and number in other for number in least) >= ALIKE * len(least)
