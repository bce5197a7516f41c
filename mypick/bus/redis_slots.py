"""Which server of a Redis Cluster has which slot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import Connection, ConnectionPool
from redis.crc import REDIS_CLUSTER_HASH_SLOTS
from redis.exceptions import ResponseError

Address = tuple[str, int]

SEED: Address = ("", 0)  # where the URL leads
MAX_MASTERS = 200  # each is two connections of this node; a larger cluster is for larger things than wake-ups
READ_WITHIN = 1.0  # seconds


class TooManyMastersError(ConnectionError):
    """More servers than this node connects to."""


async def read_owners(pool: ConnectionPool) -> Sequence[Address | None]:
    """The master of each slot, None for a slot that has none now. A server that is in no cluster has them all.

    Opens a connection for it and closes it. Raises ``RedisError``, ``OSError`` or ``TimeoutError``.
    """
    connection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py
    try:
        async with asyncio.timeout(READ_WITHIN):
            await connection.connect()
            await connection.send_command("CLUSTER", "SLOTS")
            return _owners(await connection.read_response(), _address(pool))
    except ResponseError as refusal:
        if "cluster support disabled" in str(refusal):
            return [SEED] * REDIS_CLUSTER_HASH_SLOTS
        raise
    finally:
        await connection.disconnect(nowait=True)


def pool_at(pool: ConnectionPool, address: Address) -> ConnectionPool:
    """As ``pool``, for another server: the same user, password and TLS."""
    if address == SEED:
        return pool
    host, port = address
    kind = pool.connection_class
    if not issubclass(kind, Connection):  # a socket file leads to one server of the cluster, not to the others
        kind = Connection
    kept = {name: value for name, value in pool.connection_kwargs.items() if name != "path"}
    return ConnectionPool(connection_class=kind, **{**kept, "host": host, "port": port})


def _owners(ranges: Sequence[Any], asked: Address) -> Sequence[Address | None]:
    """``ranges``: ``[first, last, [host, port, …], replicas…]``; a host that is not told is the one that was asked."""
    owners: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    masters: dict[Address, Address] = {}  # one object for each, so that 16,384 slots hold no more than that
    for first, last, (host, port, *_), *_replicas in ranges:
        named = host.decode() if host not in (None, b"", b"?") else asked[0]
        address = masters.setdefault((named, int(port)), (named, int(port)))
        owners[first : last + 1] = [address] * (last + 1 - first)
    if len(masters) > MAX_MASTERS:
        raise TooManyMastersError(f"the cluster has {len(masters)} masters, a node connects to {MAX_MASTERS} at most")
    return owners


def _address(pool: ConnectionPool) -> Address:
    return pool.connection_kwargs.get("host", "localhost"), pool.connection_kwargs.get("port", 6379)
