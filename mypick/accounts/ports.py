"""What accounts ask of the parts that are handed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

OnSessionEnded = Callable[[int, int, str], Awaitable[None]]
"""Called with user id, session id and reason after the commit that ended the session. A failure is logged and
changes nothing: the session has ended."""

OnLogIn = Callable[[int], Awaitable[None]]
"""Called with the user's id inside the transaction of a log-in, which holds the user's row. Commits with it."""

RandomBytes = Callable[[int], bytes]
"""As many unpredictable bytes as asked for: ``secrets.token_bytes`` outside tests."""


class Limits(Protocol):
    async def spend(
        self,
        name: str,
        *,
        user_id: int | None,
        address: str | None,
        subject: str | None = None,
        cost: int = 1,
    ) -> object:
        """Count ``cost`` against the limit ``name`` of this user, address or subject (any text that names
        what is limited). Raises ``DomainError(RATE_LIMITED)`` beyond it."""


class Cache(Protocol):
    async def get_or_load(
        self,
        key: str,
        loader: Callable[[], Awaitable[Any]],
        *,
        ttl: float,
        tags: Sequence[str],
        shared: bool = True,
    ) -> Any:
        """The value kept under ``key``, at most ``ttl`` seconds old, else what ``loader`` returns: JSON. What
        ``loader`` raises passes through and is not kept. What is not ``shared`` each process keeps for itself."""

    async def invalidate(self, *tags: str) -> None:
        """Forget every value that was kept with one of ``tags``."""


class NoCache:
    """Asks the loader each time."""

    async def get_or_load(
        self,
        key: str,  # noqa: ARG002 - the protocol's shape
        loader: Callable[[], Awaitable[Any]],
        *,
        ttl: float,  # noqa: ARG002 - the protocol's shape
        tags: Sequence[str],  # noqa: ARG002 - the protocol's shape
        shared: bool = True,  # noqa: ARG002 - the protocol's shape
    ) -> Any:
        return await loader()

    async def invalidate(self, *tags: str) -> None: ...
