"""Discussions as streams: their keys, their events, and what clients see of them.

``community:{id}`` is the stream of a community's list: what begins, changes and goes, and counts that are gathered.
``discussion:{id}`` is that of one discussion: its comments, its text, its votes. As with rooms the log holds ids and
counts, and texts are fetched when an event is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.clock import to_wire
from mypick.community.discussions.models import Comment, Discussion, Place, PostPreview
from mypick.community.streams import COMMUNITY
from mypick.community.texts import excerpt, mentioned
from mypick.previews.links import first_link
from mypick.streams import Event
from mypick.streams.store import People, StreamStore

PREFIX = "discussion:"

CREATED = "discussion-created"
EDITED = "discussion-edited"
DELETED = "discussion-deleted"
STATE = "discussion-state-changed"
ACTIVITY = "discussion-activity"
COMMENTED = "comment-created"
COMMENT_EDITED = "comment-edited"
COMMENT_DELETED = "comment-deleted"
VOTES = "votes-changed"
PREVIEWED = "post-preview-changed"


def stream_of(discussion_id: int) -> str:
    return f"{PREFIX}{discussion_id}"


class ShownDiscussions:
    """Makes what clients see of posts. ``people`` gives the names of those who are mentioned."""

    def __init__(self, people: People) -> None:
        self._people = people

    def register(self, store: StreamStore) -> None:
        store.render(CREATED, self.created)
        store.render(EDITED, self.edited)
        store.render(COMMENTED, self.commented)
        store.render(COMMENT_EDITED, self.comment_edited)
        store.render(PREVIEWED, self.previewed)

    async def created(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        return [discussion_data(row) for row in await _discussions_of(events)]

    async def edited(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        rows = await _discussions_of(events)
        names = await self.mentioned([shown_text(row) for row in rows])
        previews = await previews_of(rows)
        return [
            {
                "discussion_id": row.id,
                "title": shown_title(row),
                "excerpt": excerpt(shown_text(row)),
                "text": None if event.stream.startswith(COMMUNITY) else shown_text(row),
                "mentions": named(shown_text(row), names),
                "preview": None if event.stream.startswith(COMMUNITY) else previews.get(row.id),
                **_edition(row),
            }
            for event, row in zip(events, rows, strict=True)
        ]

    async def commented(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        rows = await _comments_of(events)
        names = await self.mentioned([shown_text(row) for row in rows])
        previews = await previews_of(rows)
        return [comment_data(row, names, previews) for row in rows]

    async def comment_edited(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        rows = await _comments_of(events)
        names = await self.mentioned([shown_text(row) for row in rows])
        previews = await previews_of(rows)
        return [comment_text(row, names, previews) for row in rows]

    async def previewed(self, events: Sequence[Event]) -> list[Mapping[str, Any]]:
        """As it is now; null where the post was edited, hidden or deleted since."""
        posts: list[Discussion | Comment] = []
        if comments := [event for event in events if event.data["comment_id"] is not None]:
            posts += await _comments_of(comments)
        if talks := [event for event in events if event.data["comment_id"] is None]:
            posts += await _discussions_of(talks)
        previews = await previews_of(posts)
        return [{**event.data, "preview": previews.get(event.ref or 0)} for event in events]

    async def mentioned(self, texts: Sequence[str]) -> Mapping[int, Mapping[str, Any]]:
        """The people whom these texts mention: one query, none where they mention nobody."""
        ids = {user_id for text in texts for user_id in mentioned(text)}
        return await self._people(ids) if ids else {}


def shown_text(row: Discussion | Comment) -> str:
    """What readers see of it: nothing while reports keep it from view."""
    return "" if row.hidden_at else row.text


def shown_title(row: Discussion) -> str:
    return "" if row.hidden_at else row.title


def counts_of(row: Discussion | Comment) -> dict[str, int]:
    return {"score": row.score, "ups": row.ups, "downs": row.downs}


def discussion_data(row: Discussion) -> dict[str, Any]:
    """What ``discussion-created`` shows."""
    return {
        "community_id": row.community_id,
        "discussion_id": row.id,
        "title": shown_title(row),
        "excerpt": excerpt(shown_text(row)),
        **_edition(row),
        **counts_of(row),
        "comments": row.comments,
        "last_at": to_wire(row.last_at),
        "pinned": row.place == Place.PINNED,
        "locked": row.locked,
    }


Names = Mapping[int, Mapping[str, Any]]
"""People by their ids."""
LinkPreviews = Mapping[int, Mapping[str, Any]]
"""By posts."""


async def previews_of(posts: Sequence[Discussion | Comment]) -> LinkPreviews:
    """What is behind the links that stand in posts now: one query where there are links, none otherwise."""
    links = {post.id: link for post in posts if (link := first_link(shown_text(post)))}
    if not links:
        return {}
    rows = await PostPreview.filter(post_id__in=list(links)).values(
        "post_id", "url", "kind", "title", "description", "site"
    )
    found = {row.pop("post_id"): row for row in rows}
    return {post_id: row for post_id, row in found.items() if row["url"] == links[post_id]}


def comment_text(row: Comment, names: Names, previews: LinkPreviews) -> dict[str, Any]:
    text = shown_text(row)
    preview = previews.get(row.id)
    return {"comment_id": row.id, "text": text, "mentions": named(text, names), "preview": preview, **_edition(row)}


def comment_data(row: Comment, names: Names, previews: LinkPreviews) -> dict[str, Any]:
    """What ``comment-created`` shows."""
    return {
        "discussion_id": row.discussion_id,
        "parent_id": row.parent_id,
        "reply_to": row.reply_to,
        "depth": row.depth,
        "replies": row.replies,
        **comment_text(row, names, previews),
        **counts_of(row),
    }


def named(text: str, names: Mapping[int, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [names[user_id] for user_id in mentioned(text) if user_id in names]


def _edition(row: Discussion | Comment) -> dict[str, Any]:
    return {
        "rev": row.rev,
        "edited_at": None if row.edited_at is None else to_wire(row.edited_at),
        "deleted": row.deleted_at is not None,
        "hidden": row.hidden_at is not None and row.deleted_at is None,
    }


async def _discussions_of(events: Sequence[Event]) -> list[Discussion]:
    """The discussions that events refer to. One that is gone altogether leaves its place, without its text."""
    found = {row.id: row for row in await Discussion.filter(id__in=list({event.ref or 0 for event in events}))}
    return [found.get(event.ref or 0) or _no_discussion(event) for event in events]


async def _comments_of(events: Sequence[Event]) -> list[Comment]:
    found = {row.id: row for row in await Comment.filter(id__in=list({event.ref or 0 for event in events}))}
    return [found.get(event.ref or 0) or _no_comment(event) for event in events]


def _no_discussion(event: Event) -> Discussion:
    community_id = int(event.stream.removeprefix(COMMUNITY)) if event.stream.startswith(COMMUNITY) else 0
    return Discussion(
        id=event.ref or 0, community_id=community_id, title="", text="", hot=0, last_at=event.at, deleted_at=event.at
    )


def _no_comment(event: Event) -> Comment:
    discussion_id = int(event.stream.removeprefix(PREFIX))
    return Comment(id=event.ref or 0, discussion_id=discussion_id, seq=event.seq, text="", deleted_at=event.at)
