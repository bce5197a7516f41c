"""What is shown of the parties that somebody was in."""

from __future__ import annotations

from pydantic import Field

from mypick.watchparty.views import PartyBrief, RoleWord
from mypick.wire import Instant, View


class PartyVisit(View):
    party: PartyBrief
    role: RoleWord
    came_at: Instant = Field(description="when they came last; a short absence does not count")
    left_at: Instant | None = Field(description="null while they are there")
    watched: int = Field(description="videos that the party has played, over all its time")
