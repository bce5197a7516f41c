"""When a party that begins at a time lets its guests in: pure rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from mypick.clock import to_wire
from mypick.errors import Code, DomainError, invalid
from mypick.watchparty.models import WatchParty
from mypick.watchparty.policy import Role

BEFORE = timedelta(minutes=10)  # the doors open, and people are reminded
FARTHEST = timedelta(days=365)  # ahead that a party can be set


def require_time(starts_at: datetime | None, now: datetime) -> None:
    """``INVALID`` for a time that no party can begin at."""
    if starts_at is not None and not now < starts_at <= now + FARTHEST:
        raise invalid(f"starts_at is a time in the next {FARTHEST.days} days", field="starts_at")


def require_begun(party: WatchParty, role: Role, now: datetime) -> None:
    """``LOCKED`` for guests before the doors open. They open by themselves."""
    if party.starts_at is None or role >= Role.COHOST:
        return
    opens_at = party.starts_at - BEFORE
    if now < opens_at:
        raise DomainError(
            Code.LOCKED,
            "this party has not begun: the doors open ten minutes before its start",
            details={"opens_at": to_wire(opens_at), "starts_at": to_wire(party.starts_at)},
            retry_after_ms=max(1, round((opens_at - now).total_seconds() * 1_000)),
        )
