"""The deeds of the table, each tried through the services that both doors call."""

from __future__ import annotations

from datetime import UTC, datetime

from mypick.accounts.actor import Actor
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
from mypick.community.policy import Action, Role
from mypick.community.streams import room_of
from mypick.community.terms.commands import SetTerm
from mypick.errors import Code, DomainError
from tests.community.discussions.stage import begin, say, vote
from tests.community.stage import Cast, Node, cid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_held = iter(range(10**9, 10**10))


async def tried(node: Node, cast: Cast, action: Action, name: str, target_name: str) -> bool:
    """Whether somebody could do it to somebody else; afterwards both are what they were."""
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


async def tried_alone(node: Node, cast: Cast, action: Action, name: str) -> bool:
    """Whether somebody could do what nobody else suffers."""
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
            case Action.DECIDE_OWN_REPORTS:
                said = await node.send(actor, cast.room, "words")
                mine = ReportMessage(message_id=said.id, reason="x", cid=cid())
                await services.reports.report(cast["to-member"], mine)
                try:
                    await services.reports.dismiss(actor, said.id)
                finally:
                    await Report.all().delete()
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
                await _on_discussion(node, cast, action, actor, begun.id)
    except DomainError as refused:
        if refused.code is not (Code.BLOCKED if action is Action.SKIP_TERMS else Code.FORBIDDEN):
            raise
        return False
    return True


async def _on_discussion(node: Node, cast: Cast, action: Action, actor: Actor, discussion: int) -> None:
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
