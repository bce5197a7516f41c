"""What passes for a token and what does not."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.accounts.tokens import MAXIMUM_LENGTH, SKEW, Tokens
from mypick.errors import Code, DomainError
from tests.accounts.conftest import Refused
from tests.fakes import FakeClock

ACCESS_SECRET = "a" * 40
CLAIMS = ("iss", "aud", "exp", "iat", "jti", "typ", "sid", "sub", "role")


def good_claims(clock: FakeClock, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    claims = {
        "iss": "mypick",
        "aud": "mypick",
        "iat": now,
        "exp": now + 3600,
        "jti": "0" * 32,
        "typ": "access",
        "sid": "5",
        "sub": "7",
        "role": "fan",
    }
    return {**claims, **changed}


def encode(claims: dict[str, Any], secret: str = ACCESS_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def test_a_token_says_what_it_was_issued_for(tokens: Tokens) -> None:
    token = tokens.issue_access(user_id=7, session_id=5, role="moderator")
    claims = tokens.read_access(token)
    assert (claims.user_id, claims.session_id, claims.role) == (7, 5, "moderator")


def test_tokens_of_the_same_second_differ(tokens: Tokens) -> None:
    first, second = (tokens.issue_refresh(user_id=7, session_id=5, role="fan") for _ in range(2))
    assert first != second


def test_the_claims_the_tests_forge_with_are_good(tokens: Tokens, clock: FakeClock) -> None:
    # otherwise every test below could pass for another reason
    assert tokens.read_access(encode(good_claims(clock))).user_id == 7


def test_a_token_ends_at_its_second_and_says_so(tokens: Tokens, clock: FakeClock, refused: Refused) -> None:
    token = tokens.issue_access(user_id=7, session_id=5, role="fan")
    clock.advance(3599)
    tokens.read_access(token)
    clock.advance(1)
    with refused(Code.UNAUTHENTICATED) as failure:
        tokens.read_access(token)
    assert "expired" in failure.value.message


def test_a_token_from_the_future_is_refused_beyond_the_skew_of_clocks(
    tokens: Tokens, clock: FakeClock, refused: Refused
) -> None:
    now = int(clock.now().timestamp())
    tokens.read_access(encode(good_claims(clock, iat=now + SKEW)))
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(encode(good_claims(clock, iat=now + SKEW + 1)))


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_is_required(tokens: Tokens, clock: FakeClock, refused: Refused, claim: str) -> None:
    claims = good_claims(clock)
    del claims[claim]
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(encode(claims))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["mypick", "other"]},
        {"typ": "refresh"},
        {"role": "root"},
        {"role": ["admin"]},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": 10**18},
        {"iat": 1.5},
        {"sub": "0"},
        {"sub": "-1"},
        {"sub": "٣"},
        {"sub": "9" * 19},
        {"sub": "7; DROP TABLE user"},
        {"sid": "9223372036854775808"},
        {"sid": 5},
        {"sid": {}},
    ],
    ids=str,
)
def test_a_signed_claim_of_the_wrong_value_is_refused(
    tokens: Tokens, clock: FakeClock, refused: Refused, changed: dict[str, Any]
) -> None:
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(encode(good_claims(clock, **changed)))


def test_a_token_signed_by_another_is_refused(tokens: Tokens, clock: FakeClock, refused: Refused) -> None:
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(encode(good_claims(clock), secret="x" * 40))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(
    tokens: Tokens, clock: FakeClock, refused: Refused, algorithm: str
) -> None:
    header = segment(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    body = segment(json.dumps(good_claims(clock)).encode())
    for signature in ("", segment(b"x")):
        with refused(Code.UNAUTHENTICATED):
            tokens.read_access(f"{header}.{body}.{signature}")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # HS512 would like a longer secret
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_the_right_secret_is_refused(
    tokens: Tokens, clock: FakeClock, refused: Refused, algorithm: str
) -> None:
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(encode(good_claims(clock), algorithm=algorithm))


def test_rs256_is_refused_and_never_checked_as_hmac(
    tokens: Tokens, clock: FakeClock, refused: Refused
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    genuine = jwt.encode(good_claims(clock), pem, algorithm="RS256")
    header = segment(b'{"alg":"RS256","typ":"JWT"}')
    _, body, signature = encode(good_claims(clock)).split(".")
    for token in (genuine, f"{header}.{body}.{signature}"):
        with refused(Code.UNAUTHENTICATED):
            tokens.read_access(token)


def test_an_access_token_never_refreshes_and_the_other_way_round(clock: FakeClock, refused: Refused) -> None:
    # with one secret for both, as a careless development set-up has, the kind alone must tell them apart
    for access_secret, refresh_secret in (("a" * 40, "r" * 40), ("a" * 40, "a" * 40)):
        tokens = Tokens(clock, access_secret=access_secret, refresh_secret=refresh_secret)
        with refused(Code.UNAUTHENTICATED):
            tokens.read_refresh(tokens.issue_access(user_id=7, session_id=5, role="fan"))
        with refused(Code.UNAUTHENTICATED):
            tokens.read_access(tokens.issue_refresh(user_id=7, session_id=5, role="fan"))


def test_every_truncation_is_refused(tokens: Tokens, refused: Refused) -> None:
    token = tokens.issue_access(user_id=7, session_id=5, role="fan")
    for length in range(len(token)):
        with refused(Code.UNAUTHENTICATED):
            tokens.read_access(token[:length])


def test_a_long_token_is_refused_though_its_signature_is_good(
    tokens: Tokens, clock: FakeClock, refused: Refused
) -> None:
    token = encode(good_claims(clock, padding="x" * MAXIMUM_LENGTH))
    assert len(token) > MAXIMUM_LENGTH
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(token)


@pytest.mark.parametrize(
    "token",
    [
        None,
        7,
        b"bytes",
        ["list"],
        {},
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\ud800.\ud800.\ud800",
        "é.é.é",
        f"{segment(b'[' * 3000)}.{segment(b'{}')}.AA",
        f"{segment(b'[]')}.{segment(b'{}')}.AA",
        f"{segment(b'null')}.{segment(b'null')}.AA",
        f"{segment(b'{}')}.{segment(b'{}')}.AA",
        f"{segment(json.dumps({'alg': ['HS256']}).encode())}.{segment(b'{}')}.AA",
        f"{segment(json.dumps({'alg': 'HS256', 'kid': 3, 'crit': 'x', 'b64': False}).encode())}..AA",
        "x" * 1_000_000,
    ],
    ids=lambda token: repr(token)[:30],
)
def test_garbage_is_refused_in_words(tokens: Tokens, refused: Refused, token: object) -> None:
    for read in (tokens.read_access, tokens.read_refresh):
        with refused(Code.UNAUTHENTICATED) as failure:
            read(token)
        assert "log in again" in failure.value.message


def test_deeply_nested_claims_with_a_good_signature_are_refused(tokens: Tokens, refused: Refused) -> None:
    body = b'{"a":' + b"[" * 2900
    token = jwt.api_jws.encode(body, ACCESS_SECRET, algorithm="HS256")
    assert len(token) <= MAXIMUM_LENGTH
    with refused(Code.UNAUTHENTICATED):
        tokens.read_access(token)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_character_goes_unnoticed(tokens: Tokens, data: st.DataObject) -> None:
    token = tokens.issue_access(user_id=7, session_id=5, role="fan")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    with pytest.raises(DomainError) as failure:
        tokens.read_access(token[:place] + other + token[place + 1 :])
    assert failure.value.code is Code.UNAUTHENTICATED


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text(max_size=200))
def test_any_text_is_refused_without_another_exception(tokens: Tokens, token: str) -> None:
    with pytest.raises(DomainError) as failure:
        tokens.read_refresh(token)
    assert failure.value.code is Code.UNAUTHENTICATED


def test_an_access_token_does_not_outlive_its_session(clock: FakeClock) -> None:
    tokens = Tokens(clock, access_secret="a" * 40, refresh_secret="r" * 40, access_life=3600, refresh_life=60)
    claims = tokens.read_access(tokens.issue_access(user_id=7, session_id=5, role="fan"))
    assert (claims.expires_at - clock.now()).total_seconds() == 60


def test_an_empty_secret_does_not_start(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="empty"):
        Tokens(clock, access_secret="", refresh_secret="r" * 40)
