"""Asking people to come: links that let so many in so long, and people by name."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.accounts.actor import Actor
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.watchparty.entry.commands import CreatePartyInvite, InvitePeople
from mypick.watchparty.entry.models import PartyInvite
from mypick.watchparty.entry.signing import LENGTH, InviteTokens
from mypick.watchparty.entry.views import PartyInviteView
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.watchparty.life import carry, somebody, told, two_nodes
from tests.watchparty.stage import SPACE, actor_of, cid, guest, party


@pytest.fixture
async def alice(node: Node) -> Fan:
    return await node.register("alice")


@pytest.fixture
async def bob(node: Node) -> Fan:
    return await node.register("bob")


async def link(node: Node, who: Actor, party_id: int, **fields: Any) -> PartyInviteView:
    return await node.parties.invites.create(who, party_id, CreatePartyInvite(**fields))


async def come(client: OpenClient, node: Node, fan: Fan, **fields: Any) -> Any:
    """What ``join-party`` answers: the role, or the code of the refusal."""
    socket = await client(node, fan, space=SPACE)
    answer = await socket.ask("join-party", fields)
    return answer["data"]["role"] if answer["ok"] else answer["error"]["code"]


async def test_a_link_lets_in_who_could_not_come_otherwise(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice, visibility="invite")
    made = await link(node, actor_of(alice), opened.id, max_uses=1)
    assert await come(client, node, bob, party_id=opened.id) == "NOT_FOUND"
    assert await come(client, node, bob, invite=made.token) == "guest"
    assert await come(client, node, bob, party_id=opened.id) == "guest"  # and needs it no more
    (shown,) = (await node.parties.invites.list(actor_of(alice), opened.id, None, 20)).items
    assert (shown.uses, shown.open, shown.token) == (1, False, made.token)
    assert made.url == f"/parties/{opened.id}?invite={made.token}"
    late = await node.register("carol")
    assert await come(client, node, late, invite=made.token) == "GONE"


async def test_as_many_come_by_a_link_as_it_lets_in_however_many_come_at_once(
    database: Database, clock: FakeClock
) -> None:
    async with two_nodes(clock) as nodes:
        alice = await nodes[0].register("alice")
        opened = await party(nodes[0], alice, visibility="invite")
        made = await link(nodes[0], actor_of(alice), opened.id, max_uses=5)
        people = [await somebody(f"fan{number}", clock) for number in range(20)]

        async def enter(number: int) -> str:
            try:
                await nodes[number % 2].parties.members.enter(people[number % 20], opened.id, made.id)
            except DomainError as refused:
                return refused.code.name
            return "in"

        outcomes = Counter(await asyncio.gather(*map(enter, range(40))))  # each knocks on both nodes, or twice
        assert outcomes == {"in": 10, "GONE": 30}
        assert (await PartyInvite.get(id=made.id)).uses == 5


async def test_who_may_come_anyway_uses_nothing_up(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice, visibility="public")
    made = await link(node, actor_of(alice), opened.id)
    for fan in (alice, bob, bob):
        assert await come(client, node, fan, invite=made.token) in ("host", "guest")
    (shown,) = (await node.parties.invites.list(actor_of(alice), opened.id, None, 20)).items
    assert shown.uses == 0


async def test_a_link_that_was_revoked_or_has_ended_lets_nobody_in(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice, visibility="invite")
    revoked, ended = [await link(node, actor_of(alice), opened.id, hours=hours) for hours in (24, 1)]
    for _ in range(2):
        await node.parties.invites.revoke(actor_of(alice), opened.id, revoked.id)
    assert await come(client, node, bob, invite=revoked.token) == "GONE"
    clock.advance(3_601)
    fresh = await node.log_in("bob")
    assert await come(client, node, fresh, invite=ended.token) == "GONE"
    host = await node.log_in("alice")
    assert await come(client, node, host, invite=ended.token) == "host"  # who may come anyway loads the page again


async def test_a_token_of_nobody_of_ours_is_refused(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened, other = [await party(node, alice, visibility="invite") for _ in range(2)]
    made = await link(node, actor_of(alice), opened.id)
    forged = InviteTokens("x" * 40).token(opened.id, made.id, made.expires_at)
    for token in (forged, made.token[:-1], "", "nonsense", made.token + "A"):
        assert await come(client, node, bob, invite=token) == "INVALID"
    assert await come(client, node, bob, party_id=other.id, invite=made.token) == "INVALID"


@given(
    place=st.integers(0, LENGTH - 1),
    sign=st.sampled_from("ABCDwxyz0189-_"),
    numbers=st.tuples(st.integers(1), st.integers(1)),
)
def test_no_sign_of_a_token_can_be_changed(place: int, sign: str, numbers: tuple[int, int]) -> None:
    tokens, now = InviteTokens("s" * 40), FakeClock().now()
    party_id, invite_id = (number % 2**63 for number in numbers)
    token = tokens.token(party_id, invite_id, now)
    assert len(token) == LENGTH
    signed = tokens.read(token)
    assert signed is not None
    assert (signed.party_id, signed.invite_id, signed.until_s) == (party_id, invite_id, int(now.timestamp()))
    changed = token[:place] + sign + token[place + 1 :]
    assert (tokens.read(changed) is None) is (changed != token)


async def test_who_is_banned_comes_by_no_link(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice, visibility="invite")
    host = await guest(client, node, alice, opened.id)
    assert (await host.ask("kick-member", user_id=bob.id, ban=True, cid=cid()))["ok"]
    made = await link(node, actor_of(alice), opened.id)
    assert await come(client, node, bob, invite=made.token) == "BANNED"
    invited = await node.parties.invites.invite(actor_of(alice), opened.id, InvitePeople(user_ids=[bob.id]))
    assert invited.user_ids == []
    assert await come(client, node, bob, party_id=opened.id) == "BANNED"


@pytest.mark.parametrize(("policy", "guests"), [("host", False), ("cohosts", False), ("everyone", True)])
async def test_who_may_invite_is_the_partys_policy(
    node: Node, client: OpenClient, alice: Fan, bob: Fan, policy: str, *, guests: bool
) -> None:
    opened = await party(node, alice, policy={"invite": policy})
    await guest(client, node, bob, opened.id)
    if guests:
        mine = await link(node, actor_of(bob), opened.id)
        await link(node, actor_of(alice), opened.id)
        shown = await node.parties.invites.list(actor_of(bob), opened.id, None, 20)
        assert [one.id for one in shown.items] == [mine.id]
        assert len((await node.parties.invites.list(actor_of(alice), opened.id, None, 20)).items) == 2
        return
    for refused in (
        link(node, actor_of(bob), opened.id),
        node.parties.invites.invite(actor_of(bob), opened.id, InvitePeople(user_ids=[alice.id])),
    ):
        with pytest.raises(DomainError) as caught:
            await refused
        assert caught.value.code is Code.FORBIDDEN


async def test_people_who_are_invited_are_told_once_in_their_language(
    node: Node, clock: FakeClock, client: OpenClient, alice: Fan
) -> None:
    opened = await party(node, alice, visibility="invite", title="밤샘 같이 보기")
    bob, kim = await somebody("bob", clock), await somebody("kim", clock, locale="ko")
    for _ in range(2):
        command = InvitePeople(user_ids=[bob.user_id, kim.user_id, alice.id, 999_999])
        invited = await node.parties.invites.invite(actor_of(alice), opened.id, command)
        assert invited.user_ids == sorted([bob.user_id, kim.user_id])
        await carry(node)
    assert await told(bob.user_id) == [("party-invite", "alice invites you to watch together")]
    assert await told(kim.user_id) == [("party-invite", "alice 님이 같이 보기에 초대했어요")]
    assert (await node.parties.reading.details(kim, opened.id)).id == opened.id


async def test_no_guest_takes_all_the_links_that_a_party_may_have(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice, policy={"invite": "everyone"})
    await guest(client, node, bob, opened.id)
    made = [await link(node, actor_of(bob), opened.id) for _ in range(10)]
    with pytest.raises(DomainError) as caught:
        await link(node, actor_of(bob), opened.id)
    assert (caught.value.code, "of yours" in caught.value.message) == (Code.FULL, True)
    for _ in range(40):
        await link(node, actor_of(alice), opened.id)
    with pytest.raises(DomainError):
        await link(node, actor_of(alice), opened.id)
    await node.parties.invites.revoke(actor_of(alice), opened.id, made[0].id)
    await link(node, actor_of(alice), opened.id)
