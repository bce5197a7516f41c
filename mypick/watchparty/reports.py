"""What guests say of themselves: measured and shown, and nothing is decided by it."""

from __future__ import annotations

from mypick.accounts.actor import Actor
from mypick.errors import Code, DomainError, invalid
from mypick.metrics import Metrics
from mypick.shared_clock import SharedClock
from mypick.watchparty.commands import Report
from mypick.watchparty.telemetry import Telemetry
from mypick.watchparty.watchers import Watchers

OLDEST_MS = 15_000  # a report tells of a moment that has just been


class Reports:
    def __init__(self, watchers: Watchers, shared: SharedClock, telemetry: Telemetry, metrics: Metrics) -> None:
        self._watchers = watchers
        self._shared = shared
        self._telemetry = telemetry
        self._metrics = metrics

    def take(self, actor: Actor, report: Report) -> None:
        """``INVALID`` for a moment that is not now. A guest that follows an older timeline though the newest has taken
        effect was told too late: its lead was missed."""
        watched = self._watchers.parties.get(report.party_id)
        if watched is None or actor.user_id not in watched.sockets:
            raise DomainError(Code.NOT_MEMBER, "join the party first")
        if abs(self._shared.now_ms() - report.at_ms) > OLDEST_MS:
            raise invalid(
                "at_ms is not of the last 15 s on the party's clock: call clock and correct it", field="at_ms"
            )
        if report.seq < watched.seq and report.at_ms > watched.effective_at_ms:
            self._metrics.lead_miss.inc()
            self._telemetry.missed(report.party_id)
            return
        plays = watched.status == "playing"
        if plays:
            self._metrics.party_position_error_ms.observe(abs(report.error_ms))
        self._metrics.clock_rtt_ms.observe(report.rtt_ms)
        self._telemetry.reported(report.party_id, actor.user_id, report.error_ms if plays else None, report.rtt_ms)
