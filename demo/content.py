"""A dozen invented creators, with a past, for whoever looks at MyPick for the first time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from demo.world import Kind, World

PAST_DAYS = 400
PAST_VIDEOS = (18, 60)  # least and most per creator


@dataclass(frozen=True, slots=True)
class Creator:
    """``titles`` may hold ``{n}``, a number that grows from one video to the next."""

    handle: str
    name: str
    category: str
    description: str
    titles: tuple[str, ...]
    shorts: tuple[str, ...]
    streams: tuple[str, ...]


CREATORS = (
    Creator(
        "haneul.kitchen",
        "하늘의 부엌",
        "food",
        "작은 부엌에서 혼자 차려 먹는 한 끼. 매주 화요일과 금요일에 올립니다.",
        (
            "냉장고에 남은 채소로 끓이는 된장찌개",
            "비 오는 날의 감자전 {n}장",
            "김치 없이 만드는 국물 떡볶이",
            "혼밥 일기 {n}",
        ),
        ("달걀말이 안 찢어지는 법", "대파 오래 두는 법"),
        ("같이 저녁 만들어요",),
    ),
    Creator(
        "slowtrailjun",
        "느린길 준",
        "travel",
        "걸어서 다니는 국내 여행. 지도와 가는 길은 설명란에 적어 둡니다.",
        ("섬진강을 따라 사흘 걷기", "막차를 놓친 산골 마을에서", "배낭 {n}kg로 떠나는 겨울 섬", "걷기 기록 {n}번째 길"),
        ("발에 물집 안 생기게 걷는 법", "오늘의 해 질 녘"),
        ("걸으면서 이야기하는 방송",),
    ),
    Creator(
        "pixelorchard",
        "Pixel Orchard",
        "games",
        "Two friends, one couch, every small game we can find.",
        (
            "We tried to finish it without jumping",
            "The quietest game of the year",
            "Couch co-op #{n}",
            "A map made of bread",
        ),
        ("This door is a save point", "Ten seconds of perfect parkour"),
        ("Late-night co-op, part {n}", "Speedrun practice, bring snacks"),
    ),
    Creator(
        "byeolbit.piano",
        "별빛 피아노",
        "music",
        "잠들기 전에 듣는 피아노. 악보는 무료로 나눕니다.",
        ("새벽 두 시의 피아노 {n}", "첫눈을 기다리며 지은 곡", "왼손만으로 치는 자장가", "창밖에 비가 올 때"),
        ("한 마디 즉흥곡", "페달 소리만 들려드려요"),
        ("신청곡 받는 밤",),
    ),
    Creator(
        "tinylabmara",
        "Mara's Tiny Lab",
        "science",
        "Kitchen-table science, with every mistake left in.",
        (
            "Why does this candle hum?",
            "Growing crystals, week {n}",
            "I weighed my breath for a month",
            "Magnets that ought to fall",
        ),
        ("Milk, soap, and one drop of ink", "Is it liquid? Poke it."),
        ("Live from the bench: experiment {n}",),
    ),
    Creator(
        "onul.study",
        "오늘도 공부방",
        "education",
        "함께 앉아 공부합니다. 50분 집중, 10분 쉼.",
        (
            "같이 공부해요 {n}시간",
            "시험 2주 전 계획 짜기",
            "노트 한 권으로 정리하는 한국사",
            "집중이 안 되는 날의 루틴",
        ),
        ("책상 정리 30초", "타이머는 이렇게 씁니다"),
        ("실시간 공부방 {n}일째",),
    ),
    Creator(
        "mossandwire",
        "Moss & Wire",
        "crafts",
        "Repairs, small furniture and a workshop that is mostly tea.",
        ("A stool from one plank", "Fixing the radio nobody wanted", "Workshop diary {n}", "Hinges, explained slowly"),
        ("The most satisfying shaving", "Glue-up in real time, almost"),
        ("Sharpening everything I own",),
    ),
    Creator(
        "dalrigi.mina",
        "달리는 미나",
        "sports",
        "처음 달리는 사람을 위한 달리기. 천천히, 오래.",
        ("5km를 쉬지 않고 달리기까지", "비 오는 날 달려도 될까", "달리기 일지 {n}주차", "무릎이 아플 때 먼저 볼 것"),
        ("신발 끈 묶는 법 하나", "오르막은 이렇게"),
        ("아침 러닝 같이 해요",),
    ),
    Creator(
        "goyangi.yeonhwa",
        "연화네 고양이들",
        "animals",
        "고양이 셋, 사람 하나. 광고는 받지 않습니다.",
        (
            "상자를 {n}개 놓아 보았습니다",
            "막내가 처음 창밖을 본 날",
            "새벽 네 시의 술래잡기",
            "빗질을 싫어하는 고양이 설득하기",
        ),
        ("하품 모음", "소리만 들어도 간식"),
        ("고양이 방 실시간",),
    ),
    Creator(
        "inkandaltitude",
        "Ink and Altitude",
        "art",
        "Drawing outdoors, higher up each time.",
        (
            "Sketching a glacier before it clouds over",
            "One pen, one ridge",
            "Sketchbook {n}, page by page",
            "Paint that freezes",
        ),
        ("Sixty seconds, one tree", "My palette after hail"),
        ("Draw along: mountain {n}",),
    ),
    Creator(
        "bamhaneul.talk",
        "밤하늘 이야기",
        "science",
        "맨눈으로 보는 별 이야기. 이번 주에 무엇이 보이는지 알려 드립니다.",
        (
            "이번 주 밤하늘 {n}",
            "도시에서 은하수를 볼 수 있을까",
            "별똥별을 기다리는 가장 편한 자세",
            "달의 뒷면은 왜 안 보일까",
        ),
        ("북극성 찾는 법", "오늘 밤 서쪽 하늘"),
        ("월식 함께 보기", "망원경 없이 별 보는 밤 {n}"),
    ),
    Creator(
        "thefoldingtable",
        "The Folding Table",
        "talk",
        "Long conversations with people who make small things.",
        (
            "The woman who tunes church bells",
            "Episode {n}: a lighthouse keeper, retired",
            "How to name a typeface",
            "A beekeeper on silence",
        ),
        ("One question: what did you throw away?", "Her worst bell"),
        ("Open table: ask us anything",),
    ),
)


def compose_title(patterns: tuple[str, ...], number: int, rng: Random) -> str:
    return rng.choice(patterns).format(n=number)


def populate(world: World, rng: Random, creators: tuple[Creator, ...] = CREATORS) -> dict[str, Creator]:
    """Add the creators with ``PAST_VIDEOS`` uploads each over the last ``PAST_DAYS`` days. Creators by channel id."""
    made: dict[str, Creator] = {}
    for creator in creators:
        channel_id = world.add_channel(creator.handle, creator.name, description=creator.description)
        made[channel_id] = creator
        count = rng.randint(*PAST_VIDEOS)
        ages = sorted((rng.uniform(0.2, PAST_DAYS) for _ in range(count)), reverse=True)
        for number, age in enumerate(ages, 1):
            kind: Kind = "short" if rng.random() < 0.25 else "video"
            world.publish(
                channel_id,
                compose_title(creator.shorts if kind == "short" else creator.titles, number, rng),
                kind=kind,
                description=creator.description,
                duration_s=rng.randint(15, 58) if kind == "short" else rng.randint(240, 2_700),
                views=None if rng.random() < 0.03 else int(rng.lognormvariate(8.5, 1.2)),
                at=world.now() - timedelta(days=age),
            )
    return made
