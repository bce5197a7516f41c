"""What is unread in the list of communities, and what it costs to say so."""

from __future__ import annotations

import itertools

import pytest

from mypick.accounts.actor import Actor
from mypick.community import unread
from mypick.community.commands import BanMember, DeleteMessage, MarkRead
from mypick.community.entry.commands import ChangeCommunity, ChangeRoom, CreateRoom
from mypick.community.models import Community, Membership, ReadMarker, Room
from mypick.community.policy import Role
from mypick.community.unread import MAX_UNREAD_LISTED
from mypick.creators.models import Creator
from tests.community.stage import Cast, Node, cid, community, user
from tests.fakes import FakeClock
from tests.queries import counted


async def unread_in(node: Node, who: Actor, *, mine: bool = False) -> dict[int, int]:
    page = await node.communities.reading.list(who, None, mine=mine, cursor=None, limit=100)
    return {one.id: one.unread for one in page.items}


async def test_a_list_tells_what_others_said_since_one_read(node: Node, cast: Cast) -> None:
    alice, bob, here = cast["alice"], cast["bob"], cast.community
    for who in (alice, bob):
        await node.communities.members.settle(here, who.user_id)
    sent = [await node.send(bob, cast.room, f"word {number}") for number in range(3)]
    await node.send(alice, cast.room, "own words are read")
    assert (await unread_in(node, alice), await unread_in(node, bob)) == ({here: 3}, {here: 1})
    await node.communities.edits.delete(bob, DeleteMessage(message_id=sent[2].id, cid=cid()))
    assert await unread_in(node, alice) == {here: 2}
    assert sent[0].seq is not None
    await node.communities.marks.mark_read(alice, MarkRead(room_id=cast.room, seq=sent[0].seq))
    assert await unread_in(node, alice, mine=True) == {here: 1}
    shown = await node.communities.reading.community(alice, here)
    assert [room.unread for room in shown.rooms] == [1], "as the page of the community tells"


async def test_unread_is_what_one_may_read_and_is_shown(node: Node, cast: Cast, clock: FakeClock) -> None:
    """Of archived rooms, of staff rooms for others, after a ban, and where one may not come in, nothing is counted."""
    oz, here, settings = cast["oz"], cast.community, node.communities.settings
    guest = await user("guest", clock)
    rooms = {"chat": cast.room}
    for name, kind in (("other", "chat"), ("back", "staff")):
        command = CreateRoom.model_validate({"name": name, "kind": kind})
        rooms[name] = (await settings.create_room(oz, here, command)).id
    everybody = [*(cast[name] for name in ("alice", "bob", "mo")), guest]
    for who, room in itertools.product(everybody, rooms.values()):
        await ReadMarker.create(user_id=who.user_id, room_id=room, seq=0)
    for room in rooms.values():
        await node.send(oz, room, f"words in {room}")
    seen = [(await unread_in(node, who))[here] for who in everybody]
    assert seen == [2, 2, 3, 2], "staff rooms are counted for moderators alone"
    await settings.change_room(oz, rooms["other"], ChangeRoom(archived=True))
    await node.communities.moderation.ban(
        cast["mo"], BanMember(room_id=cast.room, user_id=cast["bob"].user_id, cid=cid())
    )
    await settings.change(oz, here, ChangeCommunity(visibility="members"))
    assert [(await unread_in(node, who))[here] for who in everybody] == [1, 0, 2, 0]


async def test_what_is_counted_has_a_bound(node: Node, cast: Cast) -> None:
    await ReadMarker.create(user_id=cast["alice"].user_id, room_id=cast.room, seq=0)
    for number in range(MAX_UNREAD_LISTED + 5):
        await node.send(cast["mo"], cast.room, f"word {number}")
    assert await unread_in(node, cast["alice"]) == {cast.community: MAX_UNREAD_LISTED}


async def test_a_list_of_many_costs_no_more_questions_than_one_of_one(
    two: list[Node], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    alice, mo = cast["alice"], cast["mo"]
    await node.communities.members.settle(cast.community, alice.user_id)
    await node.send(mo, cast.room, "hello")
    with counted() as one:
        assert await unread_in(node, alice, mine=True) == {cast.community: 1}
    for number in range(40):
        creator = await Creator.create(name=f"creator {number}", description="", created_at=clock.now())
        made = await Community.create(creator_id=creator.id, name=f"c{number}", created_at=clock.now())
        for who, rank in ((alice, Role.MEMBER), (mo, Role.MODERATOR)):
            await Membership.create(community_id=made.id, user_id=who.user_id, rank=rank, joined_at=clock.now())
        for name in ("a", "b", "c"):
            room = await Room.create(community_id=made.id, name=name, created_at=clock.now())
            await ReadMarker.create(user_id=alice.user_id, room_id=room.id, seq=0)
            await node.send(mo, room.id, f"word {name}")
    with counted() as many:
        found = await unread_in(node, alice, mine=True)
    assert sorted(found.values()) == [1, *[3] * 40]
    assert len(many) == len(one) == 6
    monkeypatch.setattr(unread, "MAX_TERMS", 50)
    with counted() as parted:
        assert await unread_in(node, alice, mine=True) == found
    assert len(parted) == 8, "121 rooms in three questions"
