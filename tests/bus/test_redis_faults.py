"""What a real Redis does to the bus when it is killed, hangs, or throws us out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from structlog.testing import capture_logs

from mypick.bus import RedisBus
from tests.bus.conftest import PATIENCE, MakeNode
from tests.bus.proxy import Proxy
from tests.servers import RedisServer, ValkeyServer


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def proxy(redis_server: RedisServer, redis_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(redis_server.port) as opened:
        yield opened


async def test_subscriptions_stand_again_after_each_restart(redis_server: RedisServer, redis_node: MakeNode) -> None:
    alice, bob = await redis_node(), await redis_node()
    channels = [f"room:{room}" for room in range(1_200)]
    await bob.bus.subscribe(channels)
    for restart in range(1, 4):
        redis_server.restart()
        await bob.until(lambda gaps=restart: bob.gaps == gaps)  # type: ignore[misc]  # bound, not captured
        await alice.until(lambda gaps=restart: alice.gaps == gaps)  # type: ignore[misc]
        bob.heard.clear()
        await alice.bus.publish([(channel, b"") for channel in channels])
        assert await bob.until_heard(1_200) == [(channel, b"") for channel in channels]


async def test_losing_the_connection_alone_is_noticed_at_once(admin: Redis, redis_node: MakeNode) -> None:
    alice = await redis_node(canary_every=60)
    await alice.bus.subscribe(["room:1"])
    await admin.client_kill_filter(_type="pubsub")
    await alice.until(lambda: alice.gaps == 1)
    await alice.bus.publish([("room:1", b"")])
    await alice.until_heard(1)


async def test_losing_the_publishing_connection_is_noticed_at_once(admin: Redis, redis_node: MakeNode) -> None:
    alice = await redis_node(canary_every=60)
    await admin.client_kill_filter(_type="normal", skipme=True)
    await alice.bus.publish([("room:1", b"")])
    await alice.until(lambda: alice.gaps == 1)
    assert alice.counted("bus_dropped_total") == 1


async def test_a_connection_closed_while_it_is_made_is_an_outage_and_no_failure_of_ours(
    admin: Redis, redis_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await redis_node(canary_every=60)
    tried = asyncio.Event()

    async def closed(*_: object, **__: object) -> None:
        tried.set()
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")  # uvloop

    with capture_logs() as logs:
        with monkeypatch.context() as patched:
            await admin.client_kill_filter(_type="pubsub")
            patched.setattr(Connection, "send_packed_command", closed)
            await asyncio.wait_for(tried.wait(), 5)
        await alice.until(lambda: alice.gaps == 1)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == []


async def test_a_hanging_redis_costs_one_publisher_a_moment_and_the_others_nothing(
    redis_server: RedisServer, redis_node: MakeNode
) -> None:
    alice, bob = await redis_node(), await redis_node()
    await bob.bus.subscribe(["room:1"])
    redis_server.pause()
    try:
        began = time.monotonic()
        await asyncio.gather(*(alice.bus.publish([("room:1", b"lost")]) for _ in range(50)))
        assert time.monotonic() - began < 1.0  # two round trips of 0.25 s, and a slow machine
        await alice.until_up(False)
        began = time.monotonic()
        for _ in range(200):
            await alice.bus.publish([("room:1", b"lost")])
            await alice.bus.subscribe(["room:2"])
        assert time.monotonic() - began < 0.2  # nobody waits for what is known to be away
        assert alice.counted("bus_dropped_total") == 250
        await bob.until_up(False)  # the canary
    finally:
        redis_server.resume()
    await alice.until(lambda: alice.gaps == 1)
    await bob.until(lambda: bob.gaps == 1)
    bob.heard.clear()
    await alice.bus.publish([("room:1", b"first"), ("room:1", b"second")])
    # what hung in the old connection must not arrive behind what was published later
    await bob.until(lambda: ("room:1", b"second") in bob.heard)
    assert bob.heard == [("room:1", b"first"), ("room:1", b"second")]


async def test_a_deaf_subscription_is_noticed_by_the_canary(proxy: Proxy, redis_node: MakeNode) -> None:
    alice, bob = await redis_node(), await redis_node(url=proxy.url)
    await bob.bus.subscribe(["room:1"])
    proxy.freeze(but_first=1)  # a link publishes on its first connection and listens on its second
    assert await bob.bus.ping() < 1
    await bob.until(lambda: bob.gaps == 1)
    await alice.bus.publish([("room:1", b"")])
    await bob.until_heard(1)


async def test_what_an_old_connection_still_carries_never_arrives_behind_newer_messages(
    proxy: Proxy, redis_node: MakeNode
) -> None:
    alice, bob = await redis_node(url=proxy.url, canary_every=60), await redis_node()
    await bob.bus.subscribe(["room:1"])
    proxy.freeze()  # the network holds what is sent from now on
    await alice.bus.publish([("room:1", b"old")])
    await alice.until(lambda: alice.gaps == 1)
    await alice.bus.publish([("room:1", b"new")])
    await bob.until_heard(1)
    await proxy.thaw()
    await alice.bus.publish([("room:1", b"newer")])
    assert await bob.until_heard(2) == [("room:1", b"new"), ("room:1", b"newer")]


async def test_leaving_a_channel_while_it_is_being_joined_among_many_leaves_it(
    admin: Redis, redis_node: MakeNode
) -> None:
    alice = await redis_node(prefix="p:")
    channels = [str(number) for number in range(2_000)]
    joining = asyncio.create_task(alice.bus.subscribe(channels))
    await asyncio.sleep(0)  # the first batch is written, the others wait
    await alice.bus.unsubscribe(["1999"])
    await joining
    assert await admin.pubsub_numsub("p:1998", "p:1999") == [(b"p:1998", 1), (b"p:1999", 0)]


async def test_joining_a_channel_while_it_is_being_left_among_many_joins_it(admin: Redis, redis_node: MakeNode) -> None:
    alice = await redis_node(prefix="p:")
    channels = [str(number) for number in range(2_000)]
    await alice.bus.subscribe(channels)
    leaving = asyncio.create_task(alice.bus.unsubscribe(channels))
    await asyncio.sleep(0)
    await alice.bus.subscribe(["1999"])
    await leaving
    assert await admin.pubsub_numsub("p:1998", "p:1999") == [(b"p:1998", 0), (b"p:1999", 1)]


async def test_start_returns_while_redis_is_away_and_the_bus_comes_up_by_itself(
    redis_server: RedisServer, redis_node: MakeNode
) -> None:
    redis_server.kill()
    alice = await redis_node()
    assert not alice.bus.up
    await alice.bus.subscribe(["room:1"])
    await alice.bus.publish([("room:1", b"lost")])
    redis_server.start()
    await alice.until(lambda: alice.gaps == 1)
    await alice.bus.publish([("room:1", b"heard")])
    assert await alice.until_heard(1) == [("room:1", b"heard")]


async def test_a_bus_can_be_closed_while_redis_is_away_or_hangs(
    redis_server: RedisServer, redis_node: MakeNode
) -> None:
    alice, bob = await redis_node(), await redis_node()
    redis_server.pause()
    try:
        async with asyncio.timeout(PATIENCE):
            await alice.bus.close()
    finally:
        redis_server.resume()
    redis_server.kill()
    await bob.until_up(False)
    async with asyncio.timeout(PATIENCE):
        await bob.bus.close()


async def test_two_connections_a_node_whatever_happens(
    admin: Redis, redis_server: RedisServer, redis_node: MakeNode
) -> None:
    alice = await redis_node()
    await asyncio.gather(*(alice.bus.publish([("room:1", b"")]) for _ in range(100)))
    for gap in range(1, 4):
        await admin.client_kill_filter(_type="pubsub")
        await alice.until(lambda gaps=gap: alice.gaps == gaps)  # type: ignore[misc]
    assert len(await admin.client_list()) == 2 + 1  # and the one that asks


async def test_a_caller_who_gives_up_disturbs_nobody(redis_server: RedisServer, redis_node: MakeNode) -> None:
    alice = await redis_node()
    await alice.bus.subscribe(["room:1"])
    impatient = [asyncio.create_task(alice.bus.publish([("room:1", b"%d" % i)])) for i in range(20)]
    await asyncio.sleep(0)
    for task in impatient:
        task.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    await alice.bus.publish([("room:1", b"end")])
    await alice.until(lambda: ("room:1", b"end") in alice.heard)
    assert alice.gaps == 0
    assert await alice.bus.ping() < 1


async def test_installations_with_their_own_prefix_do_not_hear_each_other(redis_node: MakeNode) -> None:
    one, other = await redis_node(prefix="one:"), await redis_node(prefix="other:")
    await one.bus.subscribe(["room:1"])
    await other.bus.subscribe(["room:1"])
    await one.bus.publish([("room:1", b"one")])
    await other.bus.publish([("room:1", b"other")])
    assert await one.until_heard(1) == [("room:1", b"one")]
    assert await other.until_heard(1) == [("room:1", b"other")]


_steps = st.lists(
    st.tuples(
        st.sampled_from(["subscribe", "unsubscribe", "kill", "breathe"]),
        st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True),
    ),
    max_size=25,
)


@given(steps=_steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_ends_with_the_wanted_subscriptions_however_calls_and_faults_interleave(
    redis_url: str, steps: list[tuple[str, list[str]]]
) -> None:
    asyncio.run(_interleave(redis_url, steps, sharded=False))


@given(steps=_steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_so_it_does_with_sharded_subscriptions(
    valkey_server: ValkeyServer, steps: list[tuple[str, list[str]]]
) -> None:
    asyncio.run(_interleave(valkey_server.start().url, steps, sharded=True))


async def _interleave(url: str, steps: list[tuple[str, list[str]]], *, sharded: bool) -> None:
    bus = RedisBus(url, prefix="p:", sharded=sharded)
    wanted: set[str] = set()
    calls: list[asyncio.Task[None]] = []
    async with Redis.from_url(url, decode_responses=True) as admin:
        listed = admin.pubsub_shardchannels if sharded else admin.pubsub_channels
        try:
            await bus.start(lambda _channel, _payload: None, lambda: None)
            for what, channels in steps:
                if what == "subscribe":
                    wanted.update(channels)
                    calls.append(asyncio.create_task(bus.subscribe(channels)))
                elif what == "unsubscribe":
                    wanted.difference_update(channels)
                    calls.append(asyncio.create_task(bus.unsubscribe(channels)))
                elif what == "kill":
                    await admin.client_kill_filter(_type="pubsub")
                else:
                    await asyncio.sleep(0)
            await asyncio.gather(*calls)
            async with asyncio.timeout(PATIENCE):
                while not bus.up or set(await listed("p:?")) != {f"p:{name}" for name in wanted}:
                    await asyncio.sleep(0.01)
        finally:
            await bus.close()
