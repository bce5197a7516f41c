"""Where nodes write up who is in their rooms, for the others to read.

A node that does not beat is dead after 6 s, and what it has written counts no more. That is decided by one clock, that
of the board, and kept in one place, so a beat is one command however many rooms there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import orjson
from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis
from mypick.clock import Clock

LIFE = 6.0  # seconds after its last beat that a node counts
ROOM_LIFE = 600  # seconds that Redis keeps a room which nobody writes to; each node writes to its own every minute

Part = int | frozenset[int]
"""What one node has in a room: who is there or, where they are many, how many."""

_NODES = "mypick:rooms:nodes"  # by the time of their death, in ms on the clock of Redis
# Nobody dies later than a life from now: who seems to did beat before that clock was set back, and counts once it beats
# again.
_BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now + ARGV[2]), '+inf')
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {known and 1 or 0, redis.call('ZRANGE', KEYS[1], 0, -1)}
"""
_LIVING = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now), string.format('%.0f', now + ARGV[1]))
"""


@dataclass(frozen=True, slots=True)
class Beat:
    known: bool  # the board counted the node until now: what it has written stands
    living: frozenset[str]  # all nodes that count


class Board(Protocol):
    """Every method raises ``ConnectionError`` while the board is away, and then may have been done or not."""

    async def beat(self, node: str) -> Beat:
        """``node`` lives. Before its first beat nothing that it writes counts."""

    async def write(self, node: str, parts: Mapping[str, Part | None]) -> None:
        """What ``node`` has in each room, None for nobody."""

    async def read(self, rooms: Collection[str]) -> Mapping[str, Mapping[str, Part]]:
        """By room, what each node that counts has there."""

    async def farewell(self, node: str) -> None:
        """``node`` counts no more."""


class MemoryBoard:
    """The board of the nodes of one process."""

    def __init__(self, clock: Clock, *, life: float = LIFE) -> None:
        self._clock, self._life = clock, life
        self._ends: dict[str, float] = {}  # when each node dies
        self._rooms: defaultdict[str, dict[str, Part]] = defaultdict(dict)

    async def beat(self, node: str) -> Beat:
        known = node in self._living()
        self._ends[node] = self._clock.monotonic() + self._life
        return Beat(known, self._living())

    async def write(self, node: str, parts: Mapping[str, Part | None]) -> None:
        for room, part in parts.items():
            if part is not None:
                self._rooms[room][node] = part
            elif room in self._rooms:
                self._rooms[room].pop(node, None)
                if not self._rooms[room]:
                    del self._rooms[room]

    async def read(self, rooms: Collection[str]) -> Mapping[str, Mapping[str, Part]]:
        living = self._living()
        return {
            room: {node: part for node, part in self._rooms.get(room, {}).items() if node in living}
            for room in rooms
        }

    async def farewell(self, node: str) -> None:
        self._ends.pop(node, None)

    def _living(self) -> frozenset[str]:
        now = self._clock.monotonic()
        return frozenset(node for node, ends in self._ends.items() if ends > now)


class RedisBoard:
    """The board of many processes: a hash for each room with a field for each node."""

    def __init__(self, redis: BoundedRedis, *, life: float = LIFE) -> None:
        self._redis, self._life_ms = redis, round(life * 1_000)

    async def beat(self, node: str) -> Beat:
        return await self._redis.ask(self._beat, node)

    async def write(self, node: str, parts: Mapping[str, Part | None]) -> None:
        await self._redis.ask(self._write, node, parts)

    async def read(self, rooms: Collection[str]) -> Mapping[str, Mapping[str, Part]]:
        return await self._redis.ask(self._read, list(rooms))

    async def farewell(self, node: str) -> None:
        await self._redis.ask(self._farewell, node)

    async def _beat(self, client: Redis, node: str) -> Beat:
        known, nodes = await client.eval(_BEAT, 1, _NODES, node, self._life_ms)
        return Beat(bool(known), frozenset(name.decode() for name in nodes))

    async def _write(self, client: Redis, node: str, parts: Mapping[str, Part | None]) -> None:
        async with client.pipeline(transaction=False) as pipe:
            for room, part in parts.items():
                if part is None:
                    pipe.hdel(_key(room), node)
                else:
                    pipe.hset(_key(room), node, orjson.dumps(part if isinstance(part, int) else list(part)))
                    pipe.expire(_key(room), ROOM_LIFE)
            await pipe.execute()

    async def _read(self, client: Redis, rooms: Collection[str]) -> Mapping[str, Mapping[str, Part]]:
        async with client.pipeline(transaction=False) as pipe:
            for room in rooms:
                pipe.hgetall(_key(room))
            pipe.eval(_LIVING, 1, _NODES, self._life_ms)
            *found, nodes = await pipe.execute()
        living = frozenset(nodes)
        dead = {room: [*fields.keys() - living] for room, fields in zip(rooms, found, strict=True)}
        if any(dead.values()):
            await self._bury(client, {room: nodes for room, nodes in dead.items() if nodes})
        return {
            room: {node.decode(): _part(value) for node, value in fields.items() if node in living}
            for room, fields in zip(rooms, found, strict=True)
        }

    async def _bury(self, client: Redis, dead: Mapping[str, Collection[bytes]]) -> None:
        """Take away what dead nodes have written. One that was only slow writes it again when it beats."""
        async with client.pipeline(transaction=False) as pipe:
            for room, nodes in dead.items():
                pipe.hdel(_key(room), *nodes)
            await pipe.execute()

    async def _farewell(self, client: Redis, node: str) -> None:
        await client.zrem(_NODES, node)


def _key(room: str) -> str:
    return f"mypick:rooms:in:{room}"


def _part(value: bytes) -> Part:
    read = orjson.loads(value)
    return read if isinstance(read, int) else frozenset(read)
