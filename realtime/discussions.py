"""The part of ``/community`` that is discussions: their list, and each of them."""

from __future__ import annotations

from typing import TypeVar

from mypick.community.discussions import commands, views
from mypick.community.discussions import streams as names
from mypick.community.discussions.service import Discussions
from mypick.community.streams import community_stream
from mypick.community.views import Done, Edited, Nothing
from mypick.errors import Code, DomainError
from mypick.streams import Position
from realtime.connection import Connection
from realtime.namespace import Namespace
from realtime.registry import ServerEvent, command

WRITE = "community:write"

Joined = TypeVar("Joined")

DISCUSSION_EVENTS = (
    ServerEvent(names.CREATED, views.DiscussionCreated, True, "A discussion began. In the stream of the list."),
    ServerEvent(names.EDITED, views.DiscussionEdited, True, "A discussion says something else. In both streams."),
    ServerEvent(names.DELETED, views.DiscussionDeleted, True, "A discussion is a tombstone. In both streams."),
    ServerEvent(names.STATE, views.DiscussionStateChanged, True, "Locked or pinned, or no longer. In both streams."),
    ServerEvent(
        names.ACTIVITY, views.DiscussionActivity, True, "Votes and comments, counted anew; at most one each second and "
        "discussion, in the stream of the list.",
    ),
    ServerEvent(names.COMMENTED, views.CommentCreated, True, "A comment, as it is now."),
    ServerEvent(names.COMMENT_EDITED, views.CommentEdited, True, "A comment says something else."),
    ServerEvent(names.COMMENT_DELETED, views.CommentDeleted, True, "A comment is a tombstone: no text."),
    ServerEvent(
        names.VOTES, views.VotesChanged, True, "Votes on a discussion or a comment, counted anew; at most one each "
        "second and post.",
    ),
    ServerEvent(names.PREVIEWED, views.PostPreviewChanged, True, "What is behind the first link of a post."),
)  # fmt: skip


class DiscussionCommands(Namespace):
    discussions: Discussions

    @command("join-discussions", limit="socket.sync")
    async def join_discussions(
        self, conn: Connection, cmd: commands.JoinDiscussions
    ) -> views.DiscussionsJoined:
        """Hear of the discussions of a community: what was missed since a seq, or the first page."""
        joined: list[views.DiscussionsJoined] = []

        async def read() -> tuple[Position, views.DiscussionsJoined]:
            return await self.discussions.reading.join_list(conn.actor, cmd)

        await self.members.join(conn, community_stream(cmd.community_id), read, joined.append)
        return _last(joined)

    @command("leave-discussions")
    async def leave_discussions(self, conn: Connection, cmd: commands.LeaveDiscussions) -> Nothing:
        """Hear no more of the list."""
        await self.members.leave(conn, community_stream(cmd.community_id))
        return Nothing()

    @command("join-discussion", limit="socket.sync")
    async def join_discussion(self, conn: Connection, cmd: commands.JoinDiscussion) -> views.DiscussionJoined:
        """Read a discussion live: what was missed since a seq, or its first comments."""
        joined: list[views.DiscussionJoined] = []

        async def read() -> tuple[Position, views.DiscussionJoined]:
            return await self.discussions.reading.join(conn.actor, cmd)

        await self.members.join(conn, names.stream_of(cmd.discussion_id), read, joined.append)
        return _last(joined)

    @command("leave-discussion")
    async def leave_discussion(self, conn: Connection, cmd: commands.LeaveDiscussion) -> Nothing:
        """Hear no more of a discussion."""
        await self.members.leave(conn, names.stream_of(cmd.discussion_id))
        return Nothing()

    @command("read-discussions", limit="socket.sync")
    async def read_discussions(self, conn: Connection, cmd: commands.ReadDiscussions) -> views.DiscussionPage:
        """A page of the list."""
        return await self.discussions.reading.page(conn.actor, cmd)

    @command("read-comments", limit="socket.sync")
    async def read_comments(self, conn: Connection, cmd: commands.ReadComments) -> views.CommentPage:
        """A page of comments, each with its first replies."""
        return await self.discussions.reading.comments(conn.actor, cmd)

    @command("create-discussion", scope=WRITE)
    async def create_discussion(self, conn: Connection, cmd: commands.CreateDiscussion) -> views.PostSent:
        """Begin a discussion."""
        return await self.discussions.posts.create(conn.actor, cmd)

    @command("create-comment", scope=WRITE)
    async def create_comment(self, conn: Connection, cmd: commands.CreateComment) -> views.PostSent:
        """Say something in a discussion, or answer a comment."""
        return await self.discussions.posts.comment(conn.actor, cmd)

    @command("edit-discussion", scope=WRITE)
    async def edit_discussion(self, conn: Connection, cmd: commands.EditDiscussion) -> Edited:
        """Change title and text of one's own."""
        return await self.discussions.edits.edit_discussion(conn.actor, cmd)

    @command("edit-comment", scope=WRITE)
    async def edit_comment(self, conn: Connection, cmd: commands.EditComment) -> Edited:
        """Change one's own words."""
        return await self.discussions.edits.edit_comment(conn.actor, cmd)

    @command("delete-discussion", scope=WRITE)
    async def delete_discussion(self, conn: Connection, cmd: commands.DeleteDiscussion) -> Done:
        """Take back one's own discussion, or a moderator somebody's."""
        return await self.discussions.edits.delete_discussion(conn.actor, cmd)

    @command("delete-comment", scope=WRITE)
    async def delete_comment(self, conn: Connection, cmd: commands.DeleteComment) -> Done:
        """Take back one's own words, or a moderator somebody's."""
        return await self.discussions.edits.delete_comment(conn.actor, cmd)

    @command("vote-discussion", limit="community.vote", scope=WRITE)
    async def vote_discussion(self, conn: Connection, cmd: commands.VoteDiscussion) -> views.Voted:
        """Vote a discussion up or down, or take the vote back."""
        return await self.discussions.votes.vote_discussion(conn.actor, cmd)

    @command("vote-comment", limit="community.vote", scope=WRITE)
    async def vote_comment(self, conn: Connection, cmd: commands.VoteComment) -> views.Voted:
        """Vote a comment up or down, or take the vote back."""
        return await self.discussions.votes.vote_comment(conn.actor, cmd)

    @command("lock-discussion", scope=WRITE)
    async def lock_discussion(self, conn: Connection, cmd: commands.LockDiscussion) -> Done:
        """Let only moderators comment, or everybody again."""
        return await self.discussions.desk.lock(conn.actor, cmd)

    @command("pin-discussion", scope=WRITE)
    async def pin_discussion(self, conn: Connection, cmd: commands.PinDiscussion) -> Done:
        """Show a discussion above the others, or no longer."""
        return await self.discussions.desk.pin(conn.actor, cmd)

    @command("follow-discussion", scope=WRITE)
    async def follow_discussion(self, conn: Connection, cmd: commands.FollowDiscussion) -> views.Followed:
        """Be told of new comments, or mute the discussion."""
        return await self.discussions.visits.follow(conn.actor, cmd)

    @command("mark-discussion-read", scope=WRITE)
    async def mark_discussion_read(self, conn: Connection, cmd: commands.MarkDiscussionRead) -> Nothing:
        """Everything up to a seq was seen."""
        return await self.discussions.visits.mark_read(conn.actor, cmd)

    @command("report-discussion", scope=WRITE)
    async def report_discussion(self, conn: Connection, cmd: commands.ReportDiscussion) -> Done:
        """Tell the moderators of a discussion that should not be there."""
        return await self.discussions.reports.report_discussion(conn.actor, cmd)

    @command("report-comment", scope=WRITE)
    async def report_comment(self, conn: Connection, cmd: commands.ReportComment) -> Done:
        """Tell the moderators of a comment that should not be there."""
        return await self.discussions.reports.report_comment(conn.actor, cmd)

    @command("decide-held-post", scope=WRITE)
    async def decide_held_post(self, conn: Connection, cmd: commands.DecideHeldPost) -> Done:
        """Let a held discussion or comment through, or throw it away."""
        return await self.discussions.held.decide(conn.actor, cmd)


def _last(joined: list[Joined]) -> Joined:
    if not joined:
        raise DomainError(Code.CONFLICT, "it was left meanwhile: join again")
    return joined[-1]
