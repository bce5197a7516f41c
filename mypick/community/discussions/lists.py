"""Pages of a community's discussions, each a scan of one index.

``new``, ``hot`` and ``top-all`` read their page from the index of that order, however many discussions there are. A top
of a day or a week sorts what began in that time, from the index of ``new`` alone, and reads its page by id. Cursors
hold the sort keys of the last one shown, and the beginning of the time, so that later pages are of the same list; what
is voted past the cursor meanwhile is shown twice or not at all, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.expressions import Q

from mypick.community.discussions.commands import DiscussionSort
from mypick.community.discussions.models import Discussion, Place
from mypick.pagination import decode_cursor, encode_cursor

_WITHIN: Mapping[DiscussionSort, timedelta] = {"top-day": timedelta(days=1), "top-week": timedelta(days=7)}
_KEY: Mapping[DiscussionSort, str] = {
    "new": "created_at", "hot": "hot", "top-day": "score", "top-week": "score", "top-all": "score",
}  # fmt: skip
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


async def read_page(
    community_id: int, sort: DiscussionSort, cursor: str | None, limit: int, now: datetime
) -> tuple[list[Discussion], str | None]:
    """Discussions that are neither pinned nor deleted, and the cursor behind them. One query, two for a top of days."""
    key, name = _KEY[sort], f"discussions-{sort}"
    query = Discussion.filter(community_id=community_id, place=Place.LISTED)
    since = now - _WITHIN[sort] if sort in _WITHIN else _EVER
    if cursor is not None:
        since, last, last_id = decode_cursor(cursor, name, datetime, datetime if sort == "new" else int, int)
        behind: dict[str, Any] = {f"{key}__lt": last}
        query = query.filter(Q(**behind) | Q(**{key: last}, id__lt=last_id))
    query = query.order_by(f"-{key}", "-id").limit(limit + 1)
    if sort in _WITHIN:
        ids = [row[0] for row in await query.filter(created_at__gt=since).values_list("id")]
        found = {row.id: row for row in await Discussion.filter(id__in=ids)} if ids else {}
        rows = [found[number] for number in ids if number in found]
    else:
        rows = await query
    if len(rows) <= limit:
        return rows, None
    row = rows[limit - 1]
    return rows[:limit], encode_cursor(name, since, getattr(row, key), row.id)


async def read_pinned(community_id: int) -> list[Discussion]:
    """The newest first; at most ``desk.MAX_PINNED``."""
    return await Discussion.filter(community_id=community_id, place=Place.PINNED).order_by("-created_at", "-id")
