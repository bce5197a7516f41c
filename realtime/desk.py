"""The moderators' desk in the namespace ``/community``: its stream is ``desk:{community}``."""

from __future__ import annotations

from mypick.community.desk import commands, views
from mypick.community.desk.streams import DESK_CHANGED, desk_of
from mypick.community.service import Communities
from mypick.community.views import Done, Nothing
from mypick.errors import Code, DomainError
from mypick.streams import Position
from realtime.connection import Connection
from realtime.namespace import Namespace
from realtime.registry import ServerEvent, command

WRITE = "community:write"

DESK_EVENTS = (
    ServerEvent(DESK_CHANGED, views.DeskChanged, True, "Something waits for moderators, or no longer; who has it."),
)


class DeskCommands(Namespace):
    _communities: Communities

    @command("join-desk", limit="socket.sync")
    async def join_desk(self, conn: Connection, cmd: commands.JoinDesk) -> views.DeskJoined:
        """Come to the desk of a community: how much waits, who deals with what, and what was missed since a seq."""
        joined: list[views.DeskJoined] = []

        async def read() -> tuple[Position, views.DeskJoined]:
            return await self._communities.desk.join(conn.actor, cmd.community_id, cmd.epoch, cmd.after_seq)

        await self.members.join(conn, desk_of(cmd.community_id), read, joined.append)
        if not joined:
            raise DomainError(Code.CONFLICT, "the desk was left meanwhile: join again")
        return joined[-1]

    @command("leave-desk")
    async def leave_desk(self, conn: Connection, cmd: commands.LeaveDesk) -> Nothing:
        """Hear no more of a desk."""
        await self.members.leave(conn, desk_of(cmd.community_id))
        return Nothing()

    @command("claim-item", scope=WRITE)
    async def claim_item(self, conn: Connection, cmd: commands.ClaimItem) -> views.ItemClaimed:
        """Say that one deals with an item of the desk, or no longer."""
        return await self._communities.desk.claim(conn.actor, cmd)

    @command("purge-member", scope=WRITE)
    async def purge_member(self, conn: Connection, cmd: commands.PurgeMember) -> views.PurgeView:
        """Delete what somebody said, a batch at a time; the desk hears how far it has come."""
        return await self._communities.purges.purge(conn.actor, cmd)

    @command("decide-reports", scope=WRITE)
    async def decide_reports(self, conn: Connection, cmd: commands.DecideReports) -> Done:
        """Delete a reported message, discussion or comment, or let it stand."""
        return await self._communities.reports.decide(conn.actor, cmd)
