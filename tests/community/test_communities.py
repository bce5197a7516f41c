"""Communities: opened by themselves, joined and left, known to whom they concern."""

from __future__ import annotations

import asyncio

import pytest

from mypick.community.commands import OpenCommunity, SetRole
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Role
from mypick.creators.models import Creator
from mypick.creators.service import Creators
from mypick.errors import Code
from mypick.jobs.queue import Jobs
from tests.community.stage import Cast, Node, community, refused, user
from tests.fakes import FakeClock
from tests.queries import counted


async def test_a_community_opens_when_a_creator_is_first_followed(two: list[Node], clock: FakeClock) -> None:
    creator = await Creator.create(name="아이유", description="", created_at=clock.now())
    doors = [Creators({}, clock, Jobs(clock, work=False), followed=node.communities.open_for) for node in two]
    fans = [await user(f"fan{number}", clock) for number in range(6)]
    await asyncio.gather(*(doors[number % 2].subscribe(fan, creator.id) for number, fan in enumerate(fans)))
    (opened,) = await Community.all()
    assert (opened.name, opened.visibility, opened.creator_id) == ("아이유", "public", creator.id)
    (room,) = await Room.all()
    sent = await two[0].send(fans[0], room.id, "안녕하세요")
    assert sent.seq == 1


async def test_opening_twice_gives_the_same_community(two: list[Node], clock: FakeClock) -> None:
    creator = await Creator.create(name="somebody", description="", created_at=clock.now())
    fan = await user("fan", clock)
    command = OpenCommunity(creator_id=creator.id)
    opened = await asyncio.gather(*(node.communities.open(fan, command) for node in two * 3))
    assert len({one.id for one in opened}) == await Community.all().count() == await Room.all().count() == 1
    unknown = two[0].communities.open(fan, OpenCommunity(creator_id=creator.id + 1))
    assert (await refused(unknown)).code is Code.NOT_FOUND


async def test_joining_and_leaving_twice_is_no_error(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol, members = await user("carol", clock), node.communities.members
    assert (await node.communities.reading.community(carol, cast.community)).role is None
    for _ in range(2):
        assert (await members.join(carol, cast.community)).member
    assert (await node.communities.reading.community(carol, cast.community)).role == "newcomer"
    for _ in range(2):
        assert not (await members.leave(carol, cast.community)).member
    assert (await refused(members.leave(cast["oz"], cast.community))).code is Code.CONFLICT


@pytest.mark.parametrize(("visibility", "code"), [("private", Code.NOT_FOUND), ("members", Code.NOT_MEMBER)])
async def test_closed_communities_open_to_members_alone(
    node: Node, clock: FakeClock, visibility: str, code: Code
) -> None:
    cast = await community(node, clock, "alice", visibility=visibility)
    guest, reading = await user("guest", clock), node.communities.reading
    await node.send(cast["alice"], cast.room, "among us")
    for attempt in (
        reading.community(guest, cast.community),
        reading.history(guest, cast.room, 100, 10),
        reading.join(guest, cast.room, None, None),
        node.send(guest, cast.room, "let me in"),
        node.communities.members.list(guest, cast.community, None, None, 10),
        node.communities.members.join(guest, cast.community),
    ):
        assert (await refused(attempt)).code is code
    assert not await reading.may_read(guest, f"room:{cast.room}")
    assert await reading.may_read(cast["alice"], f"room:{cast.room}")
    known = [one.id for one in (await reading.list(guest, None, mine=False, cursor=None, limit=10)).items]
    assert known == ([] if visibility == "private" else [cast.community])
    mine = await reading.list(cast["alice"], None, mine=True, cursor=None, limit=10)
    assert [(one.id, one.role) for one in mine.items] == [(cast.community, "member")]
    await node.communities.members.leave(cast["alice"], cast.community)
    assert [(one.stream, one.user_id, one.code) for one in node.evicted] == [
        (stream, cast["alice"].user_id, Code.NOT_MEMBER)
        for stream in (f"room:{cast.room}", f"community:{cast.community}")
    ]


@pytest.mark.parametrize("stream", ["room:", "room:x", "room:01", "inbox:1", "room:1 ", "room:-1", "room:999999"])
async def test_what_is_no_room_cannot_be_read(node: Node, cast: Cast, stream: str) -> None:
    assert not await node.communities.reading.may_read(cast["alice"], stream)


async def test_members_page_by_rank_and_are_found_by_a_part_of_their_name(node: Node, clock: FakeClock) -> None:
    names = [f"fan {number:03}" for number in range(45)]
    roles = {"fan 010": Role.OWNER, "fan 020": Role.MODERATOR, "fan 030": Role.VIP}
    cast = await community(node, clock, *names, roles=roles)
    seen, cursor = [], None
    while True:
        page = await node.communities.members.list(cast["fan 000"], cast.community, None, cursor, 10)
        seen += [member.user.name for member in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ["fan 010", "fan 020", "fan 030", *(name for name in names if name not in roles)]
    found = await node.communities.members.list(cast["fan 000"], cast.community, "N 04", None, 10)
    assert [member.user.name for member in found.items] == ["fan 040", "fan 041", "fan 042", "fan 043", "fan 044"]
    with counted() as asked:
        await node.communities.members.list(cast["fan 000"], cast.community, None, None, 20)
    assert len(asked) == 5


async def test_who_is_removed_is_out_at_once_is_told_and_may_come_back(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(
        node, clock, "alice", "mo", "mia", "oz", roles=dict.fromkeys(("mo", "mia"), Role.MODERATOR) | {"oz": Role.OWNER}
    )
    members, alice = node.communities.members, cast["alice"]
    await node.send(alice, cast.room, "before")
    for _ in range(2):
        assert not (await members.remove(cast["mo"], cast.community, alice.user_id, "too loud")).member
    (eviction,) = node.evicted
    assert (eviction.stream, eviction.user_id, eviction.code, eviction.reason) == (
        f"room:{cast.room}", alice.user_id, Code.NOT_MEMBER, "too loud",
    )  # fmt: skip
    (entry,) = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert (entry.action, entry.reason, entry.user and entry.user.name) == ("remove-member", "too loud", "alice")
    await node.carry_all()
    told = (await node.notifications.unread(alice)).items
    assert [(one.data.title, one.data.body) for one in told] == [("You are no longer a member of somebody", "too loud")]
    assert (await other.communities.reading.community(alice, cast.community)).role is None
    await other.send(alice, cast.room, "as a guest")
    assert (await members.join(alice, cast.community)).member
    await members.remove(cast["oz"], cast.community, cast["mia"].user_id, None)
    assert [one.stream for one in node.evicted[1:]] == [f"room:{cast.room}", f"desk:{cast.community}"]
    assert (await refused(members.remove(cast["mo"], cast.community, cast["oz"].user_id, None))).code is Code.FORBIDDEN
    assert (await refused(members.remove(cast["mia"], cast.community, alice.user_id, None))).code is Code.FORBIDDEN


async def test_nobody_gives_a_role_that_is_not_below_the_own(node: Node, cast: Cast, clock: FakeClock) -> None:
    members, alice = node.communities.members, cast["alice"].user_id
    admin = await user("admin", clock, "admin")
    await members.set_role(cast["oz"], cast.community, alice, SetRole(role="manager"))
    own = members.set_role(cast["oz"], cast.community, alice, SetRole(role="owner"))
    assert (await refused(own)).code is Code.FORBIDDEN
    bob = members.set_role(cast["alice"], cast.community, cast["bob"].user_id, SetRole(role="manager"))
    assert (await refused(bob)).code is Code.FORBIDDEN
    guest = members.set_role(admin, cast.community, admin.user_id + 1, SetRole(role="vip"))
    assert (await refused(guest)).code is Code.NOT_MEMBER
    await members.set_role(admin, cast.community, alice, SetRole(role="owner"))
    assert (await Membership.get(user_id=alice)).rank == Role.OWNER
    entries = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert [(entry.action, entry.details) for entry in entries] == [
        ("set-role", {"role": "owner"}),
        ("set-role", {"role": "manager"}),
    ]
