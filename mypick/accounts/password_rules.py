"""Which passwords are refused: too short, too long, the commonest, and those that repeat who their owner is.

There are no rules of composition: they make people choose ``Password1!`` (NIST SP 800-63B, 5.1.1.2).
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from mypick.accounts import text_rules

MINIMUM = 8  # code points
MAXIMUM = 128  # code points; the hash takes as long for 128 as for 8

# The commonest of published leaks that are long enough to pass MINIMUM, lower case. Runs and repetitions
# (12345678, aaaaaaaa) are refused by rule and not listed.
_LISTED = """
password password1 password12 password123 password1234 password! password1! passw0rd p@ssword p@ssw0rd
p@$$w0rd pa$$word passwort passphrase mypassword newpassword changeme changeme1 changeme123 letmein1
letmein123 welcome1 welcome12 welcome123 welcome1! admin123 admin1234 admin12345 administrator adminadmin
rootroot root1234 toor1234 test1234 test12345 testtest test1test testing1 testing123 tester123 guest123
user1234 username demo1234 default1 temp1234 secret12 secret123 topsecret iloveyou iloveyou1 iloveyou2
iloveyou! iloveu12 ilovegod qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop qwerty1! qwer1234
qwerasdf qwerqwer qweasdzxc qweqwe123 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4
q1w2e3r4t5 qazwsxedc qazwsx123 asdfghjk asdfghjkl asdf1234 asdfasdf asdasd123 asd12345 zxcvbnm1 zxcvbnm123
zaq12wsx zaq1zaq1 zxcv1234 1234qwer 12345qwert 123456qwerty 123qwe123 123qweasd 123qweasdzxc qwe123456
a1234567 a12345678 a123456789 aa123456 aa12345678 aaa12345 ab123456 abc12345 abc123456 abcd1234 abcd12345
abcdefg1 abc123abc abcabc123 1234abcd 12345abc 123456abc 123456aa 12345678a 123456789a 1234567a 0987654321
9876543210 1234567890 0123456789 11223344 1122334455 12121212 12341234 12344321 123123123 123321123
112233445566 11112222 12131415 13131313 14141414 21212121 23232323 69696969 10101010 10203040 102030405
147258369 147852369 159753456 159357456 159951159 741852963 789456123 789456123a 963852741 987456321
987654321a 1q1q1q1q 1a2b3c4d a1b2c3d4 a1s2d3f4 aassddff football football1 baseball baseball1 basketball
superman superman1 batman123 spiderman pokemon1 pokemon123 starwars starwars1 minecraft fortnite dragon12
dragon123 monkey12 monkey123 princess princess1 sunshine sunshine1 shadow12 shadow123 master12 master123
michael1 michelle jennifer jessica1 jonathan charlie1 ashley123 computer computer1 internet internet1
samsung1 samsung123 google123 facebook facebook1 youtube1 youtube123 whatever whatever1 trustno1 liverpool
liverpool1 chelsea1 arsenal1 manchester barcelona mercedes corvette elephant butterfly chocolate chocolate1
cheesecake creative victoria veronica midnight november december september february happy123 hello123
hello1234 helloworld hellohello goodluck access14 blink182 fuckyou1 fuckyou2 loveyou1 lovelove lovely123
loveme123 forever1 friends1 babygirl babygirl1 angel123 flower123 summer123 summer2023 summer2024 summer2025
winter123 winter2024 winter2025 spring2024 spring2025 autumn2024 zxczxc123 qwaszx12 wsxedc12 1qazxsw2
1qaz@wsx !qaz2wsx !qaz@wsx p0o9i8u7 poiuytre poiuytrewq lkjhgfdsa mnbvcxz1 gfhjkm123 dkssudgktpdy dkssud123
tkfkdgo1 tkfkdgo12 tkfkdgo123 dlqmsl123 korea123 korea1234 seoul1234 sarang123 mypick123 mypick1234
"""
_COMMON = frozenset(_LISTED.split())


def new_password(text: str) -> str:
    """A password as it is hashed: NFC, so that every keyboard gives the same bytes (RFC 8265)."""
    text = entered_password(text)
    if len(text) < MINIMUM:
        raise ValueError(f"it has {len(text)} characters; use at least {MINIMUM}")
    if _is_common(text.lower()):
        raise ValueError("it is one of the commonest passwords, which are tried first; choose another")
    return text


def entered_password(text: str) -> str:
    """A password that is to be compared: normalised and bounded as above, but not judged."""
    text = unicodedata.normalize("NFC", text_rules.storable(text))
    if len(text) > MAXIMUM:
        raise ValueError(f"it has {len(text)} characters; at most {MAXIMUM} are allowed")
    return text


def refuse_own_name(password: str, *, email: str, display_name: str) -> None:
    """``ValueError`` if the password is its owner's address, the part before the @, or the name."""
    if password.strip().lower() in {email.lower(), email.partition("@")[0].lower(), display_name.lower()}:
        raise ValueError("it is the same as the e-mail address or the name; choose another")


def _is_common(lowered: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(lowered)}
    return lowered in _COMMON or steps in ({0}, {1}, {-1})  # one character repeated, or a run up or down
