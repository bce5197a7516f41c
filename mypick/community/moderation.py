"""What moderators do: timeouts, bans, the mode of a room, and the log of it all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock, to_wire
from mypick.community import policy
from mypick.community.commands import BanMember, OnMember, SetRoomMode, TimeoutMember, UnbanMember
from mypick.community.desk.purges import Purges
from mypick.community.desk.streams import desk_of
from mypick.community.desk.touches import Touches
from mypick.community.entry.notices import Notices
from mypick.community.logbook import note
from mypick.community.models import Membership, Room, Sanction
from mypick.community.policy import Action, Standing
from mypick.community.rooms import Rooms, hold_all, receipt, streams_of
from mypick.community.standings import Place, Standings
from mypick.community.streams import MODE, SANCTIONED, mode_of, room_of
from mypick.community.views import Done
from mypick.control import Eviction
from mypick.errors import Code, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.streams import Append, Event, NewEvent, Streams

Evict = Callable[[Eviction], Awaitable[None]]
"""Puts somebody's sockets out of a stream on every node."""


class Moderation:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        touches: Touches,
        notices: Notices,
        purges: Purges,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
        evict: Evict,
    ) -> None:
        self._touches = touches
        self._notices = notices
        self._purges = purges
        self._streams = streams
        self._standings = standings
        self._rooms = rooms
        self._clock = clock
        self._ids = ids
        self._jobs = jobs
        self._evict = evict

    async def timeout(self, actor: Actor, command: TimeoutMember) -> Done:
        """Let somebody only read for a while, in all rooms of the community. A later one replaces an earlier one."""
        until = self._clock.now() + timedelta(seconds=command.seconds)
        return await self._sanction(actor, command, Action.TIMEOUT, "timeout", until)

    async def ban(self, actor: Actor, command: BanMember) -> Done:
        """Put somebody out of the community. Nothing of theirs is accepted after the commit, since all rooms are locked
        for it, and their sockets are put out of the rooms on every node."""
        done = await self._sanction(actor, command, Action.BAN, "ban", None)
        community_id = await self._rooms.community_of(command.room_id)
        for stream in (*await streams_of(community_id), desk_of(community_id)):
            await self._evict(Eviction(stream, command.user_id, Code.BANNED, command.reason))
        return done

    async def unban(self, actor: Actor, command: UnbanMember) -> Done:
        """Lift a ban, and a timeout with it. Without either, nothing happens."""
        return await self._sanction(actor, command, Action.BAN, "unban", None)

    async def _sanction(
        self, actor: Actor, command: OnMember, action: Action, kind: str, until: datetime | None
    ) -> Done:
        site_role = await people.site_role_of(command.user_id)
        if site_role is None:
            raise not_found("user")
        community_id = await self._rooms.community_of(command.room_id)
        (entry_id, notice_id, purge_id), now = await self._ids.take(3), self._clock.now()
        purge = command.purge if isinstance(command, BanMember) else None

        async def decide(streams: Sequence[str]) -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(command.room_id, actor)
            require_office(place, standing, now)
            target = await self._standings.target(community_id, command.user_id, site_role)
            policy.require(standing, action, target)
            theirs = Sanction.filter(community_id=community_id, user_id=command.user_id)
            if kind == "unban":
                if not await theirs.delete():
                    return ()
            else:
                await theirs.filter(kind=kind).delete()  # not changed: each may be appealed once
                await Sanction.create(
                    community_id=community_id,
                    user_id=command.user_id,
                    kind=kind,
                    until=until,
                    reason=command.reason,
                    actor_id=actor.user_id,
                    created_at=now,
                )
            if kind == "ban":
                await Membership.filter(community_id=community_id, user_id=command.user_id).delete()
            self._standings.forget()
            if purge is not None:
                # by the clock under the lock: what they said while this waited for it was said before
                moment = self._clock.now()
                await self._purges.write(purge_id, community_id, None, command.user_id, actor, purge, moment)
            if kind != "unban":
                word: Any = kind
                await self._notices.tell(notice_id, command.user_id, word, place.community, now, command.reason)
            data = {"user_id": command.user_id, "kind": kind, "until": None if until is None else to_wire(until)}
            await note(
                entry_id,
                community_id,
                actor,
                kind,
                now,
                room_id=command.room_id,
                user_id=command.user_id,
                reason=command.reason,
                details={} if until is None else {"until": to_wire(until)},
            )
            return [NewEvent(stream, SANCTIONED, data, actor_id=actor.user_id) for stream in streams]

        done = await hold_all(
            self._streams,
            community_id,
            decide,
            receipt=receipt(actor, f"{kind}-member", command),
            reply=lambda events: _seq_in(room_of(command.room_id), events),
        )
        self._notices.wake()
        if purge is not None:
            self._purges.wake()
        return Done(**done.reply)

    async def set_mode(self, actor: Actor, command: SetRoomMode) -> Done:
        """Change the mode of one room."""
        stream, entry_id = await self._rooms.stream_of(command.room_id), await self._ids.one()
        now = self._clock.now()

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(command.room_id, actor)
            require_office(place, standing, now)
            policy.require(standing, Action.SET_MODE)
            changes = command.changes()
            await Room.filter(id=command.room_id).update(**changes)
            self._standings.forget()
            await note(
                entry_id, place.community.id, actor, "set-room-mode", now, room_id=place.room.id, details=changes
            )
            return [NewEvent(stream, MODE, {**mode_of(place.room), **changes}, actor_id=actor.user_id)]

        return await self._append(actor, command, "set-room-mode", [stream], decide)

    async def _append(
        self, actor: Actor, command: Any, name: str, streams: Sequence[str], decide: Any, rows: Any = None
    ) -> Done:
        done = await self._streams.append(
            Append(
                streams=streams,
                decide=decide,
                rows=rows,
                receipt=receipt(actor, name, command),
                reply=lambda events: _seq_in(streams[0], events),
            )
        )
        return Done(**done.reply)


def _seq_in(stream: str, events: Sequence[Event]) -> Mapping[str, Any]:
    return {"seq": next((event.seq for event in events if event.stream == stream), None)}


def require_office(place: Place, standing: Standing, now: datetime) -> None:
    """A moderator who is banned or timed out holds no office."""
    policy.require_entry(standing, place.community.visibility)
    policy.require_voice(standing, now)
