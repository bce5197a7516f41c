"""Texts made by rules: terms written so that a filter should miss them, and innocent texts that look like terms.

Kinds in ``HELD_OUT`` were written down before anybody looked at what they score, and nothing was tuned for them.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence

from mypick.community.terms.lists import BUILT_IN
from mypick.community.terms.patterns import Effect
from mypick.community.terms.signs import keys_of

Rng = random.Random
Evasion = Callable[[Rng, str], str]

LATIN_ALIKE = {
    "a": "аα", "c": "сϲ", "e": "еє", "i": "іι", "k": "кκ", "o": "оο", "p": "рρ", "s": "ѕ", "t": "тτ", "u": "υ",
    "y": "у", "h": "һ",
    "n": "п", "g": "ɡ",
}  # fmt: skip
LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7+", "g": "9", "b": "8", "l": "1"}
INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufe0f\u180e"
PARTICLES = "아 야 은 는 이 가 을 를 들 들아 이네 이야 같은 이라고 들이 한테 임 ㅋㅋ"
JOINTS = ".-_~*/|,"
LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
TAILS: list[str] = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]

EN_FRAMES = (
    "{}", "you {}", "what the {} is this", "so {} annoying", "{}, really?", "lol {}", "this is {}!!", "stop it {} now",
    "he said {} to me :(", "wow... {}",
)  # fmt: skip
KO_FRAMES = (
    "{}", "야 {}", "아 {} 뭐야", "{} 진짜 짜증나", "오늘 방송 {} 재밌네 ㅋㅋ", "와 {} 이거 실화냐", "{} 그만해라",
    "진짜 {} ㅠㅠ",
    "ㅋㅋㅋ {} ㅋㅋ", "그래서 {}?",
)  # fmt: skip


def terms(language: str) -> list[str]:
    """The words of the list that comes with the server, as they are written plainly, but for initials."""
    listed = BUILT_IN["en" if language == "en" else "ko"]
    found = [term.text.strip("*") for term in listed if term.effect is not Effect.ALLOW]
    if language == "en":
        return [word for word in found if len(word) >= 4 and " " not in word]
    return [word for word in found if all("가" <= sign <= "힣" for sign in word)]


# English


def _between(rng: Rng, word: str, signs: Sequence[str]) -> str:
    sign = rng.choice(signs)
    return sign.join(word)


def _some(rng: Rng, word: str, table: Mapping[str, str], *, all_of: bool = False) -> str:
    """Some letters, at least one, by what the table has for them."""
    places = [number for number, letter in enumerate(word) if letter in table]
    if not places:
        return word.upper()
    chosen = places if all_of else rng.sample(places, rng.randint(1, len(places)))
    return "".join(rng.choice(table[letter]) if number in chosen else letter for number, letter in enumerate(word))


def _stretched(rng: Rng, word: str) -> str:
    place = rng.randrange(len(word))
    return word[:place] + word[place] * rng.randint(3, 7) + word[place:]


def _sprinkled(rng: Rng, word: str, signs: str) -> str:
    return "".join(letter + rng.choice(signs) * rng.randint(0, 2) for letter in word[:-1]) + word[-1]


def _marked(rng: Rng, word: str) -> str:
    marks = (("".join(chr(rng.randint(0x300, 0x36F)) for _ in range(rng.randint(1, 4)))) for _ in word)
    return "".join(letter + mark for letter, mark in zip(word, marks, strict=True))


def _shifted(word: str, small: int, gap: Mapping[str, str] | None = None) -> str:
    return "".join((gap or {}).get(letter) or chr(small + ord(letter) - 97) for letter in word)


def _hidden(rng: Rng, word: str) -> str:
    vowels = [number for number, letter in enumerate(word) if letter in "aeiou" and 0 < number < len(word) - 1]
    if not vowels:
        return word
    return word[: vowels[0]] + rng.choice("*#") + word[vowels[0] + 1 :]


def _cased(rng: Rng, word: str) -> str:
    return "".join(rng.choice((letter, letter.upper())) for letter in word)


def _cut(rng: Rng, word: str) -> str:
    place = rng.choice([1, len(word) - 1])
    return word[:place] + " " + word[place:]


EN: Mapping[str, Evasion] = {
    "plain": lambda rng, word: word,
    "mixed case": _cased,
    "blanks between letters": lambda rng, word: _between(rng, word, [" ", "  "]),
    "punctuation between letters": lambda rng, word: _between(rng, word, JOINTS),
    "one letter cut off": _cut,
    "stretched": _stretched,
    "invisible signs": lambda rng, word: _sprinkled(rng, word, INVISIBLE),
    "marks over letters": _marked,
    "full width": lambda rng, word: _shifted(word, 0xFF41),
    "mathematical": lambda rng, word: _shifted(word, rng.choice([0x1D41A, 0x1D4EA, 0x1D5EE, 0x1D68A])),
    "small capitals": lambda rng, word: word.translate(str.maketrans("abcdefghijklmnoprtuvwz",
    "ᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡᴢ")),
    "Cyrillic and Greek": lambda rng, word: _some(rng, word, LATIN_ALIKE),
    "digits and symbols": lambda rng, word: _some(rng, word, LEET),
    "a vowel hidden": _hidden,
}

EN_HELD_OUT: Mapping[str, Evasion] = {
    "circled": lambda rng, word: _shifted(word, 0x24D0),
    "flags": lambda rng, word: _shifted(word, 0x1F1E6),
    "emoji between letters": lambda rng, word: _between(rng, word, "😀🔥❤️"),
    "in brackets": lambda rng, word: "".join(f"({letter})" for letter in word),
    "two evasions": lambda rng, word: _between(rng, _some(rng, word, LATIN_ALIKE), JOINTS),
    "alike and stretched": lambda rng, word: _some(rng, _stretched(rng, word), LEET),
    "digits as gaps": lambda rng, word: _between(rng, word, "127"),
    "two letters swapped": lambda rng, word: word[0] + word[2] + word[1] + word[3:],
    "ph for f, v for u": lambda rng, word: word.replace("f", "ph").replace("u", "v").replace("ck", "kk"),
    "backwards": lambda rng, word: word[::-1],
}

# Korean


def _jamo(syllable: str) -> str:
    lead, rest = divmod(ord(syllable) - 0xAC00, 588)
    vowel, tail = divmod(rest, 28)
    return LEADS[lead] + VOWELS[vowel] + TAILS[tail]


def _apart(rng: Rng, word: str, *, all_of: bool) -> str:
    chosen = range(len(word)) if all_of else [rng.randrange(len(word))]
    return "".join(_jamo(one) if number in chosen else one for number, one in enumerate(word))


def _tail_off(rng: Rng, word: str) -> str:
    """시바ㄹ: the last consonant of a syllable by itself."""
    places = [number for number, one in enumerate(word) if (ord(one) - 0xAC00) % 28]
    if not places:
        return _apart(rng, word, all_of=False)
    place = rng.choice(places)
    lead_vowel = chr(ord(word[place]) - (ord(word[place]) - 0xAC00) % 28)
    return word[:place] + lead_vowel + _jamo(word[place])[2:] + word[place + 1 :]


def _drawn_out(rng: Rng, word: str) -> str:
    """시이발: the vowel of a syllable without a tail goes on."""
    places = [number for number, one in enumerate(word) if not (ord(one) - 0xAC00) % 28]
    if not places:
        return word
    place = rng.choice(places)
    vowel = (ord(word[place]) - 0xAC00) % 588 // 28
    more: str = chr(0xAC00 + 11 * 588 + vowel * 28) if rng.random() < 0.7 else VOWELS[vowel]
    return word[: place + 1] + more * rng.randint(1, 4) + word[place + 1 :]


def _liaison(rng: Rng, word: str) -> str:
    """십알: the consonant moves to the syllable before."""
    for place in range(len(word) - 1):
        here, there = ord(word[place]) - 0xAC00, ord(word[place + 1]) - 0xAC00
        lead = LEADS[there // 588]
        if here % 28 == 0 and lead in TAILS and lead != "ㅇ":
            moved = chr(0xAC00 + here + TAILS.index(lead)) + chr(0xAC00 + 11 * 588 + there % 588)
            return word[:place] + moved + word[place + 2 :]
    return word


def _one_for_i(rng: Rng, word: str) -> str:
    """ㅅ1발, ㅅl발."""
    places = [number for number, one in enumerate(word) if _jamo(one)[1:] == "ㅣ"]
    if not places:
        return _digit_between(rng, word)
    place = rng.choice(places)
    return word[:place] + _jamo(word[place])[0] + rng.choice("1l|!") + word[place + 1 :]


def _digit_between(rng: Rng, word: str) -> str:
    place = rng.randrange(1, len(word)) if len(word) > 1 else 1
    return word[:place] + rng.choice("1234567890") + word[place:]


def _with_particle(rng: Rng, word: str) -> str:
    return word + rng.choice(PARTICLES.split())


KO: Mapping[str, Evasion] = {
    "plain": lambda rng, word: word,
    "with particles": _with_particle,
    "blanks between syllables": lambda rng, word: " ".join(word),
    "punctuation between syllables": lambda rng, word: _between(rng, word, JOINTS),
    "digits between syllables": _digit_between,
    "emoji between syllables": lambda rng, word: _between(rng, word, "♡★😀🔥"),
    "invisible signs": lambda rng, word: _sprinkled(rng, word, INVISIBLE),
    "all in jamo": lambda rng, word: _apart(rng, word, all_of=True),
    "one syllable in jamo": lambda rng, word: _apart(rng, word, all_of=False),
    "tail apart": _tail_off,
    "vowel drawn out": _drawn_out,
    "liaison": _liaison,
    "1 for ㅣ": _one_for_i,
    "joined to the word before": lambda rng, word: rng.choice(["진짜", "이런", "와", "아"]) + word,
    "on the Latin keyboard": lambda rng, word: keys_of(word),
    "conjoining jamo": lambda rng, word: unicodedata.normalize("NFD", word),
}

_HALF = dict(zip("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", "ﾡﾢﾤﾧﾨﾩﾱﾲﾳﾵﾶﾷﾸﾹﾺﾻﾼﾽﾾ", strict=True)) | dict(
    zip("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", "ￂￃￄￅￆￇￊￋￌￍￎￏￒￓￔￕￖￗￚￛￜ", strict=True)
)

KO_HELD_OUT: Mapping[str, Evasion] = {
    "half width jamo": lambda rng, word: "".join(_HALF.get(one, one) for one in _apart(rng, word, all_of=True)),
    "laughter between": lambda rng, word: _between(rng, word, ["ㅋ", "ㅋㅋ", "ㅎㅎ"]),
    "marks over syllables": _marked,
    "in brackets": lambda rng, word: "".join(f"[{one}]" for one in word),
    "jamo with punctuation": lambda rng, word: ".".join(_apart(rng, word, all_of=True)),
    "drawn out and cut": lambda rng, word: " ".join(_drawn_out(rng, word)),
    "Latin letters between": lambda rng, word: _between(rng, word, "xvz"),
    "first and last swapped": lambda rng, word: word[::-1],
    "plain for tense": lambda rng, word: unicodedata.normalize(
        "NFC", unicodedata.normalize("NFD", word).translate(str.maketrans("ᄁᄄᄈᄊᄍ", "ᄀᄃᄇᄉᄌ"))
    ),
    "vowel to its neighbour": lambda rng, word: unicodedata.normalize(
        "NFC", unicodedata.normalize("NFD", word).translate(str.maketrans("ᅡᅥᅩᅮᅵ", "ᅣᅧᅭᅲᅴ"))
    ),
}


def evaded(language: str, held_out: bool, *, seed: int, each: int) -> Iterator[tuple[str, str, str]]:
    """Kind, word and text: ``each`` of each kind."""
    rng = random.Random(seed)
    kinds = {("en", False): EN, ("en", True): EN_HELD_OUT, ("ko", False): KO, ("ko", True): KO_HELD_OUT}
    words = terms(language)
    frames = EN_FRAMES if language == "en" else KO_FRAMES
    for kind, evade in kinds[language, held_out].items():
        for _ in range(each):
            word = rng.choice(words)
            yield kind, word, rng.choice(frames).format(evade(rng, word))
