"""What is held: moderators decide, authors hear of it, and nothing waits for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise.models import Model

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import DecideHeld
from mypick.community.desk.expiry import AT_ONCE, KEEP
from mypick.community.desk.touches import Touches
from mypick.community.discussions.commands import DecideHeldPost
from mypick.community.discussions.held import HeldPosts
from mypick.community.entry.notices import Notices
from mypick.community.indexing import indexed
from mypick.community.logbook import note
from mypick.community.mentions import Told, tell_about
from mypick.community.models import Community, HeldMessage, Message
from mypick.community.moderation import require_office
from mypick.community.modes import require_standing
from mypick.community.policy import Action
from mypick.community.previewing import PREVIEW, ask_for_preview
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Place, Standings
from mypick.community.streams import CREATED, room_of
from mypick.community.texts import text_hash
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.search.index import new_row
from mypick.streams import Append, Event, NewEvent, Streams


class HeldMessages:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        touches: Touches,
        notices: Notices,
        posts: HeldPosts,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._touches = touches
        self._notices = notices
        self._posts = posts
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    async def decide(self, actor: Actor, command: DecideHeld) -> Done:
        """Let a held message through, as if it were sent now, or throw its text away. Whoever it mentions or answers
        hears of it then; whose message was thrown away is told. A held post, which the desk shows beside it, goes to
        ``HeldPosts``."""
        held = await HeldMessage.get_or_none(id=command.message_id)
        if held is None:
            post = DecideHeldPost(post_id=command.message_id, approve=command.approve, cid=command.cid)
            return await self._posts.decide(actor, post)
        stream, now = await self._rooms.stream_of(held.room_id), self._clock.now()
        entry_id, notice_id, *told_ids = await self._ids.take(4)
        site_role = await people.site_role_of(held.author_id) or "fan"
        community_id = await self._rooms.community_of(held.room_id)
        posted: list[Message] = []
        told = Told(held.id, told_ids)

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(held.room_id, actor)
            require_office(place, standing, now)
            target = await self._standings.target(community_id, held.author_id, site_role)
            policy.require(standing, Action.DECIDE_HELD, target)
            waiting = await HeldMessage.get(id=held.id)
            if waiting.status != "waiting":
                raise DomainError(Code.CONFLICT, f"it was {waiting.status} already")
            if command.approve and target.ban:
                raise DomainError(Code.BANNED, "its author was banned meanwhile: reject it")
            posted[:] = []
            if command.approve:
                require_standing(place)
                told.may_mention, told.anybody = policy.may(target.role, Action.MENTION), False
                posted.append(await self._let_through(waiting, place, told, now))
            else:
                await self._notices.tell(notice_id, held.author_id, "not-shown", place.community, now)
            await self._close(waiting, community_id, "approved" if command.approve else "rejected", now, actor.user_id)
            action = "approve-held" if command.approve else "reject-held"
            on = {"room_id": held.room_id, "user_id": held.author_id, "message_id": held.id}
            await note(entry_id, community_id, actor, action, now, **on)
            return [NewEvent(stream, CREATED, {}, ref=held.id, actor_id=held.author_id, id=held.id) for _ in posted]

        def rows(events: Sequence[Event]) -> list[Model]:
            for message, event in zip(posted, events, strict=True):
                message.seq = message.changed_seq = event.seq
                message.created_at = event.at
            return [*posted, *(new_row(indexed(message, community_id)) for message in posted)]

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else None}

        done = await self._streams.append(
            Append(
                streams=[stream],
                decide=decide,
                rows=rows,
                receipt=receipt(actor, "decide-held", command),
                reply=reply,
            )
        )
        self._touches.wake()
        self._notices.wake()
        if posted:
            self._jobs.wake(PREVIEW)
        return Done(**done.reply)

    async def give_up_old(self) -> int:
        """Throw away what has waited for ``KEEP``, and tell its authors. How many."""
        before = self._clock.now() - KEEP
        old = await HeldMessage.filter(status="waiting", created_at__lt=before).order_by("id").limit(AT_ONCE)
        return sum([await self._give_up(held) for held in old])

    async def _give_up(self, held: HeldMessage) -> bool:
        notice_id, now = await self._ids.one(), self._clock.now()
        community_id = await self._rooms.community_of(held.room_id)
        given_up: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            given_up[:] = []
            waiting = await HeldMessage.get(id=held.id)
            if waiting.status == "waiting":  # a moderator may have been quicker
                community = await Community.get(id=community_id)
                await self._close(waiting, community_id, "expired", now, None)
                await self._notices.tell(notice_id, held.author_id, "not-looked-at", community, now)
                given_up.append(held.id)
            return ()

        await self._streams.append(Append(streams=[room_of(held.room_id)], decide=decide))
        self._touches.wake()
        self._notices.wake()
        return bool(given_up)

    async def _close(
        self, held: HeldMessage, community_id: int, status: str, now: datetime, decided_by: int | None
    ) -> None:
        await HeldMessage.filter(id=held.id).update(text="", status=status, decided_at=now, decided_by=decided_by)
        await self._touches.touch(community_id, "held", held.id)

    async def _let_through(self, held: HeldMessage, place: Place, told: Told, now: datetime) -> Message:
        parent = await Message.get_or_none(id=held.reply_to) if held.reply_to else None
        answered = None if parent is None or parent.deleted_at else parent
        await tell_about(told, held.author_id, held.text, answered, place, jobs=self._jobs, now=now)
        await ask_for_preview(self._jobs, held.id, held.text)  # it is most often held for a link
        return Message(
            id=held.id,
            room_id=held.room_id,
            author_id=held.author_id,
            text=held.text,
            text_hash=text_hash(held.text),
            reply_to=held.reply_to,
            thread_id=None if parent is None else parent.thread_id or parent.id,
        )
