"""Parties that begin at a time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.clock import to_wire
from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.creators.models import Subscription
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.jobs.lanes import lane_of
from mypick.watchparty.commands import ChangeParty, KickMember
from mypick.watchparty.entry import reminders
from mypick.watchparty.models import WatchParty
from mypick.watchparty.views import PartyDetails
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.watchparty.life import carry, claims_of, somebody, told, two_nodes
from tests.watchparty.stage import SPACE, actor_of, cid, guest, party, video

HOUR = timedelta(hours=1)


def fan_of(actor: Actor) -> Fan:
    return Fan(actor.user_id, "", "", "")


async def planned(node: Node, host: Actor, at: datetime, **fields: Any) -> PartyDetails:
    fields = {"starts_at": to_wire(at), "title": "movie night", **fields}
    return await party(node, fan_of(host), await video(node.clock), **fields)


async def test_who_said_they_would_come_is_reminded_twice_and_once_each(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "CHUNK", 2)
    async with two_nodes(clock) as nodes:
        host, kim = await somebody("host", clock), await somebody("kim", clock, locale="ko")
        fans = [await somebody(f"fan{number}", clock) for number in range(3)]
        opened = await planned(nodes[0], host, clock.now() + HOUR)
        for one in (kim, *fans, kim):
            await nodes[0].parties.schedule.attend(one, opened.id)
        await nodes[1].parties.schedule.stay_away(fans[2], opened.id)
        assert await carry(nodes[0]) == 0
        clock.advance(50 * 60)
        await asyncio.gather(*(carry(node) for node in nodes))
        await carry(nodes[0])
        assert await told(host.user_id) == [("party-reminder", "Starts in 10 minutes: movie night")]
        assert await told(kim.user_id) == [("party-reminder", "10분 뒤 시작해요: movie night")]
        clock.advance(600)
        await asyncio.gather(*(carry(node) for node in nodes))
        await carry(nodes[1])
        for one in fans[:2]:
            assert [kind for kind, _ in await told(one.user_id)] == ["party-reminder"] * 2
        assert (await told(kim.user_id))[1] == ("party-reminder", "지금 시작해요: movie night")
        assert await told(fans[2].user_id) == []
        assert await carry(nodes[0]) == await carry(nodes[1]) == 0


class _Killed(BaseException):
    pass


async def test_killed_between_any_two_chunks_everybody_is_told_once(
    node: Node, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "CHUNK", 2)
    host = await somebody("host", clock)
    opened = await planned(node, host, clock.now() + HOUR)
    fans = [await somebody(f"fan{number}", clock) for number in range(6)]
    for one in fans:
        await node.parties.schedule.attend(one, opened.id)
    clock.advance(50 * 60)
    telling, done = node.parties.reminders._tell, 0

    async def tell_and_die(*arguments: Any) -> None:
        nonlocal done
        await telling(*arguments)
        done += 1
        if done < 4:
            raise _Killed

    monkeypatch.setattr(node.parties.reminders, "_tell", tell_and_die)
    claims = claims_of(node)
    while claim := await claims.claim(lane_of(1)):
        try:
            await claim.kind.handler(claim.work)
        except _Killed:
            clock.advance(61)  # the lease of the dead worker ends
        else:
            await claims.finish(claim.work)
    assert done == 4
    await carry(node)
    for one in (host, *fans):
        assert [kind for kind, _ in await told(one.user_id)] == ["party-reminder"], one


async def test_a_party_that_was_moved_or_ended_reminds_of_no_old_time(node: Node, clock: FakeClock) -> None:
    host = await somebody("host", clock)
    moved, ended = [await planned(node, host, clock.now() + HOUR) for _ in range(2)]
    later = ChangeParty.model_validate({"starts_at": to_wire(clock.now() + 3 * HOUR)})
    assert (await node.parties.parties.change(host, moved.id, later)).starts_at == clock.now() + 3 * HOUR
    await node.parties.parties.end(host, ended.id)
    clock.advance(3_600)
    await carry(node)
    assert await told(host.user_id) == []
    clock.advance(2 * 3_600 - 599)
    await carry(node)
    assert await told(host.user_id) == [("party-reminder", "Starts in 10 minutes: movie night")]
    await node.parties.parties.change(host, moved.id, ChangeParty.model_validate({"starts_at": None}))
    clock.advance(3_600)
    await carry(node)
    assert len(await told(host.user_id)) == 1


async def test_who_was_banned_meanwhile_is_not_reminded(node: Node, clock: FakeClock) -> None:
    host, bob = await somebody("host", clock), await somebody("bob", clock)
    opened = await planned(node, host, clock.now() + HOUR)
    await node.parties.schedule.attend(bob, opened.id)
    await node.parties.members.enter(host, opened.id)
    await node.parties.members.kick(host, KickMember(party_id=opened.id, user_id=bob.user_id, cid=cid(), ban=True))
    clock.advance(50 * 60)
    await carry(node)
    assert await told(bob.user_id) == []
    assert len(await told(host.user_id)) == 1


async def test_the_doors_open_by_themselves(node: Node, client: OpenClient, clock: FakeClock) -> None:
    alice, bob = await node.register("alice"), await node.register("bob")
    opened = await planned(node, actor_of(alice), clock.now() + HOUR)
    socket = await client(node, bob, space=SPACE)
    refused = (await socket.ask("join-party", {"party_id": opened.id}))["error"]
    assert (refused["code"], refused["retry_after_ms"]) == ("LOCKED", 50 * 60 * 1_000)
    assert refused["details"]["opens_at"] == to_wire(clock.now() + timedelta(minutes=50))
    host = await guest(client, node, alice, opened.id)  # who leads comes when they like
    assert host.joined["party"]["starts_at"] == to_wire(clock.now() + HOUR)
    clock.advance(50 * 60)
    later = await client(node, await node.log_in("bob"), space=SPACE)
    assert (await later.ask("join-party", {"party_id": opened.id}))["ok"]


async def test_a_party_whose_host_does_not_come_finds_another(
    node: Node, client: OpenClient, clock: FakeClock
) -> None:
    alice = await somebody("host", clock)
    opened = await planned(node, alice, clock.now() + HOUR)
    clock.advance(3_600)
    bob = await node.register("bob")
    await guest(client, node, bob, opened.id)
    assert (await WatchParty.get(id=opened.id)).host_id == alice.user_id
    await carry(node)
    for second in range(0, 130, 5):  # a node that says nothing for 10 s counts as dead
        await node.parties.keeper.tick()
        hosted_by = (await WatchParty.get(id=opened.id)).host_id
        assert hosted_by == (alice.user_id if second < 120 else bob.id), second
        clock.advance(5)


@pytest.mark.parametrize("hours", [-1, 0, 24 * 366])
async def test_a_time_that_no_party_can_begin_at_is_refused(node: Node, clock: FakeClock, hours: int) -> None:
    host = await somebody("host", clock)
    with pytest.raises(DomainError) as caught:
        await planned(node, host, clock.now() + hours * HOUR)
    assert caught.value.code is Code.INVALID
    opened = await planned(node, host, clock.now() + HOUR)
    change = ChangeParty.model_validate({"starts_at": to_wire(clock.now() + hours * HOUR)})
    with pytest.raises(DomainError) as caught:
        await node.parties.parties.change(host, opened.id, change)
    assert caught.value.code is Code.INVALID


async def test_what_comes_up_is_of_those_one_follows_and_of_ones_own(node: Node, clock: FakeClock) -> None:
    host, fan = await somebody("host", clock), await somebody("fan", clock)
    now = clock.now()
    parties = [await planned(node, host, now + (4 - number) * HOUR) for number in range(3)]
    hidden = await planned(node, host, now + 5 * HOUR, visibility="invite")
    followed = parties[0]
    await Subscription.create(user_id=fan.user_id, creator_id=followed.creator_id, created_at=now)
    await Subscription.create(user_id=fan.user_id, creator_id=hidden.creator_id, created_at=now)

    async def ids(**fields: Any) -> list[int]:
        page = await node.parties.schedule.upcoming(fan, fields.get("creator_id"), None, 20)
        return [one.id for one in page.items]

    assert await ids() == [followed.id]
    assert (await node.parties.schedule.attend(fan, parties[2].id)).attending == 2
    assert await ids() == [parties[2].id, followed.id]  # the next first
    page = await node.parties.schedule.upcoming(fan, None, None, 1)
    assert (page.items[0].attending, page.items[0].attends) == (2, True)
    rest = await node.parties.schedule.upcoming(fan, None, page.next_cursor, 1)
    assert ([one.id for one in rest.items], rest.items[0].attends, rest.next_cursor) == ([followed.id], False, None)
    assert await ids(creator_id=parties[1].creator_id) == [parties[1].id]
    assert await ids(creator_id=hidden.creator_id) == []
    clock.advance(3 * 3_600 + 1)  # an hour after the first began
    assert await ids() == [followed.id]


async def test_parties_of_a_community_come_up_for_its_members(node: Node, clock: FakeClock) -> None:
    host, fan = await somebody("host", clock), await somebody("fan", clock)
    content, now = await video(clock), clock.now()
    community = await Community.create(creator_id=content.creator_id, name="somebody", created_at=now)
    await Membership.create(community_id=community.id, user_id=host.user_id, rank=Role.MEMBER, joined_at=now)
    await Subscription.create(user_id=fan.user_id, creator_id=content.creator_id, created_at=now)
    fields = {"visibility": "community", "starts_at": to_wire(now + HOUR)}
    opened = await party(node, fan_of(host), content, **fields)
    assert (await node.parties.schedule.upcoming(fan, None, None, 20)).items == []
    await Membership.create(community_id=community.id, user_id=fan.user_id, rank=Role.MEMBER, joined_at=now)
    assert [one.id for one in (await node.parties.schedule.upcoming(fan, None, None, 20)).items] == [opened.id]


async def test_a_party_without_a_time_is_joined_and_not_waited_for(node: Node, clock: FakeClock) -> None:
    host = await somebody("host", clock)
    opened = await party(node, fan_of(host))
    with pytest.raises(DomainError) as caught:
        await node.parties.schedule.attend(host, opened.id)
    assert caught.value.code is Code.CONFLICT


async def test_a_party_that_was_looked_at_beforehand_is_there_when_its_time_comes(
    node: Node, client: OpenClient, clock: FakeClock
) -> None:
    alice = await node.register("alice")
    opened = await planned(node, actor_of(alice), clock.now() + 48 * HOUR)
    host = await guest(client, node, alice, opened.id)
    assert (await host.ask("leave-party"))["ok"]
    clock.advance(24 * 3_600)
    assert await node.parties.parties.end_abandoned() == 0
    clock.advance(37 * 3_600)
    assert await node.parties.parties.end_abandoned() == 1
