"""The lists that come with the server, one for each language. A community switches each on or off, and a term of its
own with the same letters takes the place of a listed one.

Held is what many say in anger: a moderator of the place decides. Blocked are slurs against groups of people and calls
to kill oneself, which no place lets through. Words that are mostly innocent (보지 마, 자지 마, 미친 alone, 꺼져) are in
no list: a community may add them. Allowed are innocent words that contain a listed one, also for terms that
communities are likely to add (새끼).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mypick.community.terms.patterns import Effect, Term

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")

_KO_HOLD = """
*씨발* *시발* *씨팔* *시팔* *씨빨* *시빨* *쒸발* *쓰발* *씨바알* *씨벌* *시벌* *쉬발 *슈발 *쉬벌 *씨부랄* *시부랄*
*시불놈* *씨불놈*
*씹새* *씹년* *씹놈* *씹창* *십새끼* *십팔놈* *십팔새끼* *병신* *븅신* *빙신 *병쉰 *병씬 *개새끼* *개색기* *개색끼*
*개쉐이* *개세끼* *개시끼*
*새끼야 *새끼들 *새끼네 *새끼가 *쌔끼 *쉐끼 *지랄* *쥐랄* *존나* *졸라게 *좆* *좃같* *좃나* *좃까* *개지랄* *염병하*
*옘병* *썅* *쌍년* *쌍놈* *엿먹어*
*미친놈* *미친년* *미친새끼* *미친색기* *또라이* *꺼져라 닥쳐 *닥치고 *후레자식* *호로자식* *호로새끼* *걸레년* *창녀*
*창년*
*느금마* *느그애미* *니애미* *니애비* *니에미* *니엄마죽* *애미뒤진* *뒤져라* *뒈져라* *썩을놈* *육시랄*
ㅅㅂ ㅆㅂ ㅄ ㅂㅅ ㅈㄹ ㅈㄴ ㄲㅈ ㅅㄲ ㄱㅅㄲ ㅁㅊㄴ ㅅㅂㄴ ㅅㅂㄹㅁ ㅆㅂㄴ ㄷㅊ ㅗㅗ
"""

_KO_BLOCK = """
*짱깨* *짱개* *쪽바리* *쪽발이* *깜둥이* *흑형새끼* *똥남아* *한남충* *김치녀* *된장녀* *맘충* *급식충* *틀딱*
*홍어새끼* *전라디언* *개쌍도*
*장애새끼* *애자새끼* *게이새끼* *똥꼬충* *자살해 *자살해라* *나가죽어* *나가뒤져*
"""

_KO_ALLOW = """
시발점 시발역 시발지 시발자동차 시발택시 시발표 시발송 시발생 시발견 시발매 시발급 시발행 시발효 시발휘 시발령 시발음
시발간 시발명 시발달 시발전
시발굴 시발자국 다시발 즉시발 동시발 역시발 반드시발 출시발 표시발 게시발 제시발 택시발 도시발 임시발 수시발 잠시발
접시발 혹시발 몹시발 일시발
당시발 개시발표 상시발 전시발 감시발 실시발 무시발 서울시발 부산시발 광주시발 인천시발 대구시발 대전시발 울산시발
시벌목 도시벌 다시벌 역시벌 임시벌
잠시벌 반드시벌 수박씨발 씨발라 씨벌레 씨빨리 씨빨라 씨빨간 씨빨갛 씨빨래 시빨리 시빨간 시빨갛 시빨래 저씨발 가씨발
글씨발 솜씨발 날씨발 말씨발 저씨팔 가씨팔 날씨팔 택시팔 다시팔 다시파ㄹ 역시팔 반드시팔 즉시팔 도시팔 몹시팔 시팔렸
시팔리
시팔아 시팔고 시팔찌 시팔꿈 시팔월
질병신고 병신고 병신청 발병신 병신속 병신년 병신약 병신체 병신생 병신호 병신규 병신설 질병신 문병신 간병신 수병신
장병신 꽃병신 물병신
새끼손 새끼발 새끼고양이 새끼강아지 새끼줄 새끼돼지 새끼오리 새끼새 새끼곰 새끼염소 새끼양 새끼판다 아기새끼
강아지새끼들 고양이새끼들 고양이새끼가 강아지새끼가 새새끼들 새새끼가
"강아지 새끼" "고양이 새끼" "강아지 새끼들" "고양이 새끼들" "어미와 새끼" "새 새끼들" "아기 새끼들"
개새끼손 개새끼발 개새끼줄 번개새끼 무지개새끼 지개새끼
존나단 보존나 의존나 생존나 공존나 기존나 현존나 잔존나 상존나 존나이트 오존나
지랄탄 단지랄 가지랄 까지랄 먼지랄 편지랄 이미지랄 수지랄 지랄프
창녕 합창녀 동창녀 창녀봉 창녀귀 동창년 창년도 창년월
또라이브 또라이언 또라이트 또라이딩 또라이벌 또라이프
미친년도 미친놈펜 꺼져있 꺼져버 꺼져서 꺼져가 불이꺼져 닥쳐오 닥쳐올 닥쳐온
사또라이
뒤져라도 쌍년도 염병하나 염병하고나 게이새끼손 육시랄라
삼십새 이십새 사십새 오십새
애자새끼손 슈발리에 슈발블랑 빙신제
자살해결 자살해외 자살해소
"""

_EN_HOLD = """
*fuck* *fuk* fck* *motherfuck* *shit shit* *bullshit* *bitch* bastard* asshole* arsehole* dickhead* cunt* *wank
wanker* twat twats
slut* whore* douche* jackass dumbass* prick pricks piss pissed pissing bollock* cocksuck* pussy pussies dipshit*
goddamn*
stfu gtfo wtf kys milf blowjob* handjob* jizz cumshot* dildo* jerkoff jackoff
ssibal* sibal* shibal* byungsin* byeongsin* gaesaekki* jiral
"""

_EN_BLOCK = """
nigger* nigga* *faggot* fag fags kike* chink chinks gook* spic spics wetback* tranny trannies retard* coon coons paki
pakis raghead*
towelhead* "kill yourself" "kill urself" "kill ur self" "hang yourself" rapist* "rape you" "i will rape" pedophile*
paedophile*
"""

_EN_ALLOW = """
scunthorpe shiitake mishit shitake shittim matsushita yamashita kinoshita morishita takeshita shitzu shihtzu shih-tzu
"shih tzu"
fukuoka fukushima fukuda fukui fukuyama fukuhara fukumoto fukunaga fukuro swank swanky swanks cockburn "pussy willow"
"pussy willows"
"pussy cat" pussycat "pussy cats" pussycats niggard niggardly niggle niggling snigger sniggers sniggered sniggering
retardant retardants
"flame retardant" "fire retardant" prickly pickwick coon-hound coonhound "raccoon" "maine coon"
"maine coons" "coon cat" "coon cats" "chink in" "a chink of" "chinks in" whoreson chinkapin
 "chinese" pissarro pissaladiere "tit for tat" hotshit* bitchin fag-end "fag end"
spicy spice wankel "wankel engine"
"""


def _split(words: str) -> list[str]:
    """Words between blanks; those within quotes hold together."""
    quoted = words.split('"')
    return [
        found
        for number, part in enumerate(quoted)
        for found in ([part] if number % 2 else part.split())
        if found.strip()
    ]


def _list(hold: str, block: str, allow: str) -> tuple[Term, ...]:
    parts = ((allow, Effect.ALLOW), (block, Effect.BLOCK), (hold, Effect.HOLD))
    return tuple(Term(word, effect, listed=True) for words, effect in parts for word in dict.fromkeys(_split(words)))


BUILT_IN: Mapping[Language, tuple[Term, ...]] = {
    "ko": _list(_KO_HOLD, _KO_BLOCK, _KO_ALLOW),
    "en": _list(_EN_HOLD, _EN_BLOCK, _EN_ALLOW),
}
