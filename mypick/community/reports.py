"""Reports: what readers think should not be there, and what moderators make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import ReportMessage
from mypick.community.discussions.reports import reported
from mypick.community.edits import standing_message
from mypick.community.models import Community, Message, ModerationEntry, Report
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Standings
from mypick.community.streams import room_of
from mypick.community.views import Dismissed, Done, ReportView
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, Event, NewEvent, Streams

MAX_OPEN = 50  # reports of one person in one community that nobody has dealt with
_LIST = "reports"


class Reports:
    """A report is of no stream: it is between who reports and the moderators."""

    def __init__(self, streams: Streams, standings: Standings, rooms: Rooms, *, clock: Clock, ids: Ids) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._clock = clock
        self._ids = ids

    async def report(self, actor: Actor, command: ReportMessage) -> Done:
        """Tell the moderators of a message. A second report of the same person changes nothing."""
        room_id = await self._rooms.room_of_message(command.message_id)
        now, report_id = self._clock.now(), await self._ids.one()

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(room_id, actor)
            policy.require_entry(standing, place.community.visibility)
            policy.require(standing, Action.REPORT)
            message = await standing_message(command.message_id)
            if message.author_id == actor.user_id:
                raise DomainError(Code.FORBIDDEN, "this message is your own: delete it")
            if await Report.filter(message_id=message.id, reporter_id=actor.user_id).exists():
                return ()
            mine = Report.filter(community_id=place.community.id, reporter_id=actor.user_id, outcome=None)
            if await mine.count() >= MAX_OPEN:
                raise DomainError(Code.FULL, f"{MAX_OPEN} reports of yours are open: let the moderators catch up")
            await Report.create(
                id=report_id,
                community_id=place.community.id,
                message_id=message.id,
                reporter_id=actor.user_id,
                reason=command.reason,
                created_at=now,
            )
            return ()

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": None}

        done = await self._streams.append(
            Append(
                streams=[room_of(room_id)],
                decide=decide,
                receipt=receipt(actor, "report-message", command),
                reply=reply,
            )
        )
        return Done(**done.reply)

    async def dismiss(self, actor: Actor, message_id: int) -> Dismissed:
        """Let a message stand, and close its reports."""
        room_id = await self._rooms.room_of_message(message_id)
        now, entry_id = self._clock.now(), await self._ids.one()
        closed: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(room_id, actor)
            policy.require_entry(standing, place.community.visibility)
            policy.require_voice(standing, now)
            policy.require(standing, Action.DECIDE_REPORTS)
            closed[:] = [await Report.filter(message_id=message_id, outcome=None).update(outcome="dismissed")]
            if closed[0]:
                message = await Message.get(id=message_id)
                await ModerationEntry.create(
                    id=entry_id,
                    community_id=place.community.id,
                    room_id=room_id,
                    actor_id=actor.user_id,
                    action="dismiss-reports",
                    user_id=message.author_id,
                    message_id=message_id,
                    details={"reports": closed[0]},
                    at=now,
                )
            return ()

        await self._streams.append(Append(streams=[room_of(room_id)], decide=decide))
        return Dismissed(dismissed=closed[0])

    async def list(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[ReportView]:
        """Reports that nobody has dealt with, the oldest first."""
        community = await Community.get_or_none(id=community_id)
        if community is None:
            raise not_found("community")
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_entry(standing, community.visibility)
        policy.require(standing, Action.DECIDE_REPORTS)
        query = Report.filter(community_id=community_id, outcome=None)
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        messages = await Message.filter(id__in=[row.message_id for row in rows if row.kind == "message"])
        found = await reported([row.message_id for row in rows if row.kind != "message"])
        found |= {message.id: (message.author_id, message.text, 0) for message in messages}
        names = await people.people({row.reporter_id for row in rows} | {author for author, _, _ in found.values()})

        def show(row: Report) -> ReportView:
            author_id, text, discussion_id = found[row.message_id]
            kind: Any = row.kind
            return ReportView(
                id=row.id,
                kind=kind,
                message_id=row.message_id,
                discussion_id=discussion_id or None,
                author=brief_of(names, author_id),
                text=text,
                reporter=brief_of(names, row.reporter_id),
                reason=row.reason,
                created_at=row.created_at,
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))
