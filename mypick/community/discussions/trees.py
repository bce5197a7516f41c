"""Pages of trees: comments under a discussion or a comment, with their first replies.

Bounds: a page has at most ``MAX_TOP`` comments at its top, each with ``FIRST`` replies, each of those with
``SECOND``: 210 comments, whatever the size of the discussion. Each level is read by one statement that takes the first
few of each parent from an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from mypick import db
from mypick.community.discussions.commands import CommentSort
from mypick.community.discussions.models import Comment
from mypick.pagination import decode_cursor, encode_cursor

FIRST, SECOND = 3, 1  # replies that are shown under a comment at the top of a page, and under those

_ORDER: Mapping[CommentSort, tuple[str, ...]] = {"best": ("-best", "-id"), "new": ("-seq",), "old": ("seq",)}
_ORDER_SQL: Mapping[CommentSort, str] = {"best": "best DESC, id DESC", "new": "seq DESC", "old": "seq"}


@dataclass(frozen=True, slots=True)
class Tree:
    """Comments in their order, and those under them by parent."""

    top: Sequence[Comment]
    next_cursor: str | None
    under: Mapping[int, Sequence[Comment]] = field(default_factory=dict)

    def all(self) -> list[Comment]:
        return [*self.top, *(row for rows in self.under.values() for row in rows)]


async def read_tree(
    discussion_id: int, parent_id: int | None, sort: CommentSort, cursor: str | None, limit: int
) -> Tree:
    """Four queries at most."""
    rows = await _behind(Comment.filter(discussion_id=discussion_id, parent_id=parent_id), sort, cursor).order_by(
        *_ORDER[sort]
    ).limit(limit + 1)
    top = rows[:limit]
    more = cursor_behind(top[-1], sort) if len(rows) > limit else None
    return Tree(top, more, await replies_of(top, sort))


async def replies_of(top: Sequence[Comment], sort: CommentSort) -> dict[int, list[Comment]]:
    """The first replies under ``top`` and under those, by parent. Three queries at most."""
    wanted: list[int] = []
    parents = [(row.discussion_id, row.id) for row in top if row.replies]
    for many in (FIRST, SECOND):
        found = await _first_of(parents, sort, many)
        wanted += [comment_id for _, comment_id in found]
        parents = found
    if not wanted:
        return {}
    under: dict[int, list[Comment]] = {}
    for row in await Comment.filter(id__in=wanted).order_by(*_ORDER[sort]):
        under.setdefault(row.parent_id, []).append(row)
    return under


def cursor_behind(row: Comment, sort: CommentSort) -> str:
    keys = (row.best, row.id) if sort == "best" else (row.seq,)
    return encode_cursor(f"comments-{sort}", *keys)


def _behind(query: QuerySet[Comment], sort: CommentSort, cursor: str | None) -> QuerySet[Comment]:
    if cursor is None:
        return query
    if sort == "best":
        best, last_id = decode_cursor(cursor, "comments-best", int, int)
        return query.filter(Q(best__lt=best) | Q(best=best, id__lt=last_id))
    (seq,) = decode_cursor(cursor, f"comments-{sort}", int)
    return query.filter(seq__lt=seq) if sort == "new" else query.filter(seq__gt=seq)


async def _first_of(parents: Sequence[tuple[int, int]], sort: CommentSort, many: int) -> list[tuple[int, int]]:
    """Discussion and id of the first ``many`` comments under each of ``parents``: one scan of an index for each."""
    if not parents:
        return []
    each = (
        f"SELECT * FROM (SELECT discussion_id, id FROM comment WHERE discussion_id = {discussion_id:d} "  # noqa: S608
        f"AND parent_id = {parent_id:d} ORDER BY {_ORDER_SQL[sort]} LIMIT {many:d}) under_{parent_id:d}"
        for discussion_id, parent_id in parents
    )
    rows = await db.connection().execute_query_dict(" UNION ALL ".join(each))
    return [(row["discussion_id"], row["id"]) for row in rows]
