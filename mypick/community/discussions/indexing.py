"""What the search index has of discussions and comments, kept with their texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from mypick.community.discussions.models import Comment, Discussion, PostRevision
from mypick.community.indexing import Said, Texts, labels_of
from mypick.previews.links import first_link
from mypick.previews.service import forget_links
from mypick.search import index
from mypick.search.index import Indexed
from mypick.search.service import Kind

_IN_VIEW: dict[str, Any] = {"deleted_at": None, "hidden_at": None}


def words_of(post: Discussion | Comment) -> str:
    """All that is searched of it: of a discussion the title too."""
    return together(post.title, post.text) if isinstance(post, Discussion) else post.text


def together(title: str, text: str) -> str:
    return f"{title}\n{text}" if title else text


def indexed(post: Discussion | Comment, community_id: int, words: str | None = None) -> Indexed:
    """As the index takes it, with its own words or earlier ones."""
    kind = Kind.DISCUSSION if isinstance(post, Discussion) else Kind.COMMENT
    said = words_of(post) if words is None else words
    return Indexed(kind, post.id, community_id, post.created_at, said, labels_of(kind, post.author_id, said))


async def forget_posts(posts: Sequence[Discussion | Comment], community_id: int) -> None:
    """Before their revisions are removed, in the same transaction; ``posts`` have their words still."""
    revisions = await _revisions(posts)
    links = [row.text for row in revisions] + [post.text for post in posts]
    await forget_links([link for text in links if (link := first_link(text))])
    await index.forget(_versions(posts, revisions, community_id))


async def hide_post(post: Discussion | Comment, community_id: int) -> None:
    """In the transaction that takes it from view; see ``hide_message``."""
    await index.forget(_versions([post], await _revisions([post]), community_id))


async def _revisions(posts: Sequence[Discussion | Comment]) -> list[PostRevision]:
    edited = [post.id for post in posts if post.rev > 1]
    return await PostRevision.filter(post_id__in=edited) if edited else []


def _versions(
    posts: Sequence[Discussion | Comment], revisions: Sequence[PostRevision], community_id: int
) -> list[Indexed]:
    """All that the index may have of them."""
    of = {post.id: post for post in posts}
    versions = [(post, words_of(post)) for post in posts]
    versions += [(of[row.post_id], together(row.title, row.text)) for row in revisions]
    return [indexed(post, community_id, words) for post, words in versions]


async def read_discussions(ids: Sequence[int]) -> dict[int, Said]:
    """Those that still have their words and are in view. One query."""
    rows = await Discussion.filter(id__in=list(ids), **_IN_VIEW)
    return {row.id: _said(row, row.community_id, row.id) for row in rows}


async def read_comments(ids: Sequence[int]) -> dict[int, Said]:
    """Two queries."""
    rows = await Comment.filter(id__in=list(ids), **_IN_VIEW)
    communities = await _communities_of({row.discussion_id for row in rows})
    return {row.id: _said(row, communities[row.discussion_id], row.discussion_id, row.seq) for row in rows}


async def discussion_batch(after: int, most: int) -> list[Indexed]:
    rows = await Discussion.filter(id__gt=after, **_IN_VIEW).order_by("id").limit(most).select_for_update()
    return [indexed(row, row.community_id) for row in rows]


async def comment_batch(after: int, most: int) -> list[Indexed]:
    rows = await Comment.filter(id__gt=after, **_IN_VIEW).order_by("id").limit(most).select_for_update()
    communities = await _communities_of({row.discussion_id for row in rows})
    return [indexed(row, communities[row.discussion_id]) for row in rows]


async def count_discussions() -> int:
    return await Discussion.filter(**_IN_VIEW).count()


async def count_comments() -> int:
    return await Comment.filter(**_IN_VIEW).count()


POSTS = {
    Kind.DISCUSSION: Texts(read_discussions, discussion_batch, count_discussions),
    Kind.COMMENT: Texts(read_comments, comment_batch, count_comments),
}


def _said(post: Discussion | Comment, community_id: int, discussion_id: int, seq: int | None = None) -> Said:
    words = words_of(post)
    kind = Kind.DISCUSSION if isinstance(post, Discussion) else Kind.COMMENT
    return Said(
        id=post.id,
        community_id=community_id,
        author_id=post.author_id,
        at=post.created_at,
        text=words,
        labels=labels_of(kind, post.author_id, words),
        edited=post.edited_at is not None,
        seq=seq,
        discussion_id=discussion_id,
    )


async def _communities_of(discussion_ids: Collection[int]) -> dict[int, int]:
    """By discussion."""
    return dict(await Discussion.filter(id__in=list(discussion_ids)).values_list("id", "community_id"))
