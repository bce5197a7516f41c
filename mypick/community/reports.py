"""Reports: what readers think should not be there, and what moderators make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import ReportMessage
from mypick.community.desk.commands import DecideReports
from mypick.community.desk.touches import Touches
from mypick.community.desk.verdicts import open_weight, require_verdict, settle, weight_for
from mypick.community.desk.views import Dismissed, ReportView
from mypick.community.desk.weights import HIDE_AT
from mypick.community.discussions.indexing import together
from mypick.community.discussions.reports import PostReports, Reported, is_post, reported
from mypick.community.edits import erase
from mypick.community.indexing import hide_message, indexed, is_found
from mypick.community.logbook import note
from mypick.community.mentions import forget_text, quote_anew
from mypick.community.models import Community, Message, Report
from mypick.community.policy import Action, Role
from mypick.community.reading import brief_of
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Standings
from mypick.community.streams import DELETED, EDITED, room_of
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.search.index import put
from mypick.streams import Append, Event, NewEvent, Streams

MAX_OPEN = 50  # reports of one person in one community that nobody has dealt with
_LIST = "reports"


class Reports:
    """A report is of no stream: it is between who reports and the moderators."""

    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        touches: Touches,
        posts: PostReports,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._streams = streams
        self._posts = posts
        self._touches = touches
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
            message = await Message.get(id=command.message_id)
            if message.deleted_at:
                raise DomainError(Code.GONE, "this message was deleted")
            if message.author_id == actor.user_id:
                raise DomainError(Code.FORBIDDEN, "this message is your own: delete it")
            if await Report.filter(message_id=message.id, reporter_id=actor.user_id).exists():
                return ()
            community_id = place.community.id
            mine = Report.filter(community_id=community_id, reporter_id=actor.user_id, outcome=None)
            if await mine.count() >= MAX_OPEN:
                raise DomainError(Code.FULL, f"{MAX_OPEN} reports of yours are open: let the moderators catch up")
            await Report.create(
                id=report_id,
                community_id=community_id,
                message_id=message.id,
                reporter_id=actor.user_id,
                reason=command.reason,
                weight=await weight_for(community_id, actor.user_id, standing.role),
                created_at=now,
            )
            await self._touches.touch(community_id, "report", message.id)
            if not await self._hides(message, community_id):
                return ()
            await Message.filter(id=message.id).update(hidden_at=now)
            await forget_text([message.id])
            await hide_message(message)
            # shown as it is now: without its text
            return [NewEvent(room_of(room_id), EDITED, {}, ref=message.id)]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                await Message.filter(id=command.message_id).update(changed_seq=event.seq)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else None}

        done = await self._streams.append(
            Append(
                streams=[room_of(room_id)],
                decide=decide,
                effect=effect,
                receipt=receipt(actor, "report-message", command),
                reply=reply,
            )
        )
        self._touches.wake()
        return Done(**done.reply)

    async def _hides(self, message: Message, community_id: int) -> bool:
        """Whether the reports take the message from view. Never one of those who run the community: otherwise a crowd
        could silence them."""
        if message.hidden_at or await open_weight(message.id) < HIDE_AT * 100:
            return False
        site_role = await people.site_role_of(message.author_id) or "fan"
        author = await self._standings.target(community_id, message.author_id, site_role)
        return author.role < Role.MODERATOR

    async def decide(self, actor: Actor, command: DecideReports) -> Done:
        """End the reports of a message: it is deleted, or stands and is in view again. The first decision holds; where
        nothing waits any more it is ``CONFLICT``. Those of a discussion or comment go to ``PostReports``."""
        if await is_post(command.message_id):
            return await self._posts.decide(actor, command)
        done, _ = await self._end(actor, command.message_id, command.agree, command)
        return done

    async def dismiss(self, actor: Actor, message_id: int) -> Dismissed:
        """Let a message stand, and close its reports. Twice is no error."""
        _, closed = await self._end(actor, message_id, False, None)
        return Dismissed(dismissed=closed)

    async def _end(
        self, actor: Actor, message_id: int, agree: bool, command: DecideReports | None
    ) -> tuple[Done, int]:
        room_id = await self._rooms.room_of_message(message_id)
        now, entry_id = self._clock.now(), await self._ids.one()
        closed: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            closed[:] = [0]
            place, standing = await self._standings.locked(room_id, actor)
            policy.require_entry(standing, place.community.visibility)
            policy.require_voice(standing, now)
            message, community_id = await Message.get(id=message_id), place.community.id
            require_verdict(standing, message.author_id)
            own = message.author_id == actor.user_id
            if agree and not own:
                site_role = await people.site_role_of(message.author_id) or "fan"
                target = await self._standings.target(community_id, message.author_id, site_role)
                policy.require(standing, Action.DELETE, target)
            waits = await Report.filter(message_id=message_id, outcome=None).exists()
            if not waits and (command is not None or message.hidden_at is None):  # who reported may have been erased
                if command is not None:
                    raise DomainError(Code.CONFLICT, "no report of it waits: somebody was quicker")
                return ()
            closed[:] = [(await settle(community_id, [message_id], agreed=agree)).get(message_id, 0)]
            await self._touches.touch(community_id, "report", message_id)
            await note(
                entry_id,
                community_id,
                actor,
                "delete-message" if agree else "dismiss-reports",
                now,
                room_id=room_id,
                user_id=message.author_id,
                message_id=message_id,
                reason=command.reason if command else None,
                details={"reports": closed[0]},
            )
            if agree:
                data = {"message_id": message_id, "by_moderator": not own}
                return [NewEvent(room_of(room_id), DELETED, data, ref=message_id, actor_id=actor.user_id)]
            if message.hidden_at is None:
                return ()
            await Message.filter(id=message_id).update(hidden_at=None)
            await quote_anew(message_id, message.text, place.community, place.room.kind)
            if is_found(place.room.kind):
                await put([indexed(message, community_id)])
            return [NewEvent(room_of(room_id), EDITED, {}, ref=message_id, actor_id=actor.user_id)]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                if agree:
                    await erase([message_id], now, event.seq)
                else:
                    await Message.filter(id=message_id).update(changed_seq=event.seq)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else None}

        key = None if command is None else receipt(actor, "decide-reports", command)
        done = await self._streams.append(
            Append(streams=[room_of(room_id)], decide=decide, effect=effect, receipt=key, reply=reply)
        )
        self._touches.wake()
        return Done(**done.reply), closed[0] if closed else 0

    async def list(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[ReportView]:
        """Reports that nobody has dealt with, the oldest first."""
        community = await Community.get_or_none(id=community_id)
        if community is None:
            raise policy.absent()
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.DECIDE_REPORTS, self._clock.now())
        query = Report.filter(community_id=community_id, outcome=None)
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        messages = await Message.filter(id__in=[row.message_id for row in rows if row.kind == "message"])
        found = await reported([row.message_id for row in rows if row.kind != "message"])
        found |= {row.id: Reported(row.author_id, "", row.text, 0, row.hidden_at is not None) for row in messages}
        names = await people.people({row.reporter_id for row in rows} | {one.author_id for one in found.values()})

        def show(row: Report) -> ReportView:
            one = found[row.message_id]
            kind: Any = row.kind
            return ReportView(
                id=row.id,
                kind=kind,
                message_id=row.message_id,
                discussion_id=one.discussion_id or None,
                author=brief_of(names, one.author_id),
                text=together(one.title, one.text),
                reporter=brief_of(names, row.reporter_id),
                reason=row.reason,
                created_at=row.created_at,
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))
