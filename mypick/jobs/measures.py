"""What jobs tell to whoever counts."""

from __future__ import annotations

from typing import Literal, Protocol

from mypick.metrics import Metrics

Outcome = Literal["done", "retried", "dead", "lost", "given back"]


class JobMeasures(Protocol):
    """Where the numbers go. Calls are cheap and never raise."""

    def job_ended(self, kind: str, outcome: Outcome, seconds: float) -> None:
        """One try of a job of ``kind`` ended after ``seconds``."""

    def job_waited(self, lane: str, seconds: float) -> None:
        """A job of ``lane`` was claimed ``seconds`` after it came due."""

    def jobs_due(self, lane: str, depth: int, oldest_s: float) -> None:
        """``depth`` jobs of ``lane`` are due, the oldest since ``oldest_s`` seconds."""

    def jobs_dead(self, count: int) -> None:
        """So many jobs wait for an operator."""


class CountedJobs:
    """On the metrics of the process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def job_ended(self, kind: str, outcome: Outcome, seconds: float) -> None:
        self._metrics.job_runs.labels(kind, outcome).inc()
        self._metrics.job_seconds.labels(kind).observe(seconds)

    def job_waited(self, lane: str, seconds: float) -> None:
        """How long jobs wait is seen in ``jobs_oldest_seconds``."""

    def jobs_due(self, lane: str, depth: int, oldest_s: float) -> None:
        self._metrics.jobs_waiting.labels("due", lane).set(depth)
        self._metrics.jobs_oldest_seconds.labels("due", lane).set(oldest_s)

    def jobs_dead(self, count: int) -> None:
        self._metrics.jobs_waiting.labels("dead", "all").set(count)


class NoMeasures:
    """Nobody counts."""

    def job_ended(self, kind: str, outcome: Outcome, seconds: float) -> None:
        pass

    def job_waited(self, lane: str, seconds: float) -> None:
        pass

    def jobs_due(self, lane: str, depth: int, oldest_s: float) -> None:
        pass

    def jobs_dead(self, count: int) -> None:
        pass
