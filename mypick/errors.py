"""Every error code, once: what it means, its HTTP status, and whether trying again can help."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class _Meaning:
    status: int
    retryable: bool
    text: str


class Code(Enum):
    """The codes of both doors. The name is what goes over the wire."""

    UNAUTHENTICATED = _Meaning(401, False, "no valid token or key was shown")
    FORBIDDEN = _Meaning(403, False, "this actor may not do this")
    NOT_FOUND = _Meaning(404, False, "there is no such thing, or it is not shown to this actor")
    INVALID = _Meaning(400, False, "the command is malformed; details name the fields")
    TOO_LARGE = _Meaning(413, False, "the body or packet is over its limit")
    CONFLICT = _Meaning(409, False, "the state has moved on; read it and decide again")
    CID_REUSED = _Meaning(409, False, "this cid or Idempotency-Key was used for another command")
    RATE_LIMITED = _Meaning(429, True, "too many; wait retry_after_ms")
    SLOW_MODE = _Meaning(429, True, "the room is in slow mode; wait retry_after_ms")
    NOT_MEMBER = _Meaning(403, False, "join first")
    BANNED = _Meaning(403, False, "banned here")
    TIMED_OUT = _Meaning(403, True, "timed out here; wait retry_after_ms")
    LOCKED = _Meaning(403, False, "locked by a moderator")
    MEMBERS_ONLY = _Meaning(403, False, "for members only")
    FOLLOW_AGE = _Meaning(403, True, "follows for too short a time")
    DUPLICATE_TEXT = _Meaning(409, False, "the same text was just sent")
    BLOCKED = _Meaning(403, False, "blocked by the other side, or a text that cannot be said here")
    GONE = _Meaning(410, False, "it was here and has been removed")
    FULL = _Meaning(409, True, "no place left")
    UPSTREAM_FAILED = _Meaning(502, True, "a platform did not answer as it should")
    QUOTA_EXHAUSTED = _Meaning(503, True, "a platform's quota is spent; wait retry_after_ms")
    UNAVAILABLE = _Meaning(503, True, "a part of this server is away for the moment")
    INTERNAL = _Meaning(500, True, "an unexpected failure; the incident id finds it in the log")

    @property
    def status(self) -> int:
        return self.value.status

    @property
    def retryable(self) -> bool:
        return self.value.retryable

    @property
    def text(self) -> str:
        return self.value.text


# Enum members with equal values would become aliases of each other; two codes must never be one.
if len(Code) != len(Code.__members__):
    raise RuntimeError("two error codes have the same meaning")


class DomainError(Exception):
    """What a service raises. Each door maps it to its own shape in one place.

    ``message`` says what is wrong and what to do; it is shown to the client, so it holds no secrets.
    ``details`` must be JSON; ``retry_after_ms`` is the wait before the same command can succeed.
    """

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        details: Any = None,
        retry_after_ms: int | None = None,
    ) -> None:
        self.code = code
        self.message = message or code.text
        self.details = details
        self.retry_after_ms = retry_after_ms
        super().__init__(f"{code.name}: {self.message}")

    def body(self) -> dict[str, Any]:
        """The fields that both doors show: code, message, and details where there are any."""
        shown: dict[str, Any] = {"code": self.code.name, "message": self.message}
        if self.details is not None:
            shown["details"] = self.details
        return shown


def not_found(what: str) -> DomainError:
    return DomainError(Code.NOT_FOUND, f"there is no such {what}")


def invalid(message: str, *, field: str | None = None) -> DomainError:
    """``INVALID`` in the shape that schema errors have: details are ``[{"field", "message"}]``."""
    details = [{"field": field, "message": message}] if field else None
    return DomainError(Code.INVALID, message, details=details)
