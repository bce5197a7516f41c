"""Rate limits: named token buckets, counted for a user or an address.

A limit of ``5/5m`` is a bucket of 5 tokens that fills evenly, one each minute. A bucket is one number, the moment at
which it will be full again, so a decision is one addition (the GCRA form of a token bucket) and a full bucket needs no
place at all. With Redis, all nodes share the buckets and Redis' own clock; without it, or while it is away, each
process counts for itself. What is kept in the database anyway is counted there, over all nodes with or without Redis.

Why not the ``limits`` package (5.8): it has no token bucket, so no even refill and no exact time to wait; each hit on
its asyncio memory storage starts a task that walks over every key it holds, some through a thread; that storage has
no bound; it reads the system clock; and two buckets (user and address) cannot be asked as one.
"""

from mypick.limits.buckets import MemoryBuckets, Meter, Window
from mypick.limits.owners import place_of
from mypick.limits.rates import DEFAULT_LIMITS, GENERAL, Limit, Per, Rate, WrongLimitError
from mypick.limits.service import Allowance, Limits

__all__ = [
    "DEFAULT_LIMITS",
    "GENERAL",
    "Allowance",
    "Limit",
    "Limits",
    "MemoryBuckets",
    "Meter",
    "Per",
    "Rate",
    "Window",
    "WrongLimitError",
    "place_of",
]
