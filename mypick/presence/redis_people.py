"""Who is online, over many nodes.

In Redis each node has its users in 32 sets, split by user id, that live 9 s and are prolonged every 5 s. A node that
dies is forgotten by Redis itself, and a person on two nodes is online until both have let go.

Costs, measured with 100,000 users on 4 nodes: a heartbeat is one round trip of 35 short commands, 0.2 ms of Redis
and 5 ms of the node; asking for 100 users is one round trip, 0.3 ms and 5 ms; counting all is 16 round trips and 90 ms
of Redis, 3 ms at a time, so ask for it every few seconds and no more. Arrivals and departures are gathered over 0.1 s:
100,000 at once are told within 1 s. Redis holds 6 MB.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis, RedisAwayError
from mypick.clock import Clock
from mypick.endings import end
from mypick.metrics import Metrics
from mypick.presence.people import CHUNK, MemoryPresence, chunks

SHARDS = 32
SHARDS_AT_ONCE = 2  # in one round trip, where whole shards are read
HEARTBEAT = 5.0  # seconds
LIFE = 9.0  # seconds after the last heartbeat; with it a dead node's users are gone within 10 s
GATHER = 0.1  # seconds over which arrivals and departures are gathered
FORGET_NODES_AFTER = 600  # seconds; their sets went long before
NODES_KNOWN_FOR = 1.0  # seconds; a new node's users are seen by the others within it
RETRY = 1.0  # seconds between tries to tell Redis what it could not be told

_NODES = "mypick:presence:nodes"
# One clock decides, that of Redis: the nodes' own may differ by hours. Who seems to beat in the future did so before
# that clock was set back; the living beat again at once.
_BEAT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
_COUNT = "return #redis.call('SUNION', unpack(KEYS))"


class RedisPresence(MemoryPresence):
    """The presence of many nodes. What ``arrived`` and ``left`` tell reaches the others within about 0.1 s."""

    def __init__(
        self,
        redis: BoundedRedis,
        *,
        clock: Clock,
        metrics: Metrics | None = None,
        heartbeat: float = HEARTBEAT,
        life: float = LIFE,
        gather: float = GATHER,
    ) -> None:
        super().__init__(metrics=metrics)
        self._redis, self._clock = redis, clock
        self._heartbeat, self._life_ms, self._gather = heartbeat, round(life * 1_000), gather
        self._node = secrets.token_hex(8)
        self._dirty: set[int] = set()  # users of whom Redis does not know; bound: as of the sockets, and departures
        self._news = asyncio.Event()
        self._nodes: list[str] = [self._node]
        self._nodes_learned_at = 0.0
        self._told_until = 0.0  # when Redis has forgotten what we told, if we tell no more
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._beat()
        self._task = asyncio.create_task(self._run(), name="presence")

    async def close(self) -> None:
        await super().close()
        if self._task is None:
            return
        await end(self._task)
        self._task = None
        try:
            await self._redis.ask(self._take_leave)
        except RedisAwayError:
            return  # the sets end by themselves

    async def online_among(self, user_ids: Collection[int]) -> set[int]:
        online = await super().online_among(user_ids)
        elsewhere = [user_id for user_id in set(user_ids) if user_id not in online]
        with suppress(RedisAwayError):
            for chunk in chunks(elsewhere, CHUNK):
                online |= await self._redis.ask(self._find, chunk)
        return online

    async def online_count(self) -> int:
        total = 0
        try:
            for shards in chunks(range(SHARDS), SHARDS_AT_ONCE):
                total += await self._redis.ask(self._count, shards)
        except RedisAwayError:
            return await super().online_count()
        return total

    async def online_in_chunks(self) -> AsyncIterator[set[int]]:
        here = _by_shard(self._sockets)
        for shard in range(SHARDS):
            users = set(here.get(shard, ()))
            with suppress(RedisAwayError):  # then those of this node
                users |= await self._redis.ask(self._members, shard)
            if users:
                yield users

    def _changed(self, user_id: int) -> None:
        super()._changed(user_id)
        self._dirty.add(user_id)
        self._news.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + self._heartbeat
        while True:
            try:
                async with asyncio.timeout_at(beat_at):
                    await self._news.wait()
                    await asyncio.sleep(self._gather)
            except TimeoutError:
                beat_at = loop.time() + self._heartbeat
                await self._beat()
            self._news.clear()
            await self._tell_changes()
            if self._dirty:
                beat_at = min(beat_at, loop.time() + RETRY)

    async def _beat(self) -> None:
        """Prolong our sets, tell all anew if Redis has lost them, and learn which nodes there are."""
        try:
            lost = await self._redis.ask(self._prolong)
        except RedisAwayError:
            return
        if lost:
            self._dirty.update(user_id for user_id in self._sockets if user_id % SHARDS in lost)
            self._news.set()

    async def _prolong(self, client: Redis) -> set[int]:
        """Shards that should have users of ours in Redis and have not."""
        async with client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.pexpire(self._key(self._node, shard), self._life_ms)
            pipe.eval(_BEAT, 1, _NODES, self._node, FORGET_NODES_AFTER)
            *prolonged, nodes = await pipe.execute()
        self._learn(nodes)
        self._told_until = self._clock.monotonic() + self._life_ms / 1_000
        told = {user_id % SHARDS for user_id in self._sockets if user_id not in self._dirty}
        return {shard for shard in told if not prolonged[shard]}

    async def _tell_changes(self) -> None:
        for chunk in chunks(list(self._dirty), CHUNK):
            here = [user_id for user_id in chunk if user_id in self._sockets]
            gone = [user_id for user_id in chunk if user_id not in self._sockets]
            self._dirty.difference_update(chunk)
            try:
                await self._redis.ask(self._tell, here, gone)
            except RedisAwayError:
                # Told when Redis is back. After a while our sets should have ended, and who left need not be told of;
                # under another name, lest they have not.
                if gone and self._clock.monotonic() >= self._told_until:
                    self._node = secrets.token_hex(8)
                    self._dirty.update(self._sockets)
                else:
                    self._dirty.update(chunk)
                return

    async def _tell(self, client: Redis, here: Iterable[int], gone: Iterable[int]) -> None:
        async with client.pipeline(transaction=False) as pipe:
            for shard, users in _by_shard(gone).items():
                pipe.srem(self._key(self._node, shard), *users)
            for shard, users in _by_shard(here).items():
                pipe.sadd(self._key(self._node, shard), *users)
                pipe.pexpire(self._key(self._node, shard), self._life_ms)
            await pipe.execute()
        self._told_until = self._clock.monotonic() + self._life_ms / 1_000

    async def _find(self, client: Redis, users: Iterable[int]) -> set[int]:
        nodes = await self._known_nodes(client)
        shards = _by_shard(users).items()
        questions = [(self._key(node, shard), members) for shard, members in shards for node in nodes]
        async with client.pipeline(transaction=False) as pipe:
            for key, members in questions:
                pipe.smismember(key, members)
            answers = await pipe.execute()
        return {
            member
            for (_, members), found in zip(questions, answers, strict=True)
            for member, is_there in zip(members, found, strict=True)
            if is_there
        }

    async def _count(self, client: Redis, shards: Iterable[int]) -> int:
        nodes = await self._known_nodes(client)
        async with client.pipeline(transaction=False) as pipe:
            for shard in shards:
                pipe.eval(_COUNT, len(nodes), *(self._key(node, shard) for node in nodes))
            return sum(await pipe.execute())

    async def _members(self, client: Redis, shard: int) -> set[int]:
        nodes = await self._known_nodes(client)
        return {int(member) for member in await client.sunion([self._key(node, shard) for node in nodes])}

    async def _known_nodes(self, client: Redis) -> list[str]:
        if self._clock.monotonic() - self._nodes_learned_at > NODES_KNOWN_FOR:
            self._learn(await client.zrange(_NODES, 0, -1))
        return self._nodes

    def _learn(self, nodes: Any) -> None:
        """``nodes``: names as bytes; redis-py's types leave open what ``ZRANGE`` returns."""
        self._nodes = [self._node, *(name.decode() for name in nodes if name.decode() != self._node)]
        self._nodes_learned_at = self._clock.monotonic()

    async def _take_leave(self, client: Redis) -> None:
        async with client.pipeline(transaction=False) as pipe:
            pipe.unlink(*(self._key(self._node, shard) for shard in range(SHARDS)))
            pipe.zrem(_NODES, self._node)
            await pipe.execute()

    @staticmethod
    def _key(node: str, shard: int) -> str:
        return f"mypick:presence:{node}:{shard}"


def _by_shard(users: Iterable[int]) -> dict[int, list[int]]:
    shards: defaultdict[int, list[int]] = defaultdict(list)
    for user_id in users:
        shards[user_id % SHARDS].append(user_id)
    return shards
