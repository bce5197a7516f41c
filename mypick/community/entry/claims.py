"""A creator takes over their community: a code on their own channel proves it, or an admin says so."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.streams import desk_of
from mypick.community.entry.commands import ClaimCommunity, DecideClaim
from mypick.community.entry.invites import SIGNS
from mypick.community.entry.models import Claim
from mypick.community.entry.notices import Notices
from mypick.community.entry.ownership import Ownership
from mypick.community.entry.views import ClaimView
from mypick.community.logbook import note
from mypick.community.members import Members, community_named, role_events
from mypick.community.models import Community, Membership, Sanction
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.rooms import hold_all
from mypick.community.standings import Standings
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, NewEvent, Streams

CODE_FOR = timedelta(days=7)
MAX_WAITING = 5  # claims of one person
_LIST = "claims"


class Proofs(Protocol):
    async def addresses(self, creator_ids: Collection[int]) -> Mapping[int, list[str]]:
        """Of creators' channels, by creator."""

    async def shown(self, creator_id: int, text: str) -> bool:
        """Whether one of them shows ``text`` now."""


class Claims:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        members: Members,
        ownership: Ownership,
        notices: Notices,
        proofs: Proofs,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._members = members
        self._ownership = ownership
        self._notices = notices
        self._proofs = proofs
        self._clock = clock
        self._ids = ids

    async def claim(self, actor: Actor, community_id: int, command: ClaimCommunity) -> ClaimView:
        """Say that one is the creator, and get the code that proves it. While a claim waits, asking again gives the
        same one. A community that one may not know of is ``NOT_FOUND``, unless one is banned: a ban holds nobody from
        what is theirs."""
        now, code = self._clock.now(), new_code()

        async def decide() -> Sequence[NewEvent]:
            community = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_known(standing, community.visibility)
            if standing.role is policy.Role.OWNER:
                raise DomainError(Code.CONFLICT, "the community is yours already")
            mine = Claim.filter(user_id=actor.user_id)
            here = await mine.filter(community_id=community_id).first()
            if here and here.status == "waiting" and here.created_at + CODE_FOR > now:
                return ()
            fresh = mine.filter(status="waiting", created_at__gt=now - CODE_FOR)
            if await fresh.count() >= MAX_WAITING:
                raise DomainError(Code.FULL, f"{MAX_WAITING} claims of yours wait: withdraw one first")
            await mine.filter(community_id=community_id).delete()
            await Claim.create(
                community_id=community_id, user_id=actor.user_id, code=code, text=command.text, created_at=now
            )
            return ()

        await community_named(community_id)
        await self._streams.append(Append(streams=[desk_of(community_id)], decide=decide))
        return await self._view(await Claim.get(community_id=community_id, user_id=actor.user_id))

    async def check(self, actor: Actor, claim_id: int) -> ClaimView:
        """Look at the creator's channels for the code; found, the community is the claimant's. ``CONFLICT`` where it is
        not there yet."""
        claim = await Claim.get_or_none(id=claim_id, user_id=actor.user_id)
        if claim is None:
            raise not_found("claim of yours")
        if claim.status == "waiting":
            if claim.created_at + CODE_FOR <= self._clock.now():
                raise DomainError(Code.GONE, "this code has ended: claim the community anew")
            community = await community_named(claim.community_id)
            if not await self._proofs.shown(community.creator_id, claim.code):
                raise DomainError(
                    Code.CONFLICT,
                    "the code is not there yet: put it at the beginning of your channel's description, and wait a few "
                    "minutes",
                )
            await self._accept(actor, claim)
        return await self._view(await Claim.get(id=claim_id))

    async def withdraw(self, actor: Actor, claim_id: int) -> ClaimView:
        """Claim it no longer. What was decided already stays."""
        claim = await Claim.get_or_none(id=claim_id, user_id=actor.user_id)
        if claim is None:
            raise not_found("claim of yours")
        now = self._clock.now()
        await Claim.filter(id=claim_id, status="waiting").update(status="withdrawn", decided_at=now)
        return await self._view(await Claim.get(id=claim_id))

    async def decide(self, actor: Actor, claim_id: int, command: DecideClaim) -> ClaimView:
        """An admin says whether it is the creator. The first decision holds."""
        claim = await Claim.get_or_none(id=claim_id)
        if claim is None:
            raise policy.absent()
        standing = (await self._standings.of_all([claim.community_id], actor))[claim.community_id]
        policy.require_known(standing, (await community_named(claim.community_id)).visibility)
        policy.require(standing, Action.DECIDE_CLAIMS)
        if command.accept:
            await self._accept(actor, claim)
        else:
            await self._refuse(actor, claim)
        return await self._view(await Claim.get(id=claim_id))

    async def list(self, actor: Actor, community_id: int | None, cursor: str | None, limit: int) -> Page[ClaimView]:
        """Those that wait, the oldest first, for an admin; the own ones for everybody else. Four queries, whatever the
        number."""
        query = Claim.filter(status="waiting")
        if not actor.has_role("admin"):
            query = Claim.filter(user_id=actor.user_id)
        if community_id is not None:
            query = query.filter(community_id=community_id)
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        views = await self._views(rows[:limit])
        return page_of(rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_LIST, row.id))

    async def _accept(self, actor: Actor, claim: Claim) -> None:
        """``actor`` is the claimant, whom the code has proven, or an admin. Bans and timeouts of the creator end."""
        community_id, user_id = claim.community_id, claim.user_id
        (entry_id, notice_id), now = await self._ids.take(2), self._clock.now()

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            await _settle(claim, "accepted", actor, now)
            await Sanction.filter(community_id=community_id, user_id=user_id).delete()
            if not await Membership.filter(community_id=community_id, user_id=user_id).exists():
                await self._members.admit(community_id, user_id, now)
            roles = await self._ownership.hand_over(community_id, user_id, None)
            await Community.filter(id=community_id).update(claimed_at=now)
            self._standings.forget()
            community = await community_named(community_id)
            await note(entry_id, community_id, actor, "claim", now, user_id=user_id, details={"claim": claim.id})
            await self._notices.tell(notice_id, user_id, "claim-accepted", community, now)
            return role_events(streams, actor.user_id, roles)

        await hold_all(self._streams, community_id, decide)
        self._notices.wake()
        await self._members.settle(community_id, user_id)

    async def _refuse(self, actor: Actor, claim: Claim) -> None:
        notice_id, now = await self._ids.one(), self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            await _settle(claim, "refused", actor, now)
            community = await community_named(claim.community_id)
            await self._notices.tell(notice_id, claim.user_id, "claim-refused", community, now)
            return ()

        await self._streams.append(Append(streams=[desk_of(claim.community_id)], decide=decide))
        self._notices.wake()

    async def _view(self, row: Claim) -> ClaimView:
        return (await self._views([row]))[row.id]

    async def _views(self, rows: Sequence[Claim]) -> dict[int, ClaimView]:
        """By claim. Three queries."""
        communities = {row.id: row for row in await Community.filter(id__in=[claim.community_id for claim in rows])}
        names = await people.people({claim.user_id for claim in rows})
        channels = await self._proofs.addresses({row.creator_id for row in communities.values()})

        def show(claim: Claim) -> ClaimView:
            community = communities[claim.community_id]
            status: Any = claim.status
            return ClaimView(
                id=claim.id,
                community_id=community.id,
                community_name=community.name,
                user=brief_of(names, claim.user_id),
                code=claim.code,
                channels=channels.get(community.creator_id, []),
                text=claim.text,
                status=status,
                created_at=claim.created_at,
                expires_at=claim.created_at + CODE_FOR,
            )

        return {claim.id: show(claim) for claim in rows}


async def _settle(claim: Claim, status: str, actor: Actor, now: datetime) -> None:
    waiting = Claim.filter(id=claim.id, status="waiting")
    if not await waiting.update(status=status, decided_at=now, decided_by=actor.user_id):
        raise DomainError(Code.CONFLICT, f"it was {(await Claim.get(id=claim.id)).status} already")


def new_code() -> str:
    """60 bits: a channel that shows it was told it."""
    return "mypick-" + "".join(secrets.choice(SIGNS) for _ in range(12))
