"""Sanctions as those see them who suffer them, and the one note that they may write to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tortoise.expressions import Q

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.commands import AppealSanction, DecideAppeal
from mypick.community.desk.models import Appeal
from mypick.community.desk.streams import desk_of
from mypick.community.desk.touches import Touches
from mypick.community.desk.views import AppealView, MySanction, SanctionFacts, SanctionView
from mypick.community.entry.notices import Notices
from mypick.community.logbook import note
from mypick.community.members import community_named
from mypick.community.models import Sanction
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.rooms import hold_all
from mypick.community.standings import Standings
from mypick.community.streams import SANCTIONED
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, NewEvent, Streams

_LIST = "sanctions"


class Appeals:
    def __init__(
        self, streams: Streams, standings: Standings, touches: Touches, notices: Notices, *, clock: Clock, ids: Ids
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._touches = touches
        self._notices = notices
        self._clock = clock
        self._ids = ids

    async def sanctions(
        self, actor: Actor, community_id: int, kind: Literal["timeout", "ban"] | None, cursor: str | None, limit: int
    ) -> Page[SanctionView]:
        """Who is timed out or banned now, the newest first. For moderators."""
        community, now = await community_named(community_id), self._clock.now()
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.READ_SANCTIONS, now)
        query = Sanction.filter(Q(until=None) | Q(until__gt=now), community_id=community_id)
        if kind is not None:
            query = query.filter(kind=kind)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        names = await people.people({one for row in rows[:limit] for one in (row.user_id, row.actor_id)})
        appeals = {row.sanction_id: row for row in await Appeal.filter(sanction_id__in=[row.id for row in rows])}

        def show(row: Sanction) -> SanctionView:
            shown = _facts(row, appeals.get(row.id)).model_dump()
            return SanctionView(**shown, user=brief_of(names, row.user_id), actor=brief_of(names, row.actor_id))

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))

    async def mine(self, actor: Actor, community_id: int) -> list[MySanction]:
        """The own ones in force, why and until when. Whoever is banned may ask: they knew of the community."""
        community = await community_named(community_id)
        policy.require_known((await self._standings.of_all([community_id], actor))[community_id], community.visibility)
        rows = await Sanction.filter(
            Q(until=None) | Q(until__gt=self._clock.now()), community_id=community_id, user_id=actor.user_id
        ).order_by("id")
        appeals = {row.sanction_id: row for row in await Appeal.filter(sanction_id__in=[row.id for row in rows])}
        return [
            MySanction(**_facts(row, appeals.get(row.id)).model_dump(), community_name=community.name) for row in rows
        ]

    async def appeal(self, actor: Actor, sanction_id: int, command: AppealSanction) -> AppealView:
        """Write the one note to a sanction of one's own that is in force. A second one is ``CONFLICT``."""
        row = await Sanction.get_or_none(id=sanction_id, user_id=actor.user_id)
        if row is None:
            raise not_found("sanction of yours")
        now = self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            sanction = await Sanction.get_or_none(id=sanction_id)
            if sanction is None or (sanction.until is not None and sanction.until <= now):
                raise DomainError(Code.GONE, "this is over: nothing is left to appeal")
            if await Appeal.filter(sanction_id=sanction_id).exists():
                raise DomainError(Code.CONFLICT, "you have written your note already: wait for the answer")
            written = await Appeal.create(
                community_id=sanction.community_id,
                sanction_id=sanction_id,
                kind=sanction.kind,
                user_id=actor.user_id,
                text=command.text,
                created_at=now,
            )
            await self._touches.touch(sanction.community_id, "appeal", written.id)
            return ()

        await self._streams.append(Append(streams=[desk_of(row.community_id)], decide=decide))
        self._touches.wake()
        return await _view(await Appeal.get(sanction_id=sanction_id))

    async def decide(self, actor: Actor, appeal_id: int, command: DecideAppeal) -> AppealView:
        """Answer a note, and lift what it is about or not. The first answer holds."""
        row = await Appeal.get_or_none(id=appeal_id)
        if row is None:
            raise policy.absent()
        community_id, status = row.community_id, "lifted" if command.lift else "kept"
        site_role = await people.site_role_of(row.user_id) or "fan"
        (entry_id, notice_id), now = await self._ids.take(2), self._clock.now()

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            community = await community_named(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            if not policy.may_work(standing):
                policy.require_entry(standing, "private" if community.visibility == "private" else "public")
            policy.require_voice(standing, now)
            target = await self._standings.target(community_id, row.user_id, site_role)
            policy.require(standing, Action.DECIDE_APPEALS, target)
            changed = {"status": status, "answer": command.answer, "decided_at": now, "decided_by": actor.user_id}
            if not await Appeal.filter(id=appeal_id, status="waiting").update(**changed):
                raise DomainError(Code.CONFLICT, "it was answered already")
            action = "lift-on-appeal" if command.lift else "keep-on-appeal"
            await note(entry_id, community_id, actor, action, now, user_id=row.user_id, reason=command.answer)
            word: Any = status
            await self._notices.tell(notice_id, row.user_id, word, community, now, command.answer)
            await self._touches.touch(community_id, "appeal", appeal_id)
            if not command.lift or not await Sanction.filter(id=row.sanction_id).delete():
                return ()
            self._standings.forget()
            data = {"user_id": row.user_id, "kind": "unban", "until": None}
            return [NewEvent(stream, SANCTIONED, data, actor_id=actor.user_id) for stream in streams]

        await hold_all(self._streams, community_id, decide)
        self._touches.wake()
        self._notices.wake()
        return await _view(await Appeal.get(id=appeal_id))


def _facts(row: Sanction, appeal: Appeal | None) -> SanctionFacts:
    kind: Any = row.kind
    status: Any = appeal.status if appeal else None
    return SanctionFacts(
        id=row.id,
        kind=kind,
        until=row.until,
        reason=row.reason,
        created_at=row.created_at,
        appeal=status,
        answer=appeal.answer if appeal else None,
    )


async def _view(row: Appeal) -> AppealView:
    status: Any = row.status
    return AppealView(
        id=row.id,
        community_id=row.community_id,
        user=brief_of(await people.people([row.user_id]), row.user_id),
        text=row.text,
        status=status,
        answer=row.answer,
        created_at=row.created_at,
    )
