"""Reading parties: one, lists of them, who is there, and what somebody gets who comes in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import Q, Subquery

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import queries as communities
from mypick.community.policy import Standing
from mypick.content.service import Contents
from mypick.content.views import ContentView
from mypick.errors import DomainError, not_found
from mypick.gathering import Gathering
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Event, Position, Streams
from mypick.streams.store import MAX_PAGE
from mypick.watchparty import policy, seats
from mypick.watchparty.chat.showing import Said
from mypick.watchparty.entry.attending import attending
from mypick.watchparty.entry.models import PartyAttendance
from mypick.watchparty.hosts import member_of
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.person import Person
from mypick.watchparty.queue.showing import Queues
from mypick.watchparty.queue.views import QueueItemView
from mypick.watchparty.streams import PARTY_CHANGED, party_id_of, party_stream
from mypick.watchparty.turn import Turns, timeline_of
from mypick.watchparty.views import (
    CurrentTimeline,
    MemberView,
    PartyBrief,
    PartyDetails,
    PartyJoined,
    PartyView,
    PolicyView,
)

LISTED = 100  # members in the answer to join-party: as many as events tell of
_LIST, _MEMBERS = "watch-parties", "party-members"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A party as all see it."""

    row: WatchParty
    view: PartyView
    members: list[MemberView]
    online: int
    queue: list[QueueItemView]
    messages: list[dict[str, Any]]


class Reading:
    def __init__(
        self, turns: Turns, streams: Streams, contents: Contents, queues: Queues, said: Said, clock: Clock
    ) -> None:
        self._queues = queues
        self._said = said
        self._turns = turns
        self._streams = streams
        self._contents = contents
        self._clock = clock
        self._snapshots = Gathering(self._snapshots_of)
        self._members = Gathering(_members_among)
        streams.store.render(PARTY_CHANGED, _changed)

    async def may_read(self, actor: Actor, stream: str) -> bool:
        """Whether the stream is a party's that the actor may be in."""
        party_id = party_id_of(stream)
        if party_id is None:
            return False
        try:
            await self.entered(actor, party_id)
        except DomainError:
            return False
        return True

    async def entered(self, actor: Actor, party_id: int) -> tuple[WatchParty, PartyMember | None]:
        """The party and the actor's place in it; refused where they may not be there."""
        party = await WatchParty.get_or_none(id=party_id)
        if party is None:
            raise not_found("party")
        member = await member_of(party_id, actor.user_id)
        standing = await self.standing(party, actor.user_id)
        policy.require_entry(party, member, standing, actor.user_id, actor.role)
        return party, member

    async def standing(self, party: WatchParty, user_id: int) -> Standing | None:
        """Somebody's in the community of a party's creator, where that decides whether they may come."""
        if party.visibility != "community":
            return None
        return (await communities.standings(self._clock, party.creator_id, [user_id])).get(user_id)

    async def details(self, actor: Actor, party_id: int) -> PartyDetails:
        party, member = await self.entered(actor, party_id)
        (view,) = await self._views([party])
        online = await seats.online([party_id], self._turns.now_ms())
        known = member is not None or party.host_id == actor.user_id
        return PartyDetails(
            **dict(view),
            timeline=current(party),
            role=policy.role_of(party, member, actor.user_id).word if known else None,
            online=online.get(party_id, 0),
            attending=(await attending([party_id])).get(party_id, 0),
            attends=await PartyAttendance.exists(party_id=party_id, user_id=actor.user_id),
            reclaim_until_ms=party.reclaim_until_ms if party.former_host_id == actor.user_id else None,
        )

    async def parties(
        self,
        actor: Actor,
        cursor: str | None,
        limit: int,
        *,
        mine: bool = False,
        live: bool = False,
        creator_id: int | None = None,
    ) -> Page[PartyBrief]:
        """Parties that are not over, the newest first: public ones, or those that the actor opened, hosts or was asked
        to; with ``live`` only those that somebody hosts at this moment."""
        query = WatchParty.filter(ended_at=None)
        if creator_id is not None:
            query = query.filter(creator_id=creator_id)
        if mine:
            own = PartyMember.filter(user_id=actor.user_id, banned_at=None, invited=True).values("party_id")
            query = query.filter(Q(host_id=actor.user_id) | Q(created_by=actor.user_id) | Q(id__in=Subquery(own)))
        else:
            query = query.filter(visibility="public")
        if live:
            query = query.filter(host_until_ms__gt=round(self._turns.now_ms()))
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__lt=before)
        rows = await query.order_by("-id").limit(limit + 1)
        briefs = {brief.id: brief for brief in await self.briefs(rows[:limit])}
        return page_of(rows, limit, lambda row: briefs[row.id], lambda row: encode_cursor(_LIST, row.id))

    async def briefs(self, rows: Sequence[WatchParty]) -> list[PartyBrief]:
        """Parties as lists have them, in this order. Four queries."""
        if not rows:
            return []
        online = await seats.online([row.id for row in rows], self._turns.now_ms())

        def show(row: WatchParty, view: PartyView) -> PartyBrief:
            status: Any = row.status
            return PartyBrief(**dict(view), status=status, online=online.get(row.id, 0))

        return [show(row, view) for row, view in zip(rows, await self._views(rows), strict=True)]

    async def members(self, actor: Actor, party_id: int, cursor: str | None, limit: int) -> Page[MemberView]:
        """Who is there, in the order in which they came."""
        party, _ = await self.entered(actor, party_id)
        query = PartyMember.filter(party_id=party_id, present=True)
        if cursor is not None:
            since, last = decode_cursor(cursor, _MEMBERS, int, int)
            query = query.filter(Q(since_ms__gt=since) | Q(since_ms=since, id__gt=last))
        rows = await query.order_by("since_ms", "id").limit(limit + 1)
        names = await people.people(row.user_id for row in rows)

        def show(row: PartyMember) -> MemberView:
            return _member(party, row, names)

        return page_of(rows, limit, show, lambda row: encode_cursor(_MEMBERS, row.since_ms or 0, row.id))

    async def join(
        self, actor: Actor, party_id: int, epoch: str | None, after_seq: int | None
    ) -> tuple[Position, PartyJoined]:
        """What a client gets that comes in, and the position up to whose head it is true at least. The party, its
        timeline and its members are of now; ``events`` is what was missed."""
        position = await self._streams.store.position(party_stream(party_id))  # first: what follows is never older
        answer: dict[str, Any] = {
            "stream": position.key,
            "epoch": position.epoch,
            "head_seq": position.head_seq,
            "floor_seq": position.floor_seq,
            "reset": after_seq is None,
            "events": [],
            "more": False,
        }
        if after_seq is not None:
            answer = await self._streams.store.resume(position.key, epoch, after_seq, MAX_PAGE)
        snapshot = await self._snapshots.get(party_id)
        if snapshot is None:
            raise not_found("party")
        member = await self._members.get((party_id, actor.user_id))
        if member is None or not member.present:  # put out since it was let in
            raise not_found("party")
        return position, PartyJoined.model_construct(
            **answer,
            party=snapshot.view,
            timeline=current(snapshot.row),
            members=snapshot.members,
            online=snapshot.online,
            queue=snapshot.queue,
            own_votes=await self._queues.own_votes(party_id, actor.user_id) if snapshot.queue else [],
            messages=snapshot.messages,
            role=policy.role_of(snapshot.row, member, actor.user_id).word,
        )

    async def _snapshots_of(self, party_ids: Sequence[int]) -> dict[int, _Snapshot]:
        rows = await WatchParty.filter(id__in=list(party_ids))
        views = await self._views(rows)
        queues, said = await self._queues.of(party_ids), await self._said.newest(party_ids)
        found = {}
        for row, view in zip(rows, views, strict=True):
            present = PartyMember.filter(party_id=row.id, present=True)
            first = Q(role="cohost") | Q(user_id=row.host_id)
            leading = await present.filter(first).order_by("since_ms", "id").limit(LISTED)
            others = await present.exclude(first).order_by("since_ms", "id").limit(LISTED - len(leading))
            members = [*sorted(leading, key=lambda one: one.user_id != row.host_id), *others]
            names = await people.people(member.user_id for member in members)
            online = await present.count()
            shown = [_member(row, member, names) for member in members]
            found[row.id] = _Snapshot(row, view, shown, online, queues[row.id], said[row.id])
        return found

    async def _views(self, rows: Sequence[WatchParty]) -> list[PartyView]:
        contents = await self._contents.of_ids({row.content_id for row in rows})
        names = await people.people(row.host_id for row in rows)
        return [_view(row, contents, names) for row in rows]


def current(row: WatchParty) -> CurrentTimeline:
    return CurrentTimeline(**timeline_of(row).named())


def _view(row: WatchParty, contents: Mapping[int, ContentView], names: Mapping[int, Any]) -> PartyView:
    visibility: Any = row.visibility
    control: Any = row.may_control
    queue: Any = row.may_queue
    invite: Any = row.may_invite
    content = contents.get(row.content_id)
    return PartyView(
        id=row.id,
        title=row.title or (content.title if content else ""),  # whoever called it something may be erased
        visibility=visibility,
        creator_id=row.creator_id,
        policy=PolicyView(control=control, queue=queue, invite=invite),
        host=Person(**names[row.host_id]) if row.host_id in names else None,
        content=content,
        capacity=row.capacity,
        autoplay=row.autoplay,
        starts_at=row.starts_at,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _member(party: WatchParty, row: PartyMember, names: Mapping[int, Any]) -> MemberView:
    person = names.get(row.user_id) or {"id": row.user_id, "name": "", "avatar_url": None}
    return MemberView(user=Person(**person), role=policy.role_of(party, row, row.user_id).word, since_ms=row.since_ms)


async def _members_among(places: Collection[tuple[int, int]]) -> dict[tuple[int, int], PartyMember]:
    parties, users = {party for party, _ in places}, {user for _, user in places}
    rows = await PartyMember.filter(party_id__in=list(parties), user_id__in=list(users))
    return {(row.party_id, row.user_id): row for row in rows}


async def _changed(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """The data of ``party-changed`` events, with titles as they are now. One query."""
    ids = [party_id_of(event.stream) for event in events]
    titles = dict(await WatchParty.filter(id__in=list(set(ids))).values_list("id", "title"))
    return [{**event.data, "title": titles.get(party_id, "")} for event, party_id in zip(events, ids, strict=True)]
