"""How many said that they will come."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.functions import Count

from mypick.watchparty.entry.models import PartyAttendance


async def attending(party_ids: Sequence[int]) -> dict[int, int]:
    """People who said that they will come, by party. One query."""
    if not party_ids:
        return {}
    counted = PartyAttendance.filter(party_id__in=list(party_ids)).annotate(people=Count("id")).group_by("party_id")
    return dict(await counted.values_list("party_id", "people"))
