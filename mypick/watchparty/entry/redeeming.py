"""Using invites up."""

from __future__ import annotations

from datetime import datetime

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from mypick.errors import Code, DomainError
from mypick.watchparty.entry.models import PartyInvite


async def redeem(invite_id: int, party_id: int, now: datetime) -> None:
    """Use an invite up by one, inside the turn that lets somebody in. ``GONE`` where it lets nobody in any more."""
    if not await open_invites(party_id, now).filter(id=invite_id).update(uses=F("uses") + 1):
        raise ended_invite()


def open_invites(party_id: int, now: datetime) -> QuerySet[PartyInvite]:
    """Those that let somebody in."""
    return PartyInvite.filter(party_id=party_id, revoked_at=None, expires_at__gt=now, uses__lt=F("max_uses"))


def ended_invite() -> DomainError:
    return DomainError(Code.GONE, "this invite lets nobody in any more: ask for a new one")
