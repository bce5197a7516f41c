"""Settings and rooms: who may change them, and that everybody who is there sees it."""

from __future__ import annotations

import asyncio

import pytest

from mypick.community.commands import BanMember, DecideHeld, EditMessage, PinMessage, SetRole, SetRoomMode
from mypick.community.entry.commands import ChangeCommunity, ChangeRoom, CreateRoom, OrderRooms, TransferCommunity
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Role
from mypick.community.rooms import MAX_ROOMS
from mypick.community.streams import room_of
from mypick.errors import Code, DomainError
from mypick.search.commands import SearchTexts
from mypick.search.service import MAX_COMPARED
from tests.community.stage import Cast, Node, RoomClient, cid, code, community, refused, texts, user
from tests.fakes import FakeClock
from tests.queries import counted


async def test_what_managers_change_reaches_who_is_there(two: list[Node], clock: FakeClock) -> None:
    """A client that was there before, and applies the events, knows what a fresh question tells."""
    node, other = two
    cast = await community(node, clock, "alice", "oz", roles={"oz": Role.OWNER})
    oz, settings = cast["oz"], node.communities.settings
    client = RoomClient(other, cast["alice"], cast.room)
    await client.join()
    second = await settings.create_room(oz, cast.community, CreateRoom(name="  spoilers "))
    staff = await settings.create_room(oz, cast.community, CreateRoom(name="back room", kind="staff"))
    await settings.change_room(oz, cast.room, ChangeRoom(name="talk"))
    ordered = await settings.order_rooms(oz, cast.community, OrderRooms(room_ids=[second.id]))
    assert [room.name for room in ordered] == ["spoilers", "talk", "back room"]
    await settings.change(
        oz, cast.community, ChangeCommunity(name="우리들", description="hello", rules="be kind", visibility="members")
    )
    await client.catch_up()
    assert client.community == {
        "community_id": cast.community,
        "name": "우리들",
        "visibility": "members",
        "rooms": [
            {"id": second.id, "name": "spoilers", "kind": "chat", "archived": False},
            {"id": cast.room, "name": "talk", "kind": "chat", "archived": False},
        ],
    }, "a staff room is named to nobody else"
    about = await settings.about(cast["alice"], cast.community)
    assert [room.model_dump() for room in about.rooms] == client.community["rooms"]
    assert (about.description, about.rules, about.members, about.claimed) == ("hello", "be kind", 2, False)
    assert staff.id in [room.id for room in (await settings.about(oz, cast.community)).rooms]
    inside = RoomClient(other, oz, staff.id)
    await inside.join()
    await settings.change(oz, cast.community, ChangeCommunity(rules=""))
    await inside.catch_up()
    assert [room["name"] for room in inside.community["rooms"]] == ["spoilers", "talk", "back room"]
    assert node.looks == 1, "those who may no longer read are looked for, once"


async def test_rooms_are_listed_with_their_modes_to_whoever_may_read_them(
    node: Node, cast: Cast, clock: FakeClock
) -> None:
    oz, settings, guest = cast["oz"], node.communities.settings, await user("guest", clock)
    staff = await settings.create_room(oz, cast.community, CreateRoom(name="back room", kind="staff"))
    old = await settings.create_room(oz, cast.community, CreateRoom(name="old"))
    await settings.change_room(oz, old.id, ChangeRoom(archived=True))
    mode = {"room_id": cast.room, "cid": cid(), "slow_seconds": 5, "unique_text": True}
    await node.communities.moderation.set_mode(oz, SetRoomMode.model_validate(mode))
    with counted() as asked:
        seen = await settings.rooms(guest, cast.community)
    assert len(asked) == 4
    assert [(room.id, room.archived, room.mode.slow_seconds) for room in seen] == [
        (cast.room, False, 5),
        (old.id, True, 0),
    ]
    assert [room.id for room in await settings.rooms(cast["mo"], cast.community)] == [cast.room, staff.id, old.id]
    await settings.change(oz, cast.community, ChangeCommunity(visibility="members"))
    assert (await refused(settings.rooms(guest, cast.community))).code is Code.NOT_MEMBER


async def test_a_change_that_changes_nothing_tells_nobody(node: Node, cast: Cast) -> None:
    oz, settings = cast["oz"], node.communities.settings
    for _ in range(2):
        await settings.change_room(oz, cast.room, ChangeRoom(name="talk"))
        await settings.order_rooms(oz, cast.community, OrderRooms(room_ids=[cast.room]))
    assert (await node.streams.store.position(room_of(cast.room))).head_seq == 1
    entries = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert [(entry.action, entry.details) for entry in entries] == [("change-room", {"name": True})]


async def test_an_archived_room_is_read_and_not_written(node: Node, cast: Cast) -> None:
    oz, settings = cast["oz"], node.communities.settings
    first, second = [await node.send(cast["alice"], cast.room, text) for text in ("before", "and this")]
    await node.communities.marks.pin(cast["mo"], PinMessage(message_id=first.id, cid=cid(), on=True))
    archive = ChangeRoom(archived=True)
    assert (await refused(settings.change_room(oz, cast.room, archive))).code is Code.CONFLICT, "the last one stays"
    await settings.create_room(oz, cast.community, CreateRoom(name="another"))
    assert (await settings.change_room(oz, cast.room, archive)).archived
    for who in ("alice", "oz"):
        assert (await refused(node.send(cast[who], cast.room, "after"))).code is Code.LOCKED
    history = await node.communities.reading.history(cast["alice"], cast.room, 100, 10)
    assert [event["data"]["text"] for event in history.events] == ["before", "and this"]
    for message, on in ((first, False), (second, True)):
        pin = PinMessage(message_id=message.id, cid=cid(), on=on)
        assert (await refused(node.communities.marks.pin(cast["oz"], pin))).code is Code.LOCKED
    pinned = await node.communities.places.pins(cast["alice"], cast.room)
    assert [event["data"]["text"] for event in pinned.events] == ["before"]
    listed = await node.communities.reading.community(cast["alice"], cast.community)
    assert [room.name for room in listed.rooms] == ["another"]
    await settings.change_room(oz, cast.room, ChangeRoom(archived=False))
    await node.send(cast["alice"], cast.room, "after")


async def test_what_was_held_comes_into_no_archived_room(node: Node, cast: Cast, clock: FakeClock) -> None:
    oz, settings, guest = cast["oz"], node.communities.settings, await user("guest", clock)
    held = [await node.send(guest, cast.room, f"https://a.example/{number}") for number in range(2)]
    await settings.create_room(oz, cast.community, CreateRoom(name="another"))
    await settings.change_room(oz, cast.room, ChangeRoom(archived=True))
    approve, reject = [
        DecideHeld(message_id=one.id, approve=yes, cid=cid()) for one, yes in zip(held, (True, False), strict=True)
    ]
    assert (await refused(node.communities.held.decide(cast["mo"], approve))).code is Code.LOCKED
    await node.communities.held.decide(cast["mo"], reject)
    assert await texts(node, cast["alice"], cast.room) == []
    await settings.change_room(oz, cast.room, ChangeRoom(archived=False))
    await node.communities.held.decide(cast["mo"], approve)
    assert await texts(node, cast["alice"], cast.room) == ["https://a.example/0"]


async def test_rooms_have_a_bound_that_many_at_once_do_not_pass(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "oz", roles={"oz": Role.OWNER})
    await Room.bulk_create(
        Room(community_id=cast.community, name=f"{number}", created_at=clock.now()) for number in range(MAX_ROOMS - 3)
    )
    outcomes = await asyncio.gather(
        *(
            node.communities.settings.create_room(cast["oz"], cast.community, CreateRoom(name="x"))
            for node in two * 3
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in outcomes) == ["Code.FULL"] * 4 + ["None"] * 2
    assert await Room.filter(community_id=cast.community).count() == MAX_ROOMS


async def test_a_ban_holds_in_a_room_that_is_opened_meanwhile(two: list[Node], clock: FakeClock) -> None:
    """The ban looks at the rooms before it locks them; one that comes between is locked as well."""
    cast = await community(two[0], clock, "alice", "mo", "oz", roles={"mo": Role.MODERATOR, "oz": Role.OWNER})
    alice = cast["alice"]
    rooms: list[int] = []

    async def open_rooms() -> None:
        for number in range(5):
            created = await two[1].communities.settings.create_room(
                cast["oz"], cast.community, CreateRoom(name=f"{number}")
            )
            rooms.append(created.id)

    ban = BanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    await asyncio.gather(open_rooms(), two[0].communities.moderation.ban(cast["mo"], ban))
    for room in (cast.room, *rooms):
        assert (await refused(two[1].send(alice, room, "still here"))).code is Code.BANNED
        resumed = await two[0].streams.store.resume(room_of(room), None, 0)
        kinds = [event["type"] for event in resumed["events"]]
        opened_later = "member-sanctioned" not in kinds
        assert opened_later is (room not in (cast.room, *rooms[: await _rooms_at_ban(two[0], cast)]))


async def _rooms_at_ban(node: Node, cast: Cast) -> int:
    """How many rooms had been opened when the ban came, as the first room's log has it."""
    events = (await node.streams.store.resume(room_of(cast.room), None, 0))["events"]
    return [event["type"] for event in events].index("member-sanctioned")


@pytest.mark.parametrize("who", ["guest", "alice", "mo"])
async def test_a_staff_room_is_found_by_moderators_alone(node: Node, cast: Cast, clock: FakeClock, who: str) -> None:
    cast.add("guest", await user("guest", clock))
    staff = await node.communities.settings.create_room(
        cast["oz"], cast.community, CreateRoom(name="back room", kind="staff")
    )
    reading, actor = node.communities.reading, cast[who]
    attempts = (
        reading.join(actor, staff.id, None, None),
        reading.history(actor, staff.id, 100, 10),
        node.send(actor, staff.id, "hello"),
    )
    outcomes = [await _outcome(attempt) for attempt in attempts]
    assert outcomes == [None if who == "mo" else Code.NOT_FOUND] * 3
    assert await reading.may_read(actor, room_of(staff.id)) is (who == "mo")
    listed = [room.id for room in (await reading.community(actor, cast.community)).rooms]
    assert (staff.id in listed) is (who == "mo")
    evicted = await reading.evicted_among([(room_of(staff.id), actor.user_id)])
    assert [one.code for one in evicted] == ([] if who == "mo" else [Code.NOT_FOUND])


async def _outcome(attempt: object) -> Code | None:
    try:
        await attempt  # type: ignore[misc]
    except DomainError as refusal:
        return refusal.code
    return None


async def test_no_cursor_tells_of_what_is_said_in_a_staff_room(node: Node, cast: Cast, clock: FakeClock) -> None:
    oz, guest, edits = cast["oz"], await user("guest", clock), node.communities.edits
    staff = await node.communities.settings.create_room(oz, cast.community, CreateRoom(name="back room", kind="staff"))
    for number in range(MAX_COMPARED + 1):
        sent = await node.send(oz, staff.id, f"the merger {number}")
        if number % 2:
            await edits.edit(oz, EditMessage(message_id=sent.id, cid=cid(), text=f"the Merger {number}", rev=1))
    for who in (guest, oz):
        found = await node.communities.search.search(who, SearchTexts(q="merger", community_id=cast.community))
        assert (found.items, found.next_cursor) == ([], None)


async def test_who_is_no_longer_a_moderator_leaves_what_is_theirs_at_once(node: Node, cast: Cast) -> None:
    staff = await node.communities.settings.create_room(
        cast["oz"], cast.community, CreateRoom(name="back room", kind="staff")
    )
    client = RoomClient(node, cast["alice"], cast.room)
    await client.join()
    mo = cast["mo"].user_id
    await node.communities.members.set_role(cast["oz"], cast.community, mo, SetRole(role="vip"))
    assert [(one.stream, one.user_id, one.code) for one in node.evicted] == [
        (room_of(staff.id), mo, Code.FORBIDDEN),
        (f"desk:{cast.community}", mo, Code.FORBIDDEN),
    ]
    await client.catch_up()
    assert client.roles == {mo: "vip"}


async def test_the_last_owner_stays_until_the_community_is_given_away(two: list[Node], clock: FakeClock) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "bob", "oz", roles={"oz": Role.OWNER})
    oz, members = cast["oz"], node.communities.members
    guest = await user("guest", clock)
    assert (await refused(members.leave(oz, cast.community))).code is Code.CONFLICT
    transfer = node.communities.ownership.transfer
    to_guest = TransferCommunity(user_id=guest.user_id)
    assert (await refused(transfer(oz, cast.community, to_guest))).code is Code.NOT_MEMBER
    client = RoomClient(node, cast["bob"], cast.room)
    await client.join()
    outcomes = await asyncio.gather(
        *(
            one.communities.ownership.transfer(oz, cast.community, TransferCommunity(user_id=cast[name].user_id))
            for one in two
            for name in ("alice", "bob")
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in outcomes) == ["Code.FORBIDDEN"] * 3 + ["None"]
    owner = await Membership.get(community_id=cast.community, rank=Role.OWNER)
    assert owner.user_id in (cast["alice"].user_id, cast["bob"].user_id)
    await client.catch_up()
    assert client.roles == {oz.user_id: "manager", owner.user_id: "owner"}
    await members.leave(oz, cast.community)
    await node.carry_all()
    new_owner = cast["alice" if owner.user_id == cast["alice"].user_id else "bob"]
    (told,) = (await node.notifications.unread(new_owner)).items
    assert told.data.title == "somebody is yours"


async def test_a_private_community_is_found_by_nobody_else(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    await Community.filter(id=cast.community).update(visibility="private")
    services = node.communities
    attempts = (
        services.settings.about(guest, cast.community),
        services.settings.change(guest, cast.community, ChangeCommunity(name="x")),
        services.settings.create_room(guest, cast.community, CreateRoom(name="x")),
        services.settings.change_room(guest, cast.room, ChangeRoom(name="x")),
        services.settings.order_rooms(guest, cast.community, OrderRooms(room_ids=[cast.room])),
        services.ownership.transfer(guest, cast.community, TransferCommunity(user_id=guest.user_id)),
    )
    assert [(await refused(attempt)).code for attempt in attempts] == [Code.NOT_FOUND] * len(attempts)
