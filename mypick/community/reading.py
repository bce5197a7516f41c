"""Reading: communities, rooms, what was said, what is held, and the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.expressions import Q, Subquery

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.desk.views import HeldView, LogEntryView
from mypick.community.discussions.visits import unread_in
from mypick.community.events import MessageInThread
from mypick.community.models import Community, HeldMessage, Membership, Message, ModerationEntry, Room
from mypick.community.own import timed_out
from mypick.community.policy import Action, Standing
from mypick.community.rooms import MAX_ROOMS
from mypick.community.snapshots import Snapshots, newest
from mypick.community.standings import Standings
from mypick.community.streams import CREATED, MODE_FIELDS, PREFIX, room_of
from mypick.community.unread import unread_among, unread_of
from mypick.community.views import (
    AroundPage,
    CommunityBrief,
    CommunityListed,
    CommunityView,
    HistoryPage,
    PersonBrief,
    RoleName,
    RoomBrief,
    RoomJoined,
    RoomMode,
)
from mypick.control import Eviction
from mypick.errors import DomainError
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Position, Streams
from mypick.streams.store import MAX_PAGE

_LIST, _HELD, _LOG, _THREAD = "communities", "held", "moderation-log", "thread"


class Reading:
    def __init__(self, streams: Streams, standings: Standings, *, clock: Clock) -> None:
        self._streams = streams
        self._standings = standings
        self._clock = clock
        self.snapshots = Snapshots(streams.store)

    # rooms

    async def may_read(self, actor: Actor, stream: str) -> bool:
        """Whether the stream is a room's that the actor may read."""
        number = stream.removeprefix(PREFIX)
        if not (stream.startswith(PREFIX) and number.isascii() and number.isdigit() and stream == room_of(int(number))):
            return False
        try:
            await self._enter(actor, int(number))
        except DomainError:
            return False
        return True

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> list[Eviction]:
        """Those of ``members``, rooms' streams with user ids, who may not be there any more: who was banned, or left a
        community that is not public. Four queries."""
        seats = [(int(stream.removeprefix(PREFIX)), user_id) for stream, user_id in members]
        rooms = await Room.filter(id__in=list({room for room, _ in seats}))
        places, kinds = {row.id: row.community_id for row in rooms}, {room_of(row.id): row.kind for row in rooms}
        communities = {row.id: row for row in await Community.filter(id__in=list(set(places.values())))}
        found = []
        for (stream, user_id), (room_id, _) in zip(members, seats, strict=True):
            if room_id in places:
                found.append((stream, user_id, communities[places[room_id]]))
        standings = await self._standings.of_people([(community.id, user_id) for _, user_id, community in found])
        evictions = []
        for stream, user_id, community in found:
            try:
                policy.require_entry(standings[community.id, user_id], community.visibility)
                policy.require_room(standings[community.id, user_id], kinds[stream])
            except DomainError as refused:
                ban = standings[community.id, user_id].ban
                evictions.append(Eviction(stream, user_id, refused.code, ban.reason if ban else None))
        return evictions

    async def join(
        self, actor: Actor, room_id: int, epoch: str | None, after_seq: int | None
    ) -> tuple[Position, RoomJoined]:
        """What a client gets that comes into a room, and the position up to whose head that is true at least. Who is
        there (``online``) the door knows."""
        room, standing = await self._enter(actor, room_id)
        position = await self._streams.store.position(room_of(room_id))  # first: what follows is never older
        answer: dict[str, Any] = {"reset": True}
        if after_seq is not None:
            answer = await self._streams.store.resume(position.key, epoch, after_seq, MAX_PAGE)
        if answer["reset"]:
            position, answer = await self.snapshots.of(room_id)
            # again, now behind the head: a mode or a timeout that was set in between is told by no later event
            room, standing = await self._enter(actor, room_id)
        shown = [event["id"] for event in answer["events"] if event["type"] == CREATED]
        own = await self.snapshots.own_reactions(actor.user_id, shown)
        return position, RoomJoined.model_construct(
            **answer,
            community_id=room.community_id,
            own_reactions=own,
            role=role_word(standing),
            mode=mode_view(room),
            online=0,
            read_seq=await self.snapshots.read_up_to(actor.user_id, room_id),
            timeout=timed_out(standing),
        )

    async def history(self, actor: Actor, room_id: int, before_seq: int, limit: int) -> HistoryPage:
        """The newest ``limit`` messages before a place, as they are now, the oldest first. The log may be trimmed, the
        messages stay."""
        await self._enter(actor, room_id)
        position = await self._streams.store.position(room_of(room_id))
        messages, more = await newest(room_id, before_seq, limit)
        own = await self.snapshots.own_reactions(actor.user_id, [row.id for row in messages])
        events = await self.snapshots.as_events(messages, position)
        return HistoryPage.model_construct(events=events, own_reactions=own, more=more)

    async def around(self, actor: Actor, room_id: int, seq: int, limit: int) -> AroundPage:
        """Messages around a place, as they are now, the oldest first: up to half of ``limit`` before it, the one there,
        and the rest behind it."""
        await self._enter(actor, room_id)
        position = await self._streams.store.position(room_of(room_id))
        before, more = await newest(room_id, seq, limit // 2)
        rest = limit - len(before)
        behind = await Message.filter(room_id=room_id, seq__gte=seq).order_by("seq").limit(rest + 1)
        here = [*before, *behind[:rest]]
        own = await self.snapshots.own_reactions(actor.user_id, [row.id for row in here])
        events = await self.snapshots.as_events(here, position)
        return AroundPage.model_construct(events=events, own_reactions=own, more=more, more_after=len(behind) > rest)

    async def thread(self, actor: Actor, message_id: int, cursor: str | None, limit: int) -> Page[MessageInThread]:
        """What was answered to a message and to its answers, the oldest first."""
        message = await Message.get_or_none(id=message_id)
        if message is None:
            raise policy.absent()
        await self._enter(actor, message.room_id)
        position = await self._streams.store.position(room_of(message.room_id))
        query = Message.filter(thread_id=message.thread_id or message.id)
        if cursor is not None:
            (after,) = decode_cursor(cursor, _THREAD, int)
            query = query.filter(seq__gt=after)
        rows = await query.order_by("seq").limit(limit + 1)
        events = {event["id"]: event for event in await self.snapshots.as_events(rows[:limit], position)}
        return page_of(
            rows,
            limit,
            lambda row: MessageInThread.model_validate(events[row.id]),
            lambda row: encode_cursor(_THREAD, row.seq),
        )

    async def _enter(self, actor: Actor, room_id: int) -> tuple[Room, Standing]:
        place, standing = await self._standings.read(room_id, actor)
        policy.require_entry(standing, place.community.visibility)
        return place.room, standing

    # communities

    async def community(self, actor: Actor, community_id: int) -> CommunityView:
        row = await Community.get_or_none(id=community_id)
        if row is None:
            raise policy.absent()
        standing = (await self._standings.of_all([row.id], actor))[row.id]
        policy.require_entry(standing, row.visibility)
        listed = Room.filter(community_id=row.id, archived_at=None)
        if not policy.may(standing.role, Action.ENTER_STAFF):
            listed = listed.exclude(kind="staff")
        rooms = await listed.order_by("position", "id").limit(MAX_ROOMS)
        unread = await unread_of(actor.user_id, [room.id for room in rooms])
        heads = [await self._streams.store.position(room_of(room.id)) for room in rooms]
        return CommunityView(
            **brief(row, standing).model_dump(),
            unread_discussions=await unread_in(actor.user_id, community_id),
            rooms=[
                RoomBrief(
                    id=room.id, name=room.name, kind=room.kind, head_seq=head.head_seq, unread=unread.get(room.id, 0)
                )
                for room, head in zip(rooms, heads, strict=True)
            ],
        )

    async def list(
        self, actor: Actor, creator_id: int | None, mine: bool, cursor: str | None, limit: int
    ) -> Page[CommunityListed]:
        """Communities that the actor may know of: all but private ones of others. With what is unread: six queries,
        whatever the number of communities and rooms (see ``MAX_TERMS``)."""
        query = Community.all()
        if creator_id is not None:
            query = query.filter(creator_id=creator_id)
        joined = Membership.filter(user_id=actor.user_id)
        if mine:
            query = query.filter(id__in=Subquery(joined.values("community_id")))
        elif actor.role == "fan":
            query = query.filter(Q(visibility__not="private") | Q(id__in=Subquery(joined.values("community_id"))))
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        standings = await self._standings.of_all([row.id for row in rows], actor)
        unread = await unread_among(actor.user_id, rows[:limit], standings)

        def show(row: Community) -> CommunityListed:
            return CommunityListed(**brief(row, standings[row.id]).model_dump(), unread=unread.get(row.id, 0))

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))

    # for moderators

    async def held(self, actor: Actor, room_id: int, cursor: str | None, limit: int) -> Page[HeldView]:
        """What waits for a decision, the oldest first. For moderators: nobody else learns of it."""
        place, standing = await self._standings.read(room_id, actor)
        policy.require_office(standing, place.community.visibility, Action.READ_HELD, self._clock.now())
        query = HeldMessage.filter(room_id=room_id, status="waiting")
        if cursor is not None:
            (after,) = decode_cursor(cursor, _HELD, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        names = await people.people(row.author_id for row in rows[:limit])

        def show(row: HeldMessage) -> HeldView:
            shown = {name: getattr(row, name) for name in ("id", "text", "cause", "term", "created_at")}
            return HeldView(**shown, author=brief_of(names, row.author_id))

        return page_of(rows, limit, show, lambda row: encode_cursor(_HELD, row.id))

    async def log(
        self,
        actor: Actor,
        community_id: int,
        cursor: str | None,
        limit: int,
        *,
        action: str | None = None,
        actor_id: int | None = None,
        user_id: int | None = None,
    ) -> Page[LogEntryView]:
        """What moderators did, the newest first: all of it, or of one kind, by one of them, to one person."""
        row = await Community.get_or_none(id=community_id)
        if row is None:
            raise policy.absent()
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, row.visibility, Action.READ_LOG, self._clock.now())
        wanted = {"action": action, "actor_id": actor_id, "user_id": user_id}
        query = ModerationEntry.filter(
            community_id=community_id, **{name: value for name, value in wanted.items() if value is not None}
        )
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LOG, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        names = await people.people({one for row in rows[:limit] for one in (row.actor_id, row.user_id) if one})

        def show(row: ModerationEntry) -> LogEntryView:
            return LogEntryView(
                id=row.id,
                actor=brief_of(names, row.actor_id),
                action=row.action,
                user=brief_of(names, row.user_id),
                room_id=row.room_id,
                message_id=row.message_id,
                reason=row.reason,
                details=row.details,
                at=row.at,
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(_LOG, row.id))


def mode_view(room: Room) -> RoomMode:
    return RoomMode(**{name: getattr(room, name) for name in MODE_FIELDS})


def role_word(standing: Standing) -> RoleName | None:
    """None for a guest."""
    if not standing.member and standing.role is policy.Role.NEWCOMER:
        return None
    return standing.role.word  # type: ignore[return-value]  # the words are the names


def brief(row: Community, standing: Standing) -> CommunityBrief:
    visibility: Any = row.visibility
    return CommunityBrief(
        id=row.id, creator_id=row.creator_id, name=row.name, visibility=visibility, role=role_word(standing)
    )


def brief_of(names: Mapping[int, Any], user_id: int | None) -> PersonBrief | None:
    found = names.get(user_id) if user_id is not None else None
    return PersonBrief.model_validate(found) if found else None
