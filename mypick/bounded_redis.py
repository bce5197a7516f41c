"""A Redis that may be away at any moment: nobody waits long for it, and nobody waits for it again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mypick.clock import Clock
from mypick.outages import Outage
from mypick.patience import Patience

T = TypeVar("T")
P = ParamSpec("P")


class RedisAwayError(ConnectionError):
    """Redis did not answer in time, now or a moment ago. The caller has another way, and takes it."""


class BoundedRedis:
    """Shared by limits, cache and presence of a node.

    ``patience``: seconds that one ``ask`` may take, connecting and waiting for a busy loop included: when hundreds of
    clients come back at once to a process that has just started, 0.1 s was too short, and each ``ask`` that was given
    up closed the connection that the next one needed. After a failure every ``ask`` fails at once,
    but for one try each ``retry_every`` seconds; the first that succeeds ends the outage.
    ``connections``: at most so many; who finds none free within ``patience`` takes Redis for away.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        patience: float = 0.5,
        retry_every: float = 1.0,
        connections: int = 16,
        outage: Outage | None = None,
    ) -> None:
        self._clock = clock
        self._outage = outage or Outage("redis", clock)
        self._patience, self._retry_every = Patience(patience), retry_every
        self._away = False
        self._next_try = 0.0
        # no library retries: they would multiply the wait
        self._pool = BlockingConnectionPool.from_url(
            url, max_connections=connections, timeout=patience, retry=Retry(NoBackoff(), 0)
        )
        self._redis = Redis(connection_pool=self._pool)

    @property
    def away(self) -> bool:
        return self._away

    async def ask(
        self, work: Callable[Concatenate[Redis, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What ``work`` returns. ``RedisAwayError`` if Redis is away; the work may have been done or not."""
        if self._away:
            if self._clock.monotonic() < self._next_try:
                raise RedisAwayError("Redis was away a moment ago")
            self._next_try = self._clock.monotonic() + self._retry_every  # this caller tries, the others do not
        try:
            with self._patience.here():
                result = await work(self._redis, *args, **kwargs)
        except (RedisError, OSError, TimeoutError, RuntimeError) as failure:
            # RuntimeError is uvloop's: redis-py writes to a connection that was closed in this moment
            self._outage.away("limits, cache, presence", failure)
            self._away = True
            self._next_try = self._clock.monotonic() + self._retry_every
            raise RedisAwayError("Redis does not answer") from failure
        if self._away:
            self._outage.back("limits, cache, presence")
            self._away = False
        return result

    async def close(self) -> None:
        """Free the connections. May be called twice."""
        await self._redis.aclose()
        await self._pool.disconnect()
