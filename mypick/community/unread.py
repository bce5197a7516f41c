"""What somebody has not read yet: messages of others behind their markers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from mypick import db
from mypick.community import policy
from mypick.community.models import Community, ReadMarker, Room
from mypick.community.policy import Standing

MAX_UNREAD = 1_000  # of one room, counted; more is "more"
MAX_UNREAD_LISTED = 100  # of one room in a list of communities, and of one community there
MAX_TERMS = 400  # rooms that one query counts; SQLite puts 500 selects together and no more


async def unread_of(user_id: int, room_ids: Collection[int], most: int = MAX_UNREAD) -> dict[int, int]:
    """By room: messages of others behind the user's marker, counted up to ``most``. Who has no marker has nothing
    unread: it comes with joining or with the first reading. Two queries for up to ``MAX_TERMS`` rooms with markers, and
    one for each so many more."""
    if not room_ids:
        return {}
    markers = await ReadMarker.filter(user_id=user_id, room_id__in=list(room_ids)).values_list("room_id", "seq")
    found: dict[int, int] = {}
    for start in range(0, len(markers), MAX_TERMS):
        counts = (
            f"SELECT {room_id:d} AS room_id, COUNT(*) AS unread FROM (SELECT 1 AS one FROM message "  # noqa: S608 - numbers
            f"WHERE room_id = {room_id:d} AND seq > {seq:d} AND author_id <> {user_id:d} AND deleted_at IS NULL "
            f"LIMIT {most:d}) unread_{room_id:d}"
            for room_id, seq in markers[start : start + MAX_TERMS]
        )
        rows = await db.connection().execute_query_dict(" UNION ALL ".join(counts))
        found.update({row["room_id"]: row["unread"] for row in rows})
    return found


async def unread_among(
    user_id: int, communities: Sequence[Community], standings: Mapping[int, Standing]
) -> dict[int, int]:
    """By community: what is unread in those of its rooms that are listed to the user, counted up to
    ``MAX_UNREAD_LISTED``. One query for the rooms, and those of ``unread_of``."""
    visibility = {row.id: row.visibility for row in communities}
    rooms = await Room.filter(community_id__in=list(visibility), archived_at=None).values_list(
        "id", "community_id", "kind"
    )
    places = {
        room_id: community_id
        for room_id, community_id, kind in rooms
        if policy.may_enter(standings[community_id], visibility[community_id], kind)
    }
    found: Counter[int] = Counter()
    for room_id, unread in (await unread_of(user_id, places, MAX_UNREAD_LISTED)).items():
        found[places[room_id]] += unread
    return {community_id: min(unread, MAX_UNREAD_LISTED) for community_id, unread in found.items()}
