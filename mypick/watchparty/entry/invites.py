"""Asking people to come: links that let so many in so long, and people by name, who are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.errors import Code, DomainError, invalid, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import TELL, Announcement, announce_to, reword_at
from mypick.notifications.views import Kind
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.watchparty import policy
from mypick.watchparty.entry.commands import CreatePartyInvite, InvitePeople
from mypick.watchparty.entry.models import PartyInvite
from mypick.watchparty.entry.redeeming import open_invites
from mypick.watchparty.entry.signing import InviteTokens, Signed
from mypick.watchparty.entry.views import PartyInviteRevoked, PartyInviteView, PeopleInvited
from mypick.watchparty.entry.words import LANGUAGES, by_language, worded
from mypick.watchparty.hosts import member_of
from mypick.watchparty.models import MAX_MEMBERS, PartyMember, WatchParty
from mypick.watchparty.person import Person
from mypick.watchparty.policy import Action, Role
from mypick.watchparty.reading import Reading
from mypick.watchparty.turn import Turn, Turns

MAX_OPEN = 50  # invites of one party that still let somebody in
MAX_OWN = 10  # of one guest among them
INVITATION: Kind = "party-invite"  # whose body is the title
_LIST = "party-invites"


class PartyInvites:
    def __init__(
        self, turns: Turns, reading: Reading, tokens: InviteTokens, *, clock: Clock, ids: Ids, jobs: Jobs
    ) -> None:
        self._turns = turns
        self._reading = reading
        self._tokens = tokens
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    def read(self, token: str) -> Signed:
        """What a token says: ``INVALID`` for one that this server has not made. Whether its time is over is looked at
        where it is used: who may come without comes by an old link as well. No I/O."""
        signed = self._tokens.read(token)
        if signed is None:
            raise invalid("this is no invite of ours: ask for a new one", field="invite")
        return signed

    async def create(self, actor: Actor, party_id: int, command: CreatePartyInvite) -> PartyInviteView:
        """A link. For whoever may invite."""
        invite_id, now = await self._ids.one(), self._clock.now().replace(microsecond=0)
        invite = PartyInvite(
            id=invite_id,
            party_id=party_id,
            max_uses=command.max_uses,
            expires_at=now + timedelta(hours=command.hours),
            actor_id=actor.user_id,
            created_at=now,
        )

        async def decide(turn: Turn) -> None:
            role, still_open = await self._require(turn.row, actor), open_invites(party_id, now)
            if await still_open.count() >= MAX_OPEN:
                raise DomainError(Code.FULL, f"{MAX_OPEN} invites are open: revoke one first")
            if role < Role.COHOST and await still_open.filter(actor_id=actor.user_id).count() >= MAX_OWN:
                raise DomainError(Code.FULL, f"{MAX_OWN} invites of yours are open: revoke one first")
            await PartyInvite.bulk_create([invite])

        await self._turns.take(party_id, decide)
        return (await self._views([invite]))[invite_id]

    async def list(self, actor: Actor, party_id: int, cursor: str | None, limit: int) -> Page[PartyInviteView]:
        """Links that were made, the newest first: all for the host and co-hosts, one's own for others."""
        party, member = await self._reading.entered(actor, party_id)
        query = PartyInvite.filter(party_id=party_id)
        if policy.rank_of(party, member, actor.user_id, actor.role) < Role.COHOST:
            query = query.filter(actor_id=actor.user_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        views = await self._views(rows[:limit])
        return page_of(rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_LIST, row.id))

    async def revoke(self, actor: Actor, party_id: int, invite_id: int) -> PartyInviteRevoked:
        """Let nobody in by it any more. Who came by it stays. Twice is no error."""

        async def decide(turn: Turn) -> None:
            member = await member_of(party_id, actor.user_id)
            policy.require_entry(turn.row, member, None, actor.user_id, actor.role)
            mine = PartyInvite.filter(id=invite_id, party_id=party_id)
            invite = await mine.first()
            leads = policy.rank_of(turn.row, member, actor.user_id, actor.role) >= Role.COHOST
            if invite is None or not (leads or invite.actor_id == actor.user_id):
                raise not_found("invite")
            await mine.filter(revoked_at=None).update(revoked_at=self._clock.now())

        await self._turns.take(party_id, decide)
        return PartyInviteRevoked(revoked=True)

    async def invite(self, actor: Actor, party_id: int, command: InvitePeople) -> PeopleInvited:
        """Let people come, and tell those who were not asked before. For whoever may invite."""
        wanted = {user_id for user_id in command.user_ids if user_id != actor.user_id}
        existing = await people.users_exist(wanted)
        languages = await by_language(existing)
        notice_ids = await self._ids.take(len(LANGUAGES))
        name = (await people.people([actor.user_id])).get(actor.user_id)
        let: list[int] = []

        async def decide(turn: Turn) -> None:
            party = turn.row
            await self._require(party, actor)
            members = PartyMember.filter(party_id=party_id)
            known = {row.user_id: row for row in await members.filter(user_id__in=list(existing))}
            fresh = existing - known.keys()
            if fresh and await members.count() + len(fresh) > MAX_MEMBERS:
                raise DomainError(Code.FULL, "this party knows too many people: make an invite and send it to them")
            let[:] = sorted(user_id for user_id in existing if user_id in fresh or known[user_id].banned_at is None)
            asked = [user_id for user_id in let if user_id in fresh or not known[user_id].invited]
            now = self._clock.now()
            await PartyMember.bulk_create(
                [
                    PartyMember(party_id=party_id, user_id=user_id, invited=True, created_at=now)
                    for user_id in sorted(fresh)
                ]
            )
            await members.filter(user_id__in=asked).update(invited=True)
            for notice_id, language in zip(notice_ids, LANGUAGES, strict=True):
                told = [user_id for user_id in languages.get(language, ()) if user_id in asked]
                title, body = worded("invited", language, party=party.title, name=name["name"] if name else "")
                announcement = Announcement(
                    id=notice_id,
                    key=f"party-invite:{notice_id}",
                    kind=INVITATION,
                    title=title,
                    body=body,
                    url=page_of_party(party_id),
                    image_url=name["avatar_url"] if name else None,
                    creator_id=party.creator_id,
                    content_id=party.content_id,
                    actor_id=actor.user_id,
                )
                await announce_to(told, announcement, jobs=self._jobs, now=now)

        await self._turns.take(party_id, decide)
        self._jobs.wake(TELL)
        return PeopleInvited(user_ids=let)

    async def _require(self, party: WatchParty, actor: Actor) -> Role:
        member = await member_of(party.id, actor.user_id)
        standing = await self._reading.standing(party, actor.user_id)
        policy.require_entry(party, member, standing, actor.user_id, actor.role)
        policy.require_open(party)
        role = policy.role_of(party, member, actor.user_id)
        policy.require(party, role, Action.INVITE)
        return role

    async def _views(self, rows: Sequence[PartyInvite]) -> dict[int, PartyInviteView]:
        names, now = await people.people(row.actor_id for row in rows), self._clock.now()
        found = {}
        for row in rows:
            token = self._tokens.token(row.party_id, row.id, row.expires_at)
            found[row.id] = PartyInviteView(
                id=row.id,
                token=token,
                url=f"{page_of_party(row.party_id)}?invite={token}",
                actor=Person(**names[row.actor_id]) if row.actor_id in names else None,
                max_uses=row.max_uses,
                uses=row.uses,
                expires_at=row.expires_at,
                revoked_at=row.revoked_at,
                created_at=row.created_at,
                open=row.revoked_at is None and row.expires_at > now and row.uses < row.max_uses,
            )
        return found


async def retitle(party_id: int, title: str) -> None:
    """Let those who were asked to come read the title that the party has from now on, in the caller's transaction."""
    await reword_at(page_of_party(party_id), INVITATION, title)


def page_of_party(party_id: int) -> str:
    """The address of a party's page."""
    return f"/parties/{party_id}"
