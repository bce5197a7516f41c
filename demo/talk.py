"""What fans of the demonstration say to each other in the rooms of communities, at the pace of people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

FANS = ("소라", "준호", "Mina", "하린", "Theo", "지우", "Alex", "은별", "Priya", "도윤")
KOREAN = (
    "오늘 올라온 거 보신 분?", "저 방금 다 봤어요 ㅋㅋ", "이번 편 진짜 좋았다",
    "중간에 나온 음악 뭔지 아세요?", "저도 궁금해요!", "퇴근하고 봐야지", "다음 방송 언제예요?",
    "금요일 저녁이래요", "알림 켜 놨어요", "처음 왔는데 반가워요 🙌", "어서 오세요!", "여기 분위기 좋네요",
    "ㅋㅋㅋㅋㅋ", "그 장면에서 빵 터졌어요", "자막 만들어 주시는 분 감사합니다", "다들 점심 뭐 드셨어요?",
    "저는 김치볶음밥이요", "밤에 보면 배고파져요", "3분 20초부터가 최고", "다시 보러 갑니다",
    "오프라인 모임도 하면 좋겠다", "동의합니다 👍",
)  # fmt: skip
ENGLISH = (
    "just finished it, so good", "who else watched it twice", "the ending!!", "anyone know the song at 3:20?",
    "first time here, hi everyone 👋", "welcome!", "notifications on for Friday", "that edit was so clean",
    "I tried it at home. It went… fine.", "pictures or it did not happen", "lol same", "can we get a part two",
    "the quiet bits are my favourite", "watching with a cup of tea", "okay that made my day", "brb, rewatching",
    "live on Friday, right?", "yes, at eight", "see you all there", "this community is lovely",
)  # fmt: skip
ANSWERS = ("맞아요", "저도요!", "정말요?", "같은 생각이에요", "same here", "right?", "ha, exactly", "thank you!")
EMOJI = ("👍", "❤️", "😂", "🎉", "👏")
PAST = 14  # messages of a room before anybody looks
ANSWERED, REACTED, HUSHED = 0.25, 0.35, 0.3  # how often a line is an answer, gets a reaction, and nobody says anything


@dataclass(frozen=True, slots=True)
class Said:
    """A message: its id and who said it, a place in ``FANS``."""

    id: int
    fan: int


Say = Callable[[int, int, str, int | None], Awaitable[int | None]]
"""``say(room, fan, text, reply_to)``; the message's id, or None where the room did not take it."""
React = Callable[[int, int, str], Awaitable[None]]
"""``react(fan, message, emoji)``."""


async def talk_on(
    rooms: Sequence[tuple[int, bool]],
    rng: Random,
    *,
    say: Say,
    react: React,
    every: float = 4.0,
    lines: int | None = None,
    empty: Callable[[int], Awaitable[bool]] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Say something somewhere every ``every`` seconds or so, ``lines`` times or until cancelled. ``rooms``: ids, and
    whether they talk Korean there. A room that is ``empty`` gets a past first. The same ``rng`` seed says the same."""
    last: dict[int, Said] = {}
    for room, korean in rooms:
        if empty is not None and await empty(room):
            for _ in range(PAST):
                await _line(room, korean, rng, last, say, react)
    number = 0
    while lines is None or number < lines:
        number += 1
        await sleep(max(0.5, rng.expovariate(1 / every)))
        if rng.random() >= HUSHED:
            room, korean = rng.choice(list(rooms))
            await _line(room, korean, rng, last, say, react)


async def _line(room: int, korean: bool, rng: Random, last: dict[int, Said], say: Say, react: React) -> None:
    before = last.get(room)
    fan = rng.choice([one for one in range(len(FANS)) if before is None or one != before.fan])
    answers = before is not None and rng.random() < ANSWERED
    text = rng.choice(ANSWERS if answers else KOREAN if korean else ENGLISH)
    message = await say(room, fan, text, before.id if answers and before else None)
    if message is None:
        return
    last[room] = Said(message, fan)
    if before is not None and rng.random() < REACTED:
        await react(fan, before.id, rng.choice(EMOJI))
