"""Requests to join: somebody asks, a moderator decides, and the asker is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.streams import desk_of
from mypick.community.desk.touches import Touches
from mypick.community.entry.commands import AskToJoin, DecideRequest
from mypick.community.entry.models import JoinRequest
from mypick.community.entry.notices import Notices
from mypick.community.entry.views import RequestView
from mypick.community.logbook import note
from mypick.community.members import Members, community_named
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.rooms import hold_all
from mypick.community.standings import Standings
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, NewEvent, Streams

MAX_WAITING = 10  # requests of one person, over all communities
MAX_ASKING = 1_000  # people who wait at one community
REFUSED_FOR = timedelta(days=7)  # who was refused does not ask again for so long
_LIST, _MINE = "requests", "my-requests"


class Requests:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        members: Members,
        touches: Touches,
        notices: Notices,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._members = members
        self._touches = touches
        self._notices = notices
        self._clock = clock
        self._ids = ids

    async def ask(self, actor: Actor, community_id: int, command: AskToJoin) -> RequestView:
        """Ask to join a members-only community. While a request waits, asking again changes nothing. A private one is
        ``NOT_FOUND``: one asks there by an invite."""
        await community_named(community_id)
        now = self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            community = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, "private" if community.visibility == "private" else "public")
            if standing.member:
                raise DomainError(Code.CONFLICT, "you are a member already")
            if community.visibility == "public":
                raise DomainError(Code.CONFLICT, "everybody may join this community: join it")
            if await self.waits(community_id, actor.user_id):
                return ()
            await self.require_may_ask(community_id, actor.user_id, now)
            await self.write(community_id, actor.user_id, command.text, now)
            return ()

        # one at a time for each community; whoever is let in meanwhile is found when it is decided
        await self._streams.append(Append(streams=[desk_of(community_id)], decide=decide))
        self._touches.wake()
        return await self._view(await JoinRequest.get(community_id=community_id, user_id=actor.user_id))

    async def withdraw(self, actor: Actor, community_id: int) -> RequestView:
        """Take the own request back. What was decided already stays."""
        row = await JoinRequest.get_or_none(community_id=community_id, user_id=actor.user_id)
        if row is None:
            raise not_found("request of yours")
        now = self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            if await JoinRequest.filter(id=row.id, status="waiting").update(status="withdrawn", decided_at=now):
                await self._touches.touch(community_id, "request", row.id)
            return ()

        await self._streams.append(Append(streams=[desk_of(community_id)], decide=decide))
        self._touches.wake()
        return await self._view(await JoinRequest.get(id=row.id))

    async def decide(self, actor: Actor, request_id: int, command: DecideRequest) -> RequestView:
        """Let somebody in, or not. The first decision holds; another one is ``CONFLICT``, the same one again no
        error."""
        row = await JoinRequest.get_or_none(id=request_id)
        if row is None:
            raise policy.absent()
        community_id, status = row.community_id, "accepted" if command.accept else "refused"
        (entry_id, notice_id), now = await self._ids.take(2), self._clock.now()
        site_role = await people.site_role_of(row.user_id) or "fan"

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            community = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_office(standing, community.visibility, Action.DECIDE_REQUESTS, now)
            target = await self._standings.target(community_id, row.user_id, site_role)
            if command.accept and target.ban:
                raise DomainError(Code.BANNED, "they were banned meanwhile: refuse the request, or lift the ban first")
            waiting = JoinRequest.filter(id=row.id, status="waiting")
            if not await waiting.update(status=status, decided_at=now, decided_by=actor.user_id):
                settled = await JoinRequest.get(id=row.id)
                if settled.status == status and settled.decided_by == actor.user_id:
                    return ()
                raise DomainError(Code.CONFLICT, f"it was {settled.status} already")
            if command.accept and not target.member:
                await self._members.admit(community_id, row.user_id, now)
            action = "accept-request" if command.accept else "refuse-request"
            await note(entry_id, community_id, actor, action, now, user_id=row.user_id)
            word: Any = f"request-{status}"
            await self._notices.tell(notice_id, row.user_id, word, community, now)
            await self._touches.touch(community_id, "request", row.id)
            return ()

        await hold_all(self._streams, community_id, decide)
        self._touches.wake()
        self._notices.wake()
        if command.accept:
            await self._members.settle(community_id, row.user_id)
        return await self._view(await JoinRequest.get(id=row.id))

    async def list(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[RequestView]:
        """Those that wait, the oldest first."""
        community = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.DECIDE_REQUESTS, self._clock.now())
        query = JoinRequest.filter(community_id=community_id, status="waiting")
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        return await self._page(await query.order_by("id").limit(limit + 1), limit, _LIST)

    async def mine(self, actor: Actor, community_id: int | None, cursor: str | None, limit: int) -> Page[RequestView]:
        """The own ones, the newest first; of one community the one that is kept."""
        query = JoinRequest.filter(user_id=actor.user_id)
        if community_id is not None:
            query = query.filter(community_id=community_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _MINE, int)
            query = query.filter(id__lt=before)
        return await self._page(await query.order_by("-id").limit(limit + 1), limit, _MINE)

    # for invites, inside ``hold_all``

    async def waits(self, community_id: int, user_id: int) -> bool:
        return await JoinRequest.filter(community_id=community_id, user_id=user_id, status="waiting").exists()

    async def require_may_ask(self, community_id: int, user_id: int, now: datetime) -> None:
        theirs = JoinRequest.filter(user_id=user_id)
        last = await theirs.filter(community_id=community_id, status="refused").first()
        if last and last.decided_at and (wait := last.decided_at + REFUSED_FOR - now) > timedelta():
            raise DomainError(
                Code.RATE_LIMITED,
                f"your request was refused: one asks again after {REFUSED_FOR.days} days",
                retry_after_ms=round(wait.total_seconds() * 1_000),
            )
        if await theirs.filter(status="waiting").count() >= MAX_WAITING:
            raise DomainError(Code.FULL, f"{MAX_WAITING} requests of yours wait: withdraw one first")
        if await JoinRequest.filter(community_id=community_id, status="waiting").count() >= MAX_ASKING:
            raise DomainError(Code.FULL, "too many people wait here: try again in some days")

    async def write(self, community_id: int, user_id: int, text: str, now: datetime) -> None:
        """A new one in the place of the last, with an id of its own."""
        await JoinRequest.filter(community_id=community_id, user_id=user_id).delete()
        row = await JoinRequest.create(community_id=community_id, user_id=user_id, text=text, created_at=now)
        await self._touches.touch(community_id, "request", row.id)

    async def close(self, community_id: int, user_id: int, now: datetime) -> None:
        """Somebody came in another way."""
        row = await JoinRequest.get_or_none(community_id=community_id, user_id=user_id, status="waiting")
        if row:
            await JoinRequest.filter(id=row.id).update(status="accepted", decided_at=now)
            await self._touches.touch(community_id, "request", row.id)

    async def _view(self, row: JoinRequest) -> RequestView:
        return (await self._page([row], 1, _LIST)).items[0]

    async def _page(self, rows: Sequence[JoinRequest], limit: int, name: str) -> Page[RequestView]:
        names = await people.people(row.user_id for row in rows[:limit])

        def show(row: JoinRequest) -> RequestView:
            status: Any = row.status
            return RequestView(
                id=row.id,
                community_id=row.community_id,
                user=brief_of(names, row.user_id),
                text=row.text,
                status=status,
                created_at=row.created_at,
                decided_at=row.decided_at,
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(name, row.id))
