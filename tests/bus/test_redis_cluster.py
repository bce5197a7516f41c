"""Sharded pub/sub over the masters of a real cluster whose slots move and whose servers die."""

from __future__ import annotations

import asyncio
from itertools import count

import structlog
from redis.crc import key_slot

from tests.bus.conftest import PATIENCE, MakeNode, Node, nodes_on
from tests.bus.proxy import Proxy
from tests.servers import RedisCluster, ValkeyServer

CHANNELS = [f"room:{room}" for room in range(60)]  # some in the slots of each master


def slot_of(channel: str) -> int:
    return key_slot(b"mypick:" + channel.encode())


def channels_of(cluster: RedisCluster, master: int) -> list[str]:
    """Those of ``CHANNELS`` whose slots the cluster began with at ``master``, and that no test has moved."""
    share = 16_384 // 3
    return [channel for channel in CHANNELS if min(slot_of(channel) // share, 2) == master]


async def assert_hears(listener: Node, speaker: Node, channels: list[str]) -> None:
    """Every message from now on arrives; the first may be lost, for nobody knew yet."""
    for attempt in count():
        text = b"%d" % attempt
        await speaker.bus.publish([(channel, text) for channel in channels])
        try:
            async with asyncio.timeout(0.5):
                await listener.until(lambda text=text: {(c, text) for c in channels} <= set(listener.heard))  # type: ignore[misc]  # bound, not captured
        except TimeoutError:
            assert attempt < 2 * PATIENCE, f"heard {listener.heard[-100:]}"
        else:
            return


def connections(cluster: RedisCluster) -> int:
    listed = [server.ask("CLIENT", "LIST", "TYPE", kind) for server in cluster.masters for kind in ("normal", "pubsub")]
    return sum(line != "" and "cmd=client" not in line for part in listed for line in part.split("\n"))


async def test_a_channel_is_heard_from_whichever_master_has_it_and_a_node_has_two_connections_to_each(
    cluster: RedisCluster, cluster_node: MakeNode
) -> None:
    alice, bob = await cluster_node(), await cluster_node()
    await bob.bus.subscribe(CHANNELS)
    assert all(channels_of(cluster, master) for master in range(3))
    await alice.bus.publish([(channel, b"one") for channel in CHANNELS])
    assert set(await bob.until_heard(len(CHANNELS))) == {(channel, b"one") for channel in CHANNELS}
    assert alice.counted("bus_published_total") == len(CHANNELS)
    assert connections(cluster) == 2 * 2 * 3


async def test_when_slots_move_the_channels_move_with_them(cluster: RedisCluster, cluster_node: MakeNode) -> None:
    alice, bob = await cluster_node(), await cluster_node()
    moving = channels_of(cluster, 0)[:5]
    await bob.bus.subscribe(CHANNELS)
    for channel in moving:
        cluster.move(slot_of(channel), cluster.masters[1])
    try:
        await bob.until(lambda: bob.gaps >= 1)  # it looks at the database
        await assert_hears(bob, alice, CHANNELS)
        assert connections(cluster) == 2 * 2 * 3
        assert alice.bus.up
        assert bob.bus.up
    finally:
        for channel in moving:
            cluster.move(slot_of(channel), cluster.masters[0])
    await assert_hears(bob, alice, CHANNELS)


async def test_who_joins_a_channel_that_has_moved_hears_it_though_nobody_told_of_the_move(
    cluster: RedisCluster, cluster_node: MakeNode
) -> None:
    alice = await cluster_node()
    channel = channels_of(cluster, 2)[0]
    cluster.move(slot_of(channel), cluster.masters[0])
    try:
        await alice.bus.subscribe([channel])  # refused by the master that had it
        await assert_hears(alice, alice, [channel])
        await alice.bus.unsubscribe([channel])
        assert alice.bus.up
    finally:
        cluster.move(slot_of(channel), cluster.masters[2])


async def test_a_dead_master_takes_only_its_own_channels_with_it_until_its_replica_stands_in() -> None:
    with RedisCluster() as cluster:
        async with nodes_on(cluster.url, sharded=True) as node:
            alice, bob = await node(), await node()
            await bob.bus.subscribe(CHANNELS)
            cluster.masters[0].kill()
            await bob.until_up(False)
            await assert_hears(bob, alice, channels_of(cluster, 1) + channels_of(cluster, 2))
            await asyncio.to_thread(
                cluster.until, lambda: "role:master" in cluster.replica.info("replication"), "no failover"
            )
            await bob.until_up(True)
            await alice.until_up(True)
            await bob.until(lambda: bob.gaps >= 1)  # told once it has subscribed there
            await assert_hears(bob, alice, CHANNELS)


async def test_start_returns_while_the_cluster_is_away_and_the_bus_comes_up_by_itself(
    cluster: RedisCluster, cluster_node: MakeNode
) -> None:
    cluster.kill()
    alice = await cluster_node()
    assert not alice.bus.up
    await alice.bus.subscribe(CHANNELS)
    await alice.bus.publish([("room:1", b"lost")])
    assert alice.counted("bus_dropped_total") == 1
    cluster.start()
    await alice.until_up(True)
    await assert_hears(alice, alice, CHANNELS)


async def test_a_deaf_sharded_subscription_is_noticed_by_the_canary(
    valkey_server: ValkeyServer, sharded_node: MakeNode
) -> None:
    async with Proxy(valkey_server.port) as proxy:
        alice, bob = await sharded_node(), await sharded_node(url=proxy.url)
        await bob.bus.subscribe(["room:1"])
        proxy.freeze(but_first=2)  # the slots were read over the first, the second publishes, the third listens
        assert await bob.bus.ping() < 1
        await bob.until(lambda: bob.gaps == 1)
        await alice.bus.publish([("room:1", b"")])
        await bob.until_heard(1)
        await bob.bus.close()


async def test_a_server_too_old_for_it_leaves_the_bus_down_and_says_why(redis_url: str) -> None:
    with structlog.testing.capture_logs() as lines:
        async with nodes_on(redis_url, sharded=True) as node:  # 6.2
            alice = await node()
            assert not alice.bus.up
            await alice.bus.publish([("room:1", b"")])
            assert alice.counted("bus_dropped_total") == 1
    assert "REDIS_BUS=sharded needs Redis 7.0 or Valkey 7.2, and this server is 6.2" in lines[0]["error"]
