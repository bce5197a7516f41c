"""Who has no business in a party does nothing in it and learns nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.community.models import Community, Membership, Sanction
from mypick.community.policy import Role
from mypick.db import Database
from mypick.errors import Code
from mypick.watchparty.chat.commands import DeletePartyMessage, SendPartyMessage
from mypick.watchparty.commands import ChangeParty, ClaimHost, KickMember, NewRole, TransferHost
from mypick.watchparty.entry.commands import CreatePartyInvite
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.queue.commands import QueueNext
from tests.community.stage import refused
from tests.fakes import FakeClock
from tests.watchparty.nodes import Process, opened, person, processes
from tests.watchparty.stage import cid, video

NOBODYS = 10**15  # the number of a party that there is not


@pytest.fixture
async def node(sqlite_database: Database, clock: FakeClock) -> AsyncIterator[Process]:
    async with processes(clock, "a") as (only,):
        yield only


@pytest.fixture
async def alice(node: Process, clock: FakeClock) -> Actor:
    return await person("alice", clock)


@pytest.fixture
async def bob(node: Process, clock: FakeClock) -> Actor:
    return await person("bob", clock)


def everything_asked(node: Process, who: Actor, party_id: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Each thing that can be asked of a party by its number, as ``who`` asks it."""
    parties = node.parties
    base: dict[str, Any] = {"party_id": party_id, "cid": cid()}
    return {
        "join": lambda: node.arrive(who, party_id),
        "control": lambda: node.steer(who, party_id, "play", 1),
        "queue-next": lambda: parties.queue.next(who, QueueNext(**base, base_seq=1)),
        "message": lambda: parties.chat.send(who, SendPartyMessage(**base, text="hello")),
        "delete-message": lambda: parties.chat.delete(who, DeletePartyMessage(**base, message_id=1)),
        "transfer-host": lambda: parties.hosts.transfer(who, TransferHost(**base, user_id=who.user_id)),
        "claim-host": lambda: parties.hosts.claim(who, ClaimHost(**base)),
        "kick": lambda: parties.members.kick(who, KickMember(**base, user_id=who.user_id)),
        "unban": lambda: parties.members.unban(who, party_id, who.user_id),
        "role": lambda: parties.hosts.set_role(who, party_id, NewRole(user_id=who.user_id)),
        "invite": lambda: parties.invites.create(who, party_id, CreatePartyInvite()),
        "change": lambda: parties.parties.change(who, party_id, ChangeParty(title="mine")),
        "end": lambda: parties.parties.end(who, party_id),
        "details": lambda: parties.reading.details(who, party_id),
        "queue": lambda: parties.queue.show(who, party_id),
        "attend": lambda: parties.schedule.attend(who, party_id),
    }


@pytest.mark.parametrize("over", [False, True])
async def test_a_party_by_invitation_answers_strangers_as_one_that_there_is_not(
    node: Process, alice: Actor, bob: Actor, *, over: bool
) -> None:
    party = await opened(node, alice, visibility="invite")
    await node.arrive(alice, party.id)
    if over:
        await node.parties.parties.end(alice, party.id)
    there, nowhere = everything_asked(node, bob, party.id), everything_asked(node, bob, NOBODYS)
    for name, ask in there.items():
        answer, none = await refused(ask()), await refused(nowhere[name]())
        assert (name, answer.code, answer.message) == (name, none.code, none.message)
        assert answer.code is Code.NOT_FOUND, name
    for party_id in (party.id, NOBODYS):
        await node.parties.members.leave(bob, party_id)
    assert not await PartyMember.filter(user_id=bob.user_id).exists()


async def test_a_host_who_was_banned_does_nothing_more_though_nobody_follows(
    node: Process, alice: Actor, bob: Actor, clock: FakeClock
) -> None:
    party = await opened(node, alice)
    await node.arrive(alice, party.id)
    admin = await person("admin", clock, role="admin")
    ban = KickMember(party_id=party.id, user_id=alice.user_id, cid=cid(), ban=True)
    await node.parties.members.kick(admin, ban)
    assert (await WatchParty.get(id=party.id)).host_id == alice.user_id
    parties = node.parties
    for asked in (
        parties.members.unban(alice, party.id, alice.user_id),
        parties.members.kick(alice, KickMember(party_id=party.id, user_id=bob.user_id, cid=cid(), ban=True)),
        parties.hosts.set_role(alice, party.id, NewRole(user_id=bob.user_id, role="cohost")),
        parties.parties.change(alice, party.id, ChangeParty(title="still mine")),
        parties.parties.end(alice, party.id),
        parties.invites.create(alice, party.id, CreatePartyInvite()),
        node.arrive(alice, party.id),
    ):
        assert (await refused(asked)).code is Code.BANNED
    await node.arrive(bob, party.id)
    for _ in range(12):
        clock.advance(1)
        await node.tick()
    assert (await WatchParty.get(id=party.id)).host_id == bob.user_id


async def test_the_same_cid_puts_nobody_out_who_has_come_again(node: Process, alice: Actor, bob: Actor) -> None:
    party = await opened(node, alice)
    for who in (alice, bob):
        await node.arrive(who, party.id)
    kick = KickMember(party_id=party.id, user_id=bob.user_id, cid=cid())
    first = await node.parties.members.kick(alice, kick)
    assert len(node.evicted) == 1
    await node.arrive(bob, party.id)
    assert await node.parties.members.kick(alice, kick) == first
    assert len(node.evicted) == 1
    assert (await PartyMember.get(party_id=party.id, user_id=bob.user_id)).present


async def test_nobody_makes_a_party_of_a_community_that_they_are_not_of(
    node: Process, alice: Actor, clock: FakeClock
) -> None:
    content = await video(clock)
    community = await Community.create(creator_id=content.creator_id, name="fans", created_at=clock.now())
    assert (await refused(opened(node, alice, content, visibility="community"))).code is Code.NOT_MEMBER
    party = await opened(node, alice, content)
    change = node.parties.parties.change(alice, party.id, ChangeParty(visibility="community"))
    assert (await refused(change)).code is Code.NOT_MEMBER
    assert (await WatchParty.get(id=party.id)).visibility == "public"
    await belong(community, alice, clock)
    changed = await node.parties.parties.change(alice, party.id, ChangeParty(visibility="community", title="ours"))
    assert (changed.visibility, changed.title) == ("community", "ours")


async def belong(community: Community, who: Actor, clock: FakeClock) -> None:
    await Membership.create(
        community_id=community.id, user_id=who.user_id, rank=Role.MEMBER, joined_at=clock.now()
    )


async def test_whom_a_community_bans_is_in_no_party_of_it_not_even_as_its_host(
    node: Process, alice: Actor, bob: Actor, clock: FakeClock
) -> None:
    content = await video(clock)
    community = await Community.create(creator_id=content.creator_id, name="fans", created_at=clock.now())
    for who in (alice, bob):
        await belong(community, who, clock)
    party = await opened(node, alice, content, visibility="community")
    for who in (alice, bob):
        await node.arrive(who, party.id)
    await Sanction.create(
        community_id=community.id, user_id=alice.user_id, kind="ban", actor_id=bob.user_id, created_at=clock.now()
    )
    places = [(party.id, alice.user_id), (party.id, bob.user_id)]
    assert [one.user_id for one in await node.parties.members.evicted_among(places)] == [alice.user_id]
    assert (await refused(node.arrive(alice, party.id))).code is Code.NOT_FOUND
    change = node.parties.parties.change(alice, party.id, ChangeParty(title="still mine"))
    assert (await refused(change)).code is Code.NOT_FOUND
