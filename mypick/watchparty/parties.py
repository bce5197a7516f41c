"""Opening parties, changing and ending them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from tortoise.expressions import Q

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import queries as communities
from mypick.content.service import Contents
from mypick.errors import Code, DomainError, invalid
from mypick.ids import Ids
from mypick.streams import Append, Event, NewEvent, Streams
from mypick.watchparty import policy
from mypick.watchparty.commands import ChangeParty, OpenParty
from mypick.watchparty.entry.doors import require_time
from mypick.watchparty.entry.invites import retitle
from mypick.watchparty.entry.models import PartyAttendance
from mypick.watchparty.entry.reminders import Reminders
from mypick.watchparty.hosts import changed, member_of
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.playable import Videos
from mypick.watchparty.playing import Playing
from mypick.watchparty.reading import Reading
from mypick.watchparty.streams import PARTY_CHANGED, TIMELINE, party_stream
from mypick.watchparty.timeline import new_timeline
from mypick.watchparty.turn import Turn, Turns, columns_of
from mypick.watchparty.views import Ended, PartyDetails

MAX_TITLE = 150  # characters, as the column has it
ABANDONED_MS = 12 * 3_600_000
ENDED_AT_ONCE = 200  # in one round; the rest waits for the next
MAX_OWN = 20  # parties of one person that are not over

Look = Callable[[], Awaitable[None]]
"""Lets every node look at once who may still be where."""


class Parties:
    """``capacity`` is the most that a party of this server may have."""

    def __init__(
        self,
        turns: Turns,
        playing: Playing,
        reading: Reading,
        streams: Streams,
        contents: Contents,
        videos: Videos,
        *,
        clock: Clock,
        ids: Ids,
        look: Look,
        reminders: Reminders,
        capacity: int,
    ) -> None:
        self._turns = turns
        self._playing = playing
        self._reading = reading
        self._streams = streams
        self._contents = contents
        self._videos = videos
        self._clock = clock
        self._ids = ids
        self._look = look
        self._reminders = reminders
        self._capacity = capacity

    async def open(self, actor: Actor, command: OpenParty) -> PartyDetails:
        """A new party, at the beginning of a video. ``FULL`` for whoever has too many that are not over; for an address
        as ``Videos.content_of`` says."""
        require_time(command.starts_at, self._clock.now())
        self._require_capacity(command.capacity)
        content_id = command.content_id or await self._videos.content_of(actor, command.url or "")
        content = await self._playing.playable(content_id)
        shown = (await self._contents.of_ids([content_id]))[content_id]
        creator_id, title = shown.creator.id, command.title or shown.title[:MAX_TITLE]
        if command.visibility == "community":
            await self._require_belonging(creator_id, actor)
        if await WatchParty.filter(created_by=actor.user_id, ended_at=None).count() >= MAX_OWN:
            raise DomainError(Code.FULL, f"{MAX_OWN} of your parties are not over: end one first")
        party_id, now = await self._ids.one(), self._clock.now()
        timeline = new_timeline(content, self._turns.now_ms())
        stream = party_stream(party_id)

        async def decide() -> Sequence[NewEvent]:
            return [NewEvent(stream, TIMELINE, timeline.wire(), actor_id=actor.user_id)]

        def rows(events: Sequence[Event]) -> list[WatchParty | PartyMember | PartyAttendance]:
            columns = columns_of(timeline) | {"timeline_epoch": events[0].epoch, "timeline_seq": events[0].seq}
            party = WatchParty(
                id=party_id,
                title=title,
                visibility=command.visibility,
                creator_id=creator_id,
                may_control=command.policy.control,
                may_queue=command.policy.queue,
                may_invite=command.policy.invite,
                host_id=actor.user_id,
                capacity=command.capacity or self._capacity,
                autoplay=command.autoplay,
                starts_at=command.starts_at,
                created_by=actor.user_id,
                created_at=now,
                **columns,
            )
            member = PartyMember(party_id=party_id, user_id=actor.user_id, invited=True, created_at=now)
            if command.starts_at is None:
                return [party, member]
            return [party, member, PartyAttendance(party_id=party_id, user_id=actor.user_id, created_at=now)]

        async def remind(_: Sequence[Event]) -> None:
            if command.starts_at is not None:
                await self._reminders.arm(party_id, command.starts_at)

        await self._streams.append(Append(streams=[stream], decide=decide, rows=rows, effect=remind))
        return await self._reading.details(actor, party_id)

    async def change(self, actor: Actor, party_id: int, command: ChangeParty) -> PartyDetails:
        """Change what the party is. Who may no longer be there is put out; a smaller party puts nobody out."""
        narrower: list[bool] = []
        self._require_capacity(command.capacity)

        async def decide(turn: Turn) -> None:
            await self._require_host(turn, actor, "change the party")
            policy.require_open(turn.row)
            changes = {name: value for name, value in command.changes().items() if getattr(turn.row, name) != value}
            narrower[:] = [changes.get("visibility", "public") != "public"]
            if changes.get("visibility") == "community":
                await self._require_belonging(turn.row.creator_id, actor)
            if changes.get("starts_at"):
                require_time(changes["starts_at"], self._clock.now())
                await self._reminders.arm(party_id, changes["starts_at"])
            if "title" in changes:
                changes["titled_by"] = actor.user_id
                await retitle(party_id, changes["title"])
            if changes:
                turn.set(**changes)
                turn.tell(PARTY_CHANGED, changed(turn.row, []), actor.user_id)

        await self._turns.take(party_id, decide)
        if any(narrower):
            await self._look()
        return await self._reading.details(actor, party_id)

    async def end(self, actor: Actor, party_id: int) -> Ended:
        """The party is over, for good. Twice is no error."""
        ended: list[Ended] = []

        async def decide(turn: Turn) -> None:
            if actor.role == "fan":
                await self._require_host(turn, actor, "end the party")
            if turn.row.ended_at is None:
                turn.set(ended_at=self._clock.now(), host_until_ms=None, reclaim_until_ms=None)
                turn.move(turn.timeline.end(turn.now_ms, "party-ended"), actor.user_id)
            ended[:] = [Ended(ended_at=turn.row.ended_at)]

        await self._turns.take(party_id, decide)
        return ended[0]

    async def _require_belonging(self, creator_id: int, actor: Actor) -> None:
        standing = (await communities.standings(self._clock, creator_id, [actor.user_id])).get(actor.user_id)
        if not policy.belongs(standing):
            raise DomainError(Code.NOT_MEMBER, "only members open parties for the community: join it first")

    def _require_capacity(self, capacity: int | None) -> None:
        if capacity is not None and capacity > self._capacity:
            raise invalid(f"a party of this server has at most {self._capacity} places", field="capacity")

    async def end_abandoned(self) -> int:
        """End parties that nobody has been in for half a day; how many. Those that were never opened stand, and those
        whose time is yet to come."""
        before = round(self._turns.now_ms()) - ABANDONED_MS
        begun = Q(starts_at=None) | Q(starts_at__lt=self._clock.now() - timedelta(milliseconds=ABANDONED_MS))
        empty = WatchParty.filter(begun, ended_at=None, opened_at__isnull=False, host_until_ms=None)
        found = await empty.order_by("id").limit(ENDED_AT_ONCE).values_list("id")
        ended = 0
        for (party_id,) in found:

            async def decide(turn: Turn) -> None:
                members = PartyMember.filter(party_id=turn.row.id)
                if turn.row.ended_at or await members.filter(Q(present=True) | Q(left_ms__gt=before)).exists():
                    return
                turn.set(ended_at=self._clock.now(), reclaim_until_ms=None)
                turn.move(turn.timeline.end(turn.now_ms, "party-ended"))

            ended += len((await self._turns.take(party_id, decide)).events)
        return ended

    async def _require_host(self, turn: Turn, actor: Actor, what: str) -> None:
        party = turn.row
        member, standing = await member_of(party.id, actor.user_id), await self._reading.standing(party, actor.user_id)
        policy.require_entry(party, member, standing, actor.user_id, actor.role)
        policy.require_host(policy.role_of(party, member, actor.user_id), what)
