"""The limits of a process: they decide, count what they refuse, and ask Redis where it has the buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis, RedisAwayError
from mypick.clock import Clock
from mypick.limits.buckets import MemoryBuckets, Meter, Window, refusal
from mypick.limits.owners import key_of, keys_of
from mypick.limits.rates import DEFAULT_LIMITS, GENERAL, Limit, Rate, WrongLimitError
from mypick.metrics import Metrics

# KEYS: buckets. ARGV: microseconds that the cost takes to come back, microseconds to fill a bucket, 1 to take.
# Answers {1, microseconds until the fullest-used bucket is full} or {0, microseconds until there is enough}.
_SPEND = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local latest, ends = now, {}
for i, key in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', key) or 0)
  -- no bucket is emptier than empty: one that seems so was spent from before this clock was set back
  if full_at > now + full then full_at = now end
  ends[i] = math.max(now, full_at) + cost
  latest = math.max(latest, ends[i])
end
if latest - now > full then return {0, latest - now - full} end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', ends[i]), 'PX', math.ceil((ends[i] - now) / 1000) + 1)
end
return {1, latest - now}
"""

_REFUND = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for _, key in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[1])
  if full_at > now then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
  else
    redis.call('DEL', key)
  end
end
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left, for the ``RateLimit-*`` headers; of user and address, the scarcer."""

    limit: int
    remaining: int
    reset_after_s: float  # until the bucket is full again


class Limits:
    """``overrides`` are rates by name, as in the settings; a mistake in them is a ``WrongLimitError``."""

    def __init__(
        self,
        *,
        clock: Clock,
        redis: BoundedRedis | None = None,
        overrides: Mapping[str, str] | None = None,
        general: Rate | None = None,
        limits: Mapping[str, Limit] = DEFAULT_LIMITS,
        max_keys: int = 100_000,
        metrics: Metrics | None = None,
    ) -> None:
        self._limits = dict(limits)
        if general is not None:
            self._limits[GENERAL] = replace(self._limits[GENERAL], rate=general)
        for name, text in (overrides or {}).items():
            if name not in self._limits:
                known = ", ".join(sorted(self._limits))
                raise WrongLimitError(f'RATE_LIMITS: there is no rate limit "{name}"; there are: {known}')
            try:
                self._limits[name] = replace(self._limits[name], rate=Rate.parse(text))
            except WrongLimitError as wrong:
                raise WrongLimitError(f"RATE_LIMITS: {name}: {wrong}") from wrong
        self._redis = redis
        self._memory = MemoryBuckets(clock, max_keys)
        self._metrics = metrics or Metrics.unread()
        self._meters = {
            name: Meter(name, limit.rate, clock, self._metrics, max_keys)
            for name, limit in self._limits.items()
            if limit.here
        }

    async def spend(
        self,
        name: str,
        *,
        user_id: int | None = None,
        address: str | None = None,
        subject: str | None = None,
        cost: int = 1,
    ) -> Allowance:
        """Take ``cost`` tokens (a cost above the whole limit counts as the whole limit; a limit that is counted here
        always takes one).

        ``subject`` stands for the user where there is no user yet: a hash of the name that somebody tries.
        ``DomainError`` ``RATE_LIMITED`` with the exact wait if there are too few; then nothing is taken.
        ``KeyError`` for a name that no limit has: a fault of the program. With neither user nor address there is
        nobody to count for, and all is allowed: such calls come from inside.
        """
        limit = self._limits[name]
        rate, keys = limit.rate, keys_of(name, limit.per, subject or user_id, address)
        if not keys:
            return Allowance(rate.amount, rate.amount, 0.0)
        cost_s = min(cost, rate.amount) * rate.seconds_each
        if limit.here:
            wait_s = self.meter(name).spend(key_of(limit.per, user_id, address))
        else:
            allowed, wait_s = await self._decide(keys, cost_s, rate.seconds)
            if not allowed:
                self._metrics.limits_refused.labels(name).inc()
                raise refusal(name, rate, wait_s)
        remaining = math.floor((rate.seconds - wait_s) / rate.seconds_each + 1e-6)
        return Allowance(rate.amount, max(0, remaining), wait_s)

    def counts_here(self, name: str) -> bool:
        """Whether this process counts the limit alone, so that there is a ``meter``."""
        return self._limits[name].here

    def meter(self, name: str) -> Meter:
        """The buckets of a limit that this process counts alone; a decision waits for nothing."""
        return self._meters[name]

    def window(self, name: str) -> Window:
        """A limit whose count is kept with what it limits."""
        if not self._limits[name].kept:
            raise KeyError(f"nothing that {name} limits is kept")
        return Window(name, self._limits[name].rate, self._metrics)

    async def refund(self, name: str, *, user_id: int | None, address: str | None, cost: int = 1) -> None:
        """Give tokens back, for what was refused later for another reason."""
        limit = self._limits[name]
        keys = keys_of(name, limit.per, user_id, address)
        cost_s = min(cost, limit.rate.amount) * limit.rate.seconds_each
        if limit.here:
            self.meter(name).give_back(key_of(limit.per, user_id, address), cost_s)
            return
        self._memory.refund(keys, cost_s)
        await self._tell(_REFUND, keys, cost_s)

    async def reset(self, name: str, *, user_id: int | None, address: str | None) -> None:
        """Fill the buckets, as after a log-in that succeeded."""
        limit = self._limits[name]
        keys = keys_of(name, limit.per, user_id, address)
        if limit.here:
            self.meter(name).forget(key_of(limit.per, user_id, address))
            return
        self._memory.forget(keys)
        await self._tell("for _, key in ipairs(KEYS) do redis.call('DEL', key) end", keys, 0)

    async def _decide(self, keys: Sequence[str], cost_s: float, full_s: float) -> tuple[bool, float]:
        if self._redis is None:
            return self._memory.spend(keys, cost_s, full_s)

        async def ask(redis: Redis) -> tuple[bool, float]:
            done, micros = await redis.eval(
                _SPEND, len(keys), *keys, _micros(cost_s), _micros(full_s)
            )
            return bool(done), int(micros) / 1e6

        try:
            return await self._redis.ask(ask)
        except RedisAwayError:
            self._metrics.limits_local.inc()
            return self._memory.spend(keys, cost_s, full_s)

    async def _tell(self, script: str, keys: Sequence[str], cost_s: float) -> None:
        if self._redis is None or not keys:
            return

        async def tell(redis: Redis) -> None:
            await redis.eval(script, len(keys), *keys, _micros(cost_s))

        try:
            await self._redis.ask(tell)
        except RedisAwayError:
            return  # the bucket fills by itself


def _micros(seconds: float) -> str:
    return str(math.floor(seconds * 1e6))  # rounded up, the costs of all tokens would not fit into the bucket
