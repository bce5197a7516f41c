"""What a room holds of one person alone. Its events are the same for all, so it travels beside them."""

from __future__ import annotations

from mypick.community.policy import Standing
from mypick.community.views import TimedOut


def timed_out(standing: Standing) -> TimedOut | None:
    penalty = standing.timeout
    return None if penalty is None else TimedOut(until=penalty.until, reason=penalty.reason)
