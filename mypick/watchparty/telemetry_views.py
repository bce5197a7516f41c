"""What is shown of how well a party is in step."""

from __future__ import annotations

from pydantic import Field

from mypick.watchparty.person import Person
from mypick.wire import View


class Spread(View):
    """Of what was measured, in ms: upper edges, below which so much of it is; null where nothing was measured."""

    count: int
    p50: int | None
    p95: int | None
    p99: int | None


class FarGuest(View):
    user: Person
    error_ms: float = Field(description="how far they are ahead; below 0 they are behind")
    clock_rtt_ms: float


class PartyTelemetry(View):
    """Of the last 30 to 60 seconds, over all nodes that have people in the party."""

    window_s: int = Field(description="seconds that it covers at most")
    nodes: int
    guests_reporting: int
    position_error_ms: Spread = Field(description="how far guests are off while it plays, as they say")
    clock_rtt_ms: Spread = Field(description="round trips of their best clock samples, as they say")
    fan_out_ms: Spread = Field(description="handing a timeline to all sockets of a node")
    missed_leads: int = Field(description="times that a timeline reached a guest after it took effect")
    host_changes: int
    farthest: list[FarGuest] = Field(description="guests who are furthest off, at most ten")
