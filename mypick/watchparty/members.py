"""Coming, going and being put out.

Thousands may come at once: all who come to a party on one node at one moment are let in by one unit, by some five
statements. The first ``MAX_TOLD`` who are there are told of by events; beyond that only how many there are is told, so
that a large party's stream holds what is played and not who came and went.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.control import Eviction
from mypick.errors import Code, DomainError, not_found
from mypick.gathering import Gathering
from mypick.metrics import Metrics
from mypick.watchparty import policy, seats
from mypick.watchparty.commands import KickMember
from mypick.watchparty.entry.admission import admit
from mypick.watchparty.hosts import LEASE_MS, Hosts, member_of
from mypick.watchparty.models import PartyMember
from mypick.watchparty.refusals import refused, standings_in
from mypick.watchparty.streams import HOST_CHANGED, MEMBER_JOINED, MEMBER_LEFT, party_stream
from mypick.watchparty.turn import Turn, Turns, receipt
from mypick.watchparty.views import Done
from mypick.watchparty.watchers import Watchers

MAX_TOLD = 100  # people of one party of whom the others are told
AT_ONCE = 200  # rows in one statement
RETURN_MS = 60_000  # who comes back within it was there all the time
Gone = Literal["left", "gone"]

Evict = Callable[[Eviction], Awaitable[None]]
"""Puts somebody's sockets out of a stream on every node."""


class Comer(NamedTuple):
    """Somebody who wants in. ``again`` is a node that writes down who is there: it lets nobody in who was put out."""

    party_id: int
    user_id: int
    site_role: str
    again: bool = False
    invite_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Let:
    """What became of it."""

    refusal: DomainError | None = None


class Members:
    """``node`` names this process. ``evict`` puts sockets out of a stream on every node."""

    def __init__(
        self,
        turns: Turns,
        hosts: Hosts,
        watchers: Watchers,
        *,
        node: str,
        clock: Clock,
        evict: Evict,
        metrics: Metrics,
    ) -> None:
        self._turns = turns
        self._hosts = hosts
        self._watchers = watchers
        self._node = node
        self._clock = clock
        self._evict = evict
        self._metrics = metrics
        self._coming = Gathering(self._let_in)

    async def enter(self, actor: Actor, party_id: int, invite_id: int | None = None) -> None:
        """Take a seat, by an invite where there is no other way. The caller has said ``coming`` to the watchers."""
        await self._turns.require(party_id)
        let = await self._coming.get(Comer(party_id, actor.user_id, actor.role, invite_id=invite_id))
        if let is not None and let.refusal is not None:
            raise let.refusal

    async def reseat(self, party_id: int, user_ids: Collection[int]) -> None:
        """Write down again who is here, where this node was taken for dead. Who was put out meanwhile is left out: the
        next look at who may be here finds them."""
        roles = await people.site_roles_of(user_ids)
        await self._let_in([Comer(party_id, user_id, role, again=True) for user_id, role in roles.items()])

    async def _let_in(self, comers: Sequence[Comer]) -> Mapping[Comer, _Let]:
        await seats.beat(self._node, self._turns.now_ms())
        parties: dict[int, list[Comer]] = {}
        for comer in comers:
            parties.setdefault(comer.party_id, []).append(comer)
        outcomes: dict[Comer, _Let] = {}
        await asyncio.gather(*(self._let_into(party_id, some, outcomes) for party_id, some in parties.items()))
        return outcomes

    async def _let_into(self, party_id: int, comers: Sequence[Comer], outcomes: dict[Comer, _Let]) -> None:
        async def decide(turn: Turn) -> None:
            party, now = turn.row, round(turn.now_ms)
            ids = {comer.user_id for comer in comers}
            known = {row.user_id: row for row in await PartyMember.filter(party_id=party_id, user_id__in=list(ids))}
            standings = await standings_in(self._clock, party, ids)
            there = await PartyMember.filter(party_id=party_id, present=True).count()
            entering: dict[int, PartyMember] = {}
            for comer in comers:
                member = entering.get(comer.user_id) or known.get(comer.user_id)
                seated = comer.user_id in entering or (member is not None and member.present)
                standing = standings.get(comer.user_id)
                try:
                    if seated or comer.again:
                        policy.require_entry(party, member, standing, comer.user_id, comer.site_role)
                        policy.require_not_put_out(member, always=comer.again)
                        policy.require_open(party)
                        asked = False
                    else:
                        others = there + sum(not one.present for one in entering.values())
                        asked = await admit(
                            party,
                            member,
                            standing,
                            comer.user_id,
                            comer.site_role,
                            invite_id=comer.invite_id,
                            there=others,
                            now=self._clock.now(),
                        )
                except DomainError as refusal:
                    outcomes[comer] = _Let(refusal)
                    continue
                outcomes[comer] = _Let()
                entering[comer.user_id] = member = member or PartyMember(
                    party_id=party_id, user_id=comer.user_id, created_at=self._clock.now()
                )
                member.invited = member.invited or asked
            await self._seat(turn, entering, known, there, now)

        try:
            await self._turns.take(party_id, decide, events=min(len(comers), MAX_TOLD) + 1)
        except DomainError as failure:  # of the whole unit
            outcomes.update((comer, _Let(failure)) for comer in comers)

    async def _seat(
        self, turn: Turn, entering: Mapping[int, PartyMember], known: Mapping[int, PartyMember], there: int, now: int
    ) -> None:
        if not entering:
            return
        party = turn.row
        back: list[PartyMember] = []
        for user_id, member in entering.items():
            if member.present:
                continue
            if member.since_ms is None or member.left_ms is None or now - member.left_ms > RETURN_MS:
                member.since_ms = now
            member.present, member.left_ms, member.kicked = True, None, False
            member.told = there < MAX_TOLD
            there += 1
            if member.told:
                role = policy.role_of(party, member, user_id).word
                turn.tell(MEMBER_JOINED, {"role": role, "since_ms": member.since_ms}, user_id)
            if user_id in known:
                back.append(member)
        if back:
            columns = ("present", "left_ms", "kicked", "told", "since_ms", "invited")
            await PartyMember.bulk_update(back, columns, batch_size=AT_ONCE)
        fresh = [member for user_id, member in entering.items() if user_id not in known]
        if fresh:
            await PartyMember.bulk_create(fresh)
        await seats.take(party.id, entering, self._node)
        self._lease(turn, entering, now)

    def _lease(self, turn: Turn, entering: Mapping[int, PartyMember], now: int) -> None:
        """The host has come, or somebody while nobody is there: then the host has a while to come."""
        party = turn.row
        if party.host_id in entering:
            turn.set(host_until_ms=max(now + LEASE_MS, party.host_until_ms or 0))
            if party.opened_at is None:
                turn.set(opened_at=self._clock.now())
        elif party.opened_at is not None and party.host_until_ms is None:
            turn.set(host_until_ms=now + LEASE_MS)

    async def leave(self, actor: Actor, party_id: int) -> None:
        """Somebody goes on purpose: the last of their sockets here has left. Is no error where they were not there, nor
        where there is no such party; then the party is not touched."""
        if await PartyMember.exists(party_id=party_id, user_id=actor.user_id, present=True):
            await self.depart(party_id, [actor.user_id], "left")

    async def depart(self, party_id: int, user_ids: Collection[int], reason: Gone) -> None:
        """People whose seats here have ended, or count no more, are gone unless they sit elsewhere."""
        await self._turns.require(party_id)

        async def decide(turn: Turn) -> None:
            if reason == "left":
                here = {one for one in user_ids if self._watchers.here(party_id, one)}
                await seats.drop(party_id, set(user_ids) - here, node=self._node)
            else:
                await seats.drop_dead(party_id, user_ids, turn.now_ms)
            still = await seats.kept(party_id, list(user_ids), turn.now_ms)
            gone = [one for one in user_ids if one not in still]
            rows = await PartyMember.filter(party_id=party_id, user_id__in=gone, present=True)
            if not rows:
                return
            await PartyMember.filter(id__in=[row.id for row in rows]).update(
                present=False, told=False, left_ms=round(turn.now_ms)
            )
            for row in rows:
                if row.told:
                    turn.tell(MEMBER_LEFT, {"user_id": row.user_id, "reason": reason}, row.user_id)
            host_left = any(row.user_id == turn.row.host_id for row in rows)
            if reason == "left" and host_left and turn.row.opened_at is not None and turn.row.ended_at is None:
                await self._hosts.succeed(turn, "left")

        done = await self._turns.take(party_id, decide, events=min(len(user_ids), MAX_TOLD) + 1)
        self._metrics.host_changes.inc(sum(event.type == HOST_CHANGED for event in done.events))

    async def kick(self, actor: Actor, command: KickMember) -> Done:
        """Put somebody out. Nothing of theirs is taken after the commit, and their sockets leave on every node."""
        site_role = await people.site_role_of(command.user_id)
        if site_role is None:
            raise not_found("user")

        async def decide(turn: Turn) -> None:
            party = turn.row
            own = await member_of(party.id, actor.user_id)
            policy.require_known(party, own, actor.user_id, actor.role)
            role = policy.rank_of(party, own, actor.user_id, actor.role)
            if role < policy.Role.HOST:  # who may do it from anywhere
                policy.require_present(party, own)
            target = await member_of(party.id, command.user_id)
            policy.require_above(role, policy.rank_of(party, target, command.user_id, site_role))
            if target is None and not command.ban:
                raise DomainError(Code.NOT_FOUND, "they are not in this party")
            columns = {
                "present": False,
                "told": False,
                "kicked": True,
                "invited": False,
                "role": "guest",
                "left_ms": round(turn.now_ms),
            }
            if command.ban:
                columns |= {"banned_at": self._clock.now(), "ban_reason": command.reason}
            if target is None:
                target = await PartyMember.create(
                    party_id=party.id, user_id=command.user_id, created_at=self._clock.now()
                )
            await PartyMember.filter(id=target.id).update(**columns)
            await seats.drop(party.id, [command.user_id])
            if party.former_host_id == command.user_id:
                turn.set(former_host_id=None, reclaim_until_ms=None)
            if target.told or command.ban:
                reason = "banned" if command.ban else "kicked"
                turn.tell(MEMBER_LEFT, {"user_id": command.user_id, "reason": reason}, actor.user_id)
            if party.host_id == command.user_id and party.ended_at is None:
                await self._hosts.succeed(turn, "left", without=command.user_id)

        done = await self._turns.take(
            command.party_id, decide, receipt=receipt(actor, "kick-member", command), events=2
        )
        if not done.duplicate:  # they may have come again since; whom the first did not reach, the next look finds
            code = Code.BANNED if command.ban else Code.NOT_MEMBER
            await self._evict(Eviction(party_stream(command.party_id), command.user_id, code, command.reason))
        return Done(**done.reply)

    async def unban(self, actor: Actor, party_id: int, user_id: int) -> None:
        """Lift a ban. Without one nothing happens."""

        async def decide(turn: Turn) -> None:
            own = await member_of(party_id, actor.user_id)
            policy.require_known(turn.row, own, actor.user_id, actor.role)
            role = policy.rank_of(turn.row, own, actor.user_id, actor.role)
            policy.require_above(role, policy.Role.GUEST)
            await PartyMember.filter(party_id=party_id, user_id=user_id).update(banned_at=None, ban_reason=None)

        await self._turns.take(party_id, decide)

    async def evicted_among(self, places: Sequence[tuple[int, int]]) -> list[Eviction]:
        """Those of pairs of party and person who may not be there any more."""
        return await refused(self._clock, places, there=True)

    async def kept_out(self, places: Sequence[tuple[int, int]]) -> list[Eviction]:
        """Those who may not come."""
        return await refused(self._clock, places, there=False)
