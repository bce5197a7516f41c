"""The lead of each party on this node, with what other nodes have measured.

Each node writes its counts of delays to Redis, to one hash for a party that lives for a minute, and reads those of the
others: two commands for each party each five seconds, and only while it has people here. Without Redis, or while it is
away, each node goes by its own guests; nothing that is kept depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import orjson
from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis
from mypick.shared_clock import SharedClock
from mypick.watchparty.lead import UNKNOWN_MS, added, lead_ms, percentile_of
from mypick.watchparty.watchers import Watchers

SHARE_EVERY_MS = 5_000
FRESH_MS = 30_000  # older counts are of a node that has gone
KEY_LIFE = 60  # seconds
PARTIES_AT_ONCE = 100  # in one round trip


class DelayBoard(Protocol):
    """Where nodes write what they have measured. Both raise ``ConnectionError`` while it is away."""

    async def exchange(
        self, node: str, counts: dict[int, Sequence[int]], now_ms: float
    ) -> dict[int, list[list[int]]]:
        """Write the counts of ``node`` by party; those of the others."""


class NoBoard:
    """One process has nobody to tell."""

    async def exchange(self, *_: object) -> dict[int, list[list[int]]]:
        return {}


class RedisDelays:
    def __init__(self, redis: BoundedRedis) -> None:
        self._redis = redis

    async def exchange(
        self, node: str, counts: dict[int, Sequence[int]], now_ms: float
    ) -> dict[int, list[list[int]]]:
        async def talk(redis: Redis) -> list[dict[bytes, bytes]]:
            pipe = redis.pipeline(transaction=False)
            for party_id, own in counts.items():
                key = f"mypick:party:{party_id}:delays"
                pipe.hset(key, node, orjson.dumps([round(now_ms), *own]))
                pipe.expire(key, KEY_LIFE)
                pipe.hgetall(key)
            return (await pipe.execute())[2::3]

        found: dict[int, list[list[int]]] = {}
        for party_id, nodes in zip(counts, await self._redis.ask(talk), strict=True):
            parts = []
            for name, value in nodes.items():
                with suppress(orjson.JSONDecodeError, TypeError, ValueError):
                    at, *part = orjson.loads(value)
                    if name.decode() != node and now_ms - at < FRESH_MS:
                        parts.append([int(one) for one in part])
            found[party_id] = parts
        return found


class Leads:
    def __init__(self, watchers: Watchers, board: DelayBoard, shared: SharedClock, node: str) -> None:
        self._watchers = watchers
        self._board = board
        self._shared = shared
        self._node = node
        self._shared_at = float("-inf")

    def lead(self, party_id: int) -> int:
        """Ahead of now, in ms, at which a command to the party takes effect. No I/O."""
        watched = self._watchers.parties.get(party_id)
        if watched is None:
            return lead_ms(UNKNOWN_MS)
        own = watched.delays.counts(self._shared.now_ms()) if watched.delays is not None else []
        typical = percentile_of(added([own, watched.elsewhere]))
        return lead_ms(UNKNOWN_MS if typical is None else typical)

    async def share(self) -> None:
        """Tell the other nodes and hear of theirs, if it is time."""
        now = self._shared.now_ms()
        if now - self._shared_at < SHARE_EVERY_MS:
            return
        self._shared_at = now
        own: dict[int, Sequence[int]] = {
            party_id: watched.delays.counts(now)
            for party_id, watched in self._watchers.parties.items()
            if watched.delays is not None
        }
        ids = list(own)
        for start in range(0, len(ids), PARTIES_AT_ONCE):
            some = {party_id: own[party_id] for party_id in ids[start : start + PARTIES_AT_ONCE]}
            with suppress(ConnectionError):  # told by whoever else misses Redis
                for party_id, parts in (await self._board.exchange(self._node, some, now)).items():
                    if (watched := self._watchers.parties.get(party_id)) is not None:
                        watched.elsewhere = added(parts)
