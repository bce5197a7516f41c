"""What waits for the moderators of a community, of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.functions import Count, Sum

from mypick.accounts import queries as people
from mypick.community.desk.models import Appeal, DeskClaim, Purge
from mypick.community.desk.touches import ItemKind
from mypick.community.desk.views import Counts, DeskItem, Progress
from mypick.community.discussions import held as held_posts
from mypick.community.discussions.reports import Reported, reported
from mypick.community.entry.models import JoinRequest
from mypick.community.models import HeldMessage, Message, Report, Room
from mypick.community.reading import brief_of
from mypick.community.rooms import MAX_ROOMS

MAX_REASONS = 10  # of the reports of one message that are shown
MAX_CLAIMS = 200  # items of one community that somebody deals with, shown to who comes to the desk


async def is_waiting(kind: ItemKind, item_id: int) -> bool:
    match kind:
        case "held":
            message = HeldMessage.filter(id=item_id, status="waiting")
            return await message.exists() or await held_posts.waits(item_id)
        case "report":
            return await Report.filter(message_id=item_id, outcome=None).exists()
        case "request":
            return await JoinRequest.filter(id=item_id, status="waiting").exists()
        case "appeal":
            return await Appeal.filter(id=item_id, status="waiting").exists()
        case "purge":
            return await Purge.filter(id=item_id, finished_at=None).exists()


async def is_here(community_id: int, kind: ItemKind, item_id: int) -> bool:
    """Whether the item is this community's: nobody claims another's."""
    match kind:
        case "held":
            held = await HeldMessage.get_or_none(id=item_id)
            if held is None:
                return await held_posts.is_here(community_id, item_id)
            return await Room.filter(id=held.room_id, community_id=community_id).exists()
        case "report":
            return await Report.filter(community_id=community_id, message_id=item_id).exists()
        case "request":
            return await JoinRequest.filter(community_id=community_id, id=item_id).exists()
        case "appeal":
            return await Appeal.filter(community_id=community_id, id=item_id).exists()
        case "purge":
            return await Purge.filter(community_id=community_id, id=item_id).exists()


async def progress_of(kind: ItemKind, item_id: int) -> Progress | None:
    row = await Purge.get_or_none(id=item_id) if kind == "purge" else None
    return None if row is None else Progress(done=row.done, found=row.found)


async def counts_of(community_id: int) -> Counts:
    """Seven queries, each over an index that holds what waits."""
    messages = await HeldMessage.filter(room_id__in=await _rooms(community_id), status="waiting").count()
    reported = Report.filter(community_id=community_id, outcome=None)
    distinct = await reported.annotate(messages=Count("message_id", distinct=True)).values_list("messages")
    return Counts(
        held=messages + await held_posts.count(community_id),
        report=distinct[0][0] if distinct else 0,
        request=await JoinRequest.filter(community_id=community_id, status="waiting").count(),
        appeal=await Appeal.filter(community_id=community_id, status="waiting").count(),
        purge=await Purge.filter(community_id=community_id, finished_at=None).count(),
    )


async def page_of_items(community_id: int, kind: ItemKind, after: int, limit: int, now: datetime) -> list[DeskItem]:
    """Up to ``limit`` with ids beyond ``after``, the oldest first."""
    found = await _FINDERS[kind](community_id, after, limit)
    claims = {
        row.item_id: row
        for row in await DeskClaim.filter(
            community_id=community_id, kind=kind, item_id__in=[item["id"] for item in found], until__gt=now
        )
    }
    names = await people.people({item["user_id"] for item in found} | {row.user_id for row in claims.values()})
    items = []
    for item in found:
        claim = claims.get(item["id"])
        shown: dict[str, Any] = {
            "subject": None, "room_id": None, "discussion_id": None, "title": "", "cause": None, "term": None,
            "reasons": [], "reports": 0, "weight": 0.0, "hidden": False, "progress": None,
        }  # fmt: skip
        shown |= {name: value for name, value in item.items() if name != "user_id"}
        items.append(
            DeskItem(
                kind=kind,
                user=brief_of(names, item["user_id"]),
                claimed_by=brief_of(names, claim.user_id) if claim else None,
                claimed_until=claim.until if claim else None,
                **shown,
            )
        )
    return items


async def _held(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Messages and posts together: one counter gives their ids."""
    rows = HeldMessage.filter(room_id__in=await _rooms(community_id), status="waiting", id__gt=after)
    messages = await rows.order_by("id").limit(limit).values("room_id", *_HELD)
    posts = await held_posts.waiting(community_id, after, limit)
    found = [{"subject": "message", **row} for row in messages]
    found += [{"subject": "comment" if row["discussion_id"] else "discussion", **row} for row in posts]
    for item in found:
        item["user_id"] = item.pop("author_id")
    return sorted(found, key=lambda item: int(item["id"]))[:limit]


_HELD = ("id", "author_id", "text", "cause", "term", "created_at")


async def _reported(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    open_reports = Report.filter(community_id=community_id, outcome=None, message_id__gt=after)
    rows = (
        await open_reports.annotate(reports=Count("id"), weight_sum=Sum("weight"))
        .group_by("message_id")
        .order_by("message_id")
        .limit(limit)
        .values_list("message_id", "reports", "weight_sum")
    )
    ids = [row[0] for row in rows]
    messages = {row.id: row for row in await Message.filter(id__in=ids)}
    posts = await reported(ids)  # discussions and comments, whose ids are of the same counter
    reasons: dict[int, list[Report]] = {}
    for report in await Report.filter(message_id__in=ids, outcome=None).order_by("id"):
        reasons.setdefault(report.message_id, []).append(report)
    found = []
    for item_id, reports, weight in rows:
        message = messages.get(item_id)
        if message is not None:
            here = Reported(message.author_id, "", message.text, 0, message.hidden_at is not None)
        else:
            here = posts[item_id]
        found.append(
            {
                "id": item_id,
                "subject": reasons[item_id][0].kind,
                "room_id": message.room_id if message else None,
                "discussion_id": here.discussion_id or None,
                "user_id": here.author_id,
                "title": here.title,
                "text": here.text,
                "reports": reports,
                "weight": int(weight) / 100,
                "hidden": here.hidden,
                "reasons": [report.reason for report in reasons[item_id][:MAX_REASONS]],
                "created_at": reasons[item_id][0].created_at,
            }
        )
    return found


async def _requests(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    rows = JoinRequest.filter(community_id=community_id, status="waiting", id__gt=after)
    return [
        {"id": row.id, "user_id": row.user_id, "text": row.text, "created_at": row.created_at}
        for row in await rows.order_by("id").limit(limit)
    ]


async def _appeals(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    rows = Appeal.filter(community_id=community_id, status="waiting", id__gt=after)
    return [
        {"id": row.id, "user_id": row.user_id, "text": row.text, "cause": row.kind, "created_at": row.created_at}
        for row in await rows.order_by("id").limit(limit)
    ]


async def _purges(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    rows = Purge.filter(community_id=community_id, finished_at=None, id__gt=after)
    return [
        {
            "id": row.id, "room_id": row.room_id, "user_id": row.user_id, "text": "", "created_at": row.created_at,
            "progress": Progress(done=row.done, found=row.found),
        }
        for row in await rows.order_by("id").limit(limit)
    ]  # fmt: skip


_FINDERS: dict[ItemKind, Any] = {
    "held": _held,
    "report": _reported,
    "request": _requests,
    "appeal": _appeals,
    "purge": _purges,
}


async def _rooms(community_id: int) -> Sequence[int]:
    return [row[0] for row in await Room.filter(community_id=community_id).limit(MAX_ROOMS).values_list("id")]
