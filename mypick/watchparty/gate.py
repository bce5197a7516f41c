"""When a party that waits may start: the host and most of its guests have the video ready, or it has waited enough.

Who joins meanwhile counts from then on, and holds nobody up for longer: the deadline stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHARE = 0.8  # of the guests who are there


@dataclass(frozen=True, slots=True)
class Present:
    """Who is there, and who of them is ready. ``guests`` are all but the host."""

    guests: int
    ready: int
    host: bool
    host_ready: bool


def may_start(present: Present) -> bool:
    """The host, if there, and 80 % of the guests are ready. With nobody there it waits for the deadline."""
    if present.guests == 0 and not present.host:
        return False
    if present.host and not present.host_ready:
        return False
    return present.ready >= math.ceil(SHARE * present.guests)
