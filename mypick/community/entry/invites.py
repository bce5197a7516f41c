"""Invites: a code that lets somebody in, so often and so long as it says."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.touches import Touches
from mypick.community.entry.commands import AskToJoin, CreateInvite
from mypick.community.entry.models import Invite
from mypick.community.entry.requests import Requests
from mypick.community.entry.views import InviteAccepted, InvitePreview, InviteRevoked, InviteView
from mypick.community.logbook import note
from mypick.community.members import Members, community_named
from mypick.community.policy import Action, Standing
from mypick.community.reading import brief_of
from mypick.community.rooms import hold_all
from mypick.community.standings import Standings
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import NewEvent, Streams

SIGNS = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"  # none that is taken for another when it is read aloud or copied
LENGTH = 10  # of 31 signs: 49 bits, and each guess costs a token of the limit "invite"
MAX_OPEN = 100  # invites of one community that still let somebody in
_LIST = "invites"


class Invites:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        members: Members,
        requests: Requests,
        touches: Touches,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._members = members
        self._requests = requests
        self._touches = touches
        self._clock = clock
        self._ids = ids

    async def create(self, actor: Actor, community_id: int, command: CreateInvite) -> InviteView:
        await community_named(community_id)
        entry_id, now, code = await self._ids.one(), self._clock.now(), new_code()
        made: list[Invite] = []

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            await self._require(actor, community_id, now)
            made_by = [int(row[0]) for row in await _open(community_id, now).values_list("actor_id")]
            able = await self._able(community_id, made_by)
            if sum(maker in able for maker in made_by) >= MAX_OPEN:
                raise DomainError(Code.FULL, f"{MAX_OPEN} invites are open: revoke one first")
            made[:] = [
                await Invite.create(
                    community_id=community_id,
                    code=code,
                    max_uses=command.max_uses,
                    approval=command.approval,
                    expires_at=None if command.hours is None else now + timedelta(hours=command.hours),
                    actor_id=actor.user_id,
                    created_at=now,
                )
            ]
            details = {"invite": made[0].id, "uses": command.max_uses}
            await note(entry_id, community_id, actor, "create-invite", now, details=details)
            return ()

        await hold_all(self._streams, community_id, decide)
        return (await self._views(made, now))[made[0].id]

    async def list(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[InviteView]:
        """All that were made, the newest first."""
        now = self._clock.now()
        await community_named(community_id)
        await self._require(actor, community_id, now)
        query = Invite.filter(community_id=community_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        views = await self._views(rows, now)
        return page_of(rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_LIST, row.id))

    async def revoke(self, actor: Actor, community_id: int, invite_id: int) -> InviteRevoked:
        """Let nobody in by it any more. Twice is no error."""
        await community_named(community_id)
        entry_id, now = await self._ids.one(), self._clock.now()

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            await self._require(actor, community_id, now)
            mine = Invite.filter(id=invite_id, community_id=community_id)
            if not await mine.exists():
                raise not_found("invite")
            if await mine.filter(revoked_at=None).update(revoked_at=now):
                await note(entry_id, community_id, actor, "revoke-invite", now, details={"invite": invite_id})
            return ()

        await hold_all(self._streams, community_id, decide)
        return InviteRevoked(revoked=True)

    async def look(self, actor: Actor, code: str) -> InvitePreview:
        """What the holder of a code may know before using it. ``NOT_FOUND`` where no invite has it, ``GONE`` where it
        lets nobody in any more."""
        invite, now = await _with(code), self._clock.now()
        community_id = invite.community_id
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_entry(standing, "public")
        if not standing.member and not (_is_open(invite, now) and await self._able(community_id, [invite.actor_id])):
            raise _ended()
        community = await community_named(community_id)
        return InvitePreview(
            community_id=community.id,
            name=community.name,
            description=community.description,
            rules=community.rules,
            approval=invite.approval,
            member=standing.member,
        )

    async def accept(self, actor: Actor, code: str, command: AskToJoin) -> InviteAccepted:
        """Come in, or ask to. Who is in, or has asked, uses nothing up: twice is no error. ``BANNED`` and ``GONE``
        refuse."""
        invite, now = await _with(code), self._clock.now()
        community_id, outcome = invite.community_id, ["member"]

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, "public")
            outcome[:] = ["member"]
            if standing.member:
                return ()
            if not await self._able(community_id, [invite.actor_id]):
                raise _ended()
            if invite.approval:
                outcome[:] = ["waiting"]
                if await self._requests.waits(community_id, actor.user_id):
                    return ()
                await self._requests.require_may_ask(community_id, actor.user_id, now)
            used = _open(community_id, now).filter(id=invite.id)
            if not await used.update(uses=F("uses") + 1):
                raise _ended()
            if invite.approval:
                await self._requests.write(community_id, actor.user_id, command.text, now)
            else:
                await self._members.admit(community_id, actor.user_id, now)
                await self._requests.close(community_id, actor.user_id, now)
            return ()

        await hold_all(self._streams, community_id, decide)
        self._touches.wake()
        if outcome == ["waiting"]:
            return InviteAccepted(community_id=community_id, member=False, request="waiting")
        await self._members.settle(community_id, actor.user_id)
        return InviteAccepted(community_id=community_id, member=True, request=None)

    async def _require(self, actor: Actor, community_id: int, now: datetime) -> Standing:
        community = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.INVITE, now)
        return standing

    async def _able(self, community_id: int, makers: Collection[int]) -> set[int]:
        """Those who may make invites now. What others made rests: a door that somebody opened does not stay open when
        they no longer hold its key. Three queries."""
        standings = await self._standings.of_people([(community_id, maker) for maker in makers])
        return {
            maker
            for (_, maker), standing in standings.items()
            if standing.ban is None and policy.may(standing.role, Action.INVITE)
        }

    async def _views(self, rows: Sequence[Invite], now: datetime) -> dict[int, InviteView]:
        names = await people.people(row.actor_id for row in rows)
        able = await self._able(rows[0].community_id, [row.actor_id for row in rows]) if rows else ()
        return {
            row.id: InviteView(
                id=row.id,
                code=f"{row.code[:5]}-{row.code[5:]}",
                actor=brief_of(names, row.actor_id),
                max_uses=row.max_uses,
                uses=row.uses,
                approval=row.approval,
                expires_at=row.expires_at,
                revoked_at=row.revoked_at,
                created_at=row.created_at,
                open=_is_open(row, now) and row.actor_id in able,
                rests=_is_open(row, now) and row.actor_id not in able,
            )
            for row in rows
        }


def new_code() -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def plain_code(code: str) -> str:
    """A code as it is stored, from one that somebody typed."""
    return "".join(sign for sign in code.upper() if sign in SIGNS)


async def _with(code: str) -> Invite:
    invite = await Invite.get_or_none(code=plain_code(code))
    if invite is None:
        raise not_found("invite")
    return invite


def _open(community_id: int, now: datetime) -> QuerySet[Invite]:
    return Invite.filter(Q(expires_at=None) | Q(expires_at__gt=now), community_id=community_id).filter(
        revoked_at=None, uses__lt=F("max_uses")
    )


def _is_open(invite: Invite, now: datetime) -> bool:
    ended = invite.expires_at is not None and invite.expires_at <= now
    return invite.revoked_at is None and not ended and invite.uses < invite.max_uses


def _ended() -> DomainError:
    return DomainError(Code.GONE, "this invite lets nobody in any more: ask for a new one")
