"""Where the video was when something was said: a pure rule."""

from __future__ import annotations

from mypick.watchparty.timeline import Timeline

FARTHEST_MS = 30_000  # that a guest may be behind or ahead of the party: one who stalled says what they see


def said_at(timeline: Timeline, now_ms: float, named_ms: float | None) -> int:
    """The position that somebody named, if it can be true: within the content and near where the party is. Else where
    the party is."""
    own = timeline.position_at(now_ms)
    if named_ms is None or named_ms < 0 or abs(named_ms - own) > FARTHEST_MS:
        return round(own)
    if timeline.duration_ms is not None and named_ms > timeline.duration_ms:
        return round(own)
    return round(named_ms)
