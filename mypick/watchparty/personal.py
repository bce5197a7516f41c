"""What watch parties hold of a person: that they were there, what they said, and what they asked for.

Messages become tombstones one event each, so that open clients see it and replays tell it; what they added to queues
goes with an event as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from mypick.clock import Clock
from mypick.ids import Ids
from mypick.personal.contribution import Contribution, Rows, Section, Step, bury_by_place, by_id, delete_batch
from mypick.streams import Append, Event, NewEvent, Streams
from mypick.watchparty.chat.messages import erase
from mypick.watchparty.chat.models import PartyMessage
from mypick.watchparty.entry.invites import retitle
from mypick.watchparty.entry.models import PartyAttendance, PartyInvite
from mypick.watchparty.hosts import changed
from mypick.watchparty.models import PartyMember, PartySeat, WatchParty
from mypick.watchparty.queue.advance import drop
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.streams import MESSAGE_DELETED, PARTY_CHANGED, QUEUE_CHANGED, party_stream

AT_ONCE = 100  # messages in one transaction: the party stands still for some 50 ms

_COLUMNS = {
    "watch_party": {"host_id", "former_host_id", "created_by", "titled_by"},  # it is its people's, and goes on
    "party_member": {"user_id"},
    "party_seat": {"user_id"},
    "party_invite": {"actor_id"},  # lets nobody in any more; that it was there stays
    "party_attendance": {"user_id"},
    "party_queue_item": {"added_by"},
    "party_queue_vote": {"user_id"},
    "party_message": {"author_id"},
}


class PartyData:
    def __init__(self, streams: Streams, *, clock: Clock, ids: Ids) -> None:
        self._streams = streams
        self._clock = clock
        self._ids = ids

    def contribution(self) -> Contribution:
        return Contribution(
            "watch parties",
            {table: frozenset(columns) for table, columns in _COLUMNS.items()},
            sections=_SECTIONS,
            steps=[
                Step("party messages", self._messages),
                Step("party queues", self._queue_items),
                Step("party votes", _votes),
                Step("party invites", self._invites),
                Step("party attendance", _attendance),
                Step("party titles", self._titles),
                Step("seats", _seats),
                Step("party memberships", _memberships),
            ],
        )

    async def _messages(self, user_id: int, after: int) -> int | None:
        said = PartyMessage.filter(author_id=user_id)
        return await bury_by_place(said, after, "party_id", AT_ONCE, partial(self._bury, user_id))

    async def _bury(self, user_id: int, party_id: int, message_ids: list[int]) -> None:
        event_ids, now, stream = await self._ids.take(len(message_ids)), self._clock.now(), party_stream(party_id)

        async def decide() -> Sequence[NewEvent]:
            left = await PartyMessage.filter(id__in=message_ids, deleted_at=None).order_by("id").values_list("id")
            return [
                NewEvent(
                    stream,
                    MESSAGE_DELETED,
                    {"message_id": message_id, "by_moderator": False},
                    ref=message_id,
                    actor_id=user_id,
                    id=event_id,
                )
                for (message_id,), event_id in zip(left, event_ids, strict=False)
            ]

        async def effect(events: Sequence[Event]) -> None:
            if events:
                await erase([event.data["message_id"] for event in events], now)

        await self._streams.append_alone(Append(streams=[stream], decide=decide, effect=effect))

    async def _queue_items(self, user_id: int, _: int) -> int | None:
        """One party in a transaction."""
        row = await QueueItem.filter(added_by=user_id).order_by("id").first()
        if row is None:
            return None

        async def decide() -> Sequence[NewEvent]:
            mine = QueueItem.filter(party_id=row.party_id, added_by=user_id).order_by("id")
            ids = [one[0] for one in await mine.values_list("id")]
            if not ids:
                return ()
            await drop(ids)
            return [NewEvent(party_stream(row.party_id), QUEUE_CHANGED, {"action": "removed", "item_ids": ids})]

        await self._streams.append_alone(Append(streams=[party_stream(row.party_id)], decide=decide))
        return 0

    async def _titles(self, user_id: int, _: int) -> int | None:
        """What they called parties, there and where people were asked to come; shown as their videos are from now on.
        Open pages are told. One party in a transaction."""
        row = await _named_by(user_id).exclude(title="").order_by("id").first()
        if row is None:
            return None

        async def decide() -> Sequence[NewEvent]:
            party = await WatchParty.get(id=row.id)
            if party.titled_by not in (None, user_id):
                return ()  # somebody has called it something else meanwhile
            await WatchParty.filter(id=row.id).update(title="")
            await retitle(row.id, "")
            return () if party.ended_at else [NewEvent(party_stream(row.id), PARTY_CHANGED, changed(party, []))]

        await self._streams.append_alone(Append(streams=[party_stream(row.id)], decide=decide))
        return 0

    async def _invites(self, user_id: int, _: int) -> int | None:
        await PartyInvite.filter(actor_id=user_id, revoked_at=None).update(revoked_at=self._clock.now())
        return None


async def _votes(user_id: int, _: int) -> int | None:
    """Who voted is forgotten; the numbers stand, as of any vote whose items go soon."""
    return await delete_batch(QueueVote.filter(user_id=user_id))


async def _attendance(user_id: int, _: int) -> int | None:
    return await delete_batch(PartyAttendance.filter(user_id=user_id))


async def _seats(user_id: int, _: int) -> int | None:
    return await delete_batch(PartySeat.filter(user_id=user_id))


async def _memberships(user_id: int, _: int) -> int | None:
    return await delete_batch(PartyMember.filter(user_id=user_id))


def _been(user_id: int) -> AsyncIterator[Rows]:
    return by_id(PartyMember.filter(user_id=user_id), ("id", "party_id", "role", "invited", "created_at"))


def _named_by(user_id: int) -> QuerySet[WatchParty]:
    return WatchParty.filter(Q(titled_by=user_id) | Q(titled_by=None, created_by=user_id))


def _opened(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "title", "visibility", "content_id", "starts_at", "created_at", "ended_at")
    return by_id(WatchParty.filter(Q(created_by=user_id) | Q(titled_by=user_id)), columns)


def _said(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "party_id", "text", "content_id", "position_ms", "created_at", "deleted_at")
    return by_id(PartyMessage.filter(author_id=user_id), columns)


def _queued(user_id: int) -> AsyncIterator[Rows]:
    return by_id(QueueItem.filter(added_by=user_id), ("id", "party_id", "content_id", "added_at", "votes"))


def _voted(user_id: int) -> AsyncIterator[Rows]:
    return by_id(QueueVote.filter(user_id=user_id), ("id", "item_id"))


def _coming(user_id: int) -> AsyncIterator[Rows]:
    return by_id(PartyAttendance.filter(user_id=user_id), ("id", "party_id", "created_at"))


def _invited(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "party_id", "max_uses", "uses", "expires_at", "revoked_at", "created_at")
    return by_id(PartyInvite.filter(actor_id=user_id), columns)


_SECTIONS = (
    Section("watch-parties", "watch parties that you opened or named", "열거나 이름을 지은 같이 보기", _opened),
    Section("watch-parties-joined", "watch parties that you were in", "참여한 같이 보기", _been),
    Section("watch-party-messages", "what you said in watch parties", "같이 보기에서 한 말", _said),
    Section("watch-party-queue", "videos of yours that wait in watch parties", "같이 보기 대기열에 넣은 영상", _queued),
    Section("watch-party-votes", "your votes for what is played next", "다음 영상에 한 투표", _voted),
    Section("watch-party-attendance", "watch parties that you will come to", "가기로 한 같이 보기", _coming),
    Section("watch-party-invites", "invites that you made", "만든 같이 보기 초대 링크", _invited),
)
