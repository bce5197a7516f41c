"""How packets are read, beside python-socketio's own reading of them; and that the same bounds hold on every way."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import socketio.packet
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.engine.bounds import Bounds
from realtime.engine.packets import (
    MALFORMED,
    Packet,
    nested_deeper,
    read_connect,
    read_event,
)
from tests.realtime.clients import SPACE
from tests.realtime.conftest import OpenPolling, StartNode
from tests.realtime.engine.frames import BINARY, ClientFrame, text
from tests.realtime.engine.wire import Wire, clock
from tests.realtime.node import Fan, Node

NESTING = Bounds().nesting

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMESPACES = st.sampled_from(["", "/notifications,", "/,", "/a-b,", "/a?b=c,", "/a", "/no[t,", "/é,"])
IDS = st.sampled_from(["", "0", "7", "007", "1" * 100, "1" * 101, "-1", "²", "٣", "1-", "12-3"])
BODIES = (
    st.tuples(st.sampled_from(["clock", "", "connect"]), JSON_VALUES).map(lambda pair: json.dumps(list(pair)))
    | JSON_VALUES.map(json.dumps)
    | st.sampled_from(["", "[", "]", "[1", " [1]", '["a"] ', "[NaN]", "{}", '{"a":[1]}', '"[", 1'])
)
EVENTS = st.tuples(st.just("2"), NAMESPACES, IDS, BODIES).map("".join) | st.text("2/,[]{}\"1-a?", max_size=14).map(
    lambda rest: "2" + rest
)


def stock(packet: str) -> tuple[str, Any, Any]:
    """Namespace, id and data as python-socketio reads them."""
    read = socketio.packet.Packet(encoded_packet=packet)
    if read.attachment_count:
        raise ValueError("an event with attachments is none of the plain ones")
    return read.namespace or "/", read.id, read.data


def refused_by_either(packet: str) -> None:
    """Fails for what python-socketio refuses, and for what orjson alone does: NaN, half of a surrogate pair."""
    data = json.dumps(stock(packet)[2])
    orjson.loads(data)


@given(EVENTS)
@example('2/notifications,7["clock",{"t0":1}]')
@example('2["clock"]')
def test_what_is_read_straight_from_the_bytes_python_socketio_reads_the_same(packet: str) -> None:
    payload = bytearray(b"4" + packet.encode())
    try:
        found = read_event(payload)
    except MALFORMED:
        with pytest.raises(MALFORMED):
            refused_by_either(packet)
        return
    if found is not None:
        assert (found.namespace, found.ack_id, found.arguments) == stock(packet)


@given(st.tuples(st.just("0/"), st.sampled_from(["a", "a,", "a?b,", "a,{", "b,,"]), BODIES).map("".join))
def test_a_connect_is_read_as_python_socketio_reads_it(packet: str) -> None:
    try:
        namespace, ack_id, data = stock(packet)
    except MALFORMED:
        return  # its own way to read it is not taken for granted; that nothing breaks is
    try:
        found = read_connect(bytearray(b"4" + packet.encode()))
    except MALFORMED:
        return
    if found is not None and ack_id is None:  # a number alone is an id there and auth here; both are no token
        assert found == (namespace, data)


@given(
    st.tuples(
        st.sampled_from("0123456"), st.sampled_from(["", "", "1-", "2-", "0-"]), NAMESPACES, IDS, BODIES
    ).map("".join)
)
def test_our_packet_reads_what_python_socketios_does_or_refuses(packet: str) -> None:
    try:
        read = Packet(encoded_packet=packet)
    except MALFORMED:
        return
    other = socketio.packet.Packet(encoded_packet=packet)
    for name in ("packet_type", "namespace", "id", "data", "attachment_count"):
        assert getattr(read, name) == getattr(other, name)


@pytest.mark.parametrize(
    "packet",
    ["0-", '5["a"]', '50-["a"]', '59-["a"]', '59999999999-["a"]', '62["a"]', '21-["a"]', "2[NaN]", '2["\\ud8"]', b"2"],
)
def test_packets_that_python_socketio_lets_pass_are_refused(packet: Any) -> None:
    with pytest.raises(MALFORMED):
        Packet(encoded_packet=packet)


@pytest.mark.parametrize("bound", [1, 2, 5, 32])
@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_nesting_is_counted_below_the_outermost(bound: int, kind: str) -> None:
    value: Any = 1
    for depth in range(1, bound + 5):
        value = [value] if kind == "lists" else {"a": value}
        assert nested_deeper([value], bound, depth + 1) == (depth > bound)
    assert not nested_deeper(["[" * 900], bound, 900)  # in a text they mean nothing


def test_an_engine_reads_all_packets_by_its_own_bounds(node: Node) -> None:
    assert node.engine.packet_class.json.loads("[1]") == [1]
    assert node.engine.sio.packet_class is node.engine.packet_class
    with pytest.raises(ValueError):
        node.engine.packet_class.json.loads("[NaN]")


# the bounds on each way that a packet can take


def deep(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


ANSWERED = {
    "an event": (f'42{SPACE},7["clock",{{}}]', "43"),
    "an event in an unusual form": (f'42{SPACE},7 ["clock",{{}}]', "43"),
    "an event with a query": (f'42{SPACE}?a=b,7["clock",{{}}]', "43"),
    "an event of objects": (f'42{SPACE},7["clock",{{"a":{{}}}}]', "43"),
    "a connect": ("40/other,{}", "44"),
    "a connect with a query": ("40/other?a=b,{}", "44"),
}
CLOSED = {
    "an ack": f"43{SPACE},1[{{}}]",
    "attachments": f'451-{SPACE},7["clock",{{}}]',
    "attachments of an ack": f"461-{SPACE},1[{{}}]",
}


def filled(packet: str, levels: int) -> str:
    return packet.replace("{}", deep(levels), 1)


@pytest.mark.parametrize(("packet", "answer"), ANSWERED.values(), ids=ANSWERED.keys())
async def test_what_is_nested_too_deep_is_answered_on_every_way(
    node: Node, alice: Fan, polling: OpenPolling, packet: str, answer: str
) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    one = await polling(node, alice)
    for levels in (NESTING + 2, 900):
        wire.send(text(filled(packet, levels)))
        told = await wire.packet()
        assert (await one.post(filled(packet, levels)))[0] == 200
        (polled,) = await one.packets(1)
        for answered in (told, polled):
            assert answered.startswith(answer)
            assert "INVALID" in answered or "NOT_FOUND" in answered
    wire.send(clock(3))
    assert (await wire.packet()).startswith(f"43{SPACE},3")
    wire.writer.close()
    assert (await one.post("1"))[0] == 200
    await node.assert_nobody_left()


async def test_a_token_may_not_be_nested_either(node: Node, alice: Fan) -> None:
    wire = await (await Wire().open(node)).greet()
    wire.send(text(f'40{SPACE},{{"token":"{alice.token}","x":{deep(40)}}}'))
    told = await wire.packet()
    assert told.startswith(f"44{SPACE},")
    assert "nested deeper than 32" in told
    wire.writer.close()
    await node.assert_nobody_left()


@pytest.mark.parametrize("packet", CLOSED.values(), ids=CLOSED.keys())
async def test_what_has_no_answer_is_closed_when_it_is_nested_too_deep(
    node: Node, alice: Fan, polling: OpenPolling, packet: str
) -> None:
    for levels in (NESTING + 2, 900):
        wire = await (await (await Wire().open(node)).greet()).join(alice)
        wire.send(text(filled(packet, levels)))
        assert (await wire.rest())[1] == 1008
        one = await polling(node, alice)
        assert (await one.post(filled(packet, levels)))[0] == 200
        assert (await one.post("3"))[0] == 400
    await node.assert_nobody_left()


async def test_placeholders_within_the_bound_are_filled(start_node: StartNode) -> None:
    node = await start_node(attachments=2)
    alice = await node.register("alice")
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    holder = '{"_placeholder":true,"num":0}'
    wire.send(
        text(f'452-{SPACE},7["clock",{deep(10).replace("1", holder)}]'),
        ClientFrame(BINARY, b"x"),
        ClientFrame(BINARY, b"y"),
    )
    assert (await wire.packet()).startswith(f'43{SPACE},7[{{"ok":false,"error":{{"code":"INVALID"')
    wire.send(text(f'453-{SPACE},7["clock",{holder}]'))
    assert (await wire.rest())[1] == 1008  # more than the two of the settings
    await node.assert_nobody_left()


async def test_the_form_of_a_script_is_read_with_the_same_json_and_bounds(
    node: Node, alice: Fan, polling: OpenPolling
) -> None:
    one = await polling(node, alice)
    assert (await one.post(f"d=42{SPACE}%2C7%5B%22clock%22%2C%7B%22t0%22%3A1%7D%5D"))[0] == 200
    assert (await one.packets(1))[0].startswith(f'43{SPACE},7[{{"ok":true')
    flood = "d=" + "%1e".join(["3"] * (node.engine.bounds.packets_per_second + 1))
    for body in ("d=4x&d=4x", "d=42%5BNaN%5D", flood, "d=0"):
        other = await polling(node, alice)
        assert (await other.post(body))[0] in (200, 400, 429)
        assert (await other.post("3"))[0] == 400
    assert (await one.post("d=1"))[0] == 200
    await node.assert_nobody_left()
