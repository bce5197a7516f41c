"""How many people a party holds."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.watchparty.commands import ChangeParty, NewRole
from mypick.watchparty.hosts import MAX_COHOSTS
from mypick.watchparty.models import PartyMember
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Node
from tests.watchparty.life import somebody, two_nodes
from tests.watchparty.stage import SPACE, actor_of, guest, party


async def test_fifty_who_come_at_once_share_the_last_ten_places(database: Database, clock: FakeClock) -> None:
    async with two_nodes(clock) as nodes:
        alice = await nodes[0].register("alice")
        opened = await party(nodes[0], alice, capacity=12)
        people = [await somebody(f"fan{number}", clock) for number in range(52)]
        for one in people[:2]:
            await nodes[0].parties.members.enter(one, opened.id)

        async def come(number: int) -> str:
            try:
                await nodes[number % 2].parties.members.enter(people[2 + number], opened.id)
            except DomainError as refused:
                return refused.code.name
            return "in"

        outcomes = Counter(await asyncio.gather(*map(come, range(50))))
        assert outcomes == {"in": 10, "FULL": 40}
        await nodes[1].parties.members.enter(actor_of(alice), opened.id)  # the host gets in always
        assert await PartyMember.filter(party_id=opened.id, present=True).count() == 13


async def test_a_full_party_says_so_and_takes_cohosts_and_those_who_are_in(
    node: Node, client: OpenClient
) -> None:
    alice, bob, carol, dan = [await node.register(name) for name in ("alice", "bob", "carol", "dan")]
    opened = await party(node, alice, capacity=2)
    await guest(client, node, bob, opened.id)
    await guest(client, node, carol, opened.id)
    await guest(client, node, bob, opened.id)  # another device of somebody who is in
    socket = await client(node, dan, space=SPACE)
    refused = (await socket.ask("join-party", {"party_id": opened.id}))["error"]
    assert (refused["code"], refused["retryable"], refused["details"]) == ("FULL", True, {"capacity": 2})
    assert "all 2 places" in refused["message"]
    await node.parties.hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=dan.id, role="cohost"))
    assert (await socket.ask("join-party", {"party_id": opened.id}))["ok"]
    await guest(client, node, alice, opened.id)


async def test_a_place_is_free_when_somebody_leaves(node: Node, client: OpenClient) -> None:
    alice, bob, carol, dan = [await node.register(name) for name in ("alice", "bob", "carol", "dan")]
    opened = await party(node, alice, capacity=2)
    first, _ = [await guest(client, node, fan, opened.id) for fan in (bob, carol)]
    socket = await client(node, dan, space=SPACE)
    assert not (await socket.ask("join-party", {"party_id": opened.id}))["ok"]
    assert (await first.ask("leave-party"))["ok"]
    assert (await socket.ask("join-party", {"party_id": opened.id}))["ok"]


async def test_a_smaller_party_puts_nobody_out(node: Node, client: OpenClient) -> None:
    alice, bob, carol = [await node.register(name) for name in ("alice", "bob", "carol")]
    opened = await party(node, alice)
    for fan in (alice, bob, carol):
        await guest(client, node, fan, opened.id)
    changed = await node.parties.parties.change(actor_of(alice), opened.id, ChangeParty(capacity=2))
    assert (changed.capacity, changed.online) == (2, 3)


async def test_no_party_is_larger_than_the_server_allows(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await node.register("alice")
    assert (await party(node, alice)).capacity == 5_000
    monkeypatch.setattr(node.parties.parties, "_capacity", 10)
    assert (await party(node, alice)).capacity == 10
    with pytest.raises(DomainError) as caught:
        await party(node, alice, capacity=11)
    assert caught.value.code is Code.INVALID


async def test_no_party_grows_by_ever_more_cohosts(node: Node, clock: FakeClock) -> None:
    alice = await node.register("alice")
    opened = await party(node, alice, capacity=2)
    people = [await somebody(f"fan{number}", clock) for number in range(MAX_COHOSTS + 1)]
    hosts = node.parties.hosts
    for one in people[:-1]:
        await hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=one.user_id, role="cohost"))
    one_more = NewRole(user_id=people[-1].user_id, role="cohost")
    with pytest.raises(DomainError) as caught:
        await hosts.set_role(actor_of(alice), opened.id, one_more)
    assert caught.value.code is Code.FULL
    await hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=people[0].user_id, role="cohost"))  # is one
    await hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=people[0].user_id, role="guest"))
    await hosts.set_role(actor_of(alice), opened.id, one_more)


async def test_a_party_knows_no_more_people_than_it_may(
    node: Node, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mypick.watchparty.hosts.MAX_MEMBERS", 2)
    alice = await node.register("alice")
    opened = await party(node, alice)
    people = [await somebody(f"fan{number}", clock) for number in range(2)]
    await node.parties.hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=people[0].user_id))
    with pytest.raises(DomainError) as caught:
        await node.parties.hosts.set_role(actor_of(alice), opened.id, NewRole(user_id=people[1].user_id))
    assert caught.value.code is Code.FULL
