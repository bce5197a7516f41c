"""How well a party is in step, as those see it who lead it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.bounded_redis import BoundedRedis
from mypick.errors import Code, DomainError
from mypick.watchparty.commands import NewRole
from mypick.watchparty.telemetry import RedisTelemetry
from mypick.watchparty.windows import EDGES_MS, GENERATION_MS, Counts, Window, added, percentile
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient, StartNode
from tests.realtime.node import Node
from tests.servers import RedisServer
from tests.watchparty.stage import Guest, actor_of, guest, party


@given(st.lists(st.floats(0, 20_000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_the_edge_above_what_was_measured(errors: list[float], share: float) -> None:
    window = Window(0)
    for error in errors:
        window.reported(error, 10, 0)
    found = percentile(window.counts(0).error, share)
    assert found is not None
    below = sum(error <= found for error in errors)
    assert below >= share * len(errors) or found == EDGES_MS[-1]


@given(st.lists(st.lists(st.floats(0, 20_000)), max_size=4))
def test_counts_of_nodes_add_up(nodes: list[list[float]]) -> None:
    windows, together = [], Window(0)
    for errors in nodes:
        windows.append(Window(0))
        for error in errors:
            windows[-1].reported(error, error, 0)
            together.reported(error, error, 0)
    total = added(Counts.of(window.counts(0).plain()) for window in windows)
    assert total.plain() == together.counts(0).plain()


def test_what_is_older_than_a_minute_counts_no_more() -> None:
    window = Window(0)
    window.missed(0)
    assert window.counts(GENERATION_MS).missed == 1
    assert window.counts(2 * GENERATION_MS).missed == 0


async def report(one: Guest, error_ms: float, **fields: Any) -> bool:
    now = one.socket._node.clock.now().timestamp() * 1_000
    body = {"seq": one.timeline["seq"], "position_ms": 1_000, "at_ms": now, "error_ms": error_ms, "rtt_ms": 40}
    return bool((await one.ask("report", **{**body, **fields}))["ok"])


async def playing(host: Guest) -> int:
    waiting = int((await host.control("play"))["data"]["seq"])
    await host.until_seq(waiting)
    assert (await host.ask("ready", seq=waiting, state="ready"))["ok"]
    await host.until_seq(waiting + 1)
    return waiting + 1


async def test_reports_of_two_nodes_are_shown_together(
    client: OpenClient, start_node: StartNode, bounded_redis: BoundedRedis, clock: FakeClock
) -> None:
    here, there = [await start_node(telemetry=RedisTelemetry(bounded_redis)) for _ in range(2)]
    alice, bob = await here.register("alice"), await here.register("bob")
    opened = await party(here, alice)
    host = await guest(client, here, alice, opened.id)
    seq = await playing(host)
    other = await guest(client, there, bob, opened.id)
    clock.advance(2)
    assert await report(host, 3)
    assert await report(other, -180, rtt_ms=250)
    clock.advance(6)
    assert await report(other, -9, rtt_ms=90, seq=seq - 1)  # it follows what holds no more
    for node in (here, there):
        await node.parties.telemetry.share()
    for node in (here, there):
        shown = await node.parties.telemetry.show(actor_of(alice), opened.id)
        assert (shown.nodes, shown.guests_reporting, shown.missed_leads, shown.window_s) == (2, 2, 1, 60)
        assert shown.position_error_ms.model_dump() == {"count": 2, "p50": 5, "p95": 200, "p99": 200}
        assert shown.clock_rtt_ms.p99 == 300
        assert [(far.user.name, far.error_ms) for far in shown.farthest] == [("bob", -180), ("alice", 3)]
        assert shown.fan_out_ms.count >= 2


async def test_without_redis_a_node_answers_for_itself(
    client: OpenClient, start_node: StartNode, bounded_redis: BoundedRedis, redis_server: RedisServer
) -> None:
    node = await start_node(telemetry=RedisTelemetry(bounded_redis))
    alice = await node.register("alice")
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    await playing(host)
    assert await report(host, 12)
    redis_server.kill()
    try:
        await node.parties.telemetry.share()
        shown = await node.parties.telemetry.show(actor_of(alice), opened.id)
    finally:
        redis_server.start()
    assert (shown.nodes, shown.position_error_ms.p50) == (1, 15)


async def test_only_those_who_lead_see_it(node: Node, client: OpenClient) -> None:
    alice, bob = await node.register("alice"), await node.register("bob")
    opened = await party(node, alice)
    await guest(client, node, bob, opened.id)
    with pytest.raises(DomainError) as caught:
        await node.parties.telemetry.show(actor_of(bob), opened.id)
    assert caught.value.code is Code.FORBIDDEN
    await node.parties.hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=bob.id, role="cohost"))
    shown = await node.parties.telemetry.show(actor_of(bob), opened.id)
    assert (shown.position_error_ms.p50, shown.host_changes) == (None, 0)


async def test_a_change_of_host_is_counted_once_over_all_nodes(
    client: OpenClient, start_node: StartNode, bounded_redis: BoundedRedis
) -> None:
    here, there = [await start_node(telemetry=RedisTelemetry(bounded_redis)) for _ in range(2)]
    alice, bob = await here.register("alice"), await here.register("bob")
    opened = await party(here, alice)
    host, other = await guest(client, here, alice, opened.id), await guest(client, there, bob, opened.id)
    assert (await host.ask("transfer-host", user_id=bob.id, cid="t1"))["ok"]
    await other.socket.event("host-changed")
    await host.socket.event("host-changed")
    for node in (here, there):
        await node.parties.telemetry.share()
    assert (await there.parties.telemetry.show(actor_of(bob), opened.id)).host_changes == 1


async def test_a_party_that_nobody_here_is_in_is_forgotten(node: Node, client: OpenClient) -> None:
    alice = await node.register("alice")
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    await playing(host)
    assert await report(host, 12)
    assert node.parties.telemetry._parties
    assert (await host.ask("leave-party"))["ok"]
    await node.parties.telemetry.share()
    assert node.parties.telemetry._parties == {}
