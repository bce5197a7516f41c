"""Who may no longer read is put out on every node; moderators see live what waits."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import SetRole
from mypick.community.desk.touches import DESK
from mypick.community.entry.commands import ChangeCommunity, ChangeRoom, CreateRoom
from mypick.community.models import Community, Room
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.jobs.models import Job
from mypick.jobs.work import Work
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.realtime.test_community import (  # noqa: F401 - fixtures
    SPACE,
    Enter,
    appoint,
    cid,
    code,
    enter,
    node,
    ok,
    open_room,
    two_nodes,
)


def acting(fan: Fan) -> Actor:
    return Actor(user_id=fan.id, role="fan", session_id=1, scopes=None, expires_at=None)


async def work_the_desk(node: Node, clock: FakeClock) -> None:  # noqa: F811
    """Do the desk's jobs, as a worker does."""
    for job in await Job.filter(kind=DESK, state="due").order_by("id"):
        work = Work(job.id, job.kind, job.args, None, 1, "", 15.0, clock)
        await node.communities.desk.tell(work)
        await Job.filter(id=job.id).update(state="done")


async def test_guests_are_put_out_on_every_node_when_a_community_closes(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter  # noqa: F811
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    oz = await appoint(await first.register("oz"), Role.OWNER, room, clock)
    ann = await appoint(await first.register("ann"), Role.MEMBER, room, clock)
    bob = await first.register("bob")
    theirs, hers = await enter(first, oz, room), await enter(second, ann, room)
    his = [await enter(at, bob, room) for at in (first, second)]
    community = (await Room.get(id=room)).community_id
    checks = [asyncio.create_task(at.door.run_member_check()) for at in two_nodes]
    began = monotonic()
    change = ChangeCommunity(visibility="private")
    await first.communities.settings.change(acting(oz), community, change)
    for one in his:
        assert (await one.event("evicted")) == {"stream": room_of(room), "code": "NOT_FOUND"}
    assert monotonic() - began < 1.0
    await ok(theirs, "send-message", room_id=room, cid=cid(), text="among us")
    assert (await hers.event("message-created"))["data"]["text"] == "among us"
    assert (await hers.event("community-changed"))["data"]["visibility"] == "private"
    for one in his:
        assert one.all("message-created") == []
        for name, fields in _every_door(room):
            assert await code(one, name, **fields) == "NOT_FOUND", name
        assert await code(one, "sync", stream=room_of(room), after_seq=0) == "NOT_FOUND"
        assert await code(one, "join-desk", community_id=community) == "NOT_FOUND"
        assert await code(one, "sync", stream=f"desk:{community}", after_seq=0) == "NOT_FOUND"
        claim: dict[str, Any] = {"community_id": community, "kind": "held", "id": 1, "on": True}
        assert await code(one, "claim-item", **claim) == "NOT_FOUND"
    for check in checks:
        check.cancel()


def _every_door(room: int) -> list[tuple[str, dict[str, Any]]]:
    on_somebody = {"room_id": room, "user_id": 1, "cid": "c"}
    return [
        ("join-room", {"room_id": room}),
        ("history", {"room_id": room, "before_seq": 5, "limit": 5}),
        ("send-message", {"room_id": room, "cid": "c1", "text": "x"}),
        ("mark-read", {"room_id": room, "seq": 1}),
        ("timeout-member", {**on_somebody, "seconds": 5}),
        ("ban-member", on_somebody),
        ("unban-member", on_somebody),
        ("purge-member", on_somebody),
        ("set-room-mode", {"room_id": room, "cid": "c2", "locked": True}),
    ]


async def test_who_loses_the_role_is_put_out_of_staff_rooms_and_the_desk(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter  # noqa: F811
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    community = (await Room.get(id=room)).community_id
    oz = await appoint(await first.register("oz"), Role.OWNER, room, clock)
    mo = await appoint(await first.register("mo"), Role.MODERATOR, room, clock)
    staff = await first.communities.settings.create_room(acting(oz), community, CreateRoom(name="s", kind="staff"))
    theirs = await enter(second, mo, room)
    await ok(theirs, "join-room", room_id=staff.id)
    joined = await ok(theirs, "join-desk", community_id=community)
    assert (joined["role"], joined["head_seq"], joined["counts"]["held"]) == ("moderator", 0, 0)
    await first.communities.members.set_role(acting(oz), community, mo.id, SetRole(role="member"))
    told = [await theirs.event("evicted", number) for number in (1, 2)]
    assert sorted((one["stream"], one["code"]) for one in told) == [
        (f"desk:{community}", "FORBIDDEN"),
        (room_of(staff.id), "FORBIDDEN"),
    ]
    roles = (await theirs.event("role-changed"))["data"]["roles"]
    assert roles == [{"user_id": mo.id, "role": "member"}]
    await first.communities.settings.change_room(acting(oz), staff.id, ChangeRoom(name="quiet"))
    await theirs.event("community-changed")
    assert all(one["stream"] == room_of(room) for one in theirs.all("community-changed"))
    assert await code(theirs, "join-room", room_id=staff.id) == "NOT_FOUND"


async def test_the_desk_is_live_on_every_node(
    two_nodes: tuple[Node, Node], clock: FakeClock, enter: Enter, client: OpenClient  # noqa: F811
) -> None:
    first, second = two_nodes
    room = await open_room(first, clock)
    community = (await Room.get(id=room)).community_id
    mo = await appoint(await first.register("mo"), Role.MODERATOR, room, clock)
    bo = await appoint(await first.register("bo"), Role.MODERATOR, room, clock)
    guest = await first.register("guest")
    hers = [await client(first, mo, space=SPACE), await client(second, bo, space=SPACE)]
    for one in hers:
        await ok(one, "join-desk", community_id=community)
    talking = await enter(first, guest, room)
    held = await ok(talking, "send-message", room_id=room, cid=cid(), text="www.example.com")
    await work_the_desk(first, clock)
    for one in hers:
        data = (await one.event("desk-changed"))["data"]
        assert (data["kind"], data["id"], data["waiting"], data["counts"]["held"]) == ("held", held["id"], True, 1)
    claim = {"community_id": community, "kind": "held", "id": held["id"], "on": True}
    assert (await ok(hers[0], "claim-item", **claim))["claimed_by"] == mo.id
    refused = await hers[1].ask("claim-item", claim)
    assert (refused["error"]["code"], refused["error"]["details"]["claimed_by"]) == ("CONFLICT", mo.id)
    assert (await hers[1].event("desk-changed", 2))["data"]["claimed_by"] == mo.id
    await ok(hers[0], "decide-held", message_id=held["id"], approve=False, cid=cid())
    await work_the_desk(second, clock)
    assert (await hers[1].event("desk-changed", 3))["data"]["waiting"] is False
    assert talking.all("desk-changed") == []
    assert await code(talking, "join-desk", community_id=community) == "FORBIDDEN"
    missed = await ok(hers[1], "sync", stream=f"desk:{community}", after_seq=0)
    assert [event["data"]["waiting"] for event in missed["events"]] == [True, True, False]
    await ok(hers[1], "leave-desk", community_id=community)
    said = await ok(talking, "send-message", room_id=room, cid=cid(), text="hello")
    assert await code(talking, "report-message", message_id=said["id"], reason="x", cid=cid()) == "FORBIDDEN"


@pytest.mark.parametrize("visibility", ["private", "members"])
async def test_who_is_let_in_while_a_community_closes_is_put_out(
    node: Node, clock: FakeClock, client: OpenClient, visibility: str, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    """The look finds whoever was allowed in before and is not in yet."""
    room = await open_room(node, clock)
    bob = await node.register("bob")
    his = await client(node, bob, space=SPACE)
    reading = node.communities.reading
    allowed, go_on = asyncio.Event(), asyncio.Event()
    join = reading.join

    async def slowly(*arguments: Any) -> Any:
        answer = await join(*arguments)
        allowed.set()
        await go_on.wait()
        return answer

    monkeypatch.setattr(reading, "join", slowly)
    coming = asyncio.create_task(his.ask("join-room", {"room_id": room}))
    await allowed.wait()
    await Community.all().update(visibility=visibility)
    await node.door.check_members()
    go_on.set()
    answer = await coming
    assert answer["error"]["code"] == ("NOT_FOUND" if visibility == "private" else "NOT_MEMBER")
