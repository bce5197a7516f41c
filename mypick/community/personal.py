"""What communities hold of a person: what they said, and what they did to what others said.

Erasing goes through the streams of the rooms as every change does, so that open clients see it and replays tell it.
Messages become tombstones one event each: a client knows messages, not authors. A hundred in a transaction, so that a
room stands still for some 50 ms at a time and not for all that somebody said in years.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

from mypick import db
from mypick.clock import Clock
from mypick.community.desk.touches import Touches
from mypick.community.edits import erase
from mypick.community.models import (
    Community,
    HeldMessage,
    Membership,
    Message,
    MessageRevision,
    ModerationEntry,
    Reaction,
    ReadMarker,
    Report,
    Room,
    RoomPace,
    Sanction,
)
from mypick.community.policy import Role
from mypick.community.rooms import streams_of
from mypick.community.standings import Standings
from mypick.community.streams import DELETED, REACTED, reactions_of, room_of
from mypick.ids import Ids
from mypick.personal.contribution import (
    BATCH,
    Contribution,
    Rows,
    Section,
    Step,
    bury_by_place,
    by_id,
    delete_batch,
    earlier_texts,
)
from mypick.streams import Append, Event, NewEvent, Streams

MESSAGES_AT_ONCE = 100

_COLUMNS = {
    "message": {"author_id"},
    "reaction": {"user_id"},
    "pin": {"actor_id"},
    "membership": {"user_id"},
    "sanction": {"user_id", "actor_id"},
    "read_marker": {"user_id"},
    "room_pace": {"user_id"},
    "held_message": {"author_id", "decided_by"},
    "report": {"reporter_id"},
    "moderation_log": {"actor_id", "user_id"},
    "term": {"actor_id"},  # the term is the community's, and stays
}


class CommunityData:
    def __init__(
        self, streams: Streams, standings: Standings, touches: Touches, *, clock: Clock, ids: Ids
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._touches = touches
        self._clock = clock
        self._ids = ids

    def contribution(self) -> Contribution:
        return Contribution(
            "community",
            {table: frozenset(columns) for table, columns in _COLUMNS.items()},
            sections=_SECTIONS,
            steps=[
                Step("messages", self._messages),
                Step("reactions", self._reactions),
                Step("held messages", self._held),
                Step("reports", _reports),
                Step("read markers", _markers),
                Step("paces", _paces),
                Step("memberships", self._memberships),
                Step("reasons", _reasons),
                Step("sanctions", _sanctions),
            ],
        )

    async def _messages(self, user_id: int, after: int) -> int | None:
        said = Message.filter(author_id=user_id)
        return await bury_by_place(said, after, "room_id", MESSAGES_AT_ONCE, partial(self._bury, user_id))

    async def _bury(self, user_id: int, room_id: int, message_ids: list[int]) -> None:
        event_ids, now = await self._ids.take(len(message_ids)), self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            left = await Message.filter(id__in=message_ids, deleted_at=None).order_by("id").values_list("id")
            return [
                NewEvent(
                    room_of(room_id),
                    DELETED,
                    {"message_id": message_id, "by_moderator": False},
                    ref=message_id,
                    actor_id=user_id,
                    id=event_id,
                )
                for (message_id,), event_id in zip(left, event_ids, strict=False)
            ]

        async def effect(events: Sequence[Event]) -> None:
            if not events:
                return
            await erase([event.data["message_id"] for event in events], now, events[-1].seq)
            for event in events:
                await Message.filter(id=event.data["message_id"]).update(changed_seq=event.seq)

        await self._streams.append_alone(Append(streams=[room_of(room_id)], decide=decide, effect=effect))

    async def _reactions(self, user_id: int, _: int) -> int | None:
        rows = await Reaction.filter(user_id=user_id).order_by("id").limit(MESSAGES_AT_ONCE)
        rooms = dict(await Message.filter(id__in=[row.message_id for row in rows]).values_list("id", "room_id"))
        by_room: dict[int, list[Reaction]] = {}
        for row in rows:
            by_room.setdefault(rooms[row.message_id], []).append(row)
        for room_id in sorted(by_room):
            await self._take_back(user_id, room_id, by_room[room_id])
        return 0 if len(rows) == MESSAGES_AT_ONCE else None

    async def _take_back(self, user_id: int, room_id: int, reactions: Sequence[Reaction]) -> None:
        event_ids = await self._ids.take(len(reactions))

        async def decide() -> Sequence[NewEvent]:
            left = await Reaction.filter(id__in=[row.id for row in reactions]).order_by("id")
            await Reaction.filter(id__in=[row.id for row in left]).delete()
            counts = await reactions_of({row.message_id for row in left})
            return [
                NewEvent(
                    room_of(room_id),
                    REACTED,
                    {
                        "message_id": row.message_id,
                        "emoji": row.emoji,
                        "on": False,
                        "reactions": counts.get(row.message_id, []),
                    },
                    ref=row.message_id,
                    actor_id=user_id,
                    id=event_id,
                )
                for row, event_id in zip(left, event_ids, strict=False)
            ]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                await Message.filter(id=event.ref).update(changed_seq=event.seq)

        await self._streams.append_alone(Append(streams=[room_of(room_id)], decide=decide, effect=effect))

    async def _held(self, user_id: int, _: int) -> int | None:
        """What waited goes from the desk as well."""
        async with db.transaction():
            rows = await HeldMessage.filter(author_id=user_id).order_by("id").limit(BATCH)
            await HeldMessage.filter(id__in=[row.id for row in rows]).delete()
            waiting = [row for row in rows if row.status == "waiting"]
            rooms = {row.room_id for row in waiting}
            of = dict(await Room.filter(id__in=list(rooms)).values_list("id", "community_id")) if rooms else {}
            for row in waiting:
                await self._touches.touch(of[row.room_id], "held", row.id)
        self._touches.wake()
        return 0 if len(rows) == BATCH else None

    async def _memberships(self, user_id: int, _: int) -> int | None:
        """One community in a transaction: all its rooms stand still meanwhile. One whose last owner goes belongs to
        nobody: its managers go on running it."""
        row = await Membership.filter(user_id=user_id).order_by("id").first()
        if row is None:
            return None

        async def decide() -> Sequence[NewEvent]:
            await Membership.filter(id=row.id).delete()
            owners = Membership.filter(community_id=row.community_id, rank=Role.OWNER)
            if row.rank == Role.OWNER and not await owners.exists():
                # nobody inherits what they did not ask for: it is claimed, or an admin gives it to somebody
                await Community.filter(id=row.community_id).update(claimed_at=None)
            self._standings.forget()
            return ()

        await self._streams.append_alone(Append(streams=await streams_of(row.community_id), decide=decide))
        return 0


async def _reports(user_id: int, _: int) -> int | None:
    return await delete_batch(Report.filter(reporter_id=user_id))


async def _markers(user_id: int, _: int) -> int | None:
    return await delete_batch(ReadMarker.filter(user_id=user_id))


async def _paces(user_id: int, _: int) -> int | None:
    return await delete_batch(RoomPace.filter(user_id=user_id))


async def _sanctions(user_id: int, _: int) -> int | None:
    return await delete_batch(Sanction.filter(user_id=user_id))


async def _reasons(user_id: int, _: int) -> int | None:
    """What they wrote as moderators, and what moderators wrote of them: people's names stand in such lines. That it was
    done, and when, and by which number, stays in the log."""
    await Sanction.filter(actor_id=user_id, reason__isnull=False).update(reason=None)
    more = None
    for column in ("actor_id", "user_id"):
        told = ModerationEntry.filter(**{column: user_id}, reason__isnull=False)
        ids = [row[0] for row in await told.order_by("id").limit(BATCH).values_list("id")]
        if ids:
            await ModerationEntry.filter(id__in=ids).update(reason=None)
        more = 0 if len(ids) == BATCH else more
    return more


# what a person takes with them


async def _said(user_id: int) -> AsyncIterator[Rows]:
    """Messages with their earlier texts."""
    columns = ("id", "room_id", "text", "rev", "reply_to", "created_at", "edited_at", "deleted_at")
    async for rows in by_id(Message.filter(author_id=user_id), columns):
        edited = MessageRevision.filter(message_id__in=[row["id"] for row in rows if row["rev"] > 1])
        earlier = await earlier_texts(edited, "message_id", ("rev", "text", "replaced_at"))
        yield [{**row, "earlier": earlier.get(row["id"], [])} for row in rows]


def _memberships(user_id: int) -> AsyncIterator[Rows]:
    return by_id(Membership.filter(user_id=user_id), ("id", "community_id", "rank", "joined_at"))


def _waiting(user_id: int) -> AsyncIterator[Rows]:
    return by_id(HeldMessage.filter(author_id=user_id), ("id", "room_id", "text", "status", "created_at"))


def _reacted(user_id: int) -> AsyncIterator[Rows]:
    return by_id(Reaction.filter(user_id=user_id), ("id", "message_id", "emoji", "created_at"))


def _reported(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "message_id", "reason", "created_at", "outcome")
    return by_id(Report.filter(reporter_id=user_id), columns)


def _read(user_id: int) -> AsyncIterator[Rows]:
    return by_id(ReadMarker.filter(user_id=user_id), ("id", "room_id", "seq"))


def _suffered(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "kind", "until", "reason", "created_at")
    return by_id(Sanction.filter(user_id=user_id), columns)


def _moderated(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "room_id", "action", "user_id", "message_id", "reason", "at")
    return by_id(ModerationEntry.filter(actor_id=user_id), columns)


_SECTIONS = (
    Section("messages", "what you said in rooms, with earlier texts", "채팅 메시지와 수정 전 글", _said),
    Section("held-messages", "messages that a moderator looked at first", "운영진이 먼저 확인한 메시지", _waiting),
    Section("reactions", "your reactions", "남긴 반응", _reacted),
    Section("memberships", "communities that you belong to", "가입한 커뮤니티", _memberships),
    Section("read-markers", "how far you have read", "읽은 위치", _read),
    Section("reports", "messages that you reported", "신고한 메시지", _reported),
    Section("sanctions", "timeouts and bans that you have", "받은 제재", _suffered),
    Section("moderation", "what you did as a moderator", "운영진으로서 한 일", _moderated),
)
