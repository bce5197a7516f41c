"""Who may do what in a community: one table, read by the services, the documentation and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from mypick.clock import to_wire
from mypick.errors import Code, DomainError

NEW_FOR = timedelta(hours=12)  # after joining: most throw-away accounts are used at once


class Role(IntEnum):
    """Roles by rank. One acts on people and their messages only where their rank is strictly lower."""

    NEWCOMER = 0  # a guest of a public community, or a member of less than 12 hours
    MEMBER = 1
    VIP = 2
    MODERATOR = 3  # a moderator of the whole site is one everywhere
    MANAGER = 4
    OWNER = 5
    ADMIN = 6  # an admin of the whole site; nobody's role in one community

    @property
    def word(self) -> str:
        """As clients see it."""
        return self.name.lower()


GIVEN = (Role.MEMBER, Role.VIP, Role.MODERATOR, Role.MANAGER, Role.OWNER)
"""Roles that are stored; newcomers become members by themselves."""


class Action(Enum):
    """What there is to be done, in words for those who may not."""

    SEND = "write messages"
    REACT = "react to messages"
    REPORT = "report messages"
    LINK = "send links without a moderator's look"
    FLOOD = "write long, loud or crowded texts, and what many newcomers just said"
    MENTION = "notify people by mentioning them"
    SKIP_SLOW = "write as often as they like in slow mode"
    SKIP_MODE = "write whatever the mode of a room"
    SKIP_TERMS = "write whatever the terms say"
    DELETE = "delete messages of others"
    PIN = "pin messages"
    TIMEOUT = "time people out"
    BAN = "ban people and lift bans"
    REMOVE = "put members out, who may come back"
    PURGE = "delete all messages of somebody"
    DECIDE_HELD = "decide on held messages"
    READ_HELD = "see what is held"
    DECIDE_REPORTS = "see and dismiss reports"
    DECIDE_OWN_REPORTS = "decide on reports of what they said themselves"
    READ_LOG = "read the moderation log"
    READ_TERMS = "see the terms, and try texts on them"
    READ_DESK = "work at the moderators' desk"
    READ_SANCTIONS = "see who is timed out or banned"
    DECIDE_REQUESTS = "decide who may join"
    DECIDE_APPEALS = "answer appeals"
    ENTER_STAFF = "come into staff rooms"
    SET_MODE = "set the mode of a room"
    SET_TERMS = "block, hold and allow terms"
    SET_ROLE = "give roles"
    DISCUSS = "begin discussions and comment"
    VOTE = "vote discussions and comments up"
    VOTE_DOWN = "vote discussions and comments down"
    DELETE_POST = "delete discussions and comments of others"
    LOCK_DISCUSSION = "lock discussions, and comment on locked ones"
    PIN_DISCUSSION = "pin discussions"
    INVITE = "make and revoke invites"
    SET_ROOMS = "create, rename, reorder and archive rooms"
    SETTINGS = "change name, visibility, description and rules"
    TRANSFER = "give the community to another owner"
    DECIDE_CLAIMS = "decide who is the creator"


LOWEST: Mapping[Action, Role] = {
    Action.SEND: Role.NEWCOMER,
    Action.REACT: Role.NEWCOMER,
    Action.REPORT: Role.NEWCOMER,
    Action.LINK: Role.MEMBER,
    Action.FLOOD: Role.MEMBER,
    Action.MENTION: Role.MEMBER,
    Action.SKIP_SLOW: Role.VIP,
    Action.SKIP_MODE: Role.MODERATOR,
    Action.SKIP_TERMS: Role.MODERATOR,
    Action.DELETE: Role.MODERATOR,
    Action.PIN: Role.MODERATOR,
    Action.TIMEOUT: Role.MODERATOR,
    Action.BAN: Role.MODERATOR,
    Action.REMOVE: Role.MODERATOR,
    Action.PURGE: Role.MODERATOR,
    Action.DECIDE_HELD: Role.MODERATOR,
    Action.READ_HELD: Role.MODERATOR,
    Action.DECIDE_REPORTS: Role.MODERATOR,
    Action.DECIDE_OWN_REPORTS: Role.OWNER,  # nobody in the community stands above them who could
    Action.READ_LOG: Role.MODERATOR,
    Action.READ_TERMS: Role.MODERATOR,
    Action.READ_DESK: Role.MODERATOR,
    Action.READ_SANCTIONS: Role.MODERATOR,
    Action.DECIDE_REQUESTS: Role.MODERATOR,
    Action.DECIDE_APPEALS: Role.MODERATOR,
    Action.ENTER_STAFF: Role.MODERATOR,
    Action.SET_MODE: Role.MANAGER,
    Action.SET_TERMS: Role.MANAGER,
    Action.SET_ROLE: Role.MANAGER,
    Action.DISCUSS: Role.NEWCOMER,
    Action.VOTE: Role.NEWCOMER,
    Action.VOTE_DOWN: Role.MEMBER,  # throw-away accounts cannot bury what others wrote
    Action.DELETE_POST: Role.MODERATOR,
    Action.LOCK_DISCUSSION: Role.MODERATOR,
    Action.PIN_DISCUSSION: Role.MODERATOR,
    Action.INVITE: Role.MANAGER,
    Action.SET_ROOMS: Role.MANAGER,
    Action.SETTINGS: Role.MANAGER,
    Action.TRANSFER: Role.OWNER,
    Action.DECIDE_CLAIMS: Role.ADMIN,
}
"""The lowest role that may do each action; all higher ones may as well."""

ON_PEOPLE = frozenset(
    {
        Action.DELETE,
        Action.TIMEOUT,
        Action.BAN,
        Action.REMOVE,
        Action.PURGE,
        Action.SET_ROLE,
        Action.DECIDE_HELD,
        Action.DECIDE_APPEALS,
        Action.DELETE_POST,
    }
)
"""Actions that somebody else suffers, who must be of a lower rank."""


@dataclass(frozen=True, slots=True)
class Penalty:
    """A timeout or a ban that is in force."""

    until: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is in one community at one moment."""

    user_id: int
    role: Role
    member: bool
    timeout: Penalty | None = None
    ban: Penalty | None = None


def role_of(site_role: str, rank: int | None, joined_at: datetime | None, now: datetime) -> Role:
    """The role in force: the stored one, or what the site's own role gives, whichever is higher."""
    if site_role == "admin":
        return Role.ADMIN
    given = Role.NEWCOMER if rank is None else Role(rank)
    if given is Role.MEMBER and joined_at is not None and now - joined_at < NEW_FOR:
        given = Role.NEWCOMER
    return max(given, Role.MODERATOR) if site_role == "moderator" else given


def may(role: Role, action: Action) -> bool:
    return role >= LOWEST[action]


def may_to(role: Role, action: Action, target: Role) -> bool:
    """Whether ``role`` may do ``action`` to somebody whose role is ``target``."""
    return may(role, action) and role > target


def require(standing: Standing, action: Action, target: Standing | None = None) -> None:
    """``FORBIDDEN`` unless the role allows it; for actions on people, ``target`` is who suffers it."""
    if (target is not None) is not (action in ON_PEOPLE):
        raise TypeError(f"{action.name} needs {'a' if target is None else 'no'} target")
    if not may(standing.role, action):
        lowest = LOWEST[action].word
        raise DomainError(Code.FORBIDDEN, f"only those from the role {lowest} up may {action.value}")
    if target is not None and not may_to(standing.role, action, target.role):
        raise DomainError(Code.FORBIDDEN, "one acts only on people of a lower rank")


def absent() -> DomainError:
    """Of what is not there, and of what somebody must not know of: in the same words, so that nobody can tell which."""
    return DomainError(Code.NOT_FOUND, "this is not here, or not for you to see")


def require_entry(standing: Standing, visibility: str) -> None:
    """Whether somebody may read here: ``BANNED``; ``NOT_FOUND`` where a private community must not be known of;
    ``NOT_MEMBER``."""
    if standing.ban:
        raise _sanctioned(Code.BANNED, "you are banned here", standing.ban)
    if visibility == "public" or standing.member or standing.role >= Role.MODERATOR:
        return
    if visibility == "private":
        raise absent()
    raise DomainError(Code.NOT_MEMBER, "this community is for its members: join first")


def require_known(standing: Standing, visibility: str) -> None:
    """``NOT_FOUND`` for those who must not know of a private community. Who is banned there knew of it."""
    if not standing.ban:
        require_entry(standing, "private" if visibility == "private" else "public")


def require_room(standing: Standing, kind: str) -> None:
    """``NOT_FOUND`` where a room must not be known of."""
    if kind == "staff" and not may(standing.role, Action.ENTER_STAFF):
        raise absent()


def may_enter(standing: Standing, visibility: str, kind: str) -> bool:
    """Whether somebody may read a room."""
    try:
        require_entry(standing, visibility)
        require_room(standing, kind)
    except DomainError:
        return False
    return True


def may_work(standing: Standing) -> bool:
    """Whether somebody may see what waits for moderators."""
    return standing.ban is None and may(standing.role, Action.READ_DESK)


def require_office(standing: Standing, visibility: str, action: Action, now: datetime) -> None:
    """For what those who run a community do: who is banned or timed out holds no office."""
    require_entry(standing, visibility)
    require_voice(standing, now)
    require(standing, action)


def require_voice(standing: Standing, now: datetime) -> None:
    """``TIMED_OUT`` for whoever may only read. Bans are refused at entry."""
    if penalty := standing.timeout:
        wait = None if penalty.until is None else max(1, round((penalty.until - now).total_seconds() * 1_000))
        raise _sanctioned(Code.TIMED_OUT, "you are timed out here", penalty, wait)


def _sanctioned(code: Code, message: str, penalty: Penalty, wait_ms: int | None = None) -> DomainError:
    details = {"until": None if penalty.until is None else to_wire(penalty.until), "reason": penalty.reason}
    return DomainError(code, message, details=details, retry_after_ms=wait_ms)


def table() -> str:
    """The table in Markdown, for the documentation."""
    roles = list(Role)
    lines = [
        f"| may | {' | '.join(role.word for role in roles)} |",
        f"|---|{'---|' * len(roles)}",
    ]
    for action, lowest in LOWEST.items():
        marks = " | ".join("yes" if role >= lowest else "" for role in roles)
        below = ", of a lower rank" if action in ON_PEOPLE else ""
        lines.append(f"| {action.value}{below} | {marks} |")
    return "\n".join(lines)
