"""Commands that are none, or wrong: each is told what is wrong with it, and nothing breaks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.realtime.clients import SPACE, Client
from tests.realtime.conftest import Logs, OpenClient, OpenRaw
from tests.realtime.node import MAX_PACKET, Fan, Node, until

NAMES = [
    "connect",
    "disconnect",
    "connect_error",
    "message",
    "error",
    "*",
    "trigger_event",
    "__init__",
    "__class__",
    "_handle_event",
    "receive",
    "admit",
    "opened",
    "closed",
    "evict",
    "new-notification",
    "unread-notifications",
    "Clock",
    " clock",
    "clock\u0000",
    "",
    "0",
    "클럭",
    "x" * 20_000,
]


async def test_names_that_are_no_command_are_invalid_and_reach_no_handler(
    node: Node, alice: Fan, bob: Fan, client: OpenClient, raw: OpenRaw
) -> None:
    beside = await client(node, bob)
    one = await raw(node, alice)
    for name in NAMES:
        reply = await one.ask(orjson.dumps([name, {}]).decode())
        assert reply["error"]["code"] == "INVALID", name
        assert "mark-read" in reply["error"]["message"], name  # it says which there are
    for strange in ([1, {}], [None], [{"a": 1}], [["clock"], {"t0": 1}], [True], [1.5], []):
        reply = await one.ask(orjson.dumps(strange).decode())
        assert reply["error"]["code"] == "INVALID", strange
    assert (await one.ask('["clock",{"t0":1}]'))["ok"]
    assert (await beside.ask("clock", {"t0": 1}))["ok"]
    assert len(node.connections) == 2


DEEP = "[" * 900 + "]" * 900
PAYLOADS = [
    '{"t0":1},{"t0":2}',
    "[]",
    '["a"]',
    '"text"',
    "null",
    "1",
    "1.5",
    "true",
    '{"t0":null}',
    '{"t0":"1"}',
    '{"t0":true}',
    '{"t0":[]}',
    '{"t0":{}}',
    "{}",
    '{"t0":1,"more":2}',
    '{"t0":1,"__class__":2}',
    '{"t0":1,"t\\u0000":2}',
    '{"":1}',
    f'{{"t0":{DEEP}}}',
    '{"t0":' + '{"a":' * 900 + "1" + "}" * 900 + "}",
    '{"t0":1e400}',
    '{"_placeholder":true,"num":0}',
    '{"t0":{"_placeholder":true,"num":0}}',
    '{"t0":1,"' + "k" * 30_000 + '":1}',
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda text: text[:24])
async def test_a_payload_that_is_not_one_right_object_is_invalid(
    node: Node, alice: Fan, raw: OpenRaw, payload: str
) -> None:
    one = await raw(node, alice)
    await one.send(f'42{SPACE},7["clock",{payload}]')
    reply = await one.ack(7)
    if reply is not None:  # or it was no JSON, and the client is closed
        assert reply["error"]["code"] == "INVALID", reply
        assert reply["error"]["message"]
        assert (await one.ask('["clock",{"t0":1}]'))["ok"]
    await one.close()
    await node.assert_nobody_left()


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("mark-read", {}),
        ("mark-read", {"upto_seq": 1, "ids": [1]}),
        ("mark-read", {"upto_seq": -1}),
        ("mark-read", {"upto_seq": 2**63}),
        ("mark-read", {"upto_seq": 1.0}),
        ("mark-read", {"upto_seq": "1; DROP TABLE notification"}),
        ("mark-read", {"ids": [0]}),
        ("mark-read", {"ids": [-5]}),
        ("mark-read", {"ids": [2**64 - 1]}),
        ("mark-read", {"ids": [1.5]}),
        ("mark-read", {"ids": ["1"]}),
        ("mark-read", {"ids": [None]}),
        ("mark-read", {"ids": list(range(1, 202))}),
        ("mark-read", {"ids": {"a": 1}}),
        ("sync", {"stream": "inbox:1"}),
        ("sync", {"stream": "", "after_seq": 0}),
        ("sync", {"stream": "x" * 101, "after_seq": 0}),
        ("sync", {"stream": "inbox:1\u0000", "after_seq": 0}),
        ("sync", {"stream": 1, "after_seq": 0}),
        ("sync", {"stream": "inbox:1", "after_seq": -1}),
        ("sync", {"stream": "inbox:1", "after_seq": 2**53}),
        ("sync", {"stream": "inbox:1", "after_seq": 0, "limit": 0}),
        ("sync", {"stream": "inbox:1", "after_seq": 0, "limit": 201}),
        ("sync", {"stream": "inbox:1", "after_seq": 0, "epoch": "123456789"}),
        ("sync", {"stream": "inbox:1", "after_seq": 0, "epoch": 7}),
        ("refresh-auth", {}),
        ("refresh-auth", {"token": ""}),
        ("refresh-auth", {"token": "x" * 4097}),
        ("refresh-auth", {"token": {"$ne": ""}}),
    ],
    ids=repr,
)
async def test_wrong_fields_are_named(
    node: Node, alice: Fan, raw: OpenRaw, event: str, payload: dict[str, Any]
) -> None:
    await node.notify(alice, "unread")
    one = await raw(node, alice)
    reply = await one.ask(orjson.dumps([event, payload]).decode())
    assert reply["ok"] is False
    assert reply["error"]["code"] == "INVALID"
    assert all({"field", "message"} == set(detail) for detail in reply["error"]["details"])
    assert reply["error"]["details"]
    actor = await node.accounts.authenticate(alice.token)
    assert (await node.notifications.unread(actor)).unread_count == 1


async def test_a_packet_over_the_limit_closes_its_sender_alone(
    node: Node, alice: Fan, bob: Fan, client: OpenClient, raw: OpenRaw
) -> None:
    beside, one = await client(node, bob), await raw(node, alice)
    await one.send(f'42{SPACE},7["clock",{{"t0":1,"x":"{"x" * MAX_PACKET}"}}]')
    assert await one.ack(7) is None
    assert one.ws.close_code == 1009
    assert (await beside.ask("clock", {"t0": 1}))["ok"]
    await until(lambda: len(node.connections) == 1)


async def test_an_unexpected_failure_shows_an_incident_and_nothing_of_itself(
    node: Node, alice: Fan, client: OpenClient, logs: Logs
) -> None:
    one = await client(node, alice)
    error = (await one.ask("break", {}))["error"]
    assert error["code"] == "INTERNAL"
    assert "nobody expected" not in error["message"]
    (line,) = [line for line in logs.lines if line["event"] == "unexpected failure"]
    assert line["incident"] == error["details"]["incident"]
    assert isinstance(line["exc_info"], ZeroDivisionError)
    logs.lines.remove(line)
    assert (await one.ask("clock", {"t0": 1}))["ok"]


async def test_python_socketios_client_sends_binary_and_is_told(node: Node, alice: Fan, client: OpenClient) -> None:
    one: Client = await client(node, alice)
    for payload in (b"bytes", {"t0": b"bytes"}, {"t0": [b"a", b"b"]}):
        assert (await one.ask("clock", payload))["error"]["code"] == "INVALID"
    assert (await one.ask("clock", {"t0": 1}))["ok"]
