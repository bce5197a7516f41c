"""What every engine promises."""

from __future__ import annotations

import asyncio

import pytest

from tests.bus.conftest import MakeNode, Outage


async def test_every_subscriber_hears_a_message_once_and_its_publisher_too(node: MakeNode) -> None:
    alice, bob, carol = await node(), await node(), await node()
    await alice.bus.subscribe(["room:1"])
    await bob.bus.subscribe(["room:1", "room:2"])
    await carol.bus.subscribe(["room:2"])
    await alice.bus.publish([("room:1", b"one"), ("room:2", b"two"), ("room:3", b"nobody")])
    assert await alice.until_heard(1) == [("room:1", b"one")]
    assert sorted(await bob.until_heard(2)) == [("room:1", b"one"), ("room:2", b"two")]  # in order on one channel
    assert await carol.until_heard(1) == [("room:2", b"two")]
    assert alice.counted("bus_published_total") == 3
    assert bob.counted("bus_received_total") == 2


async def test_messages_arrive_in_the_order_of_publishing(node: MakeNode) -> None:
    alice, bob = await node(), await node()
    await bob.bus.subscribe(["room:1"])
    batches = [[("room:1", b"%d" % (10 * batch + i)) for i in range(10)] for batch in range(50)]
    # started in order and not awaited one by one: the order of publishing is the order of the calls
    await asyncio.gather(*(alice.bus.publish(batch) for batch in batches))
    assert await bob.until_heard(500) == [("room:1", b"%d" % i) for i in range(500)]


async def test_a_message_published_after_subscribe_returned_is_heard(node: MakeNode) -> None:
    alice, bob = await node(), await node()
    for room in range(50):
        await bob.bus.subscribe([f"room:{room}"])
        await alice.bus.publish([(f"room:{room}", b"")])
    assert set(await bob.until_heard(50)) == {(f"room:{room}", b"") for room in range(50)}


async def test_nothing_is_heard_after_unsubscribe(node: MakeNode) -> None:
    alice, bob = await node(), await node()
    await bob.bus.subscribe(["room:1", "end"])
    await bob.bus.unsubscribe(["room:1"])
    await alice.bus.publish([("room:1", b""), ("end", b"")])
    assert await bob.until_heard(1) == [("end", b"")]


async def test_subscribing_twice_is_once(node: MakeNode) -> None:
    alice = await node()
    await asyncio.gather(alice.bus.subscribe(["room:1"]), alice.bus.subscribe(["room:1", "end"]))
    await alice.bus.publish([("room:1", b"a")])
    await alice.bus.unsubscribe(["room:1"])
    await alice.bus.publish([("room:1", b"b"), ("end", b"")])
    # the first may have been on its way when the channel was left; the second was published after
    assert (await alice.until_heard(1))[-1:] in ([("end", b"")], [("room:1", b"a")])
    await alice.until(lambda: ("end", b"") in alice.heard)
    assert alice.heard.count(("room:1", b"a")) <= 1
    assert ("room:1", b"b") not in alice.heard


async def test_thousands_of_channels_can_be_joined_and_left_at_once(node: MakeNode) -> None:
    alice = await node()
    channels = [f"inbox:{user}" for user in range(5_000)]
    await alice.bus.subscribe(channels)
    await alice.bus.publish([(channel, b"") for channel in channels])
    assert set(await alice.until_heard(5_000)) == {(channel, b"") for channel in channels}
    await alice.bus.unsubscribe(channels[1:])
    await alice.bus.publish([(channels[-1], b"left"), (channels[0], b"stayed")])
    assert (await alice.until_heard(5_001))[5_000:] == [(channels[0], b"stayed")]


async def test_payload_and_channel_are_kept_byte_by_byte(node: MakeNode) -> None:
    alice = await node()
    payload = bytes(range(256)) * 256
    await alice.bus.subscribe(["방:1", "empty"])
    await alice.bus.publish([("방:1", payload), ("empty", b"")])
    assert sorted(await alice.until_heard(2)) == [("empty", b""), ("방:1", payload)]


async def test_a_listener_that_raises_does_not_stop_the_next_message(node: MakeNode) -> None:
    alice = await node()
    await alice.bus.subscribe(["room:1"])
    alice.on_message = lambda _, payload: 1 // (payload != b"poison")
    await alice.bus.publish([("room:1", b"before"), ("room:1", b"poison"), ("room:1", b"after")])
    await alice.until_heard(3)
    assert alice.bus.up
    assert alice.gaps == 0


async def test_a_listener_may_start_a_publish_of_its_own(node: MakeNode) -> None:
    alice, bob = await node(), await node()
    tasks: list[asyncio.Task[None]] = []
    await alice.bus.subscribe(["question"])
    await bob.bus.subscribe(["answer"])
    alice.on_message = lambda _, payload: tasks.append(
        asyncio.create_task(alice.bus.publish([("answer", payload)]))
    )
    await bob.bus.publish([("question", b"%d" % i) for i in range(5)])
    assert await bob.until_heard(5) == [("answer", b"%d" % i) for i in range(5)]
    await asyncio.gather(*tasks)


async def test_away_messages_are_dropped_and_counted_and_the_gap_is_told(node: MakeNode, outage: Outage) -> None:
    alice, bob = await node(), await node()
    await bob.bus.subscribe(["room:1"])
    assert alice.bus.up
    assert await alice.bus.ping() < 1
    outage.interrupt()
    await alice.until_up(False)
    await bob.until_up(False)
    await alice.bus.publish([("room:1", b"lost"), ("room:1", b"lost too")])
    assert alice.counted("bus_dropped_total") == 2
    assert alice.counted("bus_up") == 0
    with pytest.raises(ConnectionError):
        await alice.bus.ping()
    await bob.bus.subscribe(["room:2"])  # noted
    await bob.bus.unsubscribe(["room:1"])
    assert (alice.gaps, bob.gaps) == (0, 0)
    outage.mend()
    await bob.until(lambda: bob.gaps >= 1)  # one for each server of a cluster
    await alice.until(lambda: alice.gaps >= 1)
    await alice.until_up(True)
    await bob.until_up(True)
    await alice.bus.publish([("room:1", b"not for bob"), ("room:2", b"here")])
    assert await bob.until_heard(1) == [("room:2", b"here")]
    assert alice.counted("bus_reconnects_total") == alice.gaps


async def test_a_closed_bus_hears_nothing_and_drops_what_it_is_given(node: MakeNode) -> None:
    alice, bob = await node(), await node()
    await alice.bus.subscribe(["room:1"])
    await bob.bus.subscribe(["room:1"])
    await alice.bus.close()
    await alice.bus.close()
    assert not alice.bus.up
    await bob.bus.publish([("room:1", b"")])
    await alice.bus.publish([("room:1", b"")])
    await bob.until_heard(1)
    assert alice.heard == []
    assert alice.counted("bus_dropped_total") == 1
    with pytest.raises(ConnectionError):
        await alice.bus.ping()
