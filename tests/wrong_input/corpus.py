"""What people, programs and attackers send that is wrong, and texts that are right although they look wrong."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson

# Texts that are data whatever they look like. Each may be a name: at most 50 characters, in NFC.
STRANGE_TEXTS = [
    "'; DROP TABLE user; --",
    '" OR ""="',
    "1 OR 1=1",
    "x' UNION SELECT password_hash FROM user --",
    "%_%",
    "\\'; --",
    "$1 ? %s :name {0}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "&lt;b&gt; &amp; &#39;",
    "javascript:alert(1)",
    "../../etc/passwd",
    "null",
    "undefined",
    "NaN",
    "0",
    "한국어 이름",
    "👩‍👩‍👧‍👦 family",
    "Ω≈ç√∫˜µ≤≥÷",
    "é",
    "𝕳𝖊𝖑𝖑𝖔 𐍈",
    "a" * 50,
    "שלום",
    "ﷺ",
]
# Texts that no field takes.
UNSTORABLE = ['"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"a\u0000"']

IDS = ["-1", "0", "1.5", "1e3", str(2**63), str(2**64), "9" * 5_000, "NaN", "abc", "%00", "%ff", "%2e%2e", "１", "0x1"]
CURSORS = [
    "x",
    "%00",
    "%ff",
    "null",
    "'; DROP TABLE user; --",
    base64.urlsafe_b64encode(b'["no-such-list",1]').decode(),
    base64.urlsafe_b64encode(b'{"a":1}').decode(),
    base64.urlsafe_b64encode(b"[" * 3_000).decode(),
    "A" * 7_000,
]
NUMBERS = ["-1", "0", "101", "1.5", "1e1", "", "abc", str(2**63), str(2**64), "9" * 400, "NaN", "%00", "%ff", "１"]


@dataclass(frozen=True)
class Body:
    """A request body that is wrong for every command."""

    name: str
    raw: bytes
    headers: dict[str, str] = field(default_factory=dict)


JSON = {"Content-Type": "application/json"}
DEEP = 2_000

BODIES = [
    Body("nothing", b"", JSON),
    Body("no JSON", b"{", JSON),
    Body("a form", b"email=a&password=b", {"Content-Type": "application/x-www-form-urlencoded"}),
    Body("a form that says it is JSON", b"email=a&password=b", JSON),
    Body("JSON that says it is text", b"{}", {"Content-Type": "text/plain"}),
    Body("JSON without a type", b"{}", {"Content-Type": ""}),
    Body("a type that is none", b"{}", {"Content-Type": "application"}),
    Body("JSON in UTF-16", "{}".encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
    Body("an unknown charset", b"{}", {"Content-Type": "application/json; charset=klingon"}),
    Body("bytes that are no UTF-8", b'{"a": "\xff\xfe"}', JSON),
    Body("multipart", b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    Body("a list", b"[]", JSON),
    Body("a list of objects", b"[{}]", JSON),
    Body("a text", b'"text"', JSON),
    Body("null", b"null", JSON),
    Body("a number", b"1", JSON),
    Body("a truth", b"true", JSON),
    Body("two values", b"{} {}", JSON),
    Body("a comment", b"{} // more", JSON),
    Body("NaN", b'{"a": NaN}', JSON),
    Body("an endless number", b'{"a": 1e999}', JSON),
    Body("a number beyond 64 bits", b'{"a": 18446744073709551616}', JSON),
    Body("a thousand digits", b'{"a": ' + b"9" * 1_000 + b"}", JSON),
    Body("deep lists", b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}", JSON),
    Body("deep objects", b'{"a": ' * DEEP + b"1" + b"}" * DEEP, JSON),
    Body("an unknown field", b'{"__proto__": {"role": "admin"}}', JSON),
    Body("an unknown field twice", b'{"role": "admin", "role": "fan"}', JSON),
    Body("a field without a name", b'{"": 1}', JSON),
    Body("a very long name", orjson.dumps({"k" * 100_000: 1}), JSON),
    Body("ten thousand fields", orjson.dumps({f"k{n}": n for n in range(10_000)}), JSON),
    Body("too much", orjson.dumps({"a": "x" * 300_000}), JSON),
    Body("a bomb", gzip.compress(b'{"a": "' + b"x" * 20_000_000 + b'"}'), {**JSON, "Content-Encoding": "gzip"}),
    Body("a bomb with no bomb", b"{}", {**JSON, "Content-Encoding": "gzip"}),
    Body("an unknown encoding", b"{}", {**JSON, "Content-Encoding": "br, gzip"}),
    *[Body(f"an unstorable text {n}", b'{"a": ' + text.encode() + b"}", JSON) for n, text in enumerate(UNSTORABLE)],
]

WRONG_VALUES: list[Any] = [None, True, -1, 1.5, 2**63, 2**64 - 1, "", [], {}, ["a"], {"a": 1}, "x" * 5_000]

COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/auth/register", {"email": "n@example.com", "password": "long enough for us", "display_name": "n"}),
    ("POST", "/auth/login", {"email": "n@example.com", "password": "long enough for us"}),
    ("POST", "/auth/refresh", {"refresh_token": "a.b.c"}),
    ("PATCH", "/users/me", {"display_name": "n"}),
    ("PATCH", "/users/me/settings", {"theme": "dark"}),
    ("POST", "/users/me/password", {"current_password": "not the one", "new_password": "long enough for us"}),
    ("POST", "/users/me/api-keys", {"name": "n", "scopes": ["read"]}),
    ("POST", "/creators", {"source": "@nobody-has-this"}),
    ("POST", "/notifications/read", {"upto_seq": 1}),
    ("PATCH", "/notifications/settings", {"kinds": {"mention": True}}),
]
"""Method, path, and a body of the right shape, whose fields are then made wrong one by one."""

LISTS = ["/creators", "/feed", "/notifications"]


def bad_tokens(access: str, refresh: str) -> dict[str, str]:
    """Tokens that must open nothing, by what is wrong with them."""
    claims = jwt.decode(access, options={"verify_signature": False})
    head, body, signature = access.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    secret = "an access secret for tests, long enough"  # of the server: what follows is signed rightly
    return {
        "empty": " ",
        "nonsense": "nonsense",
        "dots": "..",
        "alg none": f"{none}.{body}.",
        "alg none with a signature": f"{none}.{body}.{signature}",
        "forged": jwt.encode(claims, "not the secret that the server has, but long", algorithm="HS256"),
        "another algorithm": jwt.encode(claims, secret + "x" * 64, algorithm="HS512"),
        "changed": f"{head}.{base64.urlsafe_b64encode(orjson.dumps({**claims, 'sub': '1'})).decode()}.{signature}",
        "cut": access[:-1],
        "the refresh token": refresh,
        "expired": jwt.encode({**claims, "exp": claims["iat"] - 1}, secret, algorithm="HS256"),
        "from the future": jwt.encode({**claims, "iat": claims["iat"] + 2 * 86_400}, secret, algorithm="HS256"),
        "without an end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, secret, algorithm="HS256"),
        "for somebody else": jwt.encode({**claims, "aud": "other"}, secret, algorithm="HS256"),
        "of another kind": jwt.encode({**claims, "typ": "refresh"}, secret, algorithm="HS256"),
        "of a user that is none": jwt.encode({**claims, "sub": "0 OR 1=1"}, secret, algorithm="HS256"),
        "of another user": jwt.encode({**claims, "sub": "999999"}, secret, algorithm="HS256"),
        "of a session that is none": jwt.encode({**claims, "sid": str(2**63)}, secret, algorithm="HS256"),
        "of a role that is none": jwt.encode({**claims, "role": "root"}, secret, algorithm="HS256"),
        "huge": "a" * 7_000,
    }
