"""What this door asks of the rate limiter."""

from __future__ import annotations

from typing import Protocol


class Allowance(Protocol):
    """What is left of a limit after a request was counted."""

    @property
    def limit(self) -> int: ...

    @property
    def remaining(self) -> int: ...

    @property
    def reset_s(self) -> float:
        """Seconds until the limit is whole again."""


class Limits(Protocol):
    async def spend(
        self,
        name: str,
        *,
        user_id: int | None = None,
        address: str | None = None,
        subject: str | None = None,
        cost: int = 1,
    ) -> Allowance | None:
        """Count ``cost`` against the limit ``name``; None where the limiter does not tell what is left.

        Raises ``DomainError(RATE_LIMITED)`` with ``retry_after_ms`` beyond the limit.
        """
