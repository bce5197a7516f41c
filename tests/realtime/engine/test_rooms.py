"""Rooms: what each step costs, and that the server's own ``emit`` and its like do what python-socketio's do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest
import socketio

from realtime.engine.bounds import Bounds
from realtime.engine.handshake import Handshakes
from realtime.engine.member import Member, Space
from realtime.engine.messages import Message, event
from realtime.engine.polling import Mailbox
from realtime.engine.rooms import SLICE, Rooms
from realtime.engine.server import Engine
from realtime.engine.session import Session
from realtime.engine.websocket import WebSocket
from tests.realtime.clients import SPACE, Client
from tests.realtime.conftest import Logs, OpenClient, OpenRaw, StartNode
from tests.realtime.node import Fan, Node, until

NEWS = event("/big", "news", b"{}")


class Silent:
    """A door that lets everybody in and says nothing."""

    async def admit(self, member: Member, auth: Any) -> None: ...

    async def opened(self, member: Member) -> None: ...

    def receive(self, member: Member, arguments: Any) -> None: ...

    def closed(self, member: Member, reason: str) -> None: ...

    async def ended(self, member: Member) -> None: ...


class Big:
    """A namespace with many members, whose sessions note what is written to them."""

    def __init__(self, count: int, rooms: int = 1) -> None:
        self.engine = Engine(Handshakes(lambda *_: True, lambda *_: "", lambda _: 0.0), bounds=Bounds())
        self.engine.loop = asyncio.get_running_loop()
        self.engine.add("/big", Silent())
        self.space: Space = self.engine.rooms.spaces["/big"]
        self.rooms: Rooms = self.engine.rooms
        self.written: list[int] = []
        self.on_write: Callable[[int], object] = lambda number: None
        self.members = [self._member(number) for number in range(count)]
        for member in self.members:
            self.rooms.enter(member, "all")

    def _member(self, number: int) -> Member:
        session = Session(self.engine, f"e{number}", "127.0.0.1")

        def write(frame: bytes) -> None:
            self.written.append(number)
            self.on_write(number)

        session.write = write
        member = Member(f"s{number}", self.space, session)
        session.members.append(member)
        self.space.members[member.sid] = member
        member.open = True
        return member

    def close(self) -> None:
        self.engine.wheel.close()


async def test_a_broadcast_to_many_is_written_in_slices_and_the_loop_is_not_held() -> None:
    big = Big(10 * SLICE)
    at_a_turn: list[int] = []

    async def watch() -> None:
        while len(big.written) < 10 * SLICE:
            at_a_turn.append(len(big.written))
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await big.rooms.broadcast("/big", "all", [NEWS])
    await watching
    assert big.written == list(range(10 * SLICE))
    steps = [after - before for before, after in itertools.pairwise(at_a_turn)]
    assert max(steps) <= SLICE
    big.close()


async def test_who_leaves_between_two_slices_hears_nothing_and_who_comes_was_not_there() -> None:
    big = Big(3 * SLICE)

    def at_the_end_of_the_first(number: int) -> None:
        if number == SLICE - 1:
            big.rooms.leave(big.members[SLICE + 5], "all")
            big.members[SLICE + 6].leave("gone")
            big.rooms.enter(big._member(9_999), "all")

    big.on_write = at_the_end_of_the_first
    await big.rooms.broadcast("/big", "all", [NEWS], but="s0")
    assert big.written == [number for number in range(1, 3 * SLICE) if number not in (SLICE + 5, SLICE + 6)]
    big.close()


async def test_a_member_that_is_cut_while_it_is_written_to_disturbs_nobody() -> None:
    big = Big(20)

    def cut(number: int) -> None:
        if number == 5:
            big.members[5].session.cut("too slow")

    big.on_write = cut
    await big.rooms.broadcast("/big", "all", [NEWS])
    await big.rooms.broadcast("/big", "all", [NEWS])
    assert big.written == [*range(20), *(number for number in range(20) if number != 5)]
    big.close()


async def test_a_member_that_cannot_be_written_to_keeps_nothing_from_those_behind_it(logs: Logs) -> None:
    big = Big(20)

    def fail(number: int) -> None:
        if number == 5:
            raise RuntimeError("unable to perform operation; the handler is closed")

    big.on_write = fail
    await big.rooms.broadcast("/big", "all", [NEWS, NEWS])
    assert big.written == list(range(20))
    assert [line["eio_sid"] for line in logs.lines] == ["e5"]
    logs.lines.clear()
    big.close()


async def test_several_messages_are_one_write_and_one_by_one_for_who_polls() -> None:
    big = Big(3)
    written: list[bytes] = []
    polls = big.members[1].session
    big.members[0].session.write = big.members[2].session.write = written.append
    polls.write, polls.mailbox = None, Mailbox()
    more = event("/big", "more", b"{}")
    await big.rooms.broadcast("/big", "all", [NEWS, more])
    assert written == [NEWS.frame + more.frame] * 2
    assert polls.mailbox.close() == [NEWS.frame, more.frame]
    big.close()


class Link(WebSocket):
    """Notes what is written."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.written: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.written.append(frame)


async def test_what_waited_for_a_poll_goes_to_its_websocket_by_one_write() -> None:
    big = Big(1)
    session = big.members[0].session
    session.write, session.mailbox = None, Mailbox()
    for _ in range(3):
        await big.rooms.broadcast("/big", "all", [NEWS, NEWS])
    link = Link(session)
    session.upgrade(link)
    assert link.written == [6 * NEWS.frame]
    big.close()


class Counted(dict[str, Any]):
    """Notes which of its entries are looked at, and fails whoever walks over all."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.looks: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.looks.append(key)
        return super().__getitem__(key)

    def _walk(self) -> Any:
        raise AssertionError("a walk over all rooms")

    __iter__ = items = values = keys = copy = _walk


async def test_leaving_looks_at_ones_own_rooms_and_no_others() -> None:
    """Beside 20,000 rooms of others, for which python-socketio's manager takes 1.85 ms each time."""
    big = Big(300)
    leaving = big.members.pop()
    for number in range(20_000):
        big.rooms.enter(big.members[number % 299], f"room {number}")
    big.rooms.enter(leaving, "own")
    big.space.rooms = counted = Counted(big.space.rooms)
    leaving.leave("gone")
    assert counted.looks == ["all", "own"]
    assert len(counted) == 20_001
    big.close()


async def test_a_room_ends_with_its_last_member_and_a_member_with_its_rooms() -> None:
    big = Big(3)
    for member in big.members:
        big.rooms.enter(member, "more")
        big.rooms.enter(member, "more")  # twice is once
    assert big.rooms.count("/big", "more") == 3
    big.members[0].leave("gone")
    big.members[0].leave("gone again")
    assert big.members[0].rooms == []
    assert big.rooms.count("/big", "more") == 2
    for member in big.members:
        big.rooms.leave(member, "more")
        big.rooms.leave(member, "never there")
    assert list(big.space.rooms) == ["all"]
    assert big.rooms.count("/big", "more") == big.rooms.count("/other", "more") == 0
    await big.rooms.broadcast("/big", "more", [cast(Message, None)])  # nobody is there to hear it
    big.close()


# the public surface of python-socketio's server, with its own client


async def sids(node: Node, *clients: Client) -> list[str]:
    return [one.socket.get_sid(SPACE) for one in clients]


async def test_emit_reaches_rooms_lists_of_rooms_one_client_and_all_but_some(
    node: Node, alice: Fan, bob: Fan, client: OpenClient
) -> None:
    sio = node.engine.sio
    clients = [await client(node, fan) for fan in (alice, bob, bob)]
    first, second, third = await sids(node, *clients)
    await sio.enter_room(first, "a", namespace=SPACE)
    await sio.enter_room(second, "a", namespace=SPACE)
    await sio.enter_room(second, "b", namespace=SPACE)
    await sio.enter_room(third, "b", namespace=SPACE)
    told: list[tuple[dict[str, Any], str]] = [
        ({"room": "a"}, "110"),
        ({"to": "b"}, "011"),
        ({"room": ["a", "b"]}, "111"),  # the second once
        ({"to": first}, "100"),
        ({"to": ["nowhere", third]}, "001"),
        ({}, "111"),
        ({"skip_sid": second}, "101"),
        ({"skip_sid": [first, second]}, "001"),
        ({"room": "a", "skip_sid": first}, "010"),
        ({"room": "nowhere"}, "000"),
    ]
    for number, (options, _) in enumerate(told):
        await sio.emit("told", number, namespace=SPACE, **options)
    await sio.emit("told", "end", namespace=SPACE)
    for place, one in enumerate(clients):
        await one.event("told", 1 + sum(who[place] == "1" for _, who in told))
        assert one.all("told") == [number for number, (_, who) in enumerate(told) if who[place] == "1"] + ["end"]
    await sio.emit("told", 1, namespace="/nowhere")


async def test_emit_sends_what_python_socketio_sends(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    for data, frames in (
        (None, [f'42{SPACE},["x"]']),
        ({"a": "é"}, [f'42{SPACE},["x",{{"a":"é"}}]']),
        (["a", 1], [f'42{SPACE},["x",["a",1]]']),
        (("a", 1), [f'42{SPACE},["x","a",1]']),
        (b"bytes", [f'451-{SPACE},["x",{{"_placeholder":true,"num":0}}]', b"bytes"]),
        (bytearray(b"more"), [f'451-{SPACE},["x",{{"_placeholder":true,"num":0}}]', b"more"]),
    ):
        await node.engine.sio.emit("x", data, namespace=SPACE)
        assert [await one.receive() for _ in frames] == frames
    await one.close()


async def test_call_gets_the_answer_and_forgets_who_leaves_without_one(
    node: Node, alice: Fan, client: OpenClient
) -> None:
    one = await client(node, alice)
    (sid,) = await sids(node, one)
    one.socket.on("question", lambda *given: ("answer", *given), namespace=SPACE)
    sio, callbacks = node.engine.sio, node.engine.rooms.callbacks
    assert await sio.call("question", (1, 2), to=sid, namespace=SPACE, timeout=5) == ("answer", 1, 2)
    silent: list[Any] = []
    one.socket.on("nothing", lambda: asyncio.sleep(60), namespace=SPACE)
    await sio.emit("nothing", namespace=SPACE, to=sid, callback=silent.append)
    assert len(callbacks[sid]) == 2  # the counter, and the one that waits
    await one.close()
    await node.assert_nobody_left()
    assert callbacks == {}
    assert silent == []


async def test_acks_that_nobody_waits_for_call_nothing(node: Node, alice: Fan, raw: OpenRaw) -> None:
    one = await raw(node, alice)
    answers: list[tuple[Any, ...]] = []
    await node.engine.sio.emit("x", namespace=SPACE, callback=lambda *given: answers.append(given))
    assert await one.receive() == f'42{SPACE},1["x"]'
    for wrong in ("0[]", "[]", "2[]", '1{"a":1}', "1", "99[]", "1null"):
        await one.send(f"43{SPACE},{wrong}")
    await one.send(f'43{SPACE},1["first"]')
    await one.send(f'43{SPACE},1["second"]')
    await until(lambda: answers)
    assert (await one.ask('["clock",{"t0":1}]'))["ok"]
    await node.engine.sio.emit("y", namespace=SPACE, callback=lambda *given: answers.append(given))
    assert await one.receive() == f'42{SPACE},2["y"]'
    assert answers == [("first",)]
    await one.close()
    await node.assert_nobody_left()


async def test_rooms_are_entered_left_closed_and_listed(node: Node, alice: Fan, bob: Fan, client: OpenClient) -> None:
    sio = node.engine.sio
    one, other = await client(node, alice), await client(node, bob)
    first, second = await sids(node, one, other)
    inbox = f"inbox:{alice.id}"
    assert sio.rooms(first, namespace=SPACE) == [first, inbox]
    await sio.enter_room(first, "a", namespace=SPACE)
    await sio.enter_room(second, "a", namespace=SPACE)
    await sio.enter_room(first, first, namespace=SPACE)
    assert sio.rooms(first, namespace=SPACE) == [first, inbox, "a"]
    await sio.leave_room(second, "a", namespace=SPACE)
    await sio.leave_room(second, "never there", namespace=SPACE)
    assert node.engine.rooms.count(SPACE, "a") == 1
    await sio.enter_room(second, "a", namespace=SPACE)
    await sio.close_room("a", namespace=SPACE)
    assert node.engine.rooms.count(SPACE, "a") == 0
    assert sio.rooms(first, namespace=SPACE) == [first, inbox]
    for wrong in (sio.enter_room(first, second, namespace=SPACE), sio.close_room(second, namespace=SPACE)):
        with pytest.raises(ValueError, match="sid room"):
            await wrong
    with pytest.raises(ValueError, match="not connected"):
        await sio.enter_room("nobody", "a", namespace=SPACE)
    assert sio.rooms("nobody", namespace=SPACE) == []


async def test_a_client_is_put_out_and_told(node: Node, alice: Fan, bob: Fan, client: OpenClient) -> None:
    one, other = await client(node, alice), await client(node, bob)
    (sid,) = await sids(node, one)
    await node.engine.sio.disconnect(sid, namespace=SPACE)
    await node.engine.sio.disconnect(sid, namespace=SPACE)
    await asyncio.wait_for(one.gone.wait(), 10)
    await until(lambda: len(node.connections) == 1)
    assert not node.engine.rooms.is_connected(sid, SPACE)
    assert (await other.ask("clock", {"t0": 1}))["ok"]


async def test_a_manager_of_python_socketios_own_does_the_same(node: Node) -> None:
    """What ``Rooms`` overrides is there to be overridden."""
    ours = {name for name in vars(Rooms) if not name.startswith("_")}
    own = ours - {"enter", "leave", "count", "broadcast", "find", "awaits", "put_out"}
    assert own <= set(dir(socketio.AsyncManager)), own
    assert isinstance(node.engine.sio.manager, socketio.AsyncManager)


async def test_one_client_is_in_at_most_so_many_rooms(start_node: StartNode, client: OpenClient) -> None:
    node = await start_node(rooms=3)
    one = await client(node, await node.register("alice"))
    (sid,) = await sids(node, one)
    for room in ("a", "b", "a"):
        await node.engine.sio.enter_room(sid, room, namespace=SPACE)
    with pytest.raises(Exception, match="at most 3 rooms"):
        await node.engine.sio.enter_room(sid, "c", namespace=SPACE)
    assert node.engine.rooms.count(SPACE, "c") == 0
    await node.engine.sio.leave_room(sid, "a", namespace=SPACE)
    await node.engine.sio.enter_room(sid, "c", namespace=SPACE)
