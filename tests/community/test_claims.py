"""A creator takes over the community: by a code that only they can show, or by an admin's word."""

from __future__ import annotations

import asyncio

import aiohttp

from demo.youtube import PlatformEmulator
from mypick.community.commands import BanMember
from mypick.community.entry.claims import CODE_FOR, MAX_WAITING
from mypick.community.entry.commands import ClaimCommunity, DecideClaim
from mypick.community.entry.models import Claim
from mypick.community.models import Community, Membership, Sanction
from mypick.community.policy import Role
from mypick.creators.models import Channel
from mypick.creators.proofs import ChannelProofs
from mypick.errors import Code
from mypick.platforms.youtube import YouTube
from tests.community.stage import Cast, Node, RoomClient, cid, code, community, refused, user
from tests.fakes import FakeClock
from tests.queries import counted

MINE = ClaimCommunity(text="it is me")


async def test_who_shows_the_code_owns_the_community(two: list[Node], clock: FakeClock) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "oz", roles={"oz": Role.OWNER})
    star, claims = await user("star", clock), node.communities.claims
    claim = await claims.claim(star, cast.community, MINE)
    assert (await claims.claim(star, cast.community, MINE)).code == claim.code
    assert claim.channels == [f"https://tube.example/{cast.creator}"]
    assert (await refused(claims.check(star, claim.id))).code is Code.CONFLICT
    assert (await refused(claims.check(cast["alice"], claim.id))).code is Code.NOT_FOUND
    client = RoomClient(node, cast["alice"], cast.room)
    await client.join()
    for one in two:
        one.channel.about = f"hello {claim.code} and welcome"
    outcomes = await asyncio.gather(
        *(one.communities.claims.check(star, claim.id) for one in two * 3), return_exceptions=True
    )
    assert {str(code(one)) for one in outcomes} <= {"None", "Code.CONFLICT"}
    assert (await claims.check(star, claim.id)).status == "accepted"
    ranks = dict(await Membership.filter(community_id=cast.community).values_list("user_id", "rank"))
    assert ranks[star.user_id] == Role.OWNER
    assert ranks[cast["oz"].user_id] == Role.MANAGER
    assert (await Community.get()).claimed_at == clock.now()
    await client.catch_up()
    assert client.roles == {star.user_id: "owner", cast["oz"].user_id: "manager"}
    assert (await node.communities.settings.about(cast["alice"], cast.community)).claimed
    await node.carry_all()
    (told,) = (await node.notifications.unread(star)).items
    assert told.data.title == "somebody is yours"


async def test_a_code_ends_and_is_never_anothers(node: Node, cast: Cast, clock: FakeClock) -> None:
    star, thief, claims = await user("star", clock), await user("thief", clock), node.communities.claims
    hers, his = [await claims.claim(who, cast.community, MINE) for who in (star, thief)]
    node.channel.about = hers.code
    assert (await refused(claims.check(thief, his.id))).code is Code.CONFLICT
    clock.advance(CODE_FOR.total_seconds())
    assert (await refused(claims.check(star, hers.id))).code is Code.GONE
    again = await claims.claim(star, cast.community, MINE)
    assert again.code != hers.code
    assert (await claims.withdraw(star, again.id)).status == "withdrawn"
    node.channel.about = again.code
    assert (await claims.check(star, again.id)).status == "withdrawn"
    assert not await Membership.filter(rank=Role.OWNER, user_id=star.user_id).exists()


async def test_a_community_whose_owner_was_erased_can_be_claimed(node: Node, cast: Cast, clock: FakeClock) -> None:
    oz, star, claims = cast["oz"], await user("star", clock), node.communities.claims
    first = await claims.claim(star, cast.community, MINE)
    node.channel.about = first.code
    await claims.check(star, first.id)
    assert (await node.communities.settings.about(oz, cast.community)).claimed
    for step in node.communities.data.contribution().steps:
        while await step.run(star.user_id, 0) is not None:
            pass
    ranks = dict(await Membership.filter(community_id=cast.community).values_list("user_id", "rank"))
    assert Role.OWNER not in ranks.values()
    assert ranks[oz.user_id] == Role.MANAGER, "nobody inherits; who ran it goes on"
    assert not (await node.communities.settings.about(oz, cast.community)).claimed
    again = await user("star again", clock)
    second = await claims.claim(again, cast.community, MINE)
    node.channel.about = second.code
    assert (await claims.check(again, second.id)).status == "accepted"
    assert (await Membership.get(user_id=again.user_id)).rank == Role.OWNER


async def test_an_admin_decides_in_place_of_the_code(node: Node, cast: Cast, clock: FakeClock) -> None:
    star, admin, claims = await user("star", clock), await user("root", clock, "admin"), node.communities.claims
    claim = await claims.claim(star, cast.community, MINE)
    for who in ("alice", "mo", "oz"):
        assert (await refused(claims.decide(cast[who], claim.id, DecideClaim(accept=True)))).code is Code.FORBIDDEN
        assert (await claims.list(cast[who], None, None, 10)).items == []
    assert (await claims.list(admin, cast.community + 1, None, 10)).items == []
    (waiting,) = (await claims.list(admin, None, None, 10)).items
    assert (await claims.list(admin, cast.community, None, 10)).items == [waiting]
    assert (waiting.text, waiting.user and waiting.user.name) == ("it is me", "star")
    assert waiting.community_name == "somebody"
    assert (await claims.decide(admin, claim.id, DecideClaim(accept=False))).status == "refused"
    assert (await refused(claims.decide(admin, claim.id, DecideClaim(accept=True)))).code is Code.CONFLICT
    second = await claims.claim(star, cast.community, MINE)
    assert (await claims.decide(admin, second.id, DecideClaim(accept=True))).status == "accepted"
    assert await Membership.filter(rank=Role.OWNER, user_id=star.user_id).exists()


async def test_a_list_of_claims_asks_four_questions_however_long(node: Node, cast: Cast, clock: FakeClock) -> None:
    admin, claims = await user("root", clock, "admin"), node.communities.claims
    asked = []
    for name in ("star", "double", "third"):
        other = await community(node, clock)
        await claims.claim(await user(name, clock), other.community, MINE)
        with counted() as statements:
            listed = (await claims.list(admin, None, None, 10)).items
        asked.append(len(statements))
    assert asked == [3, 3, 3], "and one for the channels"
    assert [one.user and one.user.name for one in listed] == ["star", "double", "third"]
    assert len({one.channels[0] for one in listed}) == 3


async def test_a_ban_keeps_nobody_from_what_is_theirs(node: Node, cast: Cast) -> None:
    bob, claims = cast["bob"], node.communities.claims
    ban = BanMember(room_id=cast.room, user_id=bob.user_id, cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    claim = await claims.claim(bob, cast.community, MINE)
    node.channel.about = claim.code
    await claims.check(bob, claim.id)
    assert await Sanction.all().count() == 0
    assert (await node.communities.reading.community(bob, cast.community)).role == "owner"


async def test_claims_of_one_person_have_a_bound(node: Node, cast: Cast, clock: FakeClock) -> None:
    star = await user("star", clock)
    await Claim.bulk_create(
        Claim(community_id=1_000 + number, user_id=star.user_id, code="x", text="", created_at=clock.now())
        for number in range(MAX_WAITING)
    )
    assert (await refused(node.communities.claims.claim(star, cast.community, MINE))).code is Code.FULL


async def test_the_code_is_looked_for_where_the_creator_writes(cast: Cast, clock: FakeClock) -> None:
    """On the emulated platform, with the key and without it."""
    async with PlatformEmulator() as emulator, aiohttp.ClientSession() as session:
        channel = emulator.add_channel("star", "The Star", description="songs")
        await Channel.create(
            creator_id=cast.creator,
            platform="youtube",
            external_id=channel,
            url="https://youtube.invalid/",
            created_at=clock.now(),
            due_at=clock.now(),
        )
        for key in (emulator.api_key, ""):
            emulator.describe(channel, "songs")
            youtube = YouTube(session, clock, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=key)
            proofs = ChannelProofs({"youtube": youtube}, clock)
            assert await proofs.addresses([cast.creator]) == {cast.creator: ["https://youtube.invalid/"]}
            assert not await proofs.shown(cast.creator, "mypick-ABC")
            emulator.describe(channel, "mypick-ABC\nsongs")
            assert await proofs.shown(cast.creator, "mypick-ABC")
            emulator.outage()
            assert (await refused(proofs.shown(cast.creator, "mypick-ABC"))).code is Code.UPSTREAM_FAILED
            emulator.be_well()
