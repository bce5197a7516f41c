"""Who comes in, and what they get first."""

from __future__ import annotations

import asyncio
import base64
import itertools
from typing import Any

import jwt
import orjson
import pytest
import socketio

from tests.fakes import FakeClock
from tests.realtime.clients import SPACE, Client
from tests.realtime.conftest import OpenClient, OpenRaw, StartNode
from tests.realtime.node import ACCESS_SECRET, Fan, Node, until

RACES = 25  # connects while events are appended


async def refusal(node: Node, auth: Any) -> dict[str, Any]:
    """The data with which the client is refused."""
    client = Client(node, auth)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.open()
    await client.close()
    assert isinstance(client.refused, dict), client.refused
    assert client.refused["message"]
    data: dict[str, Any] = client.refused["data"]
    return data


def unsigned(token: str) -> str:
    """The same claims, with ``alg: none`` and no signature."""
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def forged(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "not the secret that the server has, but long", algorithm="HS256")


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {},
        [],
        "a token",
        17,
        True,
        {"token": None},
        {"token": 17},
        {"token": ["a", "b"]},
        {"token": {"token": "a"}},
        {"token": ""},
        {"token": "nonsense"},
        {"token": "a.b.c"},
        {"token": "é" * 100},
        {"token": "x" * 10_000},
        {"api_key": "mpk_00000000_" + "a" * 43},
        {"api_key": 5},
        {"api_key": ""},
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_is_no_token_is_refused_with_code_and_message(node: Node, auth: Any) -> None:
    data = await refusal(node, auth)
    assert data["code"] == "UNAUTHENTICATED"
    assert data["message"]
    assert data["retryable"] is False
    await node.assert_nobody_left()


async def test_forged_unsigned_and_refresh_tokens_are_refused(node: Node, alice: Fan) -> None:
    other = jwt.encode({"sub": str(alice.id)}, ACCESS_SECRET, algorithm="HS256")
    for token in (forged(alice.token), unsigned(alice.token), alice.refresh_token, alice.token[:-2], other):
        assert (await refusal(node, {"token": token}))["code"] == "UNAUTHENTICATED"
    await node.assert_nobody_left()


async def test_an_expired_token_is_refused_and_says_what_to_do(node: Node, alice: Fan, clock: FakeClock) -> None:
    clock.advance(3601)
    data = await refusal(node, {"token": alice.token})
    assert data["code"] == "UNAUTHENTICATED"
    assert "refresh token" in data["message"]


async def test_the_token_of_an_ended_session_is_refused(node: Node, alice: Fan) -> None:
    await node.accounts.log_out(await node.accounts.authenticate(alice.token))
    assert (await refusal(node, {"token": alice.token}))["code"] == "UNAUTHENTICATED"


async def test_a_key_with_the_scope_comes_in_and_one_without_is_refused(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    reading = await client(node, auth={"api_key": await node.key(alice, "read")})
    assert reading.all("unread-notifications")[0]["stream"] == f"inbox:{alice.id}"
    data = await refusal(node, {"api_key": await node.key(alice, "profile:write")})
    assert data["code"] == "FORBIDDEN"
    assert "read" in data["message"]


async def test_a_key_may_only_do_what_its_scopes_say(node: Node, alice: Fan, client: OpenClient) -> None:
    await node.notify(alice, "hello")
    reading = await client(node, auth={"api_key": await node.key(alice, "read")})
    refused = await reading.ask("mark-read", {"upto_seq": 1})
    assert refused["error"]["code"] == "FORBIDDEN"
    assert "notifications:write" in refused["error"]["message"]
    writing = await client(node, auth={"api_key": await node.key(alice, "read", "notifications:write")})
    assert await writing.ask("mark-read", {"upto_seq": 1}) == {"ok": True, "data": {"unread_count": 0}}


async def test_too_many_connects_of_one_address_are_refused_with_the_wait(start_node: StartNode) -> None:
    node = await start_node(limits={"socket.connect": "2/1m"})
    fan = await node.register("alice")
    for _ in range(2):
        await (await Client(node, {"token": fan.token}).open()).close()
    data = await refusal(node, {"token": fan.token})
    assert data["code"] == "RATE_LIMITED"
    assert data["retryable"] is True
    assert 0 < data["retry_after_ms"] <= 30_000


async def test_behind_trusted_proxies_the_address_is_the_one_that_they_saw(
    start_node: StartNode, client: OpenClient
) -> None:
    node = await start_node(trusted_proxies=1)
    fan = await node.register("alice")
    seen = {
        "203.0.113.7": "203.0.113.7",
        "6.6.6.6, 203.0.113.7": "203.0.113.7",  # what stands before it the client made up
        "::ffff:203.0.113.7": "203.0.113.7",
        "[2001:db8::1]": "2001:db8::1",
        "<script>": "127.0.0.1",
        "": "127.0.0.1",
    }
    for header, address in seen.items():
        one = await client(node, fan, headers={"X-Forwarded-For": header})
        assert [conn.address for conn in node.connections] == [address]
        await one.close()
        await node.assert_nobody_left()


async def test_a_second_forwarded_header_does_not_hide_the_proxys_own(
    start_node: StartNode, raw: OpenRaw
) -> None:
    node = await start_node(trusted_proxies=1)
    fan = await node.register("alice")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
    writer.write(
        b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"
    )
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    sid = orjson.loads(answer.split("\r\n\r\n")[1][1:])["sid"]
    joined = f'40{SPACE},{{"token":"{fan.token}"}}'
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
    writer.write(
        f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Length: {len(joined)}\r\n\r\n{joined}".encode()
    )
    assert b"200 OK" in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    (conn,) = await until(lambda: list(node.connections))
    assert conn.address == "203.0.113.7"


async def test_without_trusted_proxies_the_header_is_not_believed(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    await client(node, alice, headers={"X-Forwarded-For": "6.6.6.6"})
    assert [conn.address for conn in node.connections] == ["127.0.0.1"]


async def test_unread_comes_first_and_live_events_go_on_behind_it(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    for number in range(3):
        await node.notify(alice, f"before {number}")
    one = await client(node, alice)
    unread = one.all("unread-notifications")[0]
    assert unread["head_seq"] == 3
    assert unread["unread_count"] == 3
    assert [item["seq"] for item in unread["items"]] == [3, 2, 1]
    await node.notify(alice, "after")
    event = await one.event("new-notification")
    assert (event["seq"], event["epoch"], event["data"]["body"]) == (4, unread["epoch"], "after")
    assert event["data"]["unread_count"] == 4


async def test_a_connect_among_appends_has_neither_gap_nor_repeat(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    watching = await client(node, alice)
    wrote = itertools.count(1)
    running = True

    async def write() -> None:
        while running:
            await node.notify(alice, str(next(wrote)))

    writer = asyncio.create_task(write())
    newcomers = []
    for turn in range(RACES):
        newcomers += await asyncio.gather(*(client(node, alice) for _ in range(1 + turn % 3)))
        if len(newcomers) >= 12:
            await newcomers.pop(0).close()
    running = False
    await writer
    head = (await node.notifications.unread(await node.accounts.authenticate(alice.token))).head_seq
    assert head > RACES
    for one in [watching, *newcomers]:
        start = one.all("unread-notifications")[0]["head_seq"]
        if start < head:
            await one.event("new-notification", head - start)
        assert [event["seq"] for event in one.all("new-notification")] == list(range(start + 1, head + 1))
        assert one.heard[0][0] == "unread-notifications"


async def test_whoever_left_leaves_nothing(node: Node, alice: Fan, bob: Fan, client: OpenClient) -> None:
    opened = [await client(node, fan, transports=[kind]) for fan in (alice, bob) for kind in ("websocket", "polling")]
    assert await node.presence.online_count() == 2
    assert len(node.connections) == 4
    for one in opened:
        await one.close()
    await node.assert_nobody_left()


async def test_a_connection_that_joins_nothing_is_closed(start_node: StartNode, raw: OpenRaw) -> None:
    node = await start_node(alone=0.05)
    idle = await raw(node)
    assert await idle.rest() == ["1"]
    await node.assert_nobody_left()


async def test_a_connection_that_left_its_namespace_is_closed(start_node: StartNode, raw: OpenRaw) -> None:
    node = await start_node(alone=0.05)
    fan = await node.register("alice")
    one = await raw(node, fan)
    await asyncio.sleep(0.1)  # longer than it may be alone: it is not
    assert (await one.ask('["clock",{"t0":1}]'))["ok"]
    await one.send(f"41{SPACE},")
    assert await one.rest() == ["1"]
    await node.assert_nobody_left()


async def test_an_unknown_namespace_is_refused_with_the_names_of_those_there_are(node: Node, raw: OpenRaw) -> None:
    one = await raw(node)
    for name in ("/", "/other", "/notifications/x", "/%2e%2e", "/__class__"):
        await one.send(f"40{name}," if name != "/" else "40")
        frame = await one.receive()
        assert isinstance(frame, str)
        assert frame.startswith("44"), frame
        body = orjson.loads(frame[frame.index("{") :])
        assert body["data"]["code"] == "NOT_FOUND"
        assert SPACE in body["message"]
