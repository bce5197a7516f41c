"""The namespace ``/watch-party``: playing a video for many, in step.

A client that joins may be sent events before the ack of ``join-party``: it holds them until it has the ack, and then
applies what is above ``head_seq``. After ``reset`` in an answer to ``sync`` it joins anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import orjson
from pydantic import BaseModel

from mypick.control import Eviction
from mypick.errors import Code, DomainError, invalid
from mypick.streams import Frame, Position
from mypick.watchparty import commands, views
from mypick.watchparty.chat.reactions import PART
from mypick.watchparty.service import WatchParties
from mypick.watchparty.streams import (
    GATE,
    HOST_CHANGED,
    MEMBER_JOINED,
    MEMBER_LEFT,
    PARTY_CHANGED,
    PREFIX,
    TIMELINE,
    party_id_of,
    party_stream,
)
from mypick.watchparty.watchers import Watchers
from realtime.connection import Connection
from realtime.engine.messages import Message
from realtime.membership import Crowd
from realtime.namespace import Namespace
from realtime.parts import Parts
from realtime.partylife import PARTY_LIFE_EVENTS, PartyLifeCommands
from realtime.registry import ServerEvent, command
from realtime.roundtrips import RoundTrips

WRITE = "watch-party:write"
HOST_PING = 3.0  # seconds: of a lease of ten, three may be lost
GUEST_PING = 10.0


class WatchPartyNamespace(PartyLifeCommands):
    name = "/watch-party"
    streams = PREFIX
    timed = frozenset({TIMELINE})
    sends = (
        *Namespace.sends,
        ServerEvent(TIMELINE, views.TimelineView, True, "What is played from a stated moment on."),
        ServerEvent(HOST_CHANGED, views.HostChanged, True, "Somebody else hosts; what is played goes on."),
        ServerEvent(MEMBER_JOINED, views.MemberJoined, True, "Somebody came; not told while over 100 are there."),
        ServerEvent(MEMBER_LEFT, views.MemberLeft, True, "Somebody left who was told of, or was put out."),
        ServerEvent(PARTY_CHANGED, views.PartyChanged, True, "Title, visibility, policy or roles are others now."),
        ServerEvent(
            GATE, views.GateState, False, "How many are ready while the party waits to start.", droppable=True
        ),
        ServerEvent(
            "presence", views.PartyPresence, False, "How many people are there; at most one each 2 s.", droppable=True
        ),
        *PARTY_LIFE_EVENTS,
    )

    def __init__(self, parts: Parts, parties: WatchParties) -> None:
        self.parties = parties
        super().__init__(parts)

    def crowd(self) -> Crowd | None:
        """Who is there is counted, and known to the parties of this node."""
        if self.parts.crowd is None:
            raise RuntimeError(f"{self.name} sends presence, and nobody counts")
        return _PartyCrowd(self.parts.crowd, self.parties.watchers)

    def presence(self, room: str, online: int) -> BaseModel:
        return views.PartyPresence(party_id=party_id_of(room) or 0, online=online)

    def message(self, frame: Frame) -> Message:
        """What is told to those here is known here."""
        if frame.seq is not None and frame.type in (TIMELINE, HOST_CHANGED):
            data = orjson.loads(frame.body)["data"]
            self.parties.watchers.saw(frame.stream, frame.type, frame.seq, data)
            if frame.type == HOST_CHANGED:
                self.parties.telemetry.host_changed(frame.stream)
                self._look_after(frame.stream, data["host_id"])
        return super().message(frame)

    def took(self, frame: Frame) -> bool:
        """Reactions of other nodes are added to those of this one."""
        if frame.type != PART:
            return False
        self.parties.reactions.heard(frame)
        return True

    def handed_out(self, frame: Frame, took_ms: float) -> None:
        super().handed_out(frame, took_ms)
        self.parties.telemetry.fanned_out(frame.stream, took_ms)

    async def may_read(self, conn: Connection, stream: str) -> bool:
        return stream in conn.streams or await self.parties.reading.may_read(conn.actor, stream)

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> Sequence[Eviction]:
        places = [(party_id_of(stream) or 0, user_id) for stream, user_id in members]
        return await self.parties.members.evicted_among(places)

    @command("join-party", limit="socket.sync")
    async def join_party(self, conn: Connection, cmd: commands.JoinParty) -> views.PartyJoined:
        """Come into a party: what it plays, who is there, and what was missed since a seq."""
        party_id, invite_id = self._named(cmd)
        stream, user_id, watchers = party_stream(party_id), conn.actor.user_id, self.parties.watchers
        joined: list[views.PartyJoined] = []

        async def read() -> tuple[Position, views.PartyJoined]:
            return await self.parties.reading.join(conn.actor, party_id, cmd.epoch, cmd.after_seq)

        watchers.coming(party_id, user_id)
        try:
            await self.parties.members.enter(conn.actor, party_id, invite_id)
            await self.members.join(conn, stream, read, joined.append)
        finally:
            watchers.came(party_id, user_id)
        if not joined:
            raise DomainError(Code.CONFLICT, "the party was left meanwhile: join again")
        reply = joined[-1]
        watchers.know(stream, reply.party.host.id if reply.party.host else None, reply.timeline)
        watchers.heard(stream, user_id, self.parts.shared.now_ms())
        self._measure(conn)
        return reply

    def _named(self, cmd: commands.JoinParty) -> tuple[int, int | None]:
        """The party, and the invite to it."""
        if cmd.invite is None:
            return cmd.party_id or 0, None
        signed = self.parties.invites.read(cmd.invite)
        if cmd.party_id not in (None, signed.party_id):
            raise invalid("this invite is to another party: leave party_id out", field="invite")
        return signed.party_id, signed.invite_id

    def _look_after(self, stream: str, host_id: int) -> None:
        """The new host's lease needs signs of life more often than a guest gives them: the first at once."""
        for conn in self.parts.connections.of_user(host_id):
            if conn.namespace == self.name and stream in conn.streams:
                self._measure(conn)

    def _measure(self, conn: Connection) -> None:
        """Let the delay to this client be known while it is in parties, and its host's life."""
        watchers, shared, user_id = self.parties.watchers, self.parts.shared, conn.actor.user_id

        def told(seconds: float) -> None:
            now = shared.now_ms()
            for stream in conn.streams:
                watchers.measured(stream, seconds * 500, now)
                watchers.heard(stream, user_id, now)

        def wait() -> float:
            if not conn.streams:
                return math.inf
            return HOST_PING if watchers.hosts(conn.streams, user_id) else GUEST_PING

        conn.member.session.measure(RoundTrips(self._monotonic, told, wait))

    @command("leave-party")
    async def leave_party(self, conn: Connection, cmd: commands.LeaveParty) -> views.Nothing:
        """Go. Other sockets of the same person stay."""
        await self.members.leave(conn, party_stream(cmd.party_id))
        await self.parties.members.leave(conn.actor, cmd.party_id)
        return views.Nothing()

    @command("control", limit="party.control", scope=WRITE)
    async def control(self, conn: Connection, cmd: commands.Steer) -> views.Steered:
        """Play, pause, seek, change the rate or load other content. CONFLICT where ``base_seq`` is old; its
        ``details.timeline`` is the current one."""
        return await self.parties.playing.steer(conn.actor, cmd)

    @command("ready", limit="party.ready")
    async def ready(self, conn: Connection, cmd: commands.Ready) -> views.Nothing:
        """Say how one's player is: a party that waits starts when the host and most guests are ready."""
        await self.parties.playing.ready(conn.actor, cmd)
        return views.Nothing()

    @command("report", limit="party.report")
    def report(self, conn: Connection, cmd: commands.Report) -> views.Nothing:
        """Say how far one is off. It is only measured."""
        self.parties.reports.take(conn.actor, cmd)
        return views.Nothing()

    @command("transfer-host", scope=WRITE)
    async def transfer_host(self, conn: Connection, cmd: commands.TransferHost) -> views.Done:
        """Give the party to somebody who is there."""
        return await self.parties.hosts.transfer(conn.actor, cmd)

    @command("claim-host", scope=WRITE)
    async def claim_host(self, conn: Connection, cmd: commands.ClaimHost) -> views.Done:
        """Take back the party that one lost in the last minute."""
        return await self.parties.hosts.claim(conn.actor, cmd)

    @command("kick-member", scope=WRITE)
    async def kick_member(self, conn: Connection, cmd: commands.KickMember) -> views.Done:
        """Put somebody out of the party, or ban them from it."""
        return await self.parties.members.kick(conn.actor, cmd)


class _PartyCrowd:
    """Tells both who counts people over all nodes, and who keeps the parties of this one."""

    def __init__(self, crowd: Crowd, watchers: Watchers) -> None:
        self._crowd, self._watchers = crowd, watchers

    def joined(self, room: str, user_id: int) -> None:
        self._watchers.joined(room, user_id)
        self._crowd.joined(room, user_id)

    def left(self, room: str, user_id: int) -> None:
        self._watchers.left(room, user_id)
        self._crowd.left(room, user_id)

    async def count(self, room: str) -> int:
        return await self._crowd.count(room)

    def moved(self, room: str) -> None:
        self._crowd.moved(room)

    def look_again(self) -> None:
        self._crowd.look_again()
