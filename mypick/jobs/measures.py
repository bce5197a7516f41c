"""What jobs tell to whoever counts."""

from __future__ import annotations

from typing import Literal, Protocol

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
