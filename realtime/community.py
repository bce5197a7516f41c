"""The namespace ``/community``: rooms of communities and their discussions, live.

A client that comes into a room may be sent events before the ack of ``join-room``: it holds them until it has the ack,
and then applies what is above ``head_seq``. After ``reset`` in an answer to ``sync`` it joins anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from mypick.community import commands, events, views
from mypick.community.desk.streams import PREFIX as DESK
from mypick.community.discussions.reading import STREAMS
from mypick.community.service import Communities
from mypick.community.streams import (
    COMMUNITY,
    COMMUNITY_CHANGED,
    CREATED,
    DELETED,
    EDITED,
    MODE,
    PINNED,
    PREFIX,
    PREVIEWED,
    REACTED,
    ROLE,
    SANCTIONED,
    room_of,
)
from mypick.community.terms import commands as term_commands
from mypick.community.terms import views as term_views
from mypick.control import Eviction
from mypick.errors import Code, DomainError
from mypick.search.commands import SearchTexts
from mypick.streams import Position
from realtime.connection import Connection
from realtime.desk import DESK_EVENTS, DeskCommands
from realtime.discussions import DISCUSSION_EVENTS, WRITE, DiscussionCommands
from realtime.namespace import PRESENCE, Namespace
from realtime.parts import Parts
from realtime.registry import ServerEvent, command


class CommunityNamespace(DiscussionCommands, DeskCommands):
    name = "/community"
    streams = PREFIX
    more_streams = (*STREAMS, DESK)
    above = COMMUNITY
    sends = (
        *Namespace.sends,
        *DISCUSSION_EVENTS,
        ServerEvent(CREATED, events.MessageCreated, True, "Somebody said something; shown as it is now."),
        ServerEvent(EDITED, events.MessageEdited, True, "A message says something else."),
        ServerEvent(DELETED, events.MessageDeleted, True, "A message is a tombstone: no text, reactions or pin."),
        ServerEvent(REACTED, events.ReactionChanged, True, "The reactions to a message, counted anew."),
        ServerEvent(PINNED, events.MessagePinned, True, "A message was pinned, or is no longer."),
        ServerEvent(PREVIEWED, events.PreviewChanged, True, "What is behind a message's link was found, or is gone."),
        ServerEvent(MODE, events.RoomModeChanged, True, "The whole mode of the room."),
        ServerEvent(SANCTIONED, events.MemberSanctioned, True, "Somebody was timed out or banned, or it was lifted."),
        ServerEvent(ROLE, events.RoleChanged, True, "People have other roles now; the others keep theirs."),
        ServerEvent(COMMUNITY_CHANGED, events.CommunityChanged, True, "Name, visibility and rooms of a community."),
        *DESK_EVENTS,
        PRESENCE,
        ServerEvent("typing", events.RoomTyping, False, "Somebody types; not in rooms of over 100.", droppable=True),
    )

    def __init__(self, parts: Parts, communities: Communities) -> None:
        super().__init__(parts)
        self.discussions = communities.discussions
        if parts.crowd is None:
            raise RuntimeError(f"{self.name} tells how many are in a room, and nobody counts")
        self._communities, self._crowd = communities, parts.crowd

    async def may_read(self, conn: Connection, stream: str) -> bool:
        if stream in conn.streams:
            return True
        if stream.startswith(STREAMS):
            return await self.discussions.reading.may_read(conn.actor, stream)
        if stream.startswith(DESK):
            return await self._communities.desk.may_read(conn.actor, stream)
        return await self._communities.reading.may_read(conn.actor, stream)

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> Sequence[Eviction]:
        talks = [seat for seat in members if seat[0].startswith(STREAMS)]
        desks = [seat for seat in members if seat[0].startswith(DESK)]
        rooms = [seat for seat in members if not seat[0].startswith((*STREAMS, DESK))]
        return [
            *(await self._communities.reading.evicted_among(rooms) if rooms else ()),
            *(await self.discussions.reading.evicted_among(talks) if talks else ()),
            *(await self._communities.desk.evicted_among(desks) if desks else ()),
        ]

    @command("join-room", limit="socket.sync")
    async def join_room(self, conn: Connection, cmd: commands.JoinRoom) -> views.RoomJoined:
        """Come into a room: what was missed since a seq, or the newest messages."""
        stream = room_of(cmd.room_id)
        joined: list[views.RoomJoined] = []

        async def read() -> tuple[Position, views.RoomJoined]:
            return await self._communities.reading.join(conn.actor, cmd.room_id, cmd.epoch, cmd.after_seq)

        await self.members.join(conn, stream, read, joined.append)
        if not joined:
            raise DomainError(Code.CONFLICT, "the room was left meanwhile: join again")
        return joined[-1].model_copy(update={"online": await self._crowd.count(stream)})

    @command("leave-room")
    async def leave_room(self, conn: Connection, cmd: commands.LeaveRoom) -> views.Nothing:
        """Hear no more of a room."""
        await self.members.leave(conn, room_of(cmd.room_id))
        return views.Nothing()

    @command("history", limit="socket.sync")
    async def history(self, conn: Connection, cmd: commands.History) -> views.HistoryPage:
        """Read the messages before a seq."""
        return await self._communities.reading.history(conn.actor, cmd.room_id, cmd.before_seq, cmd.limit)

    @command("search", limit="search")
    async def search(self, conn: Connection, cmd: SearchTexts) -> views.SearchPage:
        """Find messages and discussions that one may read, the newest first."""
        return views.SearchPage.of(await self._communities.search.search(conn.actor, cmd))

    @command("send-message", scope=WRITE)
    async def send_message(self, conn: Connection, cmd: commands.SendMessage) -> views.MessageSent:
        """Say something in a room."""
        return await self._communities.messages.send(conn.actor, cmd)

    @command("edit-message", scope=WRITE)
    async def edit_message(self, conn: Connection, cmd: commands.EditMessage) -> views.Edited:
        """Change what one has said."""
        return await self._communities.edits.edit(conn.actor, cmd)

    @command("delete-message", scope=WRITE)
    async def delete_message(self, conn: Connection, cmd: commands.DeleteMessage) -> views.Done:
        """Take back one's own words, or a moderator somebody's."""
        return await self._communities.edits.delete(conn.actor, cmd)

    @command("react", scope=WRITE)
    async def react(self, conn: Connection, cmd: commands.React) -> views.Done:
        """Put an emoji on a message or take it back."""
        return await self._communities.reactions.react(conn.actor, cmd)

    @command("pin-message", scope=WRITE)
    async def pin_message(self, conn: Connection, cmd: commands.PinMessage) -> views.Done:
        """Pin a message to its room or take it off."""
        return await self._communities.marks.pin(conn.actor, cmd)

    @command("mark-read", scope=WRITE)
    async def mark_read(self, conn: Connection, cmd: commands.MarkRead) -> views.Nothing:
        """Everything up to a seq was seen."""
        return await self._communities.marks.mark_read(conn.actor, cmd)

    @command("typing", limit="community.typing", scope=WRITE, acked=False)
    async def typing(self, conn: Connection, cmd: commands.Typing) -> views.Nothing:
        """Let the others in the room see that one types."""
        stream = room_of(cmd.room_id)
        if stream not in conn.streams:
            raise DomainError(Code.NOT_MEMBER, "join the room first")
        online = await self._crowd.count(stream)
        await self._communities.marks.typing(conn.actor, cmd.room_id, online=online, socket=conn.sid)
        return views.Nothing()

    @command("timeout-member", scope=WRITE)
    async def timeout_member(self, conn: Connection, cmd: commands.TimeoutMember) -> views.Done:
        """Let somebody only read for a while."""
        return await self._communities.moderation.timeout(conn.actor, cmd)

    @command("ban-member", scope=WRITE)
    async def ban_member(self, conn: Connection, cmd: commands.BanMember) -> views.Done:
        """Put somebody out of the community."""
        return await self._communities.moderation.ban(conn.actor, cmd)

    @command("unban-member", scope=WRITE)
    async def unban_member(self, conn: Connection, cmd: commands.UnbanMember) -> views.Done:
        """Lift a ban, and a timeout with it."""
        return await self._communities.moderation.unban(conn.actor, cmd)

    @command("set-room-mode", scope=WRITE)
    async def set_room_mode(self, conn: Connection, cmd: commands.SetRoomMode) -> views.Done:
        """Change the mode of a room."""
        return await self._communities.moderation.set_mode(conn.actor, cmd)

    @command("report-message", scope=WRITE)
    async def report_message(self, conn: Connection, cmd: commands.ReportMessage) -> views.Done:
        """Tell the moderators of a message that should not be there."""
        return await self._communities.reports.report(conn.actor, cmd)

    @command("set-term", scope=WRITE)
    async def set_term(self, conn: Connection, cmd: term_commands.SetTerm) -> term_views.TermSet:
        """Block, hold or allow a term."""
        return await self._communities.terms.set(conn.actor, cmd)

    @command("remove-term", scope=WRITE)
    async def remove_term(self, conn: Connection, cmd: term_commands.RemoveTerm) -> term_views.TermRemoved:
        """Let a term be as if nobody had set it."""
        return await self._communities.terms.remove(conn.actor, cmd)

    @command("set-term-lists", scope=WRITE)
    async def set_term_lists(self, conn: Connection, cmd: term_commands.SetTermLists) -> term_views.TermLists:
        """Switch on or off the lists of terms that come with the server."""
        return await self._communities.terms.set_lists(conn.actor, cmd)

    @command("try-text", limit="socket.sync")
    async def try_text(self, conn: Connection, cmd: term_commands.TryText) -> term_views.TextTried:
        """Ask what a text would come to, without sending it. For moderators."""
        return await self._communities.terms.try_text(conn.actor, cmd)

    @command("decide-held", scope=WRITE)
    async def decide_held(self, conn: Connection, cmd: commands.DecideHeld) -> views.Done:
        """Let what is held through, a message, discussion or comment, or throw it away."""
        return await self._communities.held.decide(conn.actor, cmd)
