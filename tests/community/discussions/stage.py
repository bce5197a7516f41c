"""Discussions for tests, and clients that know only what the wire tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community.discussions.commands import (
    CreateComment,
    CreateDiscussion,
    JoinDiscussion,
    JoinDiscussions,
    ReadComments,
    VoteComment,
    VoteDiscussion,
    VoteWord,
)
from mypick.community.discussions.views import CommentView, PostSent, Voted
from mypick.community.streams import community_stream
from tests.community.stage import Node, cid


async def begin(node: Node, who: Actor, community: int, title: str = "A title", text: str = "A text") -> PostSent:
    command = CreateDiscussion(community_id=community, cid=cid(), title=title, text=text)
    return await node.communities.discussions.posts.create(who, command)


async def say(node: Node, who: Actor, discussion: int, text: str, reply_to: int | None = None) -> PostSent:
    command = CreateComment(discussion_id=discussion, cid=cid(), text=text, reply_to=reply_to)
    return await node.communities.discussions.posts.comment(who, command)


async def vote(node: Node, who: Actor, word: VoteWord, *, discussion: int = 0, comment: int = 0) -> Voted:
    votes = node.communities.discussions.votes
    if comment:
        return await votes.vote_comment(who, VoteComment(comment_id=comment, cid=cid(), vote=word))
    return await votes.vote_discussion(who, VoteDiscussion(discussion_id=discussion, cid=cid(), vote=word))


async def said(node: Node, who: Actor, discussion: int) -> list[str]:
    """What can be read at the top of the discussion, the oldest first."""
    page = await node.communities.discussions.reading.comments(
        who, ReadComments(discussion_id=discussion, sort="old", limit=30)
    )
    return [comment.text for comment in page.comments]


def flat(comments: Iterable[CommentView]) -> list[CommentView]:
    return [one for comment in comments for one in (comment, *flat(comment.children))]


_PERSONAL = {"author", "created_at", "my_vote", "follow", "unread", "read_seq", "text", "mentions", "preview"}
COUNTS = ("score", "ups", "downs")


class ListClient:
    """What a client makes of the list: a snapshot, and then nothing but the events that it is sent."""

    def __init__(self, node: Node, who: Actor, community: int) -> None:
        self._node, self._who, self._community = node, who, community
        self.discussions: dict[int, dict[str, Any]] = {}
        self.epoch, self.seq = "", 0

    async def join(self) -> None:
        _, joined = await self._node.communities.discussions.reading.join_list(
            self._who, JoinDiscussions(community_id=self._community, sort="new")
        )
        assert joined.reset
        assert joined.page
        assert joined.page.next_cursor is None, "the tests have no more than a page"
        shown = [one.model_dump(mode="json", exclude=_PERSONAL) for one in joined.page.discussions]
        self.discussions = {one["discussion_id"]: one for one in shown}
        self.epoch, self.seq = joined.epoch, joined.head_seq

    async def catch_up(self) -> None:
        for event in await missed(self._node, community_stream(self._community), self):
            self.apply(event)

    def apply(self, event: Mapping[str, Any]) -> None:
        assert event["seq"] == self.seq + 1, "events come in order and without a gap"
        self.seq, data = event["seq"], event["data"]
        row = self.discussions.get(data.get("discussion_id"), {})
        match event["type"]:
            case "discussion-created":
                if not data["deleted"]:
                    self.discussions[data["discussion_id"]] = dict(data)
            case "discussion-edited":
                row.update({name: data[name] for name in ("title", "excerpt", "rev", "edited_at", "hidden")})
            case "discussion-deleted":
                self.discussions.pop(data["discussion_id"], None)
            case "discussion-state-changed":
                row.update(locked=data["locked"], pinned=data["pinned"])
            case "discussion-activity":
                row.update({name: data[name] for name in (*COUNTS, "comments", "last_at")})
            case "member-sanctioned":
                pass
            case unknown:
                raise AssertionError(f"a client does not know {unknown}")

    def state(self) -> dict[int, dict[str, Any]]:
        return self.discussions


class DiscussionClient:
    """What a client makes of a discussion and its comments."""

    def __init__(self, node: Node, who: Actor, discussion: int) -> None:
        self._node, self._who, self._discussion = node, who, discussion
        self.head: dict[str, Any] = {}
        self.comments: dict[int, dict[str, Any]] = {}
        self.epoch, self.seq = "", 0

    async def join(self) -> None:
        reading = self._node.communities.discussions.reading
        _, joined = await reading.join(self._who, JoinDiscussion(discussion_id=self._discussion, sort="old"))
        assert joined.reset
        assert joined.page
        personal = {"author", "created_at", "my_vote", "follow", "unread", "read_seq", "last_at", "comments"}
        self.head = joined.discussion.model_dump(mode="json", exclude=personal)
        self.comments = {}
        await self._take(joined.page.comments)
        cursor = joined.page.next_cursor
        while cursor:
            page = await reading.comments(
                self._who, ReadComments(discussion_id=self._discussion, sort="old", cursor=cursor)
            )
            await self._take(page.comments)
            cursor = page.next_cursor
        self.epoch, self.seq = joined.epoch, joined.head_seq

    async def _take(self, comments: Iterable[CommentView]) -> None:
        """All of the tree: what is not shown at once is asked for, as a client does that scrolls."""
        reading = self._node.communities.discussions.reading
        for comment in flat(comments):
            shown = {"seq", "author", "created_at", "my_vote", "children", "next_cursor"}
            self.comments[comment.comment_id] = comment.model_dump(mode="json", exclude=shown)
        for comment in flat(comments):
            cursor = comment.next_cursor
            if cursor is None and (comment.children or not comment.replies):
                continue
            while True:
                page = await reading.replies(self._who, comment.comment_id, "old", cursor, 30)
                await self._take(page.comments)
                cursor = page.next_cursor
                if cursor is None:
                    break

    async def catch_up(self) -> None:
        for event in await missed(self._node, f"discussion:{self._discussion}", self):
            self.apply(event)

    def apply(self, event: Mapping[str, Any]) -> None:
        assert event["seq"] == self.seq + 1, "events come in order and without a gap"
        self.seq, data = event["seq"], event["data"]
        comment = self.comments.get(data.get("comment_id"), {})
        match event["type"]:
            case "comment-created":
                # what hangs under it is told by events of their own
                self.comments[data["comment_id"]] = {**data, "replies": 0}
                if parent := self.comments.get(data["parent_id"]):
                    parent["replies"] += 1
            case "comment-edited":
                comment.update(data)
            case "comment-deleted":
                comment.update(text="", deleted=True, hidden=False, mentions=[], preview=None)
            case "post-preview-changed":
                whose = self.head if data["comment_id"] is None else comment
                whose.update(preview=data["preview"])
            case "votes-changed":
                whose = self.head if data["comment_id"] is None else comment
                whose.update({name: data[name] for name in COUNTS})
            case "discussion-edited":
                self.head.update(data)
            case "discussion-deleted":
                self.head.update(title="", text="", excerpt="", mentions=[], preview=None)
                self.head.update(deleted=True, hidden=False, pinned=False)
            case "discussion-state-changed":
                self.head.update(locked=data["locked"], pinned=data["pinned"])
            case unknown:
                raise AssertionError(f"a client does not know {unknown}")

    def state(self) -> dict[str, Any]:
        return {"head": self.head, "comments": self.comments}


async def missed(node: Node, stream: str, client: ListClient | DiscussionClient) -> list[dict[str, Any]]:
    """The events behind where the client stands."""
    found: list[dict[str, Any]] = []
    seq = client.seq
    while True:
        answer = await node.streams.store.resume(stream, client.epoch, seq, 7)
        assert not answer["reset"]
        found += answer["events"]
        if not answer["more"]:
            return found
        seq = found[-1]["seq"]
