"""Who may come into a party, and who may do what in it."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Literal

from mypick.community.policy import Role as CommunityRole
from mypick.community.policy import Standing
from mypick.errors import Code, DomainError, not_found
from mypick.watchparty.models import PartyMember, WatchParty

Who = Literal["host", "cohosts", "everyone"]
Visibility = Literal["public", "community", "invite"]


class Role(IntEnum):
    """Roles by rank. One acts only on people whose rank is strictly lower."""

    GUEST = 0
    COHOST = 1
    HOST = 2
    STEWARD = 3  # moderators and admins of the whole site, who keep order and steer nothing

    @property
    def word(self) -> Literal["guest", "cohost", "host"]:
        """As clients see it. Who runs the site is a guest like any other."""
        if self is Role.COHOST:
            return "cohost"
        return "host" if self is Role.HOST else "guest"


class Action(Enum):
    """What a party's own policy decides, in words for those who may not."""

    CONTROL = "steer what is played"
    QUEUE = "add to the queue"
    INVITE = "invite people"


_LOWEST = {"host": Role.HOST, "cohosts": Role.COHOST, "everyone": Role.GUEST}
_NAMES = {"host": "the host", "cohosts": "the host and co-hosts"}


def role_of(party: WatchParty, member: PartyMember | None, user_id: int) -> Role:
    if party.host_id == user_id:
        return Role.HOST
    return Role.COHOST if member is not None and member.role == "cohost" else Role.GUEST


def rank_of(party: WatchParty, member: PartyMember | None, user_id: int, site_role: str) -> Role:
    """For what is done to people."""
    return Role.STEWARD if site_role in ("moderator", "admin") else role_of(party, member, user_id)


def may(party: WatchParty, role: Role, action: Action) -> bool:
    who = {Action.CONTROL: party.may_control, Action.QUEUE: party.may_queue, Action.INVITE: party.may_invite}[action]
    return role >= _LOWEST[who]


def require(party: WatchParty, role: Role, action: Action) -> None:
    if not may(party, role, action):
        who = {Action.CONTROL: party.may_control, Action.QUEUE: party.may_queue, Action.INVITE: party.may_invite}
        raise DomainError(Code.FORBIDDEN, f"in this party only {_NAMES[who[action]]} may {action.value}")


def require_host(role: Role, what: str) -> None:
    if role < Role.HOST:
        raise DomainError(Code.FORBIDDEN, f"only the host may {what}")


def require_above(role: Role, target: Role) -> None:
    if role < Role.COHOST:
        raise DomainError(Code.FORBIDDEN, "only the host and co-hosts may put people out")
    if role <= target:
        raise DomainError(Code.FORBIDDEN, "one acts only on people of a lower rank")


def require_not_banned(member: PartyMember | None) -> None:
    """A ban holds for whoever still hosts as well: nobody was there who could follow them."""
    if member is not None and member.banned_at is not None:
        raise DomainError(Code.BANNED, "you are banned from this party", details={"reason": member.ban_reason})


def require_known(party: WatchParty, member: PartyMember | None, user_id: int, site_role: str) -> None:
    """For what is asked from outside of a party: to whom one by invitation is not known, there is none."""
    require_not_banned(member)
    known = user_id in (party.host_id, party.created_by) or (member is not None and member.invited)
    if party.visibility == "invite" and not known and site_role not in ("moderator", "admin"):
        raise not_found("party")


def require_open(party: WatchParty) -> None:
    if party.ended_at is not None:
        raise DomainError(Code.GONE, "this party is over: open a new one")


def require_present(party: WatchParty, member: PartyMember | None) -> PartyMember:
    """Nothing is taken from somebody who is not there, or was put out; and to whom a party is not known, it is not."""
    if member is None or not member.present:
        if party.visibility == "invite" and (member is None or not member.invited):
            raise not_found("party")
        raise DomainError(Code.NOT_MEMBER, "join the party first")
    return member


def require_not_put_out(member: PartyMember | None, *, always: bool) -> None:
    """Who was put out comes again only by joining anew; with ``always`` nobody is doing that now."""
    if always and (member is None or member.kicked):
        raise DomainError(Code.NOT_MEMBER, "you were put out of this party")


def belongs(standing: Standing | None) -> bool:
    """Whether somebody is of a community."""
    if standing is None or standing.ban is not None:
        return False
    return standing.member or standing.role >= CommunityRole.MODERATOR


def require_entry(
    party: WatchParty, member: PartyMember | None, standing: Standing | None, user_id: int, site_role: str
) -> None:
    """Whether somebody may be in a party: ``BANNED``; ``NOT_FOUND`` where it must not be known of; ``NOT_MEMBER`` of
    the community. ``standing`` is theirs in the community of the party's creator, None where there is none."""
    require_not_banned(member)
    if site_role in ("moderator", "admin") or party.visibility == "public":
        return
    if party.visibility == "community" and standing is not None and standing.ban:
        raise not_found("party")  # whoever opened it, and whoever was asked to come
    if user_id in (party.host_id, party.created_by) or (member is not None and member.invited):
        return
    if party.visibility == "community":
        if belongs(standing):
            return
        raise DomainError(Code.NOT_MEMBER, "this party is for members of the creator's community: join it first")
    raise not_found("party")
