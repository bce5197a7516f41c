"""What a platform's failure is to a user."""

from __future__ import annotations

from datetime import datetime

from mypick.errors import Code, DomainError
from mypick.platforms.protocol import (
    AuthInvalid,
    Gone,
    PlatformError,
    QuotaExhausted,
    RateLimited,
    Transient,
)


def as_domain_error(failure: PlatformError, now: datetime) -> DomainError:
    """The code and the advice for somebody who waits for the answer. Nothing of the platform's text is shown."""
    if isinstance(failure, Gone):
        return DomainError(Code.NOT_FOUND, "the platform has no such channel: check the address or the handle")
    if isinstance(failure, QuotaExhausted):
        wait_ms = max(1_000, round((failure.reset_at - now).total_seconds() * 1000))
        return DomainError(
            Code.QUOTA_EXHAUSTED, "the platform takes no more questions today: try again later", retry_after_ms=wait_ms
        )
    if isinstance(failure, RateLimited):
        return DomainError(
            Code.UPSTREAM_FAILED,
            "the platform is busy: try again later",
            retry_after_ms=round(failure.retry_after_s * 1000),
        )
    if isinstance(failure, AuthInvalid):
        return DomainError(Code.UPSTREAM_FAILED, "the platform refuses this server's key: tell its operator")
    wait = failure.retry_after_s if isinstance(failure, Transient) and failure.retry_after_s else 30
    return DomainError(
        Code.UPSTREAM_FAILED,
        "the platform does not answer as it should: try again later",
        retry_after_ms=round(wait * 1000),
    )
