"""What a refusal means. The Data API names its reason; the status alone says too little (403 has six meanings)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from mypick.platforms.protocol import (
    AuthInvalid,
    Gone,
    Malformed,
    PlatformError,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from mypick.platforms.youtube_http import Answer
from mypick.platforms.youtube_values import mapping, text

BUCKET = "youtube.data"  # channels, playlistItems and videos share one allowance, apart from search and stats
PACIFIC = ZoneInfo("America/Los_Angeles")
RATE_LIMIT_WAIT_S = 60.0  # where the answer names no wait; YouTube's short limits are per minute

_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "servingLimitExceeded"})
_GONE = frozenset(
    {
        "playlistNotFound", "channelNotFound", "videoNotFound", "playlistItemsNotAccessible", "channelForbidden",
        "channelClosed", "channelSuspended",
    }
)  # fmt: skip
_KEY = frozenset(
    {
        "keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked", "required", "authError", "forbidden",
        "API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED", "CONSUMER_SUSPENDED", "CONSUMER_INVALID", "SERVICE_DISABLED",
    }
)  # fmt: skip
_PASSING = frozenset({"backendError", "internalError", "SERVICE_UNAVAILABLE", "processingFailure"})


def decode(answer: Answer) -> Any:
    """The JSON of an answer that should have some."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise Malformed(f"the API answered {answer.status} without JSON") from None


def api_failure(answer: Answer, now: datetime) -> PlatformError:
    """What a Data API answer other than 200 and 304 means."""
    try:
        error = mapping(mapping(orjson.loads(answer.body)).get("error"))
    except orjson.JSONDecodeError:
        error = {}
    reasons = _reasons(error)
    said = f"the API answered {answer.status} ({', '.join(sorted(reasons)) or 'no reason'})"
    if reasons & _SPENT or _is_daily(error):
        return QuotaExhausted(BUCKET, quota_reset(now), said)
    if reasons & _TOO_FAST:
        return RateLimited(answer.retry_after_s or RATE_LIMIT_WAIT_S, said)
    if reasons & _GONE:
        return Gone(said)
    if reasons & _PASSING:
        return Transient(answer.retry_after_s, said)
    if reasons & _KEY:
        return AuthInvalid(said)
    if reasons and answer.status < 500 and answer.status not in (404, 408, 429):
        return Malformed(said)
    return _by_status(answer, said)


def site_failure(answer: Answer, what: str) -> PlatformError:
    """What an answer of the public site other than 200 and 304 means.

    A feed's 404 is never ``Gone``: for hours on most days all feeds of the site answer so.
    """
    return _by_status(answer, f"the {what} answered {answer.status}")


def quota_reset(now: datetime) -> datetime:
    """The next midnight in California, when the day's allowance begins anew; UTC. Right on 23 and 25 hour days."""
    tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PACIFIC).astimezone(UTC)


def _by_status(answer: Answer, said: str) -> PlatformError:
    if answer.status == 429:
        return RateLimited(answer.retry_after_s or RATE_LIMIT_WAIT_S, said)
    # without a reason, 403 and 404 come from something in between, or from a site that is out of order
    if answer.status >= 500 or answer.status in (403, 404, 408):
        return Transient(answer.retry_after_s, said)
    return Malformed(said)


def _reasons(error: Any) -> frozenset[str]:
    """The reasons of both shapes: ``errors[].reason`` and, newer, ``details[].reason``."""
    found: set[str] = set()
    for name in ("errors", "details"):
        listed = mapping(error).get(name)
        for entry in listed[:10] if isinstance(listed, list) else ():
            reason = text(mapping(entry).get("reason"), 60)
            if reason:
                found.add(reason)
    return frozenset(found)


def _is_daily(error: Any) -> bool:
    """Whether a newer ``RATE_LIMIT_EXCEEDED`` names the limit of a day, as a spent search bucket does."""
    listed = mapping(error).get("details")
    return any(
        text(mapping(mapping(entry).get("metadata")).get("quota_unit"), 60).startswith("1/d")
        for entry in (listed[:10] if isinstance(listed, list) else ())
    )
