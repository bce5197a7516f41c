"""Where the buckets of one process are kept, and the answer to who finds one empty."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.limits.rates import Rate
from mypick.metrics import Metrics


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
            raise refusal(self._name, self._rate, taken - self._rate.seconds)
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


class Window:
    """A limit on what is kept: whoever keeps it knows how old what came before is, on whichever node it came, and no
    bucket is needed. Not more than ``amount`` in any ``seconds``."""

    def __init__(self, name: str, rate: Rate, metrics: Metrics) -> None:
        self._name, self._rate, self._metrics = name, rate, metrics

    @property
    def amount(self) -> int:
        return self._rate.amount

    def require(self, age_s: float | None) -> None:
        """``age_s`` is that of the ``amount``-th newest, None where there are not so many. ``DomainError``
        ``RATE_LIMITED`` if it is too young for one more."""
        if age_s is not None and age_s < self._rate.seconds:
            self._metrics.limits_refused.labels(self._name).inc()
            # a node whose clock is ahead does not let others wait for longer than they would at worst
            raise refusal(self._name, self._rate, min(self._rate.seconds - age_s, self._rate.seconds))


def refusal(name: str, rate: Rate, wait_s: float) -> DomainError:
    return DomainError(
        Code.RATE_LIMITED,
        f"too many: {rate.amount} in {rate.seconds} s are allowed; wait {math.ceil(wait_s)} s",
        details={"limit": name, "amount": rate.amount, "seconds": rate.seconds},
        retry_after_ms=math.ceil(wait_s * 1_000),
    )
