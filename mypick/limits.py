"""Rate limits: named token buckets, counted for a user or an address.

A limit of ``5/5m`` is a bucket of 5 tokens that fills evenly, one each minute. A bucket is one number, the moment at
which it will be full again, so a decision is one addition (the GCRA form of a token bucket) and a full bucket needs no
place at all. With Redis, all nodes share the buckets and Redis' own clock; without it, or while it is away, each
process counts for itself.

Why not the ``limits`` package (5.8): it has no token bucket, so no even refill and no exact time to wait; each hit on
its asyncio memory storage starts a task that walks over every key it holds, some through a thread; that storage has
no bound; it reads the system clock; and two buckets (user and address) cannot be asked as one.
"""

from __future__ import annotations

import functools
import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Self

from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis, RedisAwayError
from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.metrics import Metrics

GENERAL = "general"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class WrongLimitError(ValueError):
    """The settings name a limit that there is not, or a rate that cannot be read."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``amount`` at once, and again as many over each ``seconds``."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``5/5m``, ``20/1s``, ``100/h``. ``ValueError`` says what is wrong."""
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{0,6})\s*([smhd])\s*", text)
        if not match or int(match[1]) < 1 or match[2] == "0":
            raise WrongLimitError(f'"{text}" is no rate: write it as amount/time, such as 5/5m, 20/1s or 100/1h')
        return cls(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])

    @property
    def seconds_each(self) -> float:
        """In which one token comes back."""
        return self.seconds / self.amount


class Per(Enum):
    """Whose bucket it is."""

    USER = "user"  # the address where there is no user
    ADDRESS = "address"
    BOTH = "user and address"  # each has a bucket, and both must have a token


@dataclass(frozen=True, slots=True)
class Limit:
    rate: Rate
    per: Per
    meaning: str
    here: bool = False  # counted by each process for itself: for what comes so often that Redis would cost more than it


def _limit(rate: str, per: Per, meaning: str, *, here: bool = False) -> Limit:
    return Limit(Rate.parse(rate), per, meaning, here)


DEFAULT_LIMITS: Mapping[str, Limit] = {
    GENERAL: _limit("300/1m", Per.USER, "any REST request"),
    "auth.register": _limit("5/1h", Per.ADDRESS, "new accounts"),
    "auth.login.account": _limit("10/15m", Per.USER, "wrong and right passwords for one account; the subject names it"),
    "auth.login.address": _limit("30/5m", Per.ADDRESS, "log-ins from one place"),
    "auth.refresh": _limit("30/5m", Per.ADDRESS, "new tokens"),
    "socket.handshake": _limit("120/1m", Per.ADDRESS, "new connections, before anybody shows who they are", here=True),
    "socket.connect": _limit("60/1m", Per.ADDRESS, "new members of namespaces, an office is one address", here=True),
    "socket.command": _limit("100/10s", Per.USER, "any socket command", here=True),
    "socket.clock": _limit("60/10s", Per.USER, "measures of the clock: eight at once when a party opens", here=True),
    "socket.refresh-auth": _limit("20/1m", Per.USER, "new tokens for open sockets, one for each device"),
    "socket.sync": _limit("60/10s", Per.USER, "reads of history: sync, history, join", here=True),
    "creator.resolve": _limit("30/1h", Per.USER, "adding creators: each may ask a platform"),
    "subscribe": _limit("120/1m", Per.USER, "following and unfollowing"),
    "community.send": _limit("20/30s", Per.USER, "messages in rooms", here=True),
    "community.typing": _limit("10/30s", Per.USER, "signs that somebody types", here=True),
    "search": _limit("60/1m", Per.USER, "searches"),
}

# KEYS: buckets. ARGV: microseconds that the cost takes to come back, microseconds to fill a bucket, 1 to take.
# Answers {1, microseconds until the fullest-used bucket is full} or {0, microseconds until there is enough}.
_SPEND = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local latest, ends = now, {}
for i, key in ipairs(KEYS) do
  ends[i] = math.max(now, tonumber(redis.call('GET', key) or 0)) + cost
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


class MemoryBuckets:
    """Buckets of this process. At most ``max_keys`` (about 20 MB at 100,000); beyond it the longest unused goes,
    which is the one most likely to be full again."""

    def __init__(self, clock: Clock, max_keys: int = 100_000) -> None:
        self._clock, self._max_keys = clock, max_keys
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, keys: Sequence[str], cost_s: float, full_s: float) -> tuple[bool, float]:
        """Take from all or from none. Done and seconds until full, or not done and seconds until there is enough."""
        now = self._clock.monotonic()
        ends = [max(now, self._full_at.get(key, 0.0)) + cost_s for key in keys]
        latest = max(ends)
        if latest - now > full_s + 1e-9:  # sums of fractions: the last token of a bucket must not be lost
            return False, latest - now - full_s
        for key, end in zip(keys, ends, strict=True):
            self._full_at[key] = end
            self._full_at.move_to_end(key)
        while len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return True, latest - now

    def refund(self, keys: Sequence[str], cost_s: float) -> None:
        for key in keys:
            if key in self._full_at:
                self._full_at[key] -= cost_s

    def forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._full_at.pop(key, None)


class Meter:
    """One limit that each process counts for itself, for users by id or addresses by name: the cheap half of
    ``MemoryBuckets``. At most ``max_keys`` buckets; beyond it those that are full go, then the oldest."""

    def __init__(self, name: str, rate: Rate, clock: Clock, metrics: Metrics, max_keys: int = 100_000) -> None:
        self._name, self._rate, self._metrics, self._max_keys = name, rate, metrics, max_keys
        self._monotonic = clock.monotonic
        self._each, self._window = rate.seconds_each, rate.seconds + 1e-9  # sums of fractions: the last token counts
        self._full_at: dict[int | str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, key: int | str) -> float:
        """Take one token; seconds until the bucket is full again. ``DomainError`` ``RATE_LIMITED`` if there is none."""
        now = self._monotonic()
        full_at = self._full_at.get(key, now)
        taken = (full_at if full_at > now else now) + self._each - now
        if taken > self._window:
            self._metrics.limits_refused.labels(self._name).inc()
            raise _refusal(self._name, self._rate, taken - self._rate.seconds)
        self._full_at[key] = now + taken
        if len(self._full_at) > self._max_keys:
            self._forget(now)
        return taken

    def forget(self, key: int | str) -> None:
        self._full_at.pop(key, None)

    def give_back(self, key: int | str, seconds: float) -> None:
        if key in self._full_at:
            self._full_at[key] -= seconds

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        while len(self._full_at) > self._max_keys // 2:
            del self._full_at[next(iter(self._full_at))]


def _refusal(name: str, rate: Rate, wait_s: float) -> DomainError:
    return DomainError(
        Code.RATE_LIMITED,
        f"too many: {rate.amount} in {rate.seconds} s are allowed; wait {math.ceil(wait_s)} s",
        details={"limit": name, "amount": rate.amount, "seconds": rate.seconds},
        retry_after_ms=math.ceil(wait_s * 1_000),
    )


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
        rate, keys = limit.rate, _keys(name, limit.per, subject or user_id, address)
        if not keys:
            return Allowance(rate.amount, rate.amount, 0.0)
        cost_s = min(cost, rate.amount) * rate.seconds_each
        if limit.here:
            wait_s = self.meter(name).spend(_key(limit.per, user_id, address))
        else:
            allowed, wait_s = await self._decide(keys, cost_s, rate.seconds)
            if not allowed:
                self._metrics.limits_refused.labels(name).inc()
                raise _refusal(name, rate, wait_s)
        remaining = math.floor((rate.seconds - wait_s) / rate.seconds_each + 1e-6)
        return Allowance(rate.amount, max(0, remaining), wait_s)

    def counts_here(self, name: str) -> bool:
        """Whether this process counts the limit alone, so that there is a ``meter``."""
        return self._limits[name].here

    def meter(self, name: str) -> Meter:
        """The buckets of a limit that this process counts alone; a decision waits for nothing."""
        return self._meters[name]

    async def refund(self, name: str, *, user_id: int | None, address: str | None, cost: int = 1) -> None:
        """Give tokens back, for what was refused later for another reason."""
        limit = self._limits[name]
        keys = _keys(name, limit.per, user_id, address)
        cost_s = min(cost, limit.rate.amount) * limit.rate.seconds_each
        if limit.here:
            self.meter(name).give_back(_key(limit.per, user_id, address), cost_s)
            return
        self._memory.refund(keys, cost_s)
        await self._tell(_REFUND, keys, cost_s)

    async def reset(self, name: str, *, user_id: int | None, address: str | None) -> None:
        """Fill the buckets, as after a log-in that succeeded."""
        limit = self._limits[name]
        keys = _keys(name, limit.per, user_id, address)
        if limit.here:
            self.meter(name).forget(_key(limit.per, user_id, address))
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


@functools.lru_cache(maxsize=10_000)  # 1 MB; parsing takes 10 µs, twice for each socket
def place_of(address: str) -> str:
    """Whom an address stands for: IPv6 gives each household 2^64 of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a Unix socket, a test
    if isinstance(parsed, IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False).network_address)


def _keys(name: str, per: Per, user: int | str | None, address: str | None) -> list[str]:
    owner = [] if user is None else [f"mypick:limit:{name}:u{user}"]
    place = [] if address is None else [f"mypick:limit:{name}:a{place_of(address)}"]
    if per is Per.ADDRESS:
        return place
    return owner + place if per is Per.BOTH else owner or place


def _key(per: Per, user_id: int | None, address: str | None) -> int | str:
    """Whose bucket of a meter it is."""
    if per is Per.USER and user_id is not None:
        return user_id
    return place_of(address or "")
