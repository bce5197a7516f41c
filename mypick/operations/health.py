"""Whether each part works, as the server itself sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mypick.clock import Clock

State = Literal["up", "degraded", "down", "off"]

CHECK_TIMEOUT = 1.0  # seconds; a part that needs longer is as good as away
CACHE_TIME = 1.0  # seconds; probes of many balancers together cost one look a second


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. ``detail`` is shown to anyone, so it holds no address, name or secret.

    ``up``: works. ``degraded``: works less well. ``down``: does not work. ``off``: is not part of this set-up.
    """

    state: State
    detail: str | None = None


Check = Callable[[], Awaitable[Finding]]
"""Looks at one part. What it raises counts as ``down``."""


class Phase(Enum):
    """Where a process stands in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class PartHealth(BaseModel):
    model_config = ConfigDict(frozen=True)

    state: State
    latency_ms: float
    detail: str | None


class HealthReport(BaseModel):
    """``status`` is that of the worst part that matters: down only where a part is down that nothing works without."""

    model_config = ConfigDict(frozen=True)

    status: Literal["up", "degraded", "down"]
    phase: Literal["starting", "serving", "draining"]
    ready: bool
    parts: dict[str, PartHealth]


class Health:
    """Runs the named checks, all at once, each at most ``CHECK_TIMEOUT``, together at most once in ``CACHE_TIME``.

    ``vital`` names the parts without which the process cannot serve: with one of them down it is not ready. Any
    other part down is a degraded server: without Redis everything still works, only slower.
    """

    def __init__(
        self, clock: Clock, checks: Mapping[str, Check], *, vital: frozenset[str] = frozenset({"database"})
    ) -> None:
        unknown = vital - checks.keys()
        if unknown:
            raise ValueError(f"vital parts without a check: {', '.join(sorted(unknown))}")
        self._clock = clock
        self._checks = dict(checks)
        self._vital = vital
        self._lock = asyncio.Lock()
        self._parts: dict[str, PartHealth] = {}
        self._looked_at = float("-inf")
        self.phase = Phase.STARTING

    async def report(self) -> HealthReport:
        """What every part says, at most ``CACHE_TIME`` old. Never raises."""
        parts = await self._look()
        vital_down = any(parts[name].state == "down" for name in self._vital)
        worse = any(part.state in ("degraded", "down") for part in parts.values())
        return HealthReport(
            status="down" if vital_down else "degraded" if worse else "up",
            phase=self.phase.value,
            ready=self.phase is Phase.SERVING and not vital_down,
            parts=parts,
        )

    async def _look(self) -> dict[str, PartHealth]:
        async with self._lock:
            if self._clock.monotonic() - self._looked_at >= CACHE_TIME:
                found = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
                self._parts = dict(zip(self._checks, found, strict=True))
                self._looked_at = self._clock.monotonic()
            return self._parts

    async def _run(self, check: Check) -> PartHealth:
        began = self._clock.monotonic()
        try:
            finding = await asyncio.wait_for(check(), CHECK_TIMEOUT)
        except TimeoutError:
            finding = Finding("down", f"no answer within {CHECK_TIMEOUT:g} s")
        except Exception as failure:
            # A check may fail in any way, and each way means down. The text of a driver's error may hold
            # addresses and names; its type says enough.
            finding = Finding("down", type(failure).__name__)
        latency_ms = round((self._clock.monotonic() - began) * 1000, 1)
        return PartHealth(state=finding.state, latency_ms=latency_ms, detail=finding.detail)
