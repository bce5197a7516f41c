"""What was watched, read: of a party, and of the parties that one was in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tortoise.expressions import Q

from mypick import db
from mypick.accounts.actor import Actor
from mypick.content.service import Contents
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.watchparty import policy
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.queue.models import Watched
from mypick.watchparty.queue.views import WatchedView
from mypick.watchparty.queue.visit_views import PartyVisit
from mypick.watchparty.queue.watched import guests_between
from mypick.watchparty.reading import Reading

_WATCHED, _VISITS = "watched", "party-visits"


class History:
    def __init__(self, reading: Reading, contents: Contents) -> None:
        self._reading = reading
        self._contents = contents

    async def of_party(self, actor: Actor, party_id: int, cursor: str | None, limit: int) -> Page[WatchedView]:
        """What the party has played, the newest first."""
        await self._reading.entered(actor, party_id)
        query = Watched.filter(party_id=party_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _WATCHED, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        views = await self._views(rows[:limit])
        return page_of(rows, limit, lambda row: views[row.id], lambda row: encode_cursor(_WATCHED, row.id))

    async def mine(self, actor: Actor, cursor: str | None, limit: int) -> Page[PartyVisit]:
        """Parties that the actor was in and was not put out of, the last visited first."""
        query = PartyMember.filter(user_id=actor.user_id, since_ms__isnull=False, banned_at=None, kicked=False)
        if cursor is not None:
            since, last = decode_cursor(cursor, _VISITS, int, int)
            query = query.filter(Q(since_ms__lt=since) | Q(since_ms=since, id__lt=last))
        rows = await query.order_by("-since_ms", "-id").limit(limit + 1)
        ids = [row.party_id for row in rows[:limit]]
        parties = {row.id: row for row in await WatchParty.filter(id__in=ids)}
        briefs = {brief.id: brief for brief in await self._reading.briefs(list(parties.values()))}
        watched = await _watched_among(ids)

        def show(row: PartyMember) -> PartyVisit:
            return PartyVisit(
                party=briefs[row.party_id],
                role=policy.role_of(parties[row.party_id], row, actor.user_id).word,
                came_at=moment(row.since_ms or 0),
                left_at=None if row.left_ms is None else moment(row.left_ms),
                watched=watched.get(row.party_id, 0),
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(_VISITS, row.since_ms or 0, row.id))

    async def _views(self, rows: Sequence[Watched]) -> dict[int, WatchedView]:
        contents = await self._contents.of_ids({row.content_id for row in rows}) if rows else {}
        found = {}
        for row in rows:
            on = row.until_ms is None
            found[row.id] = WatchedView(
                content=contents.get(row.content_id),
                from_at=moment(row.from_ms),
                until_at=None if row.until_ms is None else moment(row.until_ms),
                guests=await guests_between(row.party_id, row.from_ms, None) if on else row.guests,
            )
        return found


def moment(ms: int) -> datetime:
    """A moment of the watch-party clock as it is shown."""
    return datetime.fromtimestamp(ms / 1_000, UTC)


async def _watched_among(party_ids: Sequence[int]) -> dict[int, int]:
    """How many things parties have played, by party. One query."""
    if not party_ids:
        return {}
    rows = await db.rows(
        "SELECT party_id, COUNT(*) AS things FROM party_watched "  # noqa: S608 - numbers
        f"WHERE party_id IN ({','.join(f'{one:d}' for one in party_ids)}) GROUP BY party_id"
    )
    return {row["party_id"]: row["things"] for row in rows}
