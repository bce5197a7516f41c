"""Parties that begin at a time: who will come, what is coming up, and when the doors open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q, Subquery

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import queries as communities
from mypick.creators import queries as creators
from mypick.errors import Code, DomainError
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.watchparty import policy
from mypick.watchparty.entry.attending import attending
from mypick.watchparty.entry.models import PartyAttendance
from mypick.watchparty.entry.views import Attendance, UpcomingParty
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.reading import Reading

MAX_ATTENDING = 20_000  # people of one party
STILL_UPCOMING = timedelta(hours=1)  # after its time, that a party stands among those to come
_LIST = "upcoming-parties"


class Schedule:
    def __init__(self, reading: Reading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def attend(self, actor: Actor, party_id: int) -> Attendance:
        """Say that one will come, and be reminded. Twice is no error."""
        party, _ = await self._reading.entered(actor, party_id)
        policy.require_open(party)
        if party.starts_at is None:
            raise DomainError(Code.CONFLICT, "this party has no time at which it begins: join it")
        mine = PartyAttendance.filter(party_id=party_id, user_id=actor.user_id)
        if not await mine.exists():
            if await PartyAttendance.filter(party_id=party_id).count() >= MAX_ATTENDING:
                raise DomainError(Code.FULL, f"{MAX_ATTENDING} people said that they will come: no more are reminded")
            try:
                async with db.transaction():
                    await PartyAttendance.create(
                        party_id=party_id, user_id=actor.user_id, created_at=self._clock.now()
                    )
            except IntegrityError:  # said twice at once
                pass
        return await self._attendance(party_id, attends=True)

    async def stay_away(self, actor: Actor, party_id: int) -> Attendance:
        """Will not come. Twice is no error."""
        await self._reading.entered(actor, party_id)
        await PartyAttendance.filter(party_id=party_id, user_id=actor.user_id).delete()
        return await self._attendance(party_id, attends=False)

    async def _attendance(self, party_id: int, *, attends: bool) -> Attendance:
        return Attendance(attends=attends, attending=(await attending([party_id])).get(party_id, 0))

    async def upcoming(
        self, actor: Actor, creator_id: int | None, cursor: str | None, limit: int
    ) -> Page[UpcomingParty]:
        """Parties that begin soon, the next first: around creators whom the actor follows, or that they will come to,
        host or were asked to; with ``creator_id`` all around that creator. Those they may not know of are left out."""
        user_id, now = actor.user_id, self._clock.now()
        asked = PartyMember.filter(user_id=user_id, banned_at=None, invited=True).values("party_id")
        out = PartyMember.filter(user_id=user_id, banned_at__isnull=False).values("party_id")
        coming = PartyAttendance.filter(user_id=user_id).values("party_id")
        own = Q(host_id=user_id) | Q(created_by=user_id) | Q(id__in=Subquery(asked))
        known = (
            Q(visibility="public")
            | own
            | (Q(visibility="community") & Q(creator_id__in=communities.creators_of_own(user_id)))
        )
        if creator_id is None:
            around = Q(creator_id__in=creators.creators_followed_by(user_id)) | own | Q(id__in=Subquery(coming))
        else:
            around = Q(creator_id=creator_id)
        query = WatchParty.filter(known, around, ended_at=None, starts_at__gt=now - STILL_UPCOMING)
        query = query.exclude(id__in=Subquery(out))
        if cursor is not None:
            after, last = decode_cursor(cursor, _LIST, datetime, int)
            query = query.filter(Q(starts_at__gt=after) | Q(starts_at=after, id__gt=last))
        rows = await query.order_by("starts_at", "id").limit(limit + 1)
        views = await self._views(user_id, rows[:limit])
        return page_of(
            rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_LIST, row.starts_at or now, row.id)
        )

    async def _views(self, user_id: int, rows: Sequence[WatchParty]) -> dict[int, UpcomingParty]:
        ids = [row.id for row in rows]
        briefs = await self._reading.briefs(rows)
        counts = await attending(ids)
        own: Any = await PartyAttendance.filter(party_id__in=ids, user_id=user_id).values_list("party_id", flat=True)
        mine = set(own)
        return {
            brief.id: UpcomingParty(**dict(brief), attending=counts.get(brief.id, 0), attends=brief.id in mine)
            for brief in briefs
        }
