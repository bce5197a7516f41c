"""``/discussions`` and ``/comments``: discussions without a socket, and the first paint of pages."""

from __future__ import annotations

import secrets
from typing import Annotated

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.community import WRITE, WRITING, Why
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.desk.views import Dismissed
from mypick.community.discussions.commands import (
    MAX_TOP,
    TOP,
    CommentSort,
    CreateComment,
    CreateDiscussion,
    DecideHeldPost,
    DeleteComment,
    DeleteDiscussion,
    DiscussionSort,
    EditComment,
    EditDiscussion,
    FollowDiscussion,
    LockDiscussion,
    MarkDiscussionRead,
    NewComment,
    NewCommentText,
    NewDecision,
    NewDiscussion,
    NewDiscussionText,
    NewFollow,
    NewReadMarker,
    NewReport,
    NewVote,
    PinDiscussion,
    ReadComments,
    ReadDiscussions,
    ReportComment,
    ReportDiscussion,
    VoteComment,
    VoteDiscussion,
)
from mypick.community.discussions.service import Discussions
from mypick.community.discussions.views import (
    CommentInContext,
    CommentView,
    DiscussionAt,
    DiscussionBrief,
    Followed,
    HeldPostView,
    PostSent,
    Voted,
)
from mypick.community.views import Done, Edited, Nothing
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page

TAG = "discussions"
READING = (Code.BANNED, Code.NOT_MEMBER)
VOTING = (*READING, Code.TIMED_OUT, Code.GONE)

Order = Annotated[DiscussionSort, Field(description="hot: votes and age; top-…: votes on what began in that time")]
CommentOrder = Annotated[CommentSort, Field(description="best: the share of votes up, more certain with more votes")]
Top = Annotated[int, Field(ge=1, le=MAX_TOP, description="comments at the top of one page")]


def _cid() -> str:
    """What may be done twice and changes nothing needs no name of the client's."""
    return secrets.token_hex(16)


class DiscussionsRoute(ApiView):
    """What routes of discussions call."""

    @property
    def discussions(self) -> Discussions:
        return self.parts.communities.discussions


class DiscussionsView(DiscussionsRoute):
    @rules("listDiscussions", tag=TAG, scope="read", errors=READING)
    async def get(
        self, community_id: PathId, /, sort: Order = "hot", cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[DiscussionBrief]]:
        """Discussions of a community. The first page has pinned ones before it, beyond its limit."""
        command = ReadDiscussions(community_id=community_id, sort=sort, cursor=cursor, limit=limit)
        page = await self.discussions.reading.page(self.actor, command)
        return page_reply(Page(items=page.discussions, next_cursor=page.next_cursor, limit=limit))

    @rules("createDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.FULL))
    async def post(self, community_id: PathId, /, command: NewDiscussion) -> r201[PostSent]:
        """Begin a discussion."""
        new = CreateDiscussion(community_id=community_id, **command.model_dump())
        return reply(await self.discussions.posts.create(self.actor, new), 201)


class DiscussionRoute(DiscussionsRoute):
    @rules("getDiscussion", tag=TAG, scope="read", errors=READING)
    async def get(self, discussion_id: PathId, /) -> r200[DiscussionAt]:
        """One discussion without its comments, and where its stream stands."""
        return reply(await self.discussions.reading.one(self.actor, discussion_id))

    @rules("editDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.CONFLICT, Code.FULL))
    async def patch(self, discussion_id: PathId, /, command: NewDiscussionText) -> r200[Edited]:
        """Change title and text of one's own."""
        edit = EditDiscussion(discussion_id=discussion_id, **command.model_dump())
        return reply(await self.discussions.edits.edit_discussion(self.actor, edit))

    @rules("deleteDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, discussion_id: PathId, /, reason: Why = None) -> r200[Done]:
        """Take back one's own, or a moderator somebody's. Twice is no error."""
        delete = DeleteDiscussion(discussion_id=discussion_id, reason=reason, cid=_cid())
        return reply(await self.discussions.edits.delete_discussion(self.actor, delete))


class CommentsView(DiscussionsRoute):
    @rules("listComments", tag=TAG, scope="read", errors=READING)
    async def get(
        self, discussion_id: PathId, /, sort: CommentOrder = "best", cursor: Cursor = None, limit: Top = TOP
    ) -> r200[Page[CommentView]]:
        """Comments under a discussion, each with its first replies."""
        command = ReadComments(discussion_id=discussion_id, sort=sort, cursor=cursor, limit=limit)
        page = await self.discussions.reading.comments(self.actor, command)
        return page_reply(Page(items=page.comments, next_cursor=page.next_cursor, limit=limit))

    @rules("createComment", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.FULL))
    async def post(self, discussion_id: PathId, /, command: NewComment) -> r201[PostSent]:
        """Say something in a discussion, or answer a comment."""
        new = CreateComment(discussion_id=discussion_id, **command.model_dump())
        return reply(await self.discussions.posts.comment(self.actor, new), 201)


class CommentRoute(DiscussionsRoute):
    @rules("getComment", tag=TAG, scope="read", errors=READING)
    async def get(self, comment_id: PathId, /) -> r200[CommentInContext]:
        """One comment, what it answers, and its first replies."""
        return reply(await self.discussions.reading.in_context(self.actor, comment_id))

    @rules("editComment", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.CONFLICT, Code.FULL))
    async def patch(self, comment_id: PathId, /, command: NewCommentText) -> r200[Edited]:
        """Change one's own words."""
        edit = EditComment(comment_id=comment_id, **command.model_dump())
        return reply(await self.discussions.edits.edit_comment(self.actor, edit))

    @rules("deleteComment", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, comment_id: PathId, /, reason: Why = None) -> r200[Done]:
        """Take back one's own words, or a moderator somebody's. Twice is no error."""
        delete = DeleteComment(comment_id=comment_id, reason=reason, cid=_cid())
        return reply(await self.discussions.edits.delete_comment(self.actor, delete))


class RepliesView(DiscussionsRoute):
    @rules("listReplies", tag=TAG, scope="read", errors=READING)
    async def get(
        self, comment_id: PathId, /, sort: CommentOrder = "best", cursor: Cursor = None, limit: Top = TOP
    ) -> r200[Page[CommentView]]:
        """Comments under a comment, each with its first replies."""
        page = await self.discussions.reading.replies(self.actor, comment_id, sort, cursor, limit)
        return page_reply(Page(items=page.comments, next_cursor=page.next_cursor, limit=limit))


class DiscussionVoteView(DiscussionsRoute):
    @rules("voteDiscussion", tag=TAG, scope=WRITE, limit="community.vote", idempotent=True, errors=VOTING)
    async def post(self, discussion_id: PathId, /, command: NewVote) -> r200[Voted]:
        """The one vote of the asker from now on. Twice is no error."""
        vote = VoteDiscussion(discussion_id=discussion_id, vote=command.vote, cid=_cid())
        return reply(await self.discussions.votes.vote_discussion(self.actor, vote))


class CommentVoteView(DiscussionsRoute):
    @rules("voteComment", tag=TAG, scope=WRITE, limit="community.vote", idempotent=True, errors=VOTING)
    async def post(self, comment_id: PathId, /, command: NewVote) -> r200[Voted]:
        """The one vote of the asker from now on. Twice is no error."""
        vote = VoteComment(comment_id=comment_id, vote=command.vote, cid=_cid())
        return reply(await self.discussions.votes.vote_comment(self.actor, vote))


class LockView(DiscussionsRoute):
    @rules("lockDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=VOTING)
    async def post(self, discussion_id: PathId, /) -> r200[Done]:
        """Let only moderators comment. Twice is no error."""
        return reply(await self._set(discussion_id, on=True))

    @rules("unlockDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=VOTING)
    async def delete(self, discussion_id: PathId, /) -> r200[Done]:
        """Let everybody comment again. Twice is no error."""
        return reply(await self._set(discussion_id, on=False))

    async def _set(self, discussion_id: int, *, on: bool) -> Done:
        return await self.discussions.desk.lock(
            self.actor, LockDiscussion(discussion_id=discussion_id, on=on, cid=_cid())
        )


class PinView(DiscussionsRoute):
    @rules("pinDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=(*VOTING, Code.FULL))
    async def post(self, discussion_id: PathId, /) -> r200[Done]:
        """Show a discussion above the others. Twice is no error."""
        return reply(await self._set(discussion_id, on=True))

    @rules("unpinDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=VOTING)
    async def delete(self, discussion_id: PathId, /) -> r200[Done]:
        """Show it among the others again. Twice is no error."""
        return reply(await self._set(discussion_id, on=False))

    async def _set(self, discussion_id: int, *, on: bool) -> Done:
        return await self.discussions.desk.pin(
            self.actor, PinDiscussion(discussion_id=discussion_id, on=on, cid=_cid())
        )


class FollowView(DiscussionsRoute):
    @rules("followDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def post(self, discussion_id: PathId, /, command: NewFollow) -> r200[Followed]:
        """Be told of new comments, or mute the discussion."""
        follow = FollowDiscussion(discussion_id=discussion_id, follow=command.follow)
        return reply(await self.discussions.visits.follow(self.actor, follow))


class ReadMarkerView(DiscussionsRoute):
    @rules("markDiscussionRead", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def post(self, discussion_id: PathId, /, command: NewReadMarker) -> r200[Nothing]:
        """Everything up to a seq was seen. A marker never moves back."""
        mark = MarkDiscussionRead(discussion_id=discussion_id, seq=command.seq)
        return reply(await self.discussions.visits.mark_read(self.actor, mark))


class DiscussionReportsView(DiscussionsRoute):
    @rules("reportDiscussion", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.FULL))
    async def post(self, discussion_id: PathId, /, command: NewReport) -> r200[Done]:
        """Tell the moderators of a discussion that should not be there."""
        report = ReportDiscussion(discussion_id=discussion_id, **command.model_dump())
        return reply(await self.discussions.reports.report_discussion(self.actor, report))

    @rules("dismissDiscussionReports", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, discussion_id: PathId, /) -> r200[Dismissed]:
        """Let a reported discussion stand. Twice is no error."""
        return reply(await self.discussions.reports.dismiss_discussion(self.actor, discussion_id))


class CommentReportsView(DiscussionsRoute):
    @rules("reportComment", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.FULL))
    async def post(self, comment_id: PathId, /, command: NewReport) -> r200[Done]:
        """Tell the moderators of a comment that should not be there."""
        report = ReportComment(comment_id=comment_id, **command.model_dump())
        return reply(await self.discussions.reports.report_comment(self.actor, report))

    @rules("dismissCommentReports", tag=TAG, scope=WRITE, idempotent=True, errors=READING)
    async def delete(self, comment_id: PathId, /) -> r200[Dismissed]:
        """Let a reported comment stand. Twice is no error."""
        return reply(await self.discussions.reports.dismiss_comment(self.actor, comment_id))


class HeldPostsView(DiscussionsRoute):
    @rules("listHeldPosts", tag=TAG, scope="read", errors=(*READING, Code.TIMED_OUT))
    async def get(
        self, community_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[HeldPostView]]:
        """Discussions and comments that wait for a moderator's decision, the oldest first. For moderators."""
        return page_reply(await self.discussions.held.list(self.actor, community_id, cursor, limit))


class DecisionView(DiscussionsRoute):
    @rules("decideHeldPost", tag=TAG, scope=WRITE, idempotent=True, errors=(*WRITING, Code.CONFLICT))
    async def post(self, post_id: PathId, /, command: NewDecision) -> r200[Done]:
        """Let a held discussion or comment through, or throw it away."""
        decide = DecideHeldPost(post_id=post_id, **command.model_dump())
        return reply(await self.discussions.held.decide(self.actor, decide))


VIEWS: dict[str, type[ApiView]] = {
    "/communities/{community_id}/discussions": DiscussionsView,
    "/communities/{community_id}/held-posts": HeldPostsView,
    "/discussions/{discussion_id}": DiscussionRoute,
    "/discussions/{discussion_id}/comments": CommentsView,
    "/discussions/{discussion_id}/vote": DiscussionVoteView,
    "/discussions/{discussion_id}/lock": LockView,
    "/discussions/{discussion_id}/pin": PinView,
    "/discussions/{discussion_id}/follow": FollowView,
    "/discussions/{discussion_id}/read": ReadMarkerView,
    "/discussions/{discussion_id}/reports": DiscussionReportsView,
    "/comments/{comment_id}": CommentRoute,
    "/comments/{comment_id}/replies": RepliesView,
    "/comments/{comment_id}/vote": CommentVoteView,
    "/comments/{comment_id}/reports": CommentReportsView,
    "/held-posts/{post_id}/decision": DecisionView,
}
