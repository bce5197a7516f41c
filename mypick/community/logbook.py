"""Writing the moderation log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community.models import ModerationEntry


async def note(
    entry_id: int,
    community_id: int,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    room_id: int | None = None,
    user_id: int | None = None,
    message_id: int | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """One entry, in the transaction of the deed. ``user_id`` is to whom it was done; ``details`` are ids and counts."""
    await ModerationEntry.create(
        id=entry_id,
        community_id=community_id,
        room_id=room_id,
        actor_id=actor.user_id,
        action=action,
        user_id=user_id,
        message_id=message_id,
        reason=reason,
        details=dict(details or {}),
        at=now,
    )
