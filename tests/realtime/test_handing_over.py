"""Events of one stream that go to its members together: none takes another with it, and each is told to whom it is."""

from __future__ import annotations

from mypick.notifications.streams import inbox_of
from mypick.streams import Frame
from realtime.engine.messages import Message
from tests.realtime.clients import SPACE
from tests.realtime.conftest import Logs
from tests.realtime.engine.wire import Wire
from tests.realtime.node import Fan, Node


def signal(stream: str, name: str, *, but: str = "") -> Frame:
    return Frame(stream, "", None, name, b"{}", but=but)


async def test_one_that_fails_takes_none_of_the_others_with_it(node: Node, alice: Fan, logs: Logs) -> None:
    wire = await (await (await Wire().open(node)).greet()).join(alice)
    namespace, stream = node.namespace, inbox_of(alice.id)
    message, took = namespace.message, namespace.took

    def fail_at(frame: Frame) -> Message:
        if frame.type == "unreadable":
            raise ValueError("a body that nobody can read")
        return message(frame)

    def fail_to_take(frame: Frame) -> bool:
        if frame.type == "from a newer node":
            raise KeyError(frame.type)
        return took(frame)

    namespace.message, namespace.took = fail_at, fail_to_take  # type: ignore[method-assign]
    names = ["first", "unreadable", "second", "from a newer node", "third"]
    await node.door.deliver([signal(stream, name) for name in names])
    assert [await wire.packet() for _ in range(3)] == [
        f'42{SPACE},["{name}",{{}}]' for name in ("first", "second", "third")
    ]
    assert [line["type"] for line in logs.lines if line["event"] == "an event could not be told"] == [
        "unreadable", "from a newer node"
    ]
    logs.lines.clear()
    wire.writer.close()
    await node.assert_nobody_left()


async def test_each_comes_in_its_order_and_not_to_whom_it_leaves_out(node: Node, alice: Fan) -> None:
    first = await (await (await Wire().open(node)).greet()).join(alice)
    (member,) = node.engine.rooms.spaces[SPACE].members
    second = await (await (await Wire().open(node)).greet()).join(alice)
    stream = inbox_of(alice.id)
    await node.door.deliver(
        [signal(stream, "1"), signal(stream, "2", but=member), signal(stream, "3", but=member), signal(stream, "4")]
    )
    assert [await first.packet() for _ in range(2)] == [f'42{SPACE},["{name}",{{}}]' for name in "14"]
    assert [await second.packet() for _ in range(4)] == [f'42{SPACE},["{name}",{{}}]' for name in "1234"]
    for wire in (first, second):
        wire.writer.close()
    await node.assert_nobody_left()
