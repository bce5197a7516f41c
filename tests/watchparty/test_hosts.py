"""Who hosts, over two processes with a real bus between them: whatever vanishes, there is one host, and it plays on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.content.models import Content
from mypick.db import Database
from mypick.errors import Code
from mypick.watchparty.commands import ClaimHost, KickMember, NewRole, TransferHost
from mypick.watchparty.models import PartyMember, WatchParty
from tests.community.stage import refused
from tests.fakes import FakeClock
from tests.watchparty.nodes import Process, log_of, opened, person, processes, timeline
from tests.watchparty.stage import cid, video


@pytest.fixture
async def two(database: Database, clock: FakeClock, redis_url: str) -> AsyncIterator[list[Process]]:
    async with processes(clock, "a", "b", redis_url=redis_url) as nodes:
        yield nodes


class Stage:
    """A party that plays, with alice as its host on the first node, and others on the second."""

    def __init__(self, nodes: list[Process], clock: FakeClock) -> None:
        self.nodes, self.clock = nodes, clock
        self.people: dict[str, Any] = {}
        self.party_id = 0

    async def open(self, *names: str, content: Content | None = None, **fields: Any) -> Stage:
        self.people["alice"] = alice = await person("alice", self.clock)
        self.party_id = (await opened(self.nodes[0], alice, content, **fields)).id
        await self.nodes[0].arrive(alice, self.party_id)
        for name in names:
            self.clock.advance(1)
            self.people[name] = await person(name, self.clock)
            await self.nodes[1].arrive(self.people[name], self.party_id)
        return self

    async def seconds(self, count: int, *, dead: Process | None = None, silent: tuple[str, ...] = ()) -> None:
        """Time passes; nodes that live look once a second, and sockets that live answer."""
        for _ in range(count):
            self.clock.advance(1)
            for node in self.nodes:
                if node is dead:
                    continue
                for name, who in self.people.items():
                    if name not in silent:
                        node.alive(who, self.party_id)
            await asyncio.gather(*(node.tick() for node in self.nodes if node is not dead))

    async def host(self) -> str:
        host_id = (await WatchParty.get(id=self.party_id)).host_id
        return next(name for name, who in self.people.items() if who.user_id == host_id)

    async def changes(self) -> list[dict[str, Any]]:
        events = await log_of(self.nodes[1], self.party_id)
        return [event["data"] for event in events if event["type"] == "host-changed"]

    async def play(self) -> None:
        node, alice = self.nodes[0], self.people["alice"]
        seq = await node.steer(alice, self.party_id, "play", (await timeline(self.party_id)).seq)
        for who in self.people.values():
            await (node if who is alice else self.nodes[1]).ready(who, self.party_id, seq)
        assert (await timeline(self.party_id)).status == "playing"


@pytest.fixture
async def stage(two: list[Process], clock: FakeClock) -> Stage:
    return Stage(two, clock)


async def test_a_host_whose_sockets_answer_stays_host(stage: Stage) -> None:
    await stage.open("bob")
    await stage.seconds(60)
    assert await stage.host() == "alice"
    assert await stage.changes() == []


async def test_a_killed_node_gives_the_party_to_one_new_host_in_time_and_the_timeline_stands(stage: Stage) -> None:
    await stage.open("bob", "carol")
    await stage.play()
    await stage.seconds(7)
    before = await timeline(stage.party_id)
    await stage.seconds(8, dead=stage.nodes[0])
    assert await stage.host() == "alice", "not before its lease has run out"
    await stage.seconds(4, dead=stage.nodes[0])
    assert await stage.host() == "bob"
    (change,) = await stage.changes()
    assert (change["reason"], change["former_host_id"]) == ("vanished", stage.people["alice"].user_id)
    assert await timeline(stage.party_id) == before
    left = [event for event in await log_of(stage.nodes[1], stage.party_id) if event["type"] == "member-left"]
    assert [(event["data"]["user_id"], event["data"]["reason"]) for event in left] == [
        (stage.people["alice"].user_id, "gone")
    ]


async def test_a_host_who_answers_no_more_is_followed_though_the_node_lives(stage: Stage) -> None:
    await stage.open("bob")
    await stage.seconds(12, silent=("alice",))
    assert await stage.host() == "bob"


async def test_many_nodes_notice_and_one_host_follows(stage: Stage) -> None:
    await stage.open("bob", "carol")
    await stage.seconds(8, silent=("alice",))
    stage.clock.advance(3)
    await asyncio.gather(*(node.parties.hosts.lapsed(stage.party_id) for node in stage.nodes * 5))
    assert len(await stage.changes()) == 1


async def test_nobody_follows_who_was_on_the_killed_node(stage: Stage) -> None:
    await stage.open("bob")
    node = stage.nodes[0]
    for name in ("carol", "dan"):
        stage.people[name] = who = await person(name, stage.clock)
        await node.arrive(who, stage.party_id)
    await node.parties.hosts.set_role(
        stage.people["alice"], stage.party_id, NewRole(user_id=stage.people["carol"].user_id, role="cohost")
    )
    await stage.seconds(6)
    await stage.seconds(3, silent=("alice",))  # her lease ends before her node counts as gone
    await stage.seconds(12, dead=node)
    assert await stage.host() == "bob"
    assert len(await stage.changes()) == 1


async def test_somebody_follows_however_many_were_there_longer_and_are_away(stage: Stage) -> None:
    await stage.open()
    alice, node = stage.people["alice"], stage.nodes[0]
    crowd = [await person(f"fan{number}", stage.clock) for number in range(60)]
    await asyncio.gather(*(node.arrive(who, stage.party_id) for who in crowd))
    stage.clock.advance(1)
    stage.people["bob"] = bob = await person("bob", stage.clock)
    await stage.nodes[1].arrive(bob, stage.party_id)
    for who in crowd:
        node.vanish(who, stage.party_id)
    await node.tick()
    node.vanish(alice, stage.party_id)
    await node.parties.members.leave(alice, stage.party_id)
    assert await stage.host() == "bob"


async def test_a_cohost_follows_before_a_moderator_and_a_moderator_before_the_longest_there(stage: Stage) -> None:
    content = await video(stage.clock)
    await stage.open("bob", "mo", "carol", content=content)
    community = await Community.create(creator_id=content.creator_id, name="fans", created_at=stage.clock.now())
    await Membership.create(
        community_id=community.id,
        user_id=stage.people["mo"].user_id,
        rank=Role.MODERATOR,
        joined_at=stage.clock.now(),
    )
    made = NewRole(user_id=stage.people["carol"].user_id, role="cohost")
    await stage.nodes[0].parties.hosts.set_role(stage.people["alice"], stage.party_id, made)
    followers = []
    gone: list[str] = []
    for _ in range(3):
        gone.append(await stage.host())
        name = gone[-1]
        node = stage.nodes[0] if name == "alice" else stage.nodes[1]
        node.vanish(stage.people[name], stage.party_id)
        await node.parties.members.leave(stage.people[name], stage.party_id)
        followers.append(await stage.host())
    assert followers == ["carol", "mo", "bob"]


async def test_the_old_host_takes_it_back_within_a_minute_and_not_later(stage: Stage) -> None:
    await stage.open("bob")
    alice = stage.people["alice"]
    for wait, ok in ((30, True), (61, False)):
        await stage.seconds(12, silent=("alice",))
        assert await stage.host() == "bob"
        await stage.seconds(wait)
        command = ClaimHost(party_id=stage.party_id, cid=cid())
        if ok:
            await stage.nodes[0].parties.hosts.claim(alice, command)
            assert await stage.host() == "alice"
        else:
            assert (await refused(stage.nodes[0].parties.hosts.claim(alice, command))).code is Code.FORBIDDEN
    bob = stage.people["bob"]
    claim = ClaimHost(party_id=stage.party_id, cid=cid())
    assert (await stage.nodes[1].parties.hosts.claim(bob, claim)).seq is None, "it is his"


async def test_a_host_gives_the_party_to_somebody_who_is_there_and_nobody_else_does(stage: Stage) -> None:
    await stage.open("bob")
    hosts, alice, bob = stage.nodes[0].parties.hosts, stage.people["alice"], stage.people["bob"]
    away = await person("dora", stage.clock)

    def give(user_id: int) -> TransferHost:
        return TransferHost(party_id=stage.party_id, user_id=user_id, cid=cid())

    assert (await refused(hosts.transfer(bob, give(bob.user_id)))).code is Code.FORBIDDEN
    assert (await refused(hosts.transfer(alice, give(away.user_id)))).code is Code.NOT_FOUND
    command = give(bob.user_id)
    done = await hosts.transfer(alice, command)
    assert await hosts.transfer(alice, command) == done, "the same cid twice"
    assert await stage.host() == "bob"
    claim = ClaimHost(party_id=stage.party_id, cid=cid())
    assert (await refused(hosts.claim(alice, claim))).code is Code.FORBIDDEN, "it was given away"


async def test_a_party_whose_host_was_never_there_waits_for_them(stage: Stage) -> None:
    alice, bob = await person("alice", stage.clock), await person("bob", stage.clock)
    stage.people = {"alice": alice, "bob": bob}
    stage.party_id = (await opened(stage.nodes[0], alice)).id
    await stage.nodes[1].arrive(bob, stage.party_id)
    await stage.seconds(40)
    assert await stage.host() == "alice"


async def test_after_an_outage_of_everything_the_host_has_time_to_come_back(stage: Stage) -> None:
    await stage.open("bob")
    stage.clock.advance(300)  # all processes were away
    await stage.nodes[1].tick()
    await stage.nodes[1].arrive(stage.people["bob"], stage.party_id)
    await stage.nodes[1].tick()
    assert await stage.host() == "alice"
    stage.clock.advance(5)
    await stage.nodes[0].arrive(stage.people["alice"], stage.party_id)
    await stage.seconds(20)
    assert await stage.host() == "alice"
    assert await stage.changes() == []


async def test_who_was_put_out_does_nothing_after_the_commit_and_comes_back_only_if_not_banned(stage: Stage) -> None:
    await stage.open("bob", policy={"control": "everyone"})
    node, alice, bob = stage.nodes[0], stage.people["alice"], stage.people["bob"]
    base = (await timeline(stage.party_id)).seq
    for ban in (False, True):
        kick = KickMember(party_id=stage.party_id, user_id=bob.user_id, cid=cid(), ban=ban, reason="spoilers")
        steering = [stage.nodes[1].steer(bob, stage.party_id, "seek", base, position_ms=number) for number in range(5)]
        kicked, *_ = await asyncio.gather(node.parties.members.kick(alice, kick), *steering, return_exceptions=True)
        assert not isinstance(kicked, BaseException)
        events = await log_of(node, stage.party_id)
        out = max(event["seq"] for event in events if event["type"] == "member-left")
        assert all(event["seq"] < out for event in events if event.get("actor", {}).get("id") == bob.user_id)
        assert node.evicted[-1].code is (Code.BANNED if ban else Code.NOT_MEMBER)
        late = await refused(stage.nodes[1].steer(bob, stage.party_id, "play", 10**9))
        assert late.code is Code.NOT_MEMBER
        (eviction,) = await stage.nodes[1].parties.members.evicted_among([(stage.party_id, bob.user_id)])
        assert eviction.code is node.evicted[-1].code
        if ban:
            assert (await refused(stage.nodes[1].arrive(bob, stage.party_id))).code is Code.BANNED
        else:
            await stage.nodes[1].arrive(bob, stage.party_id)
        base = (await timeline(stage.party_id)).seq
    await node.parties.members.unban(alice, stage.party_id, bob.user_id)
    await stage.nodes[1].arrive(bob, stage.party_id)
    above = KickMember(party_id=stage.party_id, user_id=alice.user_id, cid=cid())
    assert (await refused(node.parties.members.kick(bob, above))).code is Code.FORBIDDEN


async def test_who_is_away_for_a_moment_was_there_all_the_time(stage: Stage) -> None:
    await stage.open("bob")
    bob = stage.people["bob"]
    since = (await PartyMember.get(party_id=stage.party_id, user_id=bob.user_id)).since_ms
    stage.nodes[1].vanish(bob, stage.party_id)
    await stage.seconds(5)
    await stage.nodes[0].arrive(bob, stage.party_id)
    await stage.seconds(20)
    member = await PartyMember.get(party_id=stage.party_id, user_id=bob.user_id)
    assert (member.present, member.since_ms) == (True, since)
    assert not [event for event in await log_of(stage.nodes[0], stage.party_id) if event["type"] == "member-left"]


async def test_a_node_that_was_taken_for_dead_writes_down_again_who_is_there(stage: Stage) -> None:
    await stage.open("bob")
    await stage.seconds(15, dead=stage.nodes[1])
    assert not (await PartyMember.get(party_id=stage.party_id, user_id=stage.people["bob"].user_id)).present
    await stage.seconds(4)
    assert (await PartyMember.get(party_id=stage.party_id, user_id=stage.people["bob"].user_id)).present


async def test_a_party_that_nobody_was_in_for_half_a_day_is_over(stage: Stage) -> None:
    await stage.open("bob")
    parties = stage.nodes[0].parties.parties
    for node, name in zip(stage.nodes, ("alice", "bob"), strict=True):
        node.vanish(stage.people[name], stage.party_id)
        await node.parties.members.leave(stage.people[name], stage.party_id)
    assert await parties.end_abandoned() == 0
    stage.clock.advance(13 * 3_600)
    assert [await parties.end_abandoned() for _ in range(2)] == [1, 0]
    assert (await timeline(stage.party_id)).reason == "party-ended"
    late = await refused(stage.nodes[0].arrive(stage.people["alice"], stage.party_id))
    assert late.code is Code.GONE
