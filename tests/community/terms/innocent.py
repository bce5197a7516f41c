"""Innocent texts: first of all those that hold the letters of a term, with and without blanks; then chat as it is."""

from __future__ import annotations

import random
from collections.abc import Iterator

EN_HARD = """
class classic classes assess assessment assassin assassins bass bassist grass glass pass passion passport compass
embassy massage cassette ambassador cassava assembly assume assign asset assets associate harass harassment carcass
trespass brass sassy lasso tassel cocktail cocktails cockpit peacock woodcock hancock hitchcock cockatoo cockroach
cocker shuttlecock dickens dickinson benedict predict addict title titles titan titanic entitled constitution
competition repetition appetite stitch petition quantity titration titanium analysis analyst canal banal manual
annual analog penistone peninsula pencil happiness expensive penitent therapist therapists grape grapes scrape drape
trapeze paraphrase rapid raptor graphite shiitake mishit shitake matsushita yamashita kinoshita shirt shift sheet
shoot short shut hit sit spit split shuttle shih-tzu fukuoka fukushima fukuyama fukui fudge fund funk duck luck
truck buck suck-up puck snigger sniggered niggle niggling nigeria nigerian niger nightly trigger digger bigger
retardant coon-cat raccoon cocoon tycoon coconut cocoa spice spicy auspicious despicable conspicuous aspic spicule
swank swanky wankel frank yank tank plank prickly pricked pickwick prickle scunthorpe count country counter discount
account cunning scout sussex essex middlesex wessex unisex sextet sexton sixth hello shell hell-bent he'll she'll
we'll i'll who're whorl whole wholesale who're horse hoarse circumstance document cucumber accumulate circumvent
cummings magna-cum-laude vacuum cumulative butter button rebuttal buttress arsenal arsenic parsecs arson coarse
sparse hearse pussycat pussycats platypus octopus campus sputum saturday pissarro pistachio piston pistol
mississippi  witch ditch stitch pitch kitchen batch butch-cassidy beach beech peach basement debase abashed
fagin fagend vegan gaggle flagged bagged bastion bastille baste bast lambaste  whoop douse  sluice slit slot salute
kook book cook gobbledygook cookbook chin chinese china  kinky chunk
  stuff gtx kysely sky skies murky turkey
"""
EN_SENTENCES = (
    "the pen is mightier than the sword", "an us citizen came in", "let's hit the road",
    "i can't wait to see who re-joins",
    "push it to the limit", "wash it and dry it", "it is so hot i take a bath", "if u c kids, say hi",
    "this hit me hard",
    "he'll be here at 5", "she'll win this", "we'll see", "grab as much as you can", "gas station at 5pm",
    "as soon as possible",
    "i was hit by a pass in class", "is that a new car or an old one", "my cat is named pussycat",
    "the raccoon ate my grapes",
    "what a pass by hancock", "buy 455 shares at $5", "room A55 is on floor 5", "the code is 5H17-B00K",
    "use v1.0.3 of the api",
    "10/10 would watch again!!!", "GG WP!!! so close", "can you play some classic bass", "matsushita makes tvs",
    "i love shiitake",
    "a chink in the armour", "the maine coon is huge", "flame retardant jacket", "wankel engine sounds great",
    "prickly pear jam",
    "don't touch that!", "c u @ 5", "@class_rep hi", "$ass-ets are up", "tit for tat is a strategy",
    "f(x) = u + c * k", "s h o w time", "c l a s s i c", "a s s e t s", "g r a s s",
    "a b c d e f g", "A S A P please", "U S A U S A", "L O L", "o m g so good", "go go go", "no no no",
    "shh it's starting",
    "sch-it-works", "as-is sale", "hell-o from seoul", "the shell command failed", "my sis is in essex",
    "kill the lights yourself",
    "kill it, do it yourself", "good god that is good", "boobytrap cleared", "bookkeeper", "successful",
    "i will grape it", "hang the picture yourself", "he hung himself a picture", "assist by son!! what a pass",
)  # fmt: skip
EN_CHAT = (
    "hello everyone", "what a great stream today", "first time here, love it", "can you say hi to my sister",
    "this song is so good",
    "when is the next video", "my favourite part was the end", "how long have you been streaming", "that was hilarious",
    "thanks for answering my question", "the new camera looks amazing", "i missed the beginning",
    "good luck with your exam",
    "please play that one again", "greetings from busan", "see you all tomorrow", "congratulations on 100k",
    "what keyboard is that",
)  # fmt: skip
EN_AROUND = ("{}", "i like {}", "the {} was great", "is {} on today?", "{} and more", "so much {} lol",
"what about {}?", "{}!!", "my {} :)")

KO_HARD = """
시발점 시발역 다시발표 즉시발송 동시발매 출시발표 서울시발표 도시발전 반드시발생 역시발라드 택시발견 임시발급
표시발생 게시발행 제시발언 일시발송 수시발급 질병신고 발병신고 간병신청 문병신청 꽃병신상 병신년 물병신제품
전염병신속대응 고질병신호 새끼손가락 새끼발가락 새끼고양이 새끼강아지 새끼줄 새끼돼지 새끼오리 아기새끼 번개새끼줄
보존나무 생존나라 의존나이 기존나머지 현존나라 조나단 오존나라 단지랄라 까지랄프 이미지랄프 합창녀석 동창녀석 창녕
창녀봉 또라이브 또라이벌 또라이트 삼개년 오개년계획 십개년 개년간 꺼져있는 꺼져버린 불이꺼져서 닥쳐오는 닥쳐올
미친듯이 영향을미친 미친영향 미치다 수박씨발라먹기 포도씨발라서 씨발라내기 조선시벌목 임시벌금 택시팔기 다시팔다
역시팔리네 반드시팔아야 자살해결 자살예방 신발 시바견 시바이누 시범 시불 십팔번 열여덟 지랄탄 염병 병원 신병 병사
존재 존중 좋나 좋네 조나 엿장수 애자 장애인 게이머 게이트 게이지 급식 급식실 홍어회 홍어무침 된장 된장국 김치
김치찌개 한남동 한남대교 맘스터치 틀니 쪽파 짱구 짱이야 슈발리에 쉬벌써 니애플 느그 니네 그지 거지
"""
KO_SENTENCES = (
    "다시 발표합니다", "반드시 발생하는 문제", "역시 발라드가 최고", "신곡 출시 발표했대", "즉시 발송 가능해요?",
    "동시 발매 축하해요",
    "서울시 발표 봤어?", "택시 발견!", "도시 발전 게임 재밌다", "임시 발급 받았어요", "세 시 발차입니다",
    "3시8분에 시작", "3시 8분 시작이에요",
    "오후 1시 발표래", "수박 씨 발라 먹는 법", "씨 발라낸 포도", "질병 신고는 어디에", "꽃병 신상 나왔다",
    "문병 신청했어", "그 병 신기하다",
    "고양이 새끼 너무 귀엽다", "강아지 새끼들 귀여워", "새끼 고양이 보러 가자", "새끼손가락 걸고 약속",
    "어미 개와 새끼 사진", "새 끼니 챙겨요",
    "보존 나무 심기", "생존 나라별 순위", "기존 나온 것들", "의존 나이", "조나단 나온 편 재밌음", "어디까지 랄라라",
    "단지 랄로님 방송 보고",
    "합창 녀석들 귀엽네", "동창 녀석 만났어", "또 라이브 해요?", "또 라이벌 등장", "또 라이트 켜졌네",
    "아저씨 빨리요", "영애씨~~빨리오세욤", "아저씨빨리", "다시빨간색으로", "아가씨발표", "글씨발이 좋네", "3개년 계획",
    "5개년 목표 세웠다",
    "불이 꺼져 있어요", "마이크 꺼져 버렸어", "화면 꺼져서 못 봤어", "닥쳐올 미래", "큰 영향을 미친 곡",
    "미친 듯이 웃었다", "영향 미친 년도",
    "이거 보지 마세요", "아직 자지 말고 기다려", "내일 보지 뭐", "잠 안 자지?", "18번 곡 불러줘", "18일 8시 발표",
    "1818번 버스",
    "ㄱㅅㄱㅅ", "ㅊㅋㅊㅋ", "ㅇㅇ ㅇㅋ", "ㅂㅂ", "ㅎㅇㅎㅇ", "ㅇㅈ", "ㄴㄴ", "ㅅㄱ", "ㅈㅅ", "ㅠㅠㅠ", "ㅋㅋㅋㅋㅋ",
    "ㅇㅇㅈ", "ㄹㅇㅋㅋ", "ㄷㄷㄷ", "ㅅㅅㅅ 이겼다",
    "없습니다", "값싼 물건", "못보던 얼굴", "옷보다 신발", "짧네요", "읽지라도", "시바견 귀엽다", "시 바다 보러 가자",
    "신발 샀어", "시불시불",
    "개년도 아니고", "내 시 발음 어때", "시 발음 연습", "다 시 발 표", "역 시 발 라 드", "즉 시 발 송", "한시 발표회",
    "다시 바로 시작", "역시 바로 그거", "즉시 바로잡음", "병 신경쓰지 마",
    "엿장수 맘대로", "게이머 최고", "게이지 다 찼다", "된장찌개 먹자", "김치 맛있다", "한남동 맛집",
    "홍어 먹어봤어요?", "맘 충분히 알아", "급식 충분했어?",
    "장애 새 기준", "존 나왔다", "제임스 존 나이가", "피자 좋나 봐", "그런 애 미술 잘해", "니 애 비슷하다",
    "자살 예방 상담 전화", "자 살해당한 역 등장",
)  # fmt: skip
KO_CHAT = (
    "안녕하세요", "오늘 방송 정말 재밌었어요", "처음 왔는데 너무 좋네요", "언니 오늘 옷 예뻐요",
    "다음 영상 언제 나와요?", "노래 제목이 뭐예요?",
    "생일 축하해요", "저도 그거 봤어요", "질문에 답해 주셔서 감사합니다", "부산에서 보고 있어요",
    "내일 시험인데 응원해 주세요", "와 진짜 잘한다",
    "ㅋㅋㅋㅋ 너무 웃겨", "이 부분 다시 보고 싶다", "카메라 바꾸셨어요?", "십만 구독 축하드려요", "오늘도 힘내세요",
    "목소리 너무 좋아요",
)  # fmt: skip
KO_AROUND = ("{}", "{} 봤어요?", "오늘 {} 얘기 해주세요", "{} 좋아요 ㅎㅎ", "저는 {} 처음 알았어요", "{}도 있네",
"이거 {} 맞죠?", "{}!!", "{} ㅋㅋㅋ")


def innocent(language: str, *, seed: int, count: int) -> Iterator[str]:
    """Two thirds of them look like terms."""
    rng = random.Random(seed)
    hard = (EN_HARD if language == "en" else KO_HARD).split()
    sentences, chat, around = (
        (EN_SENTENCES, EN_CHAT, EN_AROUND) if language == "en" else (KO_SENTENCES, KO_CHAT, KO_AROUND)
    )
    for _ in range(count):
        kind = rng.random()
        if kind < 0.4:
            text = rng.choice(around).format(rng.choice(hard))
        elif kind < 0.7:
            text = rng.choice(sentences) + rng.choice(("", "", " ㅋㅋ", "!", " :)", "..."))
        else:
            text = f"{rng.choice(chat)} {rng.choice(chat)}"
        yield text.upper() if language == "en" and rng.random() < 0.1 else text
