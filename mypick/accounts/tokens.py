"""Access and refresh tokens: JWT (RFC 7519), HS256 and nothing else, each kind with a secret of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson

from mypick.accounts.actor import ROLES
from mypick.accounts.ports import RandomBytes
from mypick.clock import Clock
from mypick.errors import Code, DomainError

MAXIMUM_LENGTH = 4096  # characters, checked before anything is parsed; ours have about 400
SKEW = 86_400
"""Seconds that an ``iat`` may be ahead. We alone sign, so it guards nothing but the end of a token; and one node whose
clock was wrong for an hour would else sign out, for good, everybody who had new tokens from it."""
_ALGORITHM = "HS256"
_REQUIRED = ["iss", "aud", "exp", "iat", "jti", "typ", "sid", "sub", "role"]
_LARGEST_ID = 2**63 - 1
_HEADER = jwt.encode({}, "any" * 16, algorithm=_ALGORITHM).partition(".")[0]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    user_id: int
    session_id: int
    role: str
    expires_at: datetime


class Tokens:
    """Writes and reads both kinds. Lives are in seconds; secrets should have 32 characters or more."""

    def __init__(
        self,
        clock: Clock,
        *,
        access_secret: str,
        refresh_secret: str,
        access_life: int = 3600,
        refresh_life: int = 30 * 86_400,
        issuer: str = "mypick",
        audience: str = "mypick",
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        if not access_secret or not refresh_secret:
            raise ValueError("a secret is empty: whoever likes could sign tokens")
        self._clock = clock
        self._secrets = {"access": access_secret, "refresh": refresh_secret}
        self.refresh_life = refresh_life
        # never longer than its session: the session's end is then looked at only when a token is refreshed
        self.access_life = min(access_life, refresh_life)
        self._issuer = issuer
        self._audience = audience
        self._random_bytes = random_bytes

    def issue_access(self, *, user_id: int, session_id: int, role: str) -> str:
        return self._issue("access", self.access_life, user_id, session_id, role)

    def issue_refresh(self, *, user_id: int, session_id: int, role: str) -> str:
        return self._issue("refresh", self.refresh_life, user_id, session_id, role)

    def read_access(self, token: object) -> Claims:
        """Raises ``DomainError(UNAUTHENTICATED)`` for anything but a good access token."""
        return self._read("access", token)

    def read_refresh(self, token: object) -> Claims:
        """Raises ``DomainError(UNAUTHENTICATED)`` for anything but a refresh token with our signature that
        has not expired. Whether it was used before, only the store knows."""
        return self._read("refresh", token)

    def _issue(self, kind: str, life: int, user_id: int, session_id: int, role: str) -> str:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now,
            "exp": now + life,
            "jti": self._random_bytes(16).hex(),
            "typ": kind,
            "sid": str(session_id),
            "sub": str(user_id),
            "role": role,
        }
        return jwt.encode(claims, self._secrets[kind], algorithm=_ALGORITHM)

    def _read(self, kind: str, token: object) -> Claims:
        if not isinstance(token, str) or not token or len(token) > MAXIMUM_LENGTH:
            raise _refused(kind)
        # By hand, in 6 µs where PyJWT takes 39, for each request and each socket: it looks at a secret anew whether it
        # is a public key by mistake, and walks over each character. Nothing is negotiated: the header must be, to the
        # letter, the one that we write, and the signature the one that we would write.
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header != _HEADER or not signed.isascii() or not signature.isascii():
            raise _refused(kind)
        mine = hmac.digest(self._secrets[kind].encode(), signed.encode(), "sha256")
        if not hmac.compare_digest(_base64url(mine), signature.encode()):
            raise _refused(kind)
        try:
            claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except ValueError as failure:  # somebody else has our secret, and a hand of his own
            raise _refused(kind) from failure
        if not isinstance(claims, dict) or any(name not in claims for name in _REQUIRED):
            raise _refused(kind)
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise _refused(kind)
        return self._checked(kind, claims)

    def _checked(self, kind: str, claims: dict[str, Any]) -> Claims:
        now = self._clock.now().timestamp()
        issued, ends = claims["iat"], claims["exp"]
        # bool is an int to Python, and no time
        if claims["typ"] != kind or type(issued) is not int or type(ends) is not int:
            raise _refused(kind)
        if claims["role"] not in ROLES or issued > now + SKEW:
            raise _refused(kind)
        if ends <= now:
            raise DomainError(Code.UNAUTHENTICATED, _EXPIRED[kind])
        try:
            expires_at = datetime.fromtimestamp(ends, UTC)
        except (OverflowError, ValueError, OSError) as failure:  # beyond the year 9999
            raise _refused(kind) from failure
        return Claims(
            user_id=_id(kind, claims["sub"]),
            session_id=_id(kind, claims["sid"]),
            role=claims["role"],
            expires_at=expires_at,
        )


_EXPIRED = {
    "access": "the access token has expired; get a new one with the refresh token",
    "refresh": "the refresh token has expired; log in again",
}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _refused(kind: str) -> DomainError:
    return DomainError(Code.UNAUTHENTICATED, f"this is not a valid {kind} token; log in again")


def _id(kind: str, text: object) -> int:
    if isinstance(text, str) and len(text) <= 19 and text.isascii() and text.isdigit():
        number = int(text)
        if 0 < number <= _LARGEST_ID:
            return number
    raise _refused(kind)


def digest(secret: str) -> str:
    """SHA-256 as hex: how refresh tokens and API keys are stored. They hold 128 random bits or more, so a
    slow hash would protect nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
