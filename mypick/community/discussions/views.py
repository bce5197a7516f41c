"""What is shown of discussions and comments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mypick.community.discussions.commands import FollowWord
from mypick.community.events import DurableEvent, LinkPreviewView
from mypick.community.views import PersonBrief, RoleName
from mypick.wire import Instant, View

MyVote = Literal["up", "down"]


class Counts(View):
    score: int = Field(description="ups - downs")
    ups: int
    downs: int


class DiscussionData(Counts):
    """A discussion as everybody sees it in a list."""

    community_id: int
    discussion_id: int
    title: str = Field(description="empty where it was deleted or is hidden")
    excerpt: str = Field(description="the beginning of the text")
    rev: int
    edited_at: Instant | None
    deleted: bool
    hidden: bool = Field(description="reports took it from view; a moderator will look")
    comments: int = Field(description="that are not deleted")
    last_at: Instant = Field(description="of the last comment, or of its own beginning")
    pinned: bool
    locked: bool


class DiscussionText(View):
    discussion_id: int
    title: str
    excerpt: str
    text: str | None = Field(description="null in the stream of the list")
    mentions: list[PersonBrief]
    preview: LinkPreviewView | None = Field(description="of the first link; null in the stream of the list")
    rev: int
    edited_at: Instant | None
    deleted: bool
    hidden: bool = Field(description="reports took it from view; a moderator will look")


class CommentText(View):
    comment_id: int
    text: str = Field(description="plain text, as it is now; empty where the comment was deleted or is hidden")
    rev: int
    edited_at: Instant | None
    deleted: bool
    hidden: bool = Field(description="reports took it from view; a moderator will look")
    mentions: list[PersonBrief]
    preview: LinkPreviewView | None = Field(description="of the first link; null while it is not known")


class CommentData(CommentText, Counts):
    discussion_id: int
    parent_id: int | None = Field(description="under which it hangs; null at the top")
    reply_to: int | None = Field(description="which it answers; another than the parent where the tree is deepest")
    depth: int
    replies: int = Field(description="that hang under it, deleted ones too")


class DiscussionGone(View):
    discussion_id: int
    by_moderator: bool


class CommentGone(View):
    comment_id: int
    by_moderator: bool


class DiscussionState(View):
    discussion_id: int
    locked: bool
    pinned: bool


class Activity(Counts):
    discussion_id: int
    comments: int
    last_at: Instant


class VotesData(Counts):
    discussion_id: int
    comment_id: int | None = Field(description="null for the discussion itself")


class PostPreviewData(View):
    discussion_id: int
    comment_id: int | None = Field(description="null for the discussion itself")
    preview: LinkPreviewView | None


class DiscussionCreated(DurableEvent):
    data: DiscussionData


class DiscussionEdited(DurableEvent):
    data: DiscussionText


class DiscussionDeleted(DurableEvent):
    data: DiscussionGone


class DiscussionStateChanged(DurableEvent):
    data: DiscussionState


class DiscussionActivity(DurableEvent):
    data: Activity


class CommentCreated(DurableEvent):
    data: CommentData


class CommentEdited(DurableEvent):
    data: CommentText


class CommentDeleted(DurableEvent):
    data: CommentGone


class VotesChanged(DurableEvent):
    data: VotesData


class PostPreviewChanged(DurableEvent):
    data: PostPreviewData


class DiscussionBrief(DiscussionData):
    """With what the asker has to do with it."""

    author: PersonBrief | None
    created_at: Instant
    my_vote: MyVote | None
    follow: FollowWord
    unread: int | None = Field(description="comments of others since it was last read, at most 1000; null: never read")


class DiscussionView(DiscussionBrief):
    text: str
    mentions: list[PersonBrief]
    preview: LinkPreviewView | None = Field(description="of the first link; null while it is not known")
    read_seq: int | None


class DiscussionAt(DiscussionView):
    """With a position of its stream from before anything was read. Who reads comments next and then goes on from it
    (``join-discussion`` with ``epoch`` and ``after_seq``) misses nothing that happens between."""

    epoch: str
    head_seq: int


class CommentView(CommentData):
    seq: int
    author: PersonBrief | None
    created_at: Instant
    my_vote: MyVote | None
    children: list[CommentView] = Field(description="the first of its replies")
    next_cursor: str | None = Field(
        description="for the replies behind the children; null where these are all, or where none is shown: then the "
        "list begins without a cursor"
    )


class CommentInContext(View):
    discussion: DiscussionView
    ancestors: list[CommentView] = Field(description="from the top down to the parent, without their children")
    comment: CommentView


class CommentPage(View):
    comments: list[CommentView]
    next_cursor: str | None
    limit: int


class DiscussionPage(View):
    discussions: list[DiscussionBrief]
    next_cursor: str | None
    limit: int


class _Joined(View):
    stream: str
    epoch: str
    head_seq: int
    floor_seq: int
    reset: bool = Field(description="throw away what you have: the page below is as it is now")
    events: list[dict[str, Any]] = Field(description="that were missed; empty after a reset")
    more: bool = Field(description="call sync with the last seq")
    role: RoleName | None


class DiscussionsJoined(_Joined):
    stream: str = Field(examples=["community:3"])
    page: DiscussionPage | None = Field(description="the first page, pinned ones before it, after a reset")


class DiscussionJoined(_Joined):
    stream: str = Field(examples=["discussion:3"])
    discussion: DiscussionView
    page: CommentPage | None = Field(description="the first comments, after a reset")


class PostSent(View):
    id: int
    seq: int | None = Field(description="null while it is held")
    status: Literal["sent", "held"]
    duplicate: bool


class Voted(Counts):
    vote: Literal["up", "down", "none"]


class Followed(View):
    follow: FollowWord


class HeldPostView(View):
    id: int
    kind: Literal["discussion", "comment"]
    discussion_id: int | None = Field(description="null for one that would begin a discussion")
    author: PersonBrief | None
    title: str
    text: str
    cause: str = Field(examples=["link"], description="term, link, flood")
    term: str | None = Field(description="that the post holds, where the cause is a term")
    created_at: Instant
