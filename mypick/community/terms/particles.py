"""Small words that a matcher has to know: what Korean words are followed and strengthened by, and short English words
that stand side by side by chance."""

from __future__ import annotations

import re

_FOLLOWING = "은는이가을를의에도만야아여요로와과랑고네냐니다임들님놈년것짓때"  # one syllable each
_FOLLOWING_WORDS = """
으로 이나 이다 이야 이네 이냐 이니 이라 라고 이란 라는 라니 라서 한테 에게 에서 까지 부터 처럼 같은 같이 같아 같네
같다 보다 마다 조차 하고 하네 하는 하다 한다 해라 하지 했다 했네 하냐 새끼 진짜 ㅋ ㅎ ㅠ ㅜ 씨 인가 인데 이지 이죠
입니다 이에요 예요 아니 이었 였다 거든 잖아 구나 군요 네요
"""
FOLLOWED = re.compile(
    rf"(?:{'|'.join(sorted(_FOLLOWING_WORDS.split(), key=len, reverse=True))}|[{_FOLLOWING}]){{0,4}}(?![가-힣])"
)
"""What may stand behind a Korean word up to the end: particles, endings, vocatives."""

FOLLOWED_APART = re.compile("(?:들?아|야|[놈년](?:아|들)?|들|같은|은|는|이|가|을|를|도)?(?![가-힣])")
"""The same where blanks part the word itself: 시 발아, but 존 나이가 is a name and an age."""

BEFORE_SPELLED, BEHIND_SPELLED = frozenset("iua아야와어오이그저또참니너넌"), frozenset("uia아야놈년들것임")
"""What may stand by itself beside a word that is written with blanks, and is no part of it."""

STRENGTHENED = re.compile(
    r"(?:개|왕|핵|쌉|존나|졸라|씹|쌍|이|그|저|요|아|야|와|어|오|에이|이런|저런|그런|진짜|너무|완전|니|네|내|우리|그냥|또|넌|난)+"
)
"""What may stand before a Korean word from the beginning: words that strengthen or point."""

_LITTLE = """
a i o r u ad ah am an as at aw ax be by do go ha he hi if in is it la lo ma me mi my no of oh ok on or ow ox pa pi
re so to uh um un up us we ye yo all and any are ask ass bad bag ban bar bat bed bet big bit bow box boy bus but buy
can car cat cut day did dig dog dot due eat egg end eye far few fit fix fly for fun get god got gun guy had ham has
hat her hey him his hit hot how ice ill its job joy key kid lab lap law lay leg let lie lip lit log lot low mad man
map may men met mid mix mom mud net new nor not now nut odd off old one our out own pad pan pay pen per pet pie pin
pit pop pot put rag ran rap rat raw ray red rid rip row rub run sad sat saw say sea see set sex she sin sir sit six
ski sky son sum sun tag tap tar tax tea ten the tie tin tip tit toe ton too top toy try tub two use van via war was
way web wet who why win wit won yes yet you zip back ball bang bass been best body bone book cock come dick does
down else even ever face fact fair fall fast feel feet fell find fine fish five foot four free from full gave girl
give goes gone good grow half hand hard have head hear help here hero hers hide high hold hole home hope hour idea
into just keep kept kind king knew know last late left less life like line list live long look lose lost love made
make many mean meet mile mind mine miss more most move much must name near need next nice none nose note once only
open over page part pass past path play plus real rest ride ring rise road rock role room rule safe said sale same
sand save seat seem seen self sell send sent shit shop show shut sick side sign sing site size skin slow some song
soon sort star stay step stop such suck sure take talk tell tend term test text than that them then they thin this
thus till time tiny told took tree trip true turn twin type unit upon used very view vote wait walk wall want warm
wash wear week well went were west what when whom wide wife wild will wind wine wing wish with wood word work yard
year your zero watch
"""
LITTLE = frozenset(_LITTLE.split())
"""English words of up to four letters. Two of them beside each other are two words (``an us``), whatever they spell."""
