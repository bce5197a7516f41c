"""Invites and requests to join: exactly as many come in as should, and each hears what was decided."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.community.commands import BanMember, SetRole
from mypick.community.entry.commands import AskToJoin, CreateInvite, DecideRequest
from mypick.community.entry.invites import LENGTH, MAX_OPEN, SIGNS, new_code, plain_code
from mypick.community.entry.models import Invite, JoinRequest
from mypick.community.entry.requests import MAX_WAITING, REFUSED_FOR
from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.errors import Code
from tests.community.stage import Cast, Node, cid, code, community, refused, user
from tests.fakes import FakeClock

HELLO = AskToJoin(text="hello")


async def test_fifty_at_once_and_ten_uses_are_ten_members(two: list[Node], clock: FakeClock) -> None:
    """Each tries twice, through both nodes; who is in uses nothing up."""
    cast = await community(two[0], clock, "oz", visibility="private", roles={"oz": Role.OWNER})
    invite = await two[0].communities.invites.create(cast["oz"], cast.community, CreateInvite(max_uses=10))
    fans = [await user(f"fan{number}", clock) for number in range(50)]
    outcomes = await asyncio.gather(
        *(node.communities.invites.accept(fan, invite.code, HELLO) for fan in fans for node in two),
        return_exceptions=True,
    )
    assert {str(code(one)) for one in outcomes} == {"None", "Code.GONE"}
    inside = {row.user_id for row in await Membership.filter(community_id=cast.community)} - {cast["oz"].user_id}
    assert len(inside) == 10
    assert (await Invite.get()).uses == 10
    accepted = [fans[at // 2].user_id for at, one in enumerate(outcomes) if code(one) is None]
    assert sorted(accepted) == sorted([*inside, *inside]), "who is in was let in both times"
    (listed,) = (await two[0].communities.invites.list(cast["oz"], cast.community, None, 10)).items
    assert (listed.uses, listed.max_uses, listed.open) == (10, 10, False)
    assert listed.actor
    assert listed.actor.name == "oz"


@given(st.text(SIGNS, min_size=LENGTH, max_size=LENGTH), st.text("-_ .", max_size=3))
def test_a_code_is_read_however_it_was_typed(made: str, between: str) -> None:
    assert plain_code(f" {made[:5]}{between}{made[5:]}".lower()) == made


def test_codes_are_short_and_not_to_be_guessed() -> None:
    codes = {new_code() for _ in range(1_000)}
    assert len(codes) == 1_000
    assert len(SIGNS) ** LENGTH > 2**49
    assert all(len(one) == LENGTH for one in codes)


async def test_an_invite_that_ended_lets_nobody_in(node: Node, cast: Cast, clock: FakeClock) -> None:
    invites, guest = node.communities.invites, await user("guest", clock)
    await Community.filter(id=cast.community).update(visibility="private")
    ended = await invites.create(cast["oz"], cast.community, CreateInvite(hours=1))
    revoked = await invites.create(cast["oz"], cast.community, CreateInvite(hours=None))
    preview = await invites.look(guest, ended.code)
    assert (preview.community_id, preview.name, preview.member) == (cast.community, "somebody", False)
    for _ in range(2):
        assert (await invites.revoke(cast["oz"], cast.community, revoked.id)).revoked
    clock.advance(3_600)
    for one in (ended, revoked):
        assert (await refused(invites.look(guest, one.code))).code is Code.GONE
        assert (await refused(invites.accept(guest, one.code, HELLO))).code is Code.GONE
        assert (await invites.accept(cast["alice"], one.code, HELLO)).member, "who is in stays in"
    assert (await refused(invites.look(guest, "22222-22222"))).code is Code.NOT_FOUND
    assert not await Membership.filter(user_id=guest.user_id).exists()


async def test_who_is_banned_comes_in_by_no_invite(node: Node, cast: Cast, clock: FakeClock) -> None:
    invites, alice = node.communities.invites, cast["alice"]
    codes = [
        (await invites.create(cast["oz"], cast.community, CreateInvite(approval=approval))).code
        for approval in (False, True)
    ]
    ban = BanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    for one in codes:
        assert (await refused(invites.accept(alice, one, HELLO))).code is Code.BANNED
        assert (await refused(invites.look(alice, one))).code is Code.BANNED
    assert [row.uses for row in await Invite.all()] == [0, 0]


async def test_an_invite_rests_while_who_made_it_may_make_none(node: Node, clock: FakeClock) -> None:
    cast = await community(
        node, clock, "max", "oz", visibility="private", roles={"max": Role.MANAGER, "oz": Role.OWNER}
    )
    services, guest = node.communities, await user("guest", clock)
    invite = await services.invites.create(cast["max"], cast.community, CreateInvite())

    async def give(role: str) -> None:
        command = SetRole.model_validate({"role": role})
        await services.members.set_role(cast["oz"], cast.community, cast["max"].user_id, command)

    async def rests() -> tuple[bool, bool]:
        (listed,) = (await services.invites.list(cast["oz"], cast.community, None, 10)).items
        return listed.rests, listed.open

    await give("moderator")
    for attempt in (services.invites.look(guest, invite.code), services.invites.accept(guest, invite.code, HELLO)):
        assert (await refused(attempt)).code is Code.GONE
    assert await rests() == (True, False)
    await give("manager")
    assert await rests() == (False, True)
    assert (await services.invites.look(guest, invite.code)).name == "somebody"
    await services.members.remove(cast["oz"], cast.community, cast["max"].user_id, None)
    assert (await refused(services.invites.accept(guest, invite.code, HELLO))).code is Code.GONE
    assert (await Invite.get()).uses == 0
    await services.invites.revoke(cast["oz"], cast.community, invite.id)
    assert await rests() == (False, False)


async def test_open_invites_have_a_bound(node: Node, cast: Cast, clock: FakeClock) -> None:
    oz = cast["oz"].user_id
    await Invite.bulk_create(
        Invite(community_id=cast.community, code=f"{number:010d}", max_uses=1, actor_id=oz, created_at=clock.now())
        for number in range(MAX_OPEN)
    )
    create = node.communities.invites.create
    assert (await refused(create(cast["oz"], cast.community, CreateInvite()))).code is Code.FULL
    await Invite.filter(code="0000000000").update(uses=1)
    await create(cast["oz"], cast.community, CreateInvite())


@pytest.mark.parametrize("visibility", ["members", "private"])
async def test_a_request_is_decided_once_and_the_asker_hears(
    two: list[Node], clock: FakeClock, visibility: str
) -> None:
    node = two[0]
    cast = await community(
        node, clock, "mo", "bo", "oz", visibility=visibility,
        roles={"mo": Role.MODERATOR, "bo": Role.MODERATOR, "oz": Role.OWNER},
    )  # fmt: skip
    guest, services = await user("guest", clock), node.communities
    if visibility == "members":
        asked = await services.requests.ask(guest, cast.community, HELLO)
        assert asked.status == "waiting"
    else:
        refusal = await refused(services.requests.ask(guest, cast.community, HELLO))
        assert refusal.code is Code.NOT_FOUND
        invite = await services.invites.create(cast["oz"], cast.community, CreateInvite(max_uses=1, approval=True))
        for _ in range(2):
            accepted = await services.invites.accept(guest, invite.code, HELLO)
            assert (accepted.member, accepted.request) == (False, "waiting")
    (waiting,) = (await services.requests.list(cast["mo"], cast.community, None, 10)).items
    assert (waiting.text, waiting.user and waiting.user.name) == ("hello", "guest")
    assert (await refused(services.requests.list(guest, cast.community, None, 10))).code in (
        Code.NOT_FOUND, Code.NOT_MEMBER,
    )  # fmt: skip
    outcomes = await asyncio.gather(
        *(
            at.communities.requests.decide(cast[who], waiting.id, DecideRequest(accept=accept))
            for at, who, accept in ((two[0], "mo", True), (two[1], "bo", False), (two[0], "oz", False))
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in outcomes) == ["Code.CONFLICT"] * 2 + ["None"]
    row = await JoinRequest.get()
    assert await Membership.filter(user_id=guest.user_id).exists() is (row.status == "accepted")
    await node.carry_all()
    (told,) = (await node.notifications.unread(guest)).items
    assert told.data.kind == "announcement"
    assert ("You are in" in told.data.title) is (row.status == "accepted")


async def test_who_was_refused_asks_again_only_after_a_week(node: Node, cast: Cast, clock: FakeClock) -> None:
    await Community.filter(id=cast.community).update(visibility="members")
    guest, requests = await user("guest", clock), node.communities.requests
    first = await requests.ask(guest, cast.community, HELLO)
    assert (await requests.ask(guest, cast.community, AskToJoin(text="again"))).id == first.id
    assert (await requests.withdraw(guest, cast.community)).status == "withdrawn"
    assert (await requests.withdraw(guest, cast.community)).status == "withdrawn"
    second = await requests.ask(guest, cast.community, HELLO)
    for _ in range(2):
        assert (await requests.decide(cast["mo"], second.id, DecideRequest(accept=False))).status == "refused"
    again = await refused(requests.ask(guest, cast.community, HELLO))
    assert (again.code, again.retry_after_ms) == (Code.RATE_LIMITED, REFUSED_FOR.days * 86_400_000)
    clock.advance(REFUSED_FOR.total_seconds())
    assert (await requests.ask(guest, cast.community, HELLO)).status == "waiting"
    (mine,) = (await requests.mine(guest, None, None, 10)).items
    assert mine.status == "waiting"
    assert (await requests.mine(guest, cast.community, None, 10)).items == [mine]
    assert (await requests.mine(guest, cast.community + 1, None, 10)).items == []


async def test_requests_of_one_person_have_a_bound(node: Node, cast: Cast, clock: FakeClock) -> None:
    await Community.filter(id=cast.community).update(visibility="members")
    guest = await user("guest", clock)
    await JoinRequest.bulk_create(
        JoinRequest(community_id=1_000 + number, user_id=guest.user_id, text="", created_at=clock.now())
        for number in range(MAX_WAITING)
    )
    assert (await refused(node.communities.requests.ask(guest, cast.community, HELLO))).code is Code.FULL


async def test_nobody_asks_to_come_where_they_are_or_may_go(node: Node, cast: Cast, clock: FakeClock) -> None:
    ask, guest = node.communities.requests.ask, await user("guest", clock)
    for who in (cast["alice"], guest):
        assert (await refused(ask(who, cast.community, HELLO))).code is Code.CONFLICT


async def test_who_was_banned_while_waiting_is_not_let_in(node: Node, cast: Cast, clock: FakeClock) -> None:
    await Community.filter(id=cast.community).update(visibility="members")
    guest, services = await user("guest", clock), node.communities
    asked = await services.requests.ask(guest, cast.community, HELLO)
    ban = BanMember(room_id=cast.room, user_id=guest.user_id, cid=cid())
    await services.moderation.ban(cast["mo"], ban)
    accept = services.requests.decide(cast["mo"], asked.id, DecideRequest(accept=True))
    assert (await refused(accept)).code is Code.BANNED
    await services.requests.decide(cast["mo"], asked.id, DecideRequest(accept=False))
    assert not await Membership.filter(user_id=guest.user_id).exists()


async def test_the_desk_hears_of_a_request_and_of_its_end(node: Node, cast: Cast, clock: FakeClock) -> None:
    await Community.filter(id=cast.community).update(visibility="members")
    guest, requests = await user("guest", clock), node.communities.requests
    asked = await requests.ask(guest, cast.community, HELLO)
    assert await node.carry_desk() == 1
    await requests.decide(cast["mo"], asked.id, DecideRequest(accept=True))
    assert await node.carry_desk() == 1
    events = (await node.streams.store.resume(f"desk:{cast.community}", None, 0))["events"]
    seen = [(one["data"]["kind"], one["data"]["waiting"], one["data"]["counts"]["request"]) for one in events]
    assert seen == [("request", True, 1), ("request", False, 0)]
    assert "hello" not in str(events)
