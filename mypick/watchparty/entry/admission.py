"""Whether somebody may come into a party now, decided in the turn that seats them."""

from __future__ import annotations

from datetime import datetime

from mypick.community.policy import Standing
from mypick.errors import Code, DomainError
from mypick.watchparty import policy
from mypick.watchparty.entry.doors import require_begun
from mypick.watchparty.entry.redeeming import redeem
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.policy import Role


async def admit(
    party: WatchParty,
    member: PartyMember | None,
    standing: Standing | None,
    user_id: int,
    site_role: str,
    *,
    invite_id: int | None,
    there: int,
    now: datetime,
) -> bool:
    """Whether an invite was used up by it: it is only where they could not come without. ``there`` are people in the
    party. ``FULL`` where no place is left; the host, co-hosts and those who keep order on the site get in always."""
    refusal: DomainError | None = None
    try:
        policy.require_entry(party, member, standing, user_id, site_role)
    except DomainError as refused:
        if invite_id is None or refused.code is Code.BANNED:
            raise
        refusal = refused
    policy.require_open(party)
    role = policy.rank_of(party, member, user_id, site_role)
    require_begun(party, role, now)
    if role < Role.COHOST and there >= party.capacity:
        raise DomainError(
            Code.FULL,
            f"all {party.capacity} places of this party are taken: come back when somebody has left",
            details={"capacity": party.capacity},
            retry_after_ms=10_000,
        )
    if refusal is None or invite_id is None:
        return False
    await redeem(invite_id, party.id, now)
    return True
