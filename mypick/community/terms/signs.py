"""What single signs stand for when somebody compares text by eye: letters of other scripts that look Latin, digits and
symbols in the place of letters, and the letters that Hangul syllables are made of.

Sources: NFKD, categories and casefold come from Python's Unicode data. The look-alikes are a small choice from the idea
of Unicode's UTS 39 (confusables), kept to what can be typed or copied in a chat; the arrangement of Hangul is that of
the Unicode standard, chapter 3.12.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_FIRST, _LAST = 0xAC00, 0xD7A3  # 가 … 힣
_SPLIT = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ", "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ",
    "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
}  # fmt: skip
JAMO = frozenset(LEADS + "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅜㅠㅡㅣ")
JAMO_VOWELS = frozenset("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅛㅜㅠㅡㅣ")
DIPHTHONGS = frozenset({"ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅡㅣ"})
LAUGHTER = frozenset("ㅋㅎㅠㅜㅡ")  # ㅋㅋ, ㅎㅎ, ㅠㅠ, ㅡㅡ: what stands around words and belongs to none

# Letters of other scripts by the Latin letter that they look like; small capitals and turned letters too.
_ALIKE_LATIN = {
    "a": "аαᴀɑɐᎪ", "b": "вьβʙƅᏏ", "c": "сϲᴄƈᏟ", "d": "ԁδᴅɗᎠ", "e": "еєεᴇəɛǝҽᎬз", "f": "ꜰƒғſ", "g": "ɡɢցǥԍ",
    "h": "нһʜηհɥᎻ", "i": "іιɪıɩӏⅼℓǀւᎥļłʟ", "j": "јᴊϳ", "k": "кκᴋƙ", "m": "мᴍɱᎷ", "n": "пɴոռи", "o": "оοσᴏøօөɵ",
    "p": "рρᴘþᏢ", "q": "ԛգ", "r": "гʀяɹᏒ", "s": "ѕꜱʂᏚ", "t": "тτᴛŧƭᎢ", "u": "υᴜцʉսμ", "v": "νѵᴠʋᏙ", "w": "ωᴡѡшա",
    "x": "хχҳ", "y": "уγʏүყ", "z": "ζᴢƶᏃ",
}  # fmt: skip
_LATIN = {sign: letter for letter, signs in _ALIKE_LATIN.items() for sign in signs} | {
    "æ": "ae", "œ": "oe", "đ": "d", "ħ": "h", "l": "i",  # l, I, i, 1 and | are one letter to the eye
}  # fmt: skip

# Digits and symbols: the Latin letter that they are written for, and the jamo beside Hangul (2 and 8 as they are read).
_WRITTEN_FOR = {
    "0": ("o", "ㅇ"), "1": ("i", "ㅣ"), "2": ("z", "ㅣ"), "3": ("e", ""), "4": ("a", ""), "5": ("s", ""), "6": ("g",
    ""),
    "7": ("t", "ㄱ"), "8": ("b", "ㅍㅏㄹ"), "9": ("g", ""), "@": ("a", ""), "$": ("s", ""), "!": ("i",
    "ㅣ"), "¡": ("i", "ㅣ"),
    "|": ("i", "ㅣ"), "│": ("i", "ㅣ"), "丨": ("i", "ㅣ"), "+": ("t", ""), "†": ("t", ""), "€": ("e", ""), "£": ("i",
    ""),
    "¢": ("c", ""), "¥": ("y", ""), "∂": ("d", ""), "^": ("", "ㅅ"), "人": ("", "ㅅ"), "∧": ("", "ㅅ"), "口": ("",
    "ㅁ"),
    "己": ("", "ㄹ"), "匚": ("", "ㄷ"), "卜": ("", "ㅏ"), "ト": ("", "ㅏ"), "├": ("", "ㅏ"), "┤": ("",
    "ㅓ"), "⊥": ("", "ㅗ"),
    "┴": ("", "ㅗ"), "┬": ("", "ㅜ"), "一": ("", "ㅡ"), "ー": ("", "ㅡ"), "∟": ("", "ㄴ"),
}  # fmt: skip
LATIN_AS_JAMO = {"i": "ㅣ", "o": "ㅇ", "c": "ㅆㅣ", "t": "ㅜ"}
"""Single Latin letters beside Hangul: l, I and i look like a vowel, c is read as a syllable."""
HIDING = frozenset("*#%●○•×✱＊")
"""Signs that people put in the place of letters that they do not write."""
_APOSTROPHES = frozenset("'’‘ʼ`´＇")
_PUNCTUATION = frozenset({"Po", "Pd", "Ps", "Pe", "Pi", "Pf", "Pc"})
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Sk"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f")

# Letters in circles and squares that have no decomposition, and flags of single letters.
_BOXED = {chr(start + number): chr(97 + number) for start in (0x1F150, 0x1F170, 0x1F1E6) for number in range(26)}

# Keys of the Korean keyboard: what is typed when its Latin side is on by mistake, or on purpose.
KEYS = dict(
    zip("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm", strict=True)
) | {"ㅃ": "q", "ㅉ": "w", "ㄸ": "e", "ㄲ": "r", "ㅆ": "t", "ㅒ": "o", "ㅖ": "p"}


class Sort(Enum):
    """What a sign is to whoever compares."""

    HANGUL = "hangul"  # a syllable, or a jamo that stands alone
    LETTER = "letter"
    WEAK = "weak"  # a digit or symbol that may stand for a letter
    APOSTROPHE = "apostrophe"  # between letters it keeps them apart: "he'll" is no word with an odd sign in it
    SIGN = "sign"  # shows something, stands for nothing
    PUNCTUATION = "punctuation"
    BLANK = "blank"


class Piece(NamedTuple):
    sort: Sort
    latin: str = ""  # the letters, of any alphabet; for HANGUL the jamo
    jamo: str = ""  # for WEAK, beside Hangul


@lru_cache(maxsize=1 << 15)  # about 4 MB; the signs of a language are fewer than 12,000
def pieces(sign: str) -> tuple[Piece, ...]:
    """What one code point stands for; nothing where it shows nothing."""
    point = ord(sign)
    if _FIRST <= point <= _LAST:
        return (Piece(Sort.HANGUL, jamo_of(sign)),)
    if sign in _FILLERS or unicodedata.category(sign) in ("Mn", "Me"):
        return ()
    if sign in _LATIN:  # before decomposition, which takes some that look Latin for what they are
        return (Piece(Sort.LETTER, _latin(sign)),)
    if sign in "\n\t\r":  # controls by category
        return (Piece(Sort.BLANK),)
    if sign in _BOXED:
        return (Piece(Sort.LETTER, _latin(_BOXED[sign])),)
    if sign in _APOSTROPHES:
        return (Piece(Sort.APOSTROPHE),)
    wide = unicodedata.normalize("NFKC", sign)
    if len(wide) == 1 and _FIRST <= ord(wide) <= _LAST:
        return (Piece(Sort.HANGUL, jamo_of(wide)),)
    found = (_piece(part) for part in unicodedata.normalize("NFKD", wide.casefold()))
    return tuple(piece for piece in found if piece is not None)


def _piece(part: str) -> Piece | None:
    if part in _WRITTEN_FOR:
        return Piece(Sort.WEAK, *_WRITTEN_FOR[part])
    if part in HIDING:
        return Piece(Sort.WEAK, "*")
    if jamo := _jamo(part):
        return Piece(Sort.HANGUL, "".join(_SPLIT.get(one, one) for one in jamo))
    if part in "ㆍᆞ‧·・":
        return Piece(Sort.SIGN)
    category = unicodedata.category(part)
    if category in _UNSEEN:
        return None
    if category[0] == "L" or category == "Mc":
        return Piece(Sort.LETTER, _latin(part))
    if category[0] == "Z" or part == "\u2800":
        return Piece(Sort.BLANK)
    if category == "Nd":
        return Piece(Sort.WEAK, *_WRITTEN_FOR[str(unicodedata.digit(part))])
    return Piece(Sort.PUNCTUATION if category in _PUNCTUATION else Sort.SIGN)


def _latin(letter: str) -> str:
    return "".join(_LATIN.get(one, one) for one in _LATIN.get(letter, letter))


def _jamo(part: str) -> str:
    """A jamo as it is typed alone, for each of the three rows in which Unicode has them; nothing for other signs."""
    point = ord(part)
    if 0x1100 <= point <= 0x1112:
        return LEADS[point - 0x1100]
    if 0x1161 <= point <= 0x1175:
        return _VOWELS[point - 0x1161]
    if 0x11A8 <= point <= 0x11C2:
        return _TAILS[point - 0x11A7]
    return part if 0x3131 <= point <= 0x3163 else ""


def jamo_of(syllable: str) -> str:
    """The letters of a syllable. An onset ㅇ is silent and left out, so that 십알, 시이발 and 시발 read alike."""
    lead, rest = divmod(ord(syllable) - _FIRST, 588)
    vowel, tail = divmod(rest, 28)
    parts = (LEADS[lead] if lead != 11 else "", _VOWELS[vowel], _TAILS[tail].strip())
    return "".join(_SPLIT.get(part, part) for part in parts)


def keys_of(text: str) -> str:
    """How Hangul is typed on a Latin keyboard; nothing where the text holds anything else."""
    keys: list[str] = []
    for sign in text:
        if not _FIRST <= ord(sign) <= _LAST:
            return ""
        lead, rest = divmod(ord(sign) - _FIRST, 588)
        vowel, tail = divmod(rest, 28)
        for part in (LEADS[lead], _VOWELS[vowel], _TAILS[tail].strip()):
            keys.extend(KEYS[one] for one in _SPLIT.get(part, part))
    return "".join(keys)
