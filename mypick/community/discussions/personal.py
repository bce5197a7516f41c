"""What discussions hold of a person: what they wrote there, how they voted, and where they were.

What they began and said become tombstones, under which the words of others stay; votes are taken back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

from mypick import db
from mypick.community.desk.touches import Touches
from mypick.community.discussions.burying import Burying
from mypick.community.discussions.models import Comment, Discussion, HeldPost, PostRevision, Visit, Vote
from mypick.community.discussions.votes import Votes
from mypick.personal.contribution import (
    BATCH,
    Contribution,
    Rows,
    Section,
    Step,
    bury_by_place,
    by_id,
    delete_batch,
    earlier_texts,
)

POSTS_AT_ONCE = 50  # looked at in one step; those of one discussion are one transaction, some 20 ms

_COLUMNS = {
    "discussion": frozenset({"author_id"}),
    "comment": frozenset({"author_id"}),
    "post_vote": frozenset({"user_id"}),
    "discussion_visit": frozenset({"user_id"}),
    "held_post": frozenset({"author_id", "decided_by"}),
}


class DiscussionData:
    def __init__(self, burying: Burying, votes: Votes, touches: Touches) -> None:
        self._burying = burying
        self._votes = votes
        self._touches = touches

    def contribution(self) -> Contribution:
        return Contribution(
            "discussions",
            _COLUMNS,
            sections=_SECTIONS,
            steps=[
                Step("comments", self._comments),
                Step("discussions", self._discussions),
                Step("votes", self._take_back),
                Step("visits", _visits),
                Step("held posts", self._held),
            ],
        )

    async def _comments(self, user_id: int, after: int) -> int | None:
        async def bury(discussion_id: int, ids: list[int]) -> None:
            await self._burying.comments(discussion_id, ids, actor_id=user_id, by_moderator=False, also=None)

        return await bury_by_place(Comment.filter(author_id=user_id), after, "discussion_id", POSTS_AT_ONCE, bury)

    async def _discussions(self, user_id: int, after: int) -> int | None:
        async def bury(discussion_id: int, _: list[int]) -> None:
            await self._burying.discussion(discussion_id, actor_id=user_id, by_moderator=False, also=None)

        return await bury_by_place(Discussion.filter(author_id=user_id), after, "id", POSTS_AT_ONCE, bury)

    async def _take_back(self, user_id: int, _: int) -> int | None:
        votes = Vote.filter(user_id=user_id).order_by("id").limit(POSTS_AT_ONCE)
        ids = [row[0] for row in await votes.values_list("post_id")]
        of = dict(await Comment.filter(id__in=ids).values_list("id", "discussion_id"))
        placed = sorted((of.get(post_id, post_id), post_id) for post_id in ids)
        for discussion_id, among in groupby(placed, key=lambda pair: pair[0]):
            await self._votes.take_back(user_id, discussion_id, [post_id for _, post_id in among])
        return 0 if len(ids) == POSTS_AT_ONCE else None

    async def _held(self, user_id: int, _: int) -> int | None:
        """What waited goes from the desk as well."""
        async with db.transaction():
            rows = await HeldPost.filter(author_id=user_id).order_by("id").limit(BATCH)
            await HeldPost.filter(id__in=[row.id for row in rows]).delete()
            for row in rows:
                if row.status == "waiting":
                    await self._touches.touch(row.community_id, "held", row.id)
        self._touches.wake()
        return 0 if len(rows) == BATCH else None


async def _visits(user_id: int, _: int) -> int | None:
    return await delete_batch(Visit.filter(user_id=user_id))


# what a person takes with them


async def _with_earlier(query: Any, columns: Sequence[str]) -> AsyncIterator[Rows]:
    """Posts with what stood there before."""
    async for rows in by_id(query, (*columns, "text", "rev", "created_at", "edited_at", "deleted_at")):
        edited = PostRevision.filter(post_id__in=[row["id"] for row in rows if row["rev"] > 1])
        earlier = await earlier_texts(edited, "post_id", ("rev", "title", "text", "replaced_at"))
        yield [{**row, "earlier": earlier.get(row["id"], [])} for row in rows]


def _begun(user_id: int) -> AsyncIterator[Rows]:
    return _with_earlier(Discussion.filter(author_id=user_id), ("id", "community_id", "title"))


def _said(user_id: int) -> AsyncIterator[Rows]:
    return _with_earlier(Comment.filter(author_id=user_id), ("id", "discussion_id", "reply_to"))


def _voted(user_id: int) -> AsyncIterator[Rows]:
    return by_id(Vote.filter(user_id=user_id), ("id", "post_id", "value"))


def _visited(user_id: int) -> AsyncIterator[Rows]:
    return by_id(Visit.filter(user_id=user_id), ("id", "discussion_id", "seq", "follow"))


def _waiting(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "discussion_id", "title", "text", "status", "created_at")
    return by_id(HeldPost.filter(author_id=user_id), columns)


_SECTIONS = (
    Section("discussions", "discussions that you began, with earlier texts", "시작한 토론과 수정 전 글", _begun),
    Section("comments", "what you said in discussions, with earlier texts", "토론 댓글과 수정 전 글", _said),
    Section("votes", "your votes on discussions and comments", "토론과 댓글에 한 투표", _voted),
    Section("visited-discussions", "discussions that you read, follow or muted", "읽거나 구독한 토론", _visited),
    Section("held-posts", "posts that a moderator looked at first", "운영진이 먼저 확인한 토론 글", _waiting),
)
