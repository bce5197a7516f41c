"""Who may do what: every role, every action, every role of whom it is done to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.commands import (
    BanMember,
    DecideHeld,
    DeleteMessage,
    PinMessage,
    React,
    ReportMessage,
    SetRole,
    SetRoomMode,
    TimeoutMember,
    UnbanMember,
)
from mypick.community.desk.commands import DecideAppeal, PurgeMember
from mypick.community.desk.models import Appeal, Purge
from mypick.community.discussions.commands import DeleteDiscussion, LockDiscussion, PinDiscussion, VoteWord
from mypick.community.entry.commands import (
    ChangeCommunity,
    ChangeRoom,
    CreateInvite,
    DecideClaim,
    DecideRequest,
    TransferCommunity,
)
from mypick.community.entry.models import Claim, JoinRequest
from mypick.community.models import HeldMessage, Membership, Report, Room, Sanction
from mypick.community.policy import LOWEST, ON_PEOPLE, Action, Role, Standing
from mypick.community.streams import room_of
from mypick.community.terms.commands import SetTerm
from mypick.db import Database
from mypick.errors import Code, DomainError
from tests.community.discussions.stage import begin, say, vote
from tests.community.stage import Cast, Node, cid, community, nodes
from tests.fakes import FakeClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = [role.word for role in Role]

# The table once more, as a person would write it: a change of the code that nobody meant shows here.
TABLE = """
SEND         newcomer member vip moderator manager owner admin
REACT        newcomer member vip moderator manager owner admin
REPORT       newcomer member vip moderator manager owner admin
LINK                  member vip moderator manager owner admin
FLOOD                 member vip moderator manager owner admin
MENTION               member vip moderator manager owner admin
SKIP_SLOW                    vip moderator manager owner admin
SKIP_MODE                        moderator manager owner admin
SKIP_TERMS                       moderator manager owner admin
DELETE                           moderator manager owner admin
PIN                              moderator manager owner admin
TIMEOUT                          moderator manager owner admin
BAN                              moderator manager owner admin
REMOVE                           moderator manager owner admin
PURGE                            moderator manager owner admin
DECIDE_HELD                      moderator manager owner admin
READ_HELD                        moderator manager owner admin
DECIDE_REPORTS                   moderator manager owner admin
READ_LOG                         moderator manager owner admin
READ_TERMS                       moderator manager owner admin
READ_DESK                        moderator manager owner admin
READ_SANCTIONS                   moderator manager owner admin
DECIDE_REQUESTS                  moderator manager owner admin
DECIDE_APPEALS                   moderator manager owner admin
ENTER_STAFF                      moderator manager owner admin
SET_MODE                                   manager owner admin
SET_TERMS                                  manager owner admin
SET_ROLE                                   manager owner admin
DISCUSS      newcomer member vip moderator manager owner admin
VOTE         newcomer member vip moderator manager owner admin
VOTE_DOWN             member vip moderator manager owner admin
DELETE_POST                      moderator manager owner admin
LOCK_DISCUSSION                  moderator manager owner admin
PIN_DISCUSSION                   moderator manager owner admin
INVITE                                     manager owner admin
SET_ROOMS                                  manager owner admin
SETTINGS                                   manager owner admin
TRANSFER                                           owner admin
DECIDE_CLAIMS                                            admin
"""
NO_DEED = {Action.LINK, Action.MENTION, Action.SKIP_SLOW, Action.SKIP_MODE}  # ways of sending, tried in test_messages
MAY = {line.split()[0]: set(line.split()[1:]) for line in TABLE.strip().splitlines()}


def test_the_table_says_what_was_meant() -> None:
    assert {action.name: {role.word for role in Role if policy.may(role, action)} for action in Action} == MAY
    assert set(LOWEST) == set(Action)


@pytest.mark.parametrize("action", Action, ids=lambda action: action.name)
def test_every_cell_is_allowed_or_refused_with_its_reason(action: Action) -> None:
    for role, target in product(Role, [None, *Role]):
        if (target is not None) is not (action in ON_PEOPLE):
            with pytest.raises(TypeError):
                policy.require(_standing(role), action, None if target is None else _standing(target))
            continue
        allowed = role.word in MAY[action.name] and (target is None or role > target)
        if allowed:
            policy.require(_standing(role), action, None if target is None else _standing(target))
        else:
            with pytest.raises(DomainError, match="FORBIDDEN"):
                policy.require(_standing(role), action, None if target is None else _standing(target))
        if target is not None:
            assert policy.may_to(role, action, target) is allowed


def _standing(role: Role) -> Standing:
    return Standing(1, role, member=True)


def test_newcomers_become_members_after_twelve_hours() -> None:
    fresh, old = NOW - timedelta(hours=11, minutes=59), NOW - timedelta(hours=12)
    assert policy.role_of("fan", None, None, NOW) is Role.NEWCOMER
    assert policy.role_of("fan", Role.MEMBER, fresh, NOW) is Role.NEWCOMER
    assert policy.role_of("fan", Role.MEMBER, old, NOW) is Role.MEMBER
    assert policy.role_of("fan", Role.VIP, fresh, NOW) is Role.VIP
    assert policy.role_of("moderator", None, None, NOW) is Role.MODERATOR
    assert policy.role_of("moderator", Role.OWNER, fresh, NOW) is Role.OWNER
    assert policy.role_of("admin", None, None, NOW) is Role.ADMIN


def test_documentation_has_the_table() -> None:
    document = Path(__file__).parents[2] / "docs" / "community.md"
    assert policy.table() in document.read_text("utf-8"), "copy what policy.table() gives into docs/community.md"


async def test_services_obey_every_cell(sqlite_database: Database, clock: FakeClock) -> None:
    """Every role tries every deed on every role, through the services that both doors call."""
    async with nodes(clock, "a") as (node,):
        actors = {f"by-{role.word}": role for role in Role}
        targets = {f"to-{role.word}": role for role in Role}
        cast = await community(node, clock, *actors, *targets, roles={**actors, **targets})
        for (name, role), (target_name, target) in product(actors.items(), targets.items()):
            for action in ON_PEOPLE:
                allowed = role.word in MAY[action.name] and role > target
                assert await _tried(node, cast, action, name, target_name) is allowed, (action, role, target)
        term = SetTerm(community_id=cast.community, cid=cid(), text="blocked here", effect="block")
        await node.communities.terms.set(cast["by-owner"], term)
        for name, role in actors.items():
            for action in Action:
                if action in ON_PEOPLE or action in NO_DEED:
                    continue
                assert await _tried_alone(node, cast, action, name) is (role.word in MAY[action.name]), (action, role)


async def _tried(node: Node, cast: Cast, action: Action, name: str, target_name: str) -> bool:
    actor, target, services = cast[name], cast[target_name], node.communities
    before = await Membership.get_or_none(user_id=target.user_id)
    room, whom = cast.room, target.user_id
    try:
        match action:
            case Action.DELETE:
                sent = await node.send(target, cast.room, "words")
                await services.edits.delete(actor, DeleteMessage(message_id=sent.id, cid=cid()))
            case Action.DELETE_POST:
                begun = await begin(node, target, cast.community)
                delete = DeleteDiscussion(discussion_id=begun.id, cid=cid())
                await services.discussions.edits.delete_discussion(actor, delete)
            case Action.TIMEOUT:
                timeout = TimeoutMember(room_id=room, user_id=whom, seconds=60, cid=cid())
                await services.moderation.timeout(actor, timeout)
            case Action.BAN:
                await services.moderation.ban(actor, BanMember(room_id=room, user_id=whom, cid=cid()))
                await services.moderation.unban(actor, UnbanMember(room_id=room, user_id=whom, cid=cid()))
            case Action.REMOVE:
                await services.members.remove(actor, cast.community, whom, None)
            case Action.PURGE:
                await services.purges.purge(actor, PurgeMember(room_id=room, user_id=whom, cid=cid()))
                await Purge.all().delete()
            case Action.DECIDE_APPEALS:
                appeal = await Appeal.create(
                    sanction_id=next(_held), community_id=cast.community, kind="ban", user_id=whom, text="x",
                    created_at=NOW,
                )  # fmt: skip
                await services.appeals.decide(actor, appeal.id, DecideAppeal(lift=True))
            case Action.SET_ROLE:
                await services.members.set_role(actor, cast.community, target.user_id, SetRole(role="member"))
            case Action.DECIDE_HELD:
                held = await HeldMessage.create(
                    id=next(_held), room_id=cast.room, author_id=target.user_id, text="x", cause="link",
                    created_at=NOW,
                )  # fmt: skip
                await services.held.decide(
                    actor, DecideHeld(message_id=held.id, approve=True, cid=cid())
                )
    except DomainError as refused:
        # a guest has no role that could be changed, which is said after the ranks were looked at
        if action is Action.SET_ROLE and before is None and refused.code is Code.NOT_MEMBER:
            return True
        if refused.code is not Code.FORBIDDEN:
            raise
        return False
    finally:  # everybody is again what they were
        await Sanction.all().delete()
        await Membership.filter(user_id=target.user_id).delete()
        if before:
            await Membership.create(
                community_id=before.community_id, user_id=before.user_id, rank=before.rank, joined_at=before.joined_at
            )
    return True


_held = iter(range(10**9, 10**10))


async def _tried_alone(node: Node, cast: Cast, action: Action, name: str) -> bool:
    actor, services = cast[name], node.communities
    try:
        match action:
            case Action.SEND:
                await node.send(actor, cast.room, "words")
            case Action.REACT:
                sent = await node.send(actor, cast.room, "words")
                await services.reactions.react(actor, React(message_id=sent.id, cid=cid(), emoji="👍", on=True))
            case Action.PIN:
                sent = await node.send(actor, cast.room, "words")
                await services.marks.pin(actor, PinMessage(message_id=sent.id, cid=cid(), on=True))
            case Action.SET_MODE:
                await services.moderation.set_mode(actor, SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=0))
            case Action.READ_LOG:
                await services.reading.log(actor, cast.community, None, 1)
            case Action.READ_HELD:
                await services.reading.held(actor, cast.room, None, 1)
            case Action.SET_TERMS:
                await services.terms.set(
                    actor, SetTerm(community_id=cast.community, cid=cid(), text="blocked here", effect="block")
                )
            case Action.READ_TERMS:
                await services.terms.list(actor, cast.community, None, None, 1)
            case Action.FLOOD:
                await node.send(actor, cast.room, "🔥" * 16)
            case Action.SKIP_TERMS:
                blocked = SetTerm(community_id=cast.community, cid=cid(), text="blocked here", effect="block")
                await services.terms.set(cast["by-owner"], blocked)
                await node.send(actor, cast.room, "this is blocked here")
            case Action.READ_DESK:
                await services.desk.join(actor, cast.community, None, None)
            case Action.READ_SANCTIONS:
                await services.appeals.sanctions(actor, cast.community, None, None, 1)
            case Action.DECIDE_REPORTS:
                await services.reports.list(actor, cast.community, None, 1)
            case Action.DECIDE_REQUESTS:
                asked = await JoinRequest.create(
                    community_id=cast.community, user_id=next(_held), text="x", created_at=NOW
                )
                await services.requests.decide(actor, asked.id, DecideRequest(accept=False))
            case Action.INVITE:
                made = await services.invites.create(actor, cast.community, CreateInvite())
                await services.invites.revoke(actor, cast.community, made.id)
            case Action.SET_ROOMS:
                await services.settings.change_room(actor, cast.room, ChangeRoom(name="chat"))
            case Action.SETTINGS:
                await services.settings.change(actor, cast.community, ChangeCommunity(description=""))
            case Action.ENTER_STAFF:
                staff = await Room.get_or_create(
                    community_id=cast.community, name="staff", kind="staff", created_at=NOW
                )
                return await services.reading.may_read(actor, room_of(staff[0].id))
            case Action.DECIDE_CLAIMS:
                claim = await Claim.create(
                    community_id=cast.community, user_id=next(_held), code="x", text="", created_at=NOW
                )
                await services.claims.decide(actor, claim.id, DecideClaim(accept=False))
            case Action.TRANSFER:
                owner = await Membership.get(community_id=cast.community, user_id=cast["by-owner"].user_id)
                heir = cast["to-member"].user_id
                await services.ownership.transfer(actor, cast.community, TransferCommunity(user_id=heir))
                await Membership.filter(user_id=heir).update(rank=Role.MEMBER)
                await Membership.filter(rank=Role.MANAGER, user_id=owner.user_id).update(rank=Role.OWNER)
                await Membership.filter(user_id=cast["to-owner"].user_id).update(rank=Role.OWNER)
            case Action.REPORT:
                said = await node.send(cast["by-vip" if name != "by-vip" else "by-owner"], cast.room, "words")
                await services.reports.report(actor, ReportMessage(message_id=said.id, reason="x", cid=cid()))
                await Report.all().delete()
            case Action.DISCUSS:
                begun = await begin(node, actor, cast.community)
                await say(node, actor, begun.id, "words")
            case _:
                begun = await begin(node, actor, cast.community)
                await _tried_on(node, cast, action, actor, begun.id)
    except DomainError as refused:
        if refused.code is not (Code.BLOCKED if action is Action.SKIP_TERMS else Code.FORBIDDEN):
            raise
        return False
    return True


async def _tried_on(node: Node, cast: Cast, action: Action, actor: Actor, discussion: int) -> None:
    comment = await say(node, actor, discussion, "words")
    desk = node.communities.discussions.desk
    match action:
        case Action.VOTE | Action.VOTE_DOWN:
            word: VoteWord = "up" if action is Action.VOTE else "down"
            await vote(node, actor, word, discussion=discussion)
            await vote(node, actor, word, comment=comment.id)
        case Action.LOCK_DISCUSSION:
            await desk.lock(actor, LockDiscussion(discussion_id=discussion, cid=cid(), on=True))
            await say(node, actor, discussion, "in a locked one")
        case Action.PIN_DISCUSSION:
            for on in (True, False):
                await desk.pin(actor, PinDiscussion(discussion_id=discussion, cid=cid(), on=on))
        case unknown:
            raise AssertionError(unknown)
