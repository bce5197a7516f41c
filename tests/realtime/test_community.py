"""Rooms of communities through real sockets: python-socketio's client, one server or two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mypick.bus import RedisBus
from mypick.bus.memory import MemoryExchange
from mypick.community.models import Membership, Room
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.creators.models import Creator
from mypick.db import Database
from mypick.streams.models import Stream
from realtime.engine.messages import Message
from tests.fakes import FakeClock
from tests.realtime.clients import Client
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node, running, until
from tests.realtime.test_room_presence import pass_time

SPACE = "/community"
DURABLE = {
    "message-created", "message-edited", "message-deleted", "reaction-changed", "message-pinned", "room-mode-changed",
    "member-sanctioned",
}  # fmt: skip
Enter = Callable[..., Awaitable[Client]]
_numbers = iter(range(10**6))


@pytest.fixture(params=["memory", "redis"])
async def two_nodes(
    request: pytest.FixtureRequest, sqlite_database: Database, clock: FakeClock, exchange: MemoryExchange
) -> AsyncIterator[tuple[Node, Node]]:
    async with AsyncExitStack() as stack:
        buses = [None, None] if request.param == "memory" else [
            RedisBus(request.getfixturevalue("redis_url"), canary_every=0.2, canary_within=0.5) for _ in range(2)
        ]
        nodes = [
            await stack.enter_async_context(running(clock, exchange, f"node-{number}", bus=bus, communities=True))
            for number, bus in enumerate(buses)
        ]
        yield nodes[0], nodes[1]


@pytest.fixture
async def node(sqlite_database: Database, clock: FakeClock, exchange: MemoryExchange) -> AsyncIterator[Node]:
    async with running(clock, exchange, communities=True) as one:
        yield one


async def open_room(node: Node, clock: FakeClock) -> int:
    creator = await Creator.create(name="somebody", description="", created_at=clock.now())
    community = await node.communities.open_for(creator.id)
    return int((await Room.get(community_id=community)).id)


async def appoint(fan: Fan, role: Role, room: int, clock: FakeClock) -> Fan:
    community = (await Room.get(id=room)).community_id
    joined_at = clock.now().replace(year=2020)
    await Membership.create(community_id=community, user_id=fan.id, rank=role, joined_at=joined_at)
    return fan


@pytest.fixture
def enter(client: OpenClient) -> Enter:
    """``await enter(node, fan, room)``: a client that is in the room. ``joined`` is what it was told."""

    async def into(node: Node, fan: Fan, room: int, **place: Any) -> Client:
        one = await client(node, fan, space=SPACE)
        one.joined = await ok(one, "join-room", room_id=room, **place)  # type: ignore[attr-defined]
        return one

    return into


async def ok(one: Client, name: str, **fields: Any) -> dict[str, Any]:
    reply = await one.ask(name, fields)
    assert reply["ok"], reply
    data: dict[str, Any] = reply["data"]
    return data


async def code(one: Client, name: str, **fields: Any) -> str:
    reply = await one.ask(name, fields)
    assert not reply["ok"], reply
    return str(reply["error"]["code"])


def cid() -> str:
    return f"c{next(_numbers)}"


def log(one: Client) -> list[tuple[int, str]]:
    """The durable events that it was sent, in the order in which they came."""
    return [(data["seq"], name) for name, data in one.heard if name in DURABLE]


async def heard_upto(one: Client, count: int) -> None:
    await until(lambda: len(log(one)) >= count, f"of {count} there came {log(one)}")


async def test_what_is_said_on_one_node_is_heard_on_both(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    alice, bob = await first.register("alice"), await second.register("bob")
    hers, his = await enter(first, alice, room), await enter(second, bob, room)
    said = await ok(hers, "send-message", room_id=room, cid="hello", text="안녕 <@%d>" % bob.id)  # noqa: UP031
    assert (said["seq"], said["status"], said["duplicate"]) == (1, "sent", False)
    for one in (hers, his):
        heard = await one.event("message-created")
        assert heard["stream"] == room_of(room)
        assert (heard["seq"], heard["id"]) == (1, said["id"])
        assert heard["actor"] == {"id": alice.id, "name": "alice", "avatar_url": None}
        assert heard["data"] == {
            "room_id": room,
            "message_id": said["id"],
            "text": f"안녕 <@{bob.id}>",
            "rev": 1,
            "edited_at": None,
            "deleted": False,
            "hidden": False,
            "mentions": [{"id": bob.id, "name": "bob", "avatar_url": None}],
            "reply_to": None,
            "thread_id": None,
            "reactions": [],
            "pinned": False,
            "preview": None,
        }
    elsewhere = await enter(second, alice, room)
    again = await ok(elsewhere, "send-message", room_id=room, cid="hello", text=f"안녕 <@{bob.id}>")
    assert again == {**said, "duplicate": True}
    assert log(hers) == log(his) == [(1, "message-created")]


async def test_every_command_and_every_event(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter
) -> None:
    """One round through the namespace; both clients hear the same, in the same order, and ``sync`` tells it again."""
    first, second = two_nodes
    room = await open_room(first, clock)
    oz = await appoint(await first.register("oz"), Role.OWNER, room, clock)
    bob = await first.register("bob")
    his, theirs = await enter(first, bob, room), await enter(second, oz, room)
    assert his.joined["role"] is None  # type: ignore[attr-defined]
    assert theirs.joined["role"] == "owner"  # type: ignore[attr-defined]
    said = (await ok(his, "send-message", room_id=room, cid=cid(), text="hello"))["id"]
    assert await ok(his, "edit-message", message_id=said, cid=cid(), text="hello!", rev=1) == {"seq": 2, "rev": 2}
    assert await ok(theirs, "react", message_id=said, cid=cid(), emoji="👍", on=True) == {"seq": 3}
    assert await ok(theirs, "pin-message", message_id=said, cid=cid(), on=True) == {"seq": 4}
    answer = await ok(theirs, "send-message", room_id=room, cid=cid(), text="hi", reply_to=said)
    assert await ok(his, "delete-message", message_id=said, cid=cid(), reason="mine") == {"seq": 6}
    assert await ok(theirs, "set-room-mode", room_id=room, slow_seconds=5, cid=cid()) == {"seq": 7}
    held = await ok(his, "send-message", room_id=room, cid=cid(), text="www.example.com")
    assert (held["status"], held["seq"]) == ("held", None)
    assert await ok(theirs, "decide-held", message_id=held["id"], approve=True, cid=cid()) == {"seq": 8}
    sanction = {"room_id": room, "user_id": bob.id}
    assert await ok(theirs, "timeout-member", **sanction, seconds=60, reason="x", cid=cid()) == {"seq": 9}
    assert await code(his, "send-message", room_id=room, cid=cid(), text="but") == "TIMED_OUT"
    silenced = (await enter(first, bob, room)).joined  # type: ignore[attr-defined]
    assert silenced["timeout"]["reason"] == "x"
    assert silenced["timeout"]["until"].endswith("Z")
    assert await ok(theirs, "unban-member", **sanction, cid=cid()) == {"seq": 10}
    assert await ok(his, "mark-read", room_id=room, seq=10) == {}
    again = (await enter(first, bob, room)).joined  # type: ignore[attr-defined]
    assert (again["read_seq"], again["timeout"]) == (10, None)
    assert await ok(his, "report-message", message_id=answer["id"], reason="rude", cid=cid()) == {"seq": None}
    history = await ok(his, "history", room_id=room, before_seq=9, limit=2)
    assert [event["data"]["text"] for event in history["events"]] == ["hi", "www.example.com"]
    assert history["more"] is True
    for one in (his, theirs):
        await heard_upto(one, 10)
        assert [seq for seq, _ in log(one)] == list(range(1, 11))
    missed = await ok(his, "sync", stream=room_of(room), after_seq=0)
    assert [(event["seq"], event["type"]) for event in missed["events"]] == log(his) == log(theirs)
    assert answer["seq"] == 5
    assert await ok(his, "leave-room", room_id=room) == {}
    await ok(theirs, "send-message", room_id=room, cid=cid(), text="alone")
    await theirs.event("message-created", 4)
    assert len(log(his)) == 10


async def test_who_comes_back_gets_what_was_missed_and_who_cannot_a_snapshot(
    node: Node, clock: FakeClock, enter: Enter
) -> None:
    room = await open_room(node, clock)
    alice = await node.register("alice")
    hers = await enter(node, alice, room)
    first = (await ok(hers, "send-message", room_id=room, cid=cid(), text="one"))["id"]
    await ok(hers, "send-message", room_id=room, cid=cid(), text="two")
    await ok(hers, "edit-message", message_id=first, cid=cid(), text="uno", rev=1)
    await ok(hers, "delete-message", message_id=first, cid=cid())
    fresh = hers.joined  # type: ignore[attr-defined]
    assert (fresh["reset"], fresh["head_seq"], fresh["events"], fresh["online"]) == (True, 0, [], 1)
    assert (fresh["read_seq"], fresh["timeout"], fresh["own_reactions"]) == (None, None, [])
    back = (await enter(node, alice, room, epoch=fresh["epoch"], after_seq=1)).joined  # type: ignore[attr-defined]
    assert (back["reset"], back["more"]) == (False, False)
    assert [(event["seq"], event["type"]) for event in back["events"]] == [
        (2, "message-created"), (3, "message-edited"), (4, "message-deleted"),
    ]  # fmt: skip
    assert "uno" not in str(back), "what was deleted meanwhile is in no replay"
    for place in ({"epoch": "another", "after_seq": 1}, {"after_seq": 5}, {}):
        snapshot = (await enter(node, alice, room, **place)).joined  # type: ignore[attr-defined]
        assert (snapshot["reset"], snapshot["head_seq"]) == (True, 4)
        assert [event["data"]["text"] for event in snapshot["events"]] == ["", "two"]
    twice = await ok(hers, "join-room", room_id=room, after_seq=4)
    assert (twice["events"], twice["online"]) == ([], 1)
    said = await ok(hers, "send-message", room_id=room, cid=cid(), text="three")
    await until(lambda: (said["seq"], "message-created") in log(hers))
    assert [seq for seq, _ in log(hers)].count(said["seq"]) == 1, "in twice is in once"


async def test_who_is_banned_is_put_out_on_every_node_and_gets_nothing_more(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    mo = await appoint(await first.register("mo"), Role.MODERATOR, room, clock)
    bob = await first.register("bob")
    theirs = await enter(first, mo, room)
    his = [await enter(node, bob, room) for node in (first, second, second)]
    await ok(theirs, "ban-member", room_id=room, user_id=bob.id, reason="spam", cid=cid())
    for one in his:
        told = await one.event("evicted")
        assert told == {"stream": room_of(room), "code": "BANNED", "reason": "spam"}
    await ok(theirs, "send-message", room_id=room, cid=cid(), text="a secret")
    await theirs.event("message-created")
    for one in his:
        assert await code(one, "join-room", room_id=room) == "BANNED"
        assert await code(one, "sync", stream=room_of(room), after_seq=0) == "NOT_FOUND"
        assert await code(one, "history", room_id=room, before_seq=10, limit=10) == "BANNED"
        assert await code(one, "send-message", room_id=room, cid=cid(), text="x") == "BANNED"
        assert one.all("message-created") == []
    assert len(his) == len([one for one in his if not one.gone.is_set()]), "the sockets stay open for other rooms"


async def test_a_ban_whose_message_was_lost_is_found_in_the_database(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    mo = await appoint(await first.register("mo"), Role.MODERATOR, room, clock)
    bob = await first.register("bob")
    theirs, his = await enter(first, mo, room), await enter(second, bob, room)

    async def lose(_: Any) -> None: ...

    monkeypatch.setattr(first.communities.moderation, "_evict", lose)
    await ok(theirs, "ban-member", room_id=room, user_id=bob.id, cid=cid())
    assert his.all("evicted") == []
    await second.door.check_members()
    assert (await his.event("evicted"))["code"] == "BANNED"


async def test_typing_is_seen_by_the_others_and_by_nobody_in_a_crowd(
    node: Node, clock: FakeClock, enter: Enter, client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await open_room(node, clock)
    alice, bob = await node.register("alice"), await node.register("bob")
    hers, his = await enter(node, alice, room), await enter(node, bob, room)
    await hers.socket.emit("typing", {"room_id": room}, namespace=SPACE)
    seen = await his.event("typing")
    assert seen == {"room_id": room, "user": {"id": alice.id, "name": "alice", "avatar_url": None}}
    assert hers.all("typing") == []
    outside = await client(node, bob, space=SPACE)
    assert await code(outside, "typing", room_id=room) == "NOT_MEMBER"
    oz = await appoint(await node.register("oz"), Role.OWNER, room, clock)
    owner = await enter(node, oz, room)
    await ok(owner, "timeout-member", room_id=room, user_id=bob.id, seconds=60, cid=cid())
    assert await code(his, "typing", room_id=room) == "TIMED_OUT"
    await ok(owner, "set-room-mode", room_id=room, locked=True, cid=cid())
    assert await code(hers, "typing", room_id=room) == "LOCKED"
    await ok(owner, "set-room-mode", room_id=room, locked=False, cid=cid())
    await ok(owner, "clock", t0=1)
    assert owner.all("typing") == [], "who may not write is not told to type"
    for guest in range(10**6, 10**6 + 99):
        node.room_presence.joined(room_of(room), guest)
    await ok(hers, "typing", room_id=room)
    await ok(his, "clock", t0=1)
    assert len(his.all("typing")) == 1


async def test_members_are_told_how_many_they_are(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    alice, bob = await first.register("alice"), await second.register("bob")
    hers = await enter(first, alice, room)
    await pass_time(clock, 2.5, first, second)
    assert (await hers.event("presence"))["online"] == 1
    await enter(first, bob, room)
    await pass_time(clock, 2.5, first, second)
    await until(lambda: {"room_id": room, "online": 2} in hers.all("presence"))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("send-message", {"room_id": 1, "cid": "c", "text": "x", "mood": "good"}),
        ("send-message", {"room_id": 1, "cid": "c", "text": "x" * 2_001}),
        ("send-message", {"room_id": 1, "cid": "c", "text": " \u200b "}),
        ("send-message", {"room_id": 1, "cid": "", "text": "x"}),
        ("send-message", {"room_id": 1, "cid": "c" * 65, "text": "x"}),
        ("send-message", {"room_id": "1", "cid": "c", "text": "x"}),
        ("history", {"room_id": 1, "before_seq": 5, "limit": 101}),
        ("timeout-member", {"room_id": 1, "user_id": 1, "seconds": 1_209_601, "cid": "c"}),
        ("set-room-mode", {"room_id": 1, "cid": "c"}),
        ("set-room-mode", {"room_id": 1, "cid": "c", "slow_seconds": -1}),
        ("react", {"message_id": 1, "cid": "c", "emoji": "<script>", "on": True}),
    ],
)
async def test_malformed_commands_are_refused(
    node: Node, client: OpenClient, name: str, fields: dict[str, Any]
) -> None:
    one = await client(node, await node.register("alice"), space=SPACE)
    assert await code(one, name, **fields) == "INVALID"


async def test_what_is_not_there_is_not_found_and_leaves_no_stream(node: Node, client: OpenClient) -> None:
    one = await client(node, await node.register("alice"), space=SPACE)
    nowhere = {"room_id": 999, "cid": "c"}
    assert await code(one, "join-room", room_id=999) == "NOT_FOUND"
    assert await code(one, "send-message", **nowhere, text="x") == "NOT_FOUND"
    assert await code(one, "ban-member", **nowhere, user_id=1) == "NOT_FOUND"
    assert await code(one, "set-room-mode", **nowhere, locked=True) == "NOT_FOUND"
    assert await code(one, "sync", stream="room:999", after_seq=0) == "NOT_FOUND"
    about: dict[str, dict[str, Any]] = {"edit-message": {"text": "x", "rev": 1}, "delete-message": {}}
    for name, more in {**about, "pin-message": {"on": True}}.items():
        assert await code(one, name, message_id=999, cid="c", **more) == "NOT_FOUND"
    assert not await Stream.filter(key="room:999").exists()
    await until(lambda: node.streams.delivery.streams == 0)


async def test_a_key_without_the_scope_reads_and_does_not_write(
    node: Node, clock: FakeClock, client: OpenClient
) -> None:
    room = await open_room(node, clock)
    alice = await node.register("alice")
    reader = await client(node, auth={"api_key": await node.key(alice, "read")}, space=SPACE)
    await ok(reader, "join-room", room_id=room)
    assert await code(reader, "send-message", room_id=room, cid="c", text="x") == "FORBIDDEN"
    writer = await client(node, auth={"api_key": await node.key(alice, "read", "community:write")}, space=SPACE)
    await ok(writer, "send-message", room_id=room, cid="c", text="x")


async def test_a_storm_of_messages_reaches_every_member_in_order_and_once(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter
) -> None:
    room = await open_room(two_nodes[0], clock)
    fans = [await two_nodes[number % 2].register(f"fan{number}") for number in range(8)]
    clients = [await enter(two_nodes[number % 2], fan, room) for number, fan in enumerate(fans)]
    await asyncio.gather(
        *(ok(one, "send-message", room_id=room, cid=cid(), text=f"{at} of {number}")
          for number, one in enumerate(clients) for at in range(15))
    )  # fmt: skip
    for one in clients:
        await heard_upto(one, 120)
        assert [seq for seq, _ in log(one)] == list(range(1, 121))


TRANSPORTS = (["websocket"], ["polling"], ["polling", "websocket"])  # the last is upgraded in the midst of it


async def test_who_comes_and_comes_back_between_slices_of_what_goes_together_has_all_in_order(
    node: Node, clock: FakeClock, client: OpenClient, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.engine.rooms.SLICE", 1)  # the loop has a turn after each member
    room, count = await open_room(node, clock), 120
    speakers = [await enter(node, await node.register(f"fan{number}"), room) for number in range(6)]
    visitor = await node.register("visitor")
    together: list[int] = []
    stock = node.engine.rooms.broadcast

    async def broadcast(namespace: str, stream: str, messages: Sequence[Message], *, but: str = "") -> None:
        together.append(len(messages))
        await stock(namespace, stream, messages, but=but)

    monkeypatch.setattr(node.engine.rooms, "broadcast", broadcast)

    async def talk(one: Client) -> None:
        for at in range(count // len(speakers)):
            await ok(one, "send-message", room_id=room, cid=cid(), text=str(at))

    async def visit(number: int) -> None:
        """Comes in the midst of it, goes, and comes back to where it was. What is not above ``head_seq`` of the ack may
        come again (``realtime/community.py``)."""
        await until(lambda: len(log(speakers[0])) >= 5 * number)
        one = await client(node, visitor, space=SPACE, transports=TRANSPORTS[number % 3])

        def live(above: int) -> list[int]:
            return [seq for seq, _ in log(one) if seq > above]

        joined = await ok(one, "join-room", room_id=room)
        start = joined["head_seq"]
        await until(lambda: start + 10 > count or len(live(start)) >= 10)
        await ok(one, "leave-room", room_id=room)
        seen = live(start)
        assert seen == list(range(start + 1, start + 1 + len(seen)))
        one.heard.clear()
        back = await ok(one, "join-room", room_id=room, epoch=joined["epoch"], after_seq=start + len(seen))
        replayed, head = [event["seq"] for event in back["events"]], back["head_seq"]
        assert (back["reset"], replayed) == (False, list(range(start + len(seen) + 1, head + 1)))
        await until(lambda: head + len(live(head)) >= count)
        assert live(head) == list(range(head + 1, count + 1))

    await asyncio.gather(*(talk(one) for one in speakers), *(visit(number) for number in range(1, 13)))
    for one in speakers:
        await heard_upto(one, count)
        assert [seq for seq, _ in log(one)] == list(range(1, count + 1))
    assert max(together) > 1, "nothing went together"
