"""What becomes of reports, and of the records of those who reported; inside the lock of the message's room."""

from __future__ import annotations

from collections.abc import Collection

from tortoise.expressions import F
from tortoise.functions import Sum

from mypick.community import policy
from mypick.community.desk.models import ReporterRecord
from mypick.community.desk.weights import weight_of
from mypick.community.models import Report
from mypick.community.policy import Action, Role, Standing
from mypick.errors import Code, DomainError


def require_verdict(standing: Standing, author_id: int) -> None:
    """Whether somebody may end the reports of what ``author_id`` said, whichever way: ``FORBIDDEN`` for their own."""
    policy.require(standing, Action.DECIDE_REPORTS)
    if author_id == standing.user_id and not policy.may(standing.role, Action.DECIDE_OWN_REPORTS):
        raise DomainError(Code.FORBIDDEN, "this is your own: let another moderator decide, or delete it")


async def weight_for(community_id: int, user_id: int, role: Role) -> int:
    """Of a new report, in hundredths."""
    record = await ReporterRecord.get_or_none(community_id=community_id, user_id=user_id)
    agreed, disagreed = (record.agreed, record.disagreed) if record else (0, 0)
    return round(weight_of(role, agreed, disagreed) * 100)


async def open_weight(message_id: int) -> int:
    """Of the open reports of a message together, in hundredths."""
    rows = await Report.filter(message_id=message_id, outcome=None).annotate(total=Sum("weight")).values_list("total")
    return int(rows[0][0] or 0) if rows else 0


async def settle(community_id: int, message_ids: Collection[int], *, agreed: bool) -> dict[int, int]:
    """Close the open reports of messages, and let it count for or against who reported. How many, by message."""
    waiting = Report.filter(message_id__in=list(message_ids), outcome=None)
    rows = await waiting.values_list("message_id", "reporter_id")
    if not rows:
        return {}
    await waiting.update(outcome="deleted" if agreed else "dismissed")
    reporters: dict[int, int] = {}
    closed: dict[int, int] = {}
    for message_id, reporter_id in rows:
        reporters[reporter_id] = reporters.get(reporter_id, 0) + 1
        closed[message_id] = closed.get(message_id, 0) + 1
    # another room of the community may do the same: made if absent, then counted, neither fails for the other
    await ReporterRecord.bulk_create(
        [ReporterRecord(community_id=community_id, user_id=user_id) for user_id in sorted(reporters)],
        ignore_conflicts=True,
    )
    for user_id, count in sorted(reporters.items()):
        record = ReporterRecord.filter(community_id=community_id, user_id=user_id)
        if agreed:
            await record.update(agreed=F("agreed") + count)
        else:
            await record.update(disagreed=F("disagreed") + count)
    return closed
