"""What people are told of parties, in their language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from mypick.accounts import queries as people

Word = Literal["invited", "soon", "now"]

# {name} is who asks, {party} the party's title. A title, and what stands below it.
WORDS: Mapping[Word, Mapping[str, tuple[str, str]]] = {
    "invited": {
        "en": ("{name} invites you to watch together", "{party}"),
        "ko": ("{name} 님이 같이 보기에 초대했어요", "{party}"),
    },
    "soon": {
        "en": ("Starts in 10 minutes: {party}", "The doors are open. Come in and find your seat."),
        "ko": ("10분 뒤 시작해요: {party}", "지금부터 들어올 수 있어요. 미리 자리를 잡아 보세요."),
    },
    "now": {
        "en": ("Starting now: {party}", "The watch party begins. Join in."),
        "ko": ("지금 시작해요: {party}", "같이 보기가 시작됐어요. 함께해요."),
    },
}


def worded(word: Word, locale: str, *, party: str, name: str = "") -> tuple[str, str]:
    """Title and body."""
    title, body = WORDS[word].get(locale, WORDS[word]["en"])
    return title.format(party=party, name=name), body.format(party=party, name=name)


async def by_language(user_ids: Collection[int]) -> dict[str, list[int]]:
    """People by the language that they read; those who cannot be told are left out."""
    found: dict[str, list[int]] = {}
    for user_id, locale in sorted((await people.locales_of(user_ids)).items()):
        found.setdefault(locale, []).append(user_id)
    return found


LANGUAGES = ("en", "ko")
