"""The mode of a room: who may write in it now, how often, and what."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from mypick.community import policy
from mypick.community.models import Message, RoomPace
from mypick.community.policy import Action, Standing
from mypick.community.standings import Place
from mypick.community.texts import text_hash
from mypick.creators import queries as creators
from mypick.errors import Code, DomainError

UNIQUE_FOR = timedelta(minutes=10)  # how long a room with unique text remembers one
AHEAD = timedelta(seconds=5)  # that nodes' clocks may differ: what was said later than that was stamped by a wrong one


async def require_open(place: Place, standing: Standing, now: datetime) -> None:
    """Whether somebody may write here now: sanctions first, then the mode of the room."""
    room = place.room
    policy.require_entry(standing, place.community.visibility)
    policy.require_voice(standing, now)
    policy.require(standing, Action.SEND)
    require_standing(place)
    if policy.may(standing.role, Action.SKIP_MODE):
        return
    if room.locked:
        raise DomainError(Code.LOCKED, "this room is locked: moderators alone write now")
    if room.members_only and not standing.member:
        raise DomainError(Code.MEMBERS_ONLY, "only members write here now: join the community")
    if room.follow_minutes:
        since = await creators.followed_since(standing.user_id, place.community.creator_id)
        wait = None if since is None else since + timedelta(minutes=room.follow_minutes) - now
        if wait is None or wait > timedelta():
            raise DomainError(
                Code.FOLLOW_AGE,
                f"who has followed for {room.follow_minutes} minutes writes here",
                retry_after_ms=None if wait is None else _ms(wait),
            )


def require_standing(place: Place) -> None:
    """``LOCKED`` where nobody writes any more, whatever their role."""
    if place.room.archived_at:
        raise DomainError(Code.LOCKED, "this room is archived: it can be read")


async def require_pace(room_id: int, user_id: int, seconds: int, now: datetime) -> None:
    last = await RoomPace.get_or_none(room_id=room_id, user_id=user_id)
    if last is None or last.sent_at > now + AHEAD:
        return
    if (wait := last.sent_at + timedelta(seconds=seconds) - now) > timedelta():
        raise DomainError(
            Code.SLOW_MODE, f"slow mode: one message each {seconds} s", retry_after_ms=_ms(wait)
        )


async def require_new_text(room_id: int, text: str, now: datetime) -> None:
    said = Message.filter(room_id=room_id, text_hash=text_hash(text))
    if await said.filter(created_at__gt=now - UNIQUE_FOR, created_at__lte=now + AHEAD).exists():
        raise DomainError(Code.DUPLICATE_TEXT, "this was just said here: say something else")


def _ms(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds() * 1_000)
