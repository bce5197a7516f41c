"""Who hosts: the lease, who follows, and how it is handed on or taken back. The timeline goes on whatever happens.

The host has a lease of 10 s from the last sign of life of a socket of theirs, whichever node that is on. Once it has
run out whoever notices lets somebody follow, under the lock of the party's stream, where the lease is looked at again:
so there is one new host, however many nodes notice. Nobody follows before the host was there once, nor in the first
10 s after all nodes were away, nor in the first 10 s that anybody is there again.
"""

from __future__ import annotations

from typing import Any

from tortoise.expressions import Subquery

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import to_wire
from mypick.community import queries as communities
from mypick.errors import Code, DomainError, not_found
from mypick.metrics import Metrics
from mypick.watchparty import policy, seats
from mypick.watchparty.commands import ClaimHost, NewRole, TransferHost
from mypick.watchparty.models import MAX_MEMBERS, PartyMember, PartyNode, PartySeat, WatchParty
from mypick.watchparty.streams import HOST_CHANGED, PARTY_CHANGED
from mypick.watchparty.turn import Turn, Turns, receipt
from mypick.watchparty.views import Done, HostReason, RoleSet

LEASE_MS = 10_000
RECLAIM_MS = 60_000  # in which the old host may take it back
MAX_COHOSTS = 50  # of one party: they get in beyond its places


class Hosts:
    def __init__(self, turns: Turns, metrics: Metrics) -> None:
        self._turns = turns
        self._metrics = metrics

    async def transfer(self, actor: Actor, command: TransferHost) -> Done:
        """Give the party to somebody who is there."""

        async def decide(turn: Turn) -> None:
            party = turn.row
            member = policy.require_present(party, await member_of(party.id, actor.user_id))
            policy.require_open(party)
            policy.require_host(policy.role_of(party, member, actor.user_id), "give the party to somebody")
            if command.user_id == actor.user_id:
                return
            if not await seats.kept(party.id, [command.user_id], turn.now_ms):
                raise DomainError(Code.NOT_FOUND, "they are not here: the new host must be in the party")
            hand_over(turn, command.user_id, "transferred", actor_id=actor.user_id)

        done = await self._turns.take(command.party_id, decide, receipt=receipt(actor, "transfer-host", command))
        return self._told(done)

    async def claim(self, actor: Actor, command: ClaimHost) -> Done:
        """Take back the party that one hosted until a moment ago."""

        async def decide(turn: Turn) -> None:
            party = turn.row
            policy.require_present(party, await member_of(party.id, actor.user_id))
            policy.require_open(party)
            if party.host_id == actor.user_id:
                return
            until = party.reclaim_until_ms or 0
            if party.former_host_id != actor.user_id or turn.now_ms > until:
                raise DomainError(Code.FORBIDDEN, "only who hosted in the last minute may take the party back")
            hand_over(turn, actor.user_id, "claimed", actor_id=actor.user_id)

        done = await self._turns.take(command.party_id, decide, receipt=receipt(actor, "claim-host", command))
        return self._told(done)

    async def set_role(self, actor: Actor, party_id: int, command: NewRole) -> RoleSet:
        """Make somebody a co-host or a guest, and add them if they are not in the party yet. Co-hosts are made by the
        host; who is only added is asked for by whoever may invite. Asking twice changes nothing. ``FULL`` where the
        party has too many co-hosts, or knows too many people."""

        async def decide(turn: Turn) -> None:
            party = turn.row
            own = await member_of(party_id, actor.user_id)
            policy.require_known(party, own, actor.user_id, actor.role)
            role = policy.role_of(party, own, actor.user_id)
            if role < policy.Role.HOST:  # who may do it from anywhere
                policy.require_present(party, own)
            policy.require_open(party)
            target = await member_of(party_id, command.user_id)
            if target is not None and target.banned_at is not None:
                raise DomainError(Code.CONFLICT, "they are banned from this party: lift the ban first")
            if command.role == "cohost" or (target is not None and target.role != command.role):
                policy.require_host(role, "make co-hosts")
            else:
                policy.require(party, role, policy.Action.INVITE)
            known = PartyMember.filter(party_id=party_id)
            promoted = command.role == "cohost" and (target is None or target.role != "cohost")
            if promoted and await known.filter(role="cohost").count() >= MAX_COHOSTS:
                raise DomainError(Code.FULL, f"a party has at most {MAX_COHOSTS} co-hosts: make one a guest first")
            if target is None and await known.count() >= MAX_MEMBERS:
                raise DomainError(Code.FULL, "this party knows too many people: make an invite and send it to them")
            if target is None:
                await PartyMember.create(
                    party_id=party_id,
                    user_id=command.user_id,
                    role=command.role,
                    invited=True,
                    created_at=self._turns.now(),
                )
            elif target.role != command.role or not target.invited:
                await PartyMember.filter(id=target.id).update(role=command.role, invited=True)
            if target is None and command.role == "guest":
                return
            if target is None or target.role != command.role:
                told = [{"user_id": command.user_id, "role": command.role}]
                turn.tell(PARTY_CHANGED, changed(party, told), actor.user_id)

        if not await people.users_exist([command.user_id]):
            raise not_found("user")
        await self._turns.take(party_id, decide)
        return RoleSet(user_id=command.user_id, role=command.role)

    async def lapsed(self, party_id: int) -> bool:
        """The host's lease may have run out: let somebody follow. Whether somebody does."""

        async def decide(turn: Turn) -> None:
            until = turn.row.host_until_ms
            if until is None or turn.row.ended_at is not None:
                return
            earliest = await _earliest(turn.now_ms)
            if earliest is None or turn.now_ms >= max(until, earliest):
                await self.succeed(turn, "vanished")

        return self._told(await self._turns.take(party_id, decide)).seq is not None

    async def succeed(self, turn: Turn, reason: HostReason, *, without: int | None = None) -> None:
        """Inside a turn: a co-host, a moderator or who is here longest follows. Where there is nobody the party keeps
        its host, whose lease begins anew when somebody comes."""
        follower = await _follower(turn, without)
        if follower is None:
            turn.set(host_until_ms=None)
        else:
            hand_over(turn, follower, reason)

    def _told(self, done: Any) -> Done:
        if done.events and not done.duplicate:
            self._metrics.host_changes.inc(sum(event.type == HOST_CHANGED for event in done.events))
        return Done(**done.reply)


def hand_over(turn: Turn, user_id: int, reason: HostReason, *, actor_id: int | None = None) -> None:
    """Inside a turn: ``user_id`` hosts from now on. Who did may take it back for a minute, unless it was they who gave
    it away, or who took it back from somebody that had it for them."""
    former = turn.row.host_id
    lost = reason in ("vanished", "left")
    until = round(turn.now_ms) + RECLAIM_MS if lost else None
    turn.set(
        host_id=user_id,
        host_until_ms=round(turn.now_ms) + LEASE_MS,
        former_host_id=former if lost else None,
        reclaim_until_ms=until,
    )
    data = {"host_id": user_id, "former_host_id": former, "reason": reason, "reclaim_until_ms": until}
    turn.tell(HOST_CHANGED, data, actor_id)


def changed(party: WatchParty, roles: list[dict[str, Any]]) -> dict[str, Any]:
    """``data`` of ``party-changed`` as the log keeps it. The title, which people wrote, is in no log: it is shown as it
    is when the event is read."""
    return {
        "visibility": party.visibility,
        "policy": {"control": party.may_control, "queue": party.may_queue, "invite": party.may_invite},
        "capacity": party.capacity,
        "autoplay": party.autoplay,
        "starts_at": None if party.starts_at is None else to_wire(party.starts_at),
        "roles": roles,
    }


async def member_of(party_id: int, user_id: int) -> PartyMember | None:
    return await PartyMember.get_or_none(party_id=party_id, user_id=user_id)


async def _follower(turn: Turn, without: int | None) -> int | None:
    """Somebody whose socket is there. Who is on a node that has said nothing for a while comes last: where the host
    went with a node, the others there went with it, though it does not count as gone yet."""
    party, but = turn.row, [turn.row.host_id, *([] if without is None else [without])]
    moderators = await communities.moderators_of(party.creator_id)
    present = PartyMember.filter(party_id=party.id, present=True, banned_at=None).exclude(user_id__in=but)
    for nodes in await seats.living(turn.now_ms):
        sitting = PartySeat.filter(party_id=party.id, until_ms=None, node__in=nodes).values("user_id")
        here = present.filter(user_id__in=Subquery(sitting))
        ranks = [here.filter(role="cohost"), here.filter(user_id__in=moderators), here]
        for rank in ranks if moderators else (ranks[0], ranks[2]):
            first = await rank.order_by("since_ms", "id").first().values_list("user_id")
            if first is not None:
                return int(first[0])
    return None


async def _earliest(now_ms: float) -> int | None:
    """When a lease can have run out at the earliest: a while after the first of the nodes that live began, for before
    that the host had no way to come. None where nobody is in any party."""
    row = await PartyNode.filter(until_ms__gt=round(now_ms)).order_by("started_ms").first()
    return None if row is None else int(row.started_ms) + LEASE_MS
