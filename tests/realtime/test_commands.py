"""Commands of clients that are in: their acks, their order and their bounds."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from mypick.patience import Patience
from realtime.engine.bounds import Bounds
from tests.realtime.clients import SPACE
from tests.realtime.conftest import Logs, OpenClient, OpenPolling, OpenRaw, StartNode
from tests.realtime.node import Fan, Node, until

WAITING = Bounds().waiting
async def test_mark_read_by_seq_and_by_ids_tells_the_other_sockets(
    node: Node, alice: Fan, bob: Fan, client: OpenClient
) -> None:
    for number in range(4):
        await node.notify(alice, str(number))
    phone, laptop, other = await client(node, alice), await client(node, alice), await client(node, bob)
    items = phone.all("unread-notifications")[0]["items"]

    assert await phone.ask("mark-read", {"upto_seq": 2}) == {"ok": True, "data": {"unread_count": 2}}
    assert await laptop.event("notifications-read") == {"upto_seq": 2, "unread_count": 2}
    newest = items[0]["id"]
    assert await laptop.ask("mark-read", {"ids": [newest]}) == {"ok": True, "data": {"unread_count": 1}}
    assert await phone.event("notifications-read") == {"ids": [newest], "unread_count": 1}

    again = await phone.ask("mark-read", {"ids": [newest]})
    assert again == {"ok": True, "data": {"unread_count": 1}}
    assert await other.ask("mark-read", {"ids": [item["id"] for item in items]}) == {
        "ok": True,
        "data": {"unread_count": 0},
    }
    unread = await node.notifications.unread(await node.accounts.authenticate(alice.token))
    assert [item.seq for item in unread.items] == [3]  # of somebody else's ids nothing was read
    assert len(laptop.all("notifications-read")) == len(phone.all("notifications-read")) == 1  # never of one's own
    assert other.all("notifications-read") == []


async def test_sync_gives_pages_until_there_is_no_more(node: Node, alice: Fan, client: OpenClient) -> None:
    for number in range(5):
        await node.notify(alice, str(number))
    one = await client(node, alice)
    unread = one.all("unread-notifications")[0]
    asked = {"stream": unread["stream"], "epoch": unread["epoch"]}
    seen: list[int] = []
    more = True
    while more:
        reply = await one.ask("sync", {**asked, "after_seq": seen[-1] if seen else 0, "limit": 2})
        page = reply["data"]
        assert (page["epoch"], page["head_seq"], page["floor_seq"], page["reset"]) == (unread["epoch"], 5, 0, False)
        assert all(event["type"] == "new-notification" for event in page["events"])
        seen += [event["seq"] for event in page["events"]]
        more = page["more"]
    assert seen == [1, 2, 3, 4, 5]
    assert (await one.ask("sync", {"stream": unread["stream"], "after_seq": 5}))["data"]["events"] == []
    assert len(one.all("unread-notifications")) == 1


@pytest.mark.parametrize("claim", [{"epoch": "00000000", "after_seq": 1}, {"after_seq": 2}, {"after_seq": 2**53 - 1}])
async def test_sync_of_a_past_that_is_not_ours_resets_and_sends_the_state_anew(
    node: Node, alice: Fan, client: OpenClient, claim: dict[str, Any]
) -> None:
    await node.notify(alice, "one")
    one = await client(node, alice)
    reply = await one.ask("sync", {"stream": f"inbox:{alice.id}", **claim})
    assert reply["data"]["reset"] is True
    assert reply["data"]["events"] == []
    assert await one.event("unread-notifications", 2) == one.all("unread-notifications")[0]


async def test_streams_of_others_and_streams_that_are_none_are_not_found(
    node: Node, alice: Fan, bob: Fan, client: OpenClient
) -> None:
    one = await client(node, alice)
    for stream in (f"inbox:{bob.id}", "inbox:999", "room:1", "inbox:", f" inbox:{alice.id}", f"inbox:0{alice.id}", "'"):
        reply = await one.ask("sync", {"stream": stream, "after_seq": 0})
        assert reply["error"]["code"] == "NOT_FOUND", stream
        assert reply["error"]["retryable"] is False


async def test_clock_gives_back_t0_and_the_servers_two_times(node: Node, alice: Fan, client: OpenClient) -> None:
    one = await client(node, alice)
    for t0 in (0, 1.5, -3, 1_700_000_000_000.25):
        data = (await one.ask("clock", {"t0": t0}))["data"]
        assert data["t0"] == t0
        assert data["t1"] == data["t2"] == node.clock.now().timestamp() * 1000
        assert set(data) == {"t0", "t1", "t2"}


@pytest.mark.parametrize("wrong", ["1", True, None, [1], {"ms": 1}])
async def test_a_t0_that_is_no_number_is_one_plain_mistake(
    node: Node, alice: Fan, client: OpenClient, wrong: object
) -> None:
    error = (await (await client(node, alice)).ask("clock", {"t0": wrong}))["error"]
    assert (error["code"], error["details"]) == ("INVALID", [{"field": "t0", "message": "it must be a number"}])


async def test_thirty_commands_at_once_are_acked_in_their_order(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    for number in range(30):
        body = {"t0": number} if number % 3 else {"t0": "wrong"}
        await one.send(f'42{SPACE},{number}["clock",{orjson.dumps(body).decode()}]')
    order = []
    for _ in range(30):
        frame = await one.receive()
        assert isinstance(frame, str)
        order.append(int(frame.removeprefix(f"43{SPACE},").partition("[")[0]))
    assert order == list(range(30))


async def test_one_command_of_a_client_at_a_time_in_order(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    for number in range(5):
        await one.send(f'42{SPACE},{number}["hold",{{"gate":"{number}"}}]')
    for number in range(5):
        await until(lambda: len(node.namespace.gates) == number + 1)  # noqa: B023 - awaited here
        assert node.namespace.ran == [str(done) for done in range(number + 1)]
        node.namespace.gates[str(number)].set()
        assert (await one.ack(number)) == {"ok": True, "data": {"number": number + 1}}


async def test_one_more_than_may_wait_is_refused_and_those_before_it_are_done(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    """Over polling: each POST is a request of its own, so that one client can have many commands under way."""
    one = await polling(node, alice)
    posts = [
        asyncio.create_task(one.post(f'42{SPACE},{number}["hold",{{"gate":"all"}}]')) for number in range(WAITING)
    ]
    (conn,) = list(node.connections)
    await until(lambda: conn.member.waiting == WAITING)
    assert (await one.post(f'42{SPACE},99["clock",{{"t0":1}}]'))[0] == 200
    (refused,) = await one.packets(1)
    assert refused.startswith(f"43{SPACE},99[")
    error = orjson.loads(refused.partition("[")[2][:-1])["error"]
    assert (error["code"], error["retryable"], error["retry_after_ms"]) == ("RATE_LIMITED", True, 1000)
    node.namespace.gates["all"].set()
    assert len(await one.packets(WAITING)) == WAITING
    assert {status for status, _ in await asyncio.gather(*posts)} == {200}
    assert conn.member.waiting == 0


async def test_a_command_that_takes_too_long_is_given_up_and_the_next_one_runs(
    node: Node, alice: Fan, client: OpenClient, logs: Logs
) -> None:
    node.namespace._runner.patience = Patience(0.05)
    one = await client(node, alice)
    error = (await one.ask("hold", {"gate": "never"}))["error"]
    assert (error["code"], error["retryable"], error["retry_after_ms"]) == ("UNAVAILABLE", True, 1_000)
    (line,) = [line for line in logs.lines if line["event"] == "command given up"]
    assert line["command"] == "hold"
    logs.lines.remove(line)
    node.namespace.gates["open"] = asyncio.Event()
    node.namespace.gates["open"].set()
    assert (await one.ask("hold", {"gate": "open"}))["data"] == {"number": 2}


async def test_a_slow_command_holds_up_nobody_else(node: Node, alice: Fan, bob: Fan, client: OpenClient) -> None:
    slow, second, other = await client(node, alice), await client(node, alice), await client(node, bob)
    waiting = asyncio.create_task(slow.ask("hold", {"gate": "slow"}))
    await until(lambda: "slow" in node.namespace.gates)
    assert (await second.ask("clock", {"t0": 1}))["ok"]
    assert (await other.ask("clock", {"t0": 1}))["ok"]
    await node.notify(alice, "still delivered")
    assert (await slow.event("new-notification"))["seq"] == 1
    node.namespace.gates["slow"].set()
    assert (await waiting)["ok"]


async def test_a_command_that_still_waits_is_not_run_once_its_socket_is_closed(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node, alice)
    posts = [asyncio.create_task(one.post(f'42{SPACE},["hold",{{"gate":"{gate}"}}]')) for gate in "ab"]
    (conn,) = list(node.connections)
    await until(lambda: conn.member.waiting == 2)
    ran = list(node.namespace.ran)
    actor = await node.accounts.authenticate(alice.token)
    await node.accounts.log_out(actor)
    await until(lambda: conn.closed)
    node.namespace.gates[ran[0]].set()
    await asyncio.gather(*posts)
    assert node.namespace.ran == ran
    await until(lambda: not list(node.connections))


async def test_a_client_that_sends_too_much_is_told_how_long_to_wait(
    start_node: StartNode, client: OpenClient
) -> None:
    node = await start_node(limits={"socket.clock": "3/10s"})
    one = await client(node, await node.register("alice"))
    for _ in range(3):
        assert (await one.ask("clock", {"t0": 1}))["ok"]
    error = (await one.ask("clock", {"t0": 1}))["error"]
    assert (error["code"], error["retryable"]) == ("RATE_LIMITED", True)
    assert 0 < error["retry_after_ms"] <= 10_000
