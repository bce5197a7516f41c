"""What may be asked of discussions and comments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mypick.community.commands import LARGEST_SEQ, Reason, Seq
from mypick.community.texts import message_text
from mypick.wire import MAX_ID, Cid, Command, Id, Text

MAX_TITLE = 150  # code points
MAX_POST = 10_000
MAX_COMMENT = 4_000
MAX_TOP = 30  # comments of one answer that hang under nothing in it
TOP = 20

DiscussionSort = Literal["hot", "new", "top-day", "top-week", "top-all"]
CommentSort = Literal["best", "new", "old"]
VoteWord = Literal["up", "down", "none"]
FollowWord = Literal["none", "following", "muted"]


def _title(text: str) -> str:
    text = message_text(text)
    if "\n" in text or "\t" in text:
        raise ValueError("it has more than one line: write the rest into the text")
    return text


Title = Annotated[str, Field(max_length=MAX_TITLE, examples=["Which concert was the best?"]), AfterValidator(_title)]
PostText = Annotated[
    str, Field(max_length=MAX_POST, description="plain text; <@17> mentions the user 17"), AfterValidator(message_text)
]
CommentText = Annotated[
    str,
    Field(max_length=MAX_COMMENT, description="plain text; <@17> mentions the user 17"),
    AfterValidator(message_text),
]
Rev = Annotated[int, Field(ge=1, le=MAX_ID, description="that the client knows; CONFLICT where there is a newer one")]


class _Join(Command):
    epoch: Text | None = Field(None, max_length=8)
    after_seq: Seq | None = None


class JoinDiscussions(_Join):
    """Hear of the discussions of a community. With ``epoch`` and ``after_seq`` as for ``sync``; without them, or
    where the past cannot be told, the answer is the first page and says ``reset``."""

    community_id: Id
    sort: DiscussionSort = "hot"


class LeaveDiscussions(Command):
    community_id: Id


class JoinDiscussion(_Join):
    """Read a discussion live, as in ``join-discussions``: what is shown first is it with its first comments."""

    discussion_id: Id
    sort: CommentSort = "best"


class LeaveDiscussion(Command):
    discussion_id: Id


class NewDiscussion(Command):
    cid: Cid
    title: Title
    text: PostText


class CreateDiscussion(NewDiscussion):
    community_id: Id


class NewComment(Command):
    cid: Cid
    text: CommentText
    reply_to: Id | None = Field(None, description="a comment of the same discussion")


class CreateComment(NewComment):
    discussion_id: Id


class NewDiscussionText(Command):
    cid: Cid
    title: Title
    text: PostText
    rev: Rev


class EditDiscussion(NewDiscussionText):
    discussion_id: Id


class NewCommentText(Command):
    cid: Cid
    text: CommentText
    rev: Rev


class EditComment(NewCommentText):
    comment_id: Id


class DeleteDiscussion(Command):
    discussion_id: Id
    cid: Cid
    reason: Reason | None = None


class DeleteComment(Command):
    comment_id: Id
    cid: Cid
    reason: Reason | None = None


class NewVote(Command):
    vote: VoteWord = Field(description="the one vote of the asker from now on; none takes it back")


class VoteDiscussion(NewVote):
    discussion_id: Id
    cid: Cid


class VoteComment(NewVote):
    comment_id: Id
    cid: Cid


class LockDiscussion(Command):
    discussion_id: Id
    cid: Cid
    on: bool


class PinDiscussion(LockDiscussion):
    """Show a discussion above the others of its community, or no longer."""


class NewFollow(Command):
    follow: FollowWord = Field(description="muted: hear nothing of it, not even answers")


class FollowDiscussion(NewFollow):
    discussion_id: Id


class NewReadMarker(Command):
    seq: int = Field(ge=0, le=LARGEST_SEQ, description="of the newest event of the discussion that was seen")


class MarkDiscussionRead(NewReadMarker):
    discussion_id: Id


class NewReport(Command):
    reason: Reason
    cid: Cid


class ReportDiscussion(NewReport):
    discussion_id: Id


class ReportComment(NewReport):
    comment_id: Id


class NewDecision(Command):
    approve: bool
    cid: Cid


class DecideHeldPost(NewDecision):
    post_id: Id


class ReadComments(Command):
    """Comments under a discussion, or under one of its comments, with their first replies."""

    discussion_id: Id
    parent_id: Id | None = None
    sort: CommentSort = "best"
    cursor: Text | None = Field(None, max_length=500)
    limit: int = Field(TOP, ge=1, le=MAX_TOP)


class ReadDiscussions(Command):
    """A page of the discussions of a community."""

    community_id: Id
    sort: DiscussionSort = "hot"
    cursor: Text | None = Field(None, max_length=500)
    limit: int = Field(20, ge=1, le=100)
