"""The bus of many processes: Redis pub/sub.

Classic: one server, two connections a node; one listens, one publishes. Sharded, for a Redis Cluster (7.0 or newer):
a channel belongs to the server that has its slot, and a node has two connections to each master.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from mypick.bus.protocol import MessageHandler
from mypick.bus.redis_dialects import CLASSIC, SHARDED
from mypick.bus.redis_keeper import Keeper, Manners, Owner
from mypick.bus.redis_link import Command
from mypick.bus.redis_slots import MAX_MASTERS, SEED, Address, pool_at, read_owners
from mypick.clock import SystemClock
from mypick.endings import end
from mypick.metrics import Metrics
from mypick.outages import Outage

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 1.0
REMAP_PAUSE = 0.5  # seconds between two looks at the slots, a random half taken off: resharding moves thousands, one
# after another
CANARY_TRIES = 500 * MAX_MASTERS  # names until one falls into a slot of a given server: 3 where there are three


class RedisBus(Owner):
    """Redis pub/sub. Pub/sub knows no database numbers: installations that share a Redis need their own ``prefix``.

    ``patience`` is the longest wait for one round trip, in seconds. ``canary_every`` and ``canary_within`` bound how
    long a deaf link stays unnoticed: their sum, 3 s.

    ``sharded``: SSUBSCRIBE and SPUBLISH. ``url`` leads to any server of the cluster, or to one that is in none. When a
    slot moves, who subscribes in it is told of a gap, and a message that is published to where the slot was is dropped
    and counted; of those that are under way at that moment a later one may arrive first.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "mypick:",
        sharded: bool = False,
        metrics: Metrics | None = None,
        patience: float = 0.25,
        canary_every: float = 2.0,
        canary_within: float = 1.0,
        randomness: random.Random | None = None,
        outage: Outage | None = None,
    ) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,  # confirmations and messages come as plain replies, in order
            retry=Retry(NoBackoff(), 0),  # we retry ourselves
            socket_timeout=CONNECT_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
        )
        self._prefix = prefix.encode()
        self._sharded = sharded
        self._metrics = metrics or Metrics.unread()
        self._manners = Manners(
            dialect=SHARDED if sharded else CLASSIC,
            patience=patience,
            canary_every=canary_every,
            canary_within=canary_within,
            randomness=randomness or random.Random(),  # noqa: S311 - jitter
            outage=outage or Outage("redis", SystemClock()),
        )
        self._channels: dict[bytes, str] = {}  # bound: the caller's, one for each stream with a local member
        self._canary = self._prefix + b"canary:" + secrets.token_hex(8).encode()
        self._handler: MessageHandler = lambda _channel, _payload: None
        self._on_gap: Callable[[], None] = lambda: None
        self._keepers: dict[Address, Keeper] = {}  # bound: MAX_MASTERS
        self._owners: Sequence[Address | None] = [None if sharded else SEED] * REDIS_CLUSTER_HASH_SLOTS
        self._lost: set[bytes] = set()  # channels that their server has given up; bound: as the channels
        self._map_wanted = asyncio.Event()
        self._mapped = asyncio.Event()  # the first look at the slots has ended
        self._mapping: asyncio.Task[None] | None = None
        self._started = False

    @property
    def up(self) -> bool:
        return bool(self._keepers) and None not in self._owners and all(k.up for k in self._keepers.values())

    async def start(self, handler: MessageHandler, on_gap: Callable[[], None]) -> None:
        if self._started:
            raise RuntimeError("the bus was started before")
        self._started = True
        self._handler, self._on_gap = handler, on_gap
        if self._sharded:
            self._mapping = asyncio.create_task(self._stay_mapped(), name="bus-map")
            await self._mapped.wait()
        else:
            await self._keep_to({SEED})

    async def close(self) -> None:
        if self._mapping is not None:
            await end(self._mapping)
        await asyncio.gather(*(keeper.close() for keeper in self._keepers.values()))
        self._show_whether_up()

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        verb = self._manners.dialect.publish
        by_server: defaultdict[Address | None, list[Command]] = defaultdict(list)
        for channel, payload in messages:
            name = self._name(channel)
            by_server[self._server(name)].append((verb, name, payload))
        if len(by_server) == 1:  # always so where there is one server
            await self._publish_at(*by_server.popitem())
        elif by_server:
            await asyncio.gather(*(self._publish_at(*part) for part in by_server.items()))

    async def _publish_at(self, server: Address | None, commands: Sequence[Command]) -> None:
        keeper = self._keepers.get(server) if server is not None else None
        if keeper is not None and await keeper.command(commands):
            self._metrics.bus_published.inc(len(commands))
        else:
            self._metrics.bus_dropped.inc(len(commands))

    async def subscribe(self, channels: Iterable[str]) -> None:
        wanted = {self._name(channel): channel for channel in channels}
        self._channels.update(wanted)
        await asyncio.gather(*(keeper.subscribe(names) for keeper, names in self._by_keeper(wanted)))

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        unwanted = [self._name(channel) for channel in channels]
        for name in unwanted:
            self._channels.pop(name, None)
        await asyncio.gather(*(keeper.unsubscribe(names) for keeper, names in self._by_keeper(unwanted)))

    async def ping(self) -> float:
        started = time.perf_counter()
        asked = [keeper.command([("PING",)]) for keeper in self._keepers.values()]
        if not (all(await asyncio.gather(*asked)) and self.up):
            raise ConnectionError("the bus is away: Redis does not answer")
        return time.perf_counter() - started

    def _name(self, channel: str) -> bytes:
        return self._prefix + channel.encode()

    # whose a channel is

    def _server(self, name: bytes) -> Address | None:
        return self._owners[key_slot(name)] if self._sharded else SEED

    def _by_keeper(self, names: Iterable[bytes]) -> list[tuple[Keeper, list[bytes]]]:
        found: defaultdict[Address | None, list[bytes]] = defaultdict(list)
        for name in names:
            found[self._server(name)].append(name)
        # the others are noted: whoever begins to keep their server subscribes to them
        return [(self._keepers[server], some) for server, some in found.items() if server in self._keepers]

    async def _stay_mapped(self) -> None:
        """Look at the slots at first and whenever a server says that they are not where we think, or is away."""
        while True:
            self._map_wanted.clear()
            try:
                await self._move(await self._read_owners())
            except (RedisError, OSError, TimeoutError) as failure:
                self._manners.outage.away("bus", failure)
                self._map_wanted.set()
            except Exception:
                log.exception("the slots of the cluster could not be read, which is tried again")
                self._map_wanted.set()
            if None in self._owners:
                self._map_wanted.set()
            self._mapped.set()
            await asyncio.sleep(REMAP_PAUSE * self._manners.randomness.uniform(0.5, 1))
            await self._map_wanted.wait()

    async def _read_owners(self) -> Sequence[Address | None]:
        """From the first server that answers: those that we know in any order, then that of the URL."""
        known = list(self._keepers)
        self._manners.randomness.shuffle(known)
        for address in known:
            try:
                return await read_owners(pool_at(self._pool, address))
            except (RedisError, OSError, TimeoutError):
                continue  # another knows
        return await read_owners(self._pool)

    async def _move(self, owners: Sequence[Address | None]) -> None:
        """``owners`` is how it is now: leave servers, keep to new ones, and subscribe again to what has moved."""
        lost, self._lost = self._lost, set()
        before, self._owners = self._owners, owners
        moved = [
            name for name in self._channels if name in lost or before[slot := key_slot(name)] != owners[slot]
        ]
        there_before = set(self._keepers)
        await self._keep_to({address for address in owners if address is not None})
        self._show_whether_up()
        for keeper, names in self._by_keeper(moved):
            await keeper.subscribe(names)
        if moved and there_before:
            self._tell_gap()

    async def _keep_to(self, servers: Collection[Address]) -> None:
        """Returns when those that are new have been tried."""
        await asyncio.gather(*(self._keepers.pop(gone).close() for gone in self._keepers.keys() - servers))
        new = [Keeper(pool_at(self._pool, server), self, self._manners) for server in servers - self._keepers.keys()]
        self._keepers.update(zip(servers - self._keepers.keys(), new, strict=True))
        for keeper in new:
            keeper.start()
        for keeper in new:
            await keeper.tried.wait()

    # what the keepers ask and tell

    def wanted(self, keeper: Keeper) -> Collection[bytes]:
        if not self._sharded:
            return self._channels
        return [name for name in self._channels if self._is_at(name, keeper)]

    def is_wanted(self, name: bytes) -> bool:
        return name in self._channels

    def canary(self, keeper: Keeper) -> bytes:
        if not self._sharded:
            return self._canary
        if all(self._keepers.get(address) is not keeper for address in set(self._owners) if address is not None):
            return self._canary  # it has no slot any more: the next look at the slots ends it
        names = (self._canary + b":%d" % number for number in range(CANARY_TRIES))
        return next((name for name in names if self._is_at(name, keeper)), self._canary)

    def _is_at(self, name: bytes, keeper: Keeper) -> bool:
        server = self._server(name)
        return server is not None and self._keepers.get(server) is keeper

    def hear(self, name: bytes, payload: bytes) -> None:
        channel = self._channels.get(name)
        if channel is not None:
            self._metrics.bus_received.inc()
            self._guarded(lambda: self._handler(channel, payload), "the listener failed on a message")

    def turned(self, keeper: Keeper, *, gap: bool) -> None:
        self._show_whether_up()
        if not keeper.up:
            self._map_wanted.set()  # it may be the master of nothing any more
        elif gap:
            self._tell_gap()

    def moved(self, channel: bytes | None) -> None:
        if channel in self._channels:
            self._lost.add(channel)
        self._map_wanted.set()

    def _tell_gap(self) -> None:
        self._metrics.bus_reconnects.inc()
        self._guarded(self._on_gap, "the listener failed on a gap")

    def _guarded(self, call: Callable[[], None], event: str) -> None:
        try:
            call()
        except Exception:
            log.exception(event)

    def _show_whether_up(self) -> None:
        self._metrics.bus_up.set(self.up)
