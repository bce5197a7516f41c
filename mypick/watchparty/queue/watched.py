"""Writing down what is watched, in the turns in which it begins and ends.

Something begins to be watched when it plays first, and ends when other content is loaded, when it has played to its end
or when the party is over; pauses are a part of it.
"""

from __future__ import annotations

from tortoise.expressions import Q

from mypick.watchparty.models import PartyMember
from mypick.watchparty.queue.models import Watched
from mypick.watchparty.timeline import Timeline


async def record(party_id: int, before: Timeline, after: Timeline, now_ms: float) -> None:
    """Inside the turn that makes ``after`` of ``before``. No statement where nothing begins or ends."""
    ends = before.content_id != after.content_id or after.status == "ended"
    begins = after.status == "playing"
    if not ends and not begins:
        return
    row = await Watched.filter(party_id=party_id, until_ms=None).order_by("-id").first()
    if row is not None and (ends or row.content_id != after.content_id):
        until = max(row.from_ms, round(now_ms))
        guests = await guests_between(party_id, row.from_ms, until)
        await Watched.filter(id=row.id).update(until_ms=until, guests=guests)
        row = None
    if begins and row is None:
        await Watched.create(party_id=party_id, content_id=after.content_id, from_ms=after.effective_at_ms)


async def guests_between(party_id: int, from_ms: int, until_ms: int | None) -> int:
    """People who were there at some moment from then to then, or to now. One query."""
    there = PartyMember.filter(Q(present=True) | Q(left_ms__gte=from_ms), party_id=party_id, since_ms__isnull=False)
    if until_ms is not None:
        there = there.filter(since_ms__lte=until_ms)
    return await there.count()
