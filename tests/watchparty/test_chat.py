"""What is said in a party, and the position at which it was said."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.community.terms.models import TermRow
from mypick.content.models import Content
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.watchparty.chat.commands import SendPartyMessage
from mypick.watchparty.chat.models import PartyMessage
from mypick.watchparty.chat.position import FARTHEST_MS, said_at
from mypick.watchparty.commands import NewRole
from mypick.watchparty.timeline import Playable, Timeline, new_timeline
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node
from tests.watchparty.life import somebody, two_nodes
from tests.watchparty.stage import Guest, actor_of, cid, guest, party, video


@pytest.fixture
async def alice(node: Node) -> Fan:
    return await node.register("alice")


@pytest.fixture
async def bob(node: Node) -> Fan:
    return await node.register("bob")


async def say(one: Guest, text: str, **fields: Any) -> dict[str, Any]:
    return await one.ask("party-message", cid=cid(), text=text, **fields)


async def history(node: Node, fan: Fan, party_id: int) -> list[dict[str, Any]]:
    page = await node.parties.chat.history(actor_of(fan), party_id, None, 100)
    return [event.data.model_dump() for event in page.items]


def playing(position: int, now: int) -> Timeline:
    at = new_timeline(Playable(1, 600_000), now)
    return replace(at, status="playing", anchor_position_ms=position)


@given(st.integers(0, 600_000), st.integers(0, 2**40), st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_position_that_cannot_be_true_is_the_servers(position: int, now: int, named: float | None) -> None:
    timeline = playing(position, now)
    said = said_at(timeline, now, named)
    assert 0 <= said <= 600_000
    if named is not None and 0 <= named <= 600_000 and abs(named - position) <= FARTHEST_MS:
        assert said == round(named)
    else:
        assert said == position


async def test_what_is_said_is_kept_with_its_position(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    host, other = [await guest(client, node, fan, opened.id) for fan in (alice, bob)]
    assert (await host.control("seek", position_ms=60_000))["ok"]
    said = [
        (await say(other, text, **fields))["data"]
        for text, fields in (
            ("by the server", {}),
            ("as named", {"position_ms": 58_500.4}),
            ("nonsense", {"position_ms": -7}),
            ("more nonsense", {"position_ms": 1e17}),
            ("of another video", {"position_ms": 590_000}),
        )
    ]
    assert [one["position_ms"] for one in said] == [60_000, 58_500, 60_000, 60_000, 60_000]
    told = await host.socket.event("message-created", 5)
    assert (told["actor"]["name"], told["data"]["text"]) == ("bob", "of another video")
    assert told["data"]["content_id"] == (await Content.get()).id
    shown = await history(node, alice, opened.id)
    heard = [event["data"]["text"] for event in host.socket.all("message-created")]
    assert [one["text"] for one in shown] == heard[::-1]
    again = await guest(client, node, bob, opened.id)
    assert again.joined["messages"] == host.socket.all("message-created")


async def test_the_same_cid_through_two_nodes_is_one_message(database: Database, clock: FakeClock) -> None:
    async with two_nodes(clock) as nodes:
        alice = await nodes[0].register("alice")
        opened = await party(nodes[0], alice)
        await nodes[0].parties.members.enter(actor_of(alice), opened.id)
        command = SendPartyMessage(party_id=opened.id, cid=cid(), text="hello")
        answers = await asyncio.gather(
            *(nodes[number % 2].parties.chat.send(actor_of(alice), command) for number in range(10))
        )
        assert len({(answer.id, answer.seq, answer.position_ms) for answer in answers}) == 1
        assert sorted(answer.duplicate for answer in answers) == [False] + [True] * 9
        assert await PartyMessage.all().count() == 1


async def test_only_who_is_there_speaks(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice)
    other = await guest(client, node, bob, opened.id)
    assert (await other.ask("leave-party"))["ok"]
    assert (await say(other, "hello?"))["error"]["code"] == "NOT_MEMBER"
    await other.join()
    await node.parties.parties.end(actor_of(alice), opened.id)
    assert (await say(other, "hello?"))["error"]["code"] == "GONE"
    assert await history(node, bob, opened.id) == []


async def test_blocked_terms_and_links_of_the_creators_community_hold(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan, bob: Fan
) -> None:
    content = await video(clock)
    community = await Community.create(
        creator_id=content.creator_id, name="somebody", terms_rev=7, created_at=clock.now()
    )
    for term, effect in (("pineapple", "block"), ("spoiler", "hold")):
        await TermRow.create(
            id=await node._ids.one(), community_id=community.id, text=term, norm=term, effect=effect, actor_id=1,
            created_at=clock.now(),
        )  # fmt: skip
    opened = await party(node, alice, content)
    host, other = [await guest(client, node, fan, opened.id) for fan in (alice, bob)]
    outcomes = [
        (await say(other, text)).get("error", {}).get("code")
        for text in ("hello", "p1neapple!", "a spoiler", "see https://x.example/1")
    ]
    assert outcomes == [None, "BLOCKED", "BLOCKED", "FORBIDDEN"]
    for text, code in (("a spoiler", None), ("see https://x.example/1", None), ("pineapple", "BLOCKED")):
        # who leads is trusted, but for blocked ones
        assert (await say(host, text)).get("error", {}).get("code") == code
    await Membership.create(
        community_id=community.id, user_id=bob.id, rank=Role.MEMBER, joined_at=clock.now().replace(year=2020)
    )
    assert (await say(other, "see https://x.example/1"))["ok"]


async def test_among_those_who_were_asked_to_come_only_blocked_terms_hold(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice, visibility="invite")
    await node.parties.hosts.set_role(actor_of(alice), opened.id, _added(bob))
    other = await guest(client, node, bob, opened.id)
    assert (await say(other, "see https://x.example/1"))["ok"]


def _added(fan: Fan) -> Any:
    return NewRole(user_id=fan.id)


async def test_a_flood_is_slowed_down(node: Node, client: OpenClient, start_node: Any) -> None:
    slow = await start_node(limits={"party.message": "3/30s", "party.messages": "4/5s"})
    alice, bob = await slow.register("alice"), await slow.register("bob")
    opened = await party(slow, alice)
    host, other = [await guest(client, slow, fan, opened.id) for fan in (alice, bob)]
    outcomes = [(await say(other, f"number {number}")).get("error") for number in range(4)]
    assert [one and one["code"] for one in outcomes] == [None, None, None, "RATE_LIMITED"]
    assert outcomes[3] is not None
    assert outcomes[3]["retry_after_ms"] > 0
    assert (await say(host, "one more"))["ok"]
    assert (await say(host, "too much for all"))["error"]["details"]["limit"] == "party.messages"


async def test_all_of_a_party_together_say_so_much_over_all_nodes(database: Database, clock: FakeClock) -> None:
    async with two_nodes(clock, limits={"party.messages": "6/5s"}) as nodes:
        alice = await nodes[0].register("alice")
        opened = await party(nodes[0], alice)
        people = [await somebody(f"fan{number}", clock) for number in range(20)]
        for number, one in enumerate(people):
            await nodes[number % 2].parties.members.enter(one, opened.id)

        async def send(number: int, text: str = "hello") -> str:
            command = SendPartyMessage(party_id=opened.id, cid=cid(), text=f"{text} {number}")
            try:
                await nodes[number % 2].parties.chat.send(people[number], command)
            except DomainError as refused:
                return refused.code.name
            return "ok"

        links = [await send(number, "see https://x.example/") for number in range(8)]
        assert links == ["FORBIDDEN"] * 8  # which nobody hears: they take nothing from the others
        for _ in range(2):
            outcomes = Counter(await asyncio.gather(*map(send, range(20))))
            assert outcomes == {"ok": 6, "RATE_LIMITED": 14}
            clock.advance(4.9)
            assert await send(0) == "RATE_LIMITED"
            clock.advance(0.2)


async def test_a_deleted_message_is_nowhere(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice)
    carol = await node.register("carol")
    host, other, third = [await guest(client, node, fan, opened.id) for fan in (alice, bob, carol)]
    mine, theirs = [(await say(one, "a secret"))["data"]["id"] for one in (other, host)]
    assert (await third.ask("delete-message", message_id=mine, cid=cid()))["error"]["code"] == "FORBIDDEN"
    assert (await other.ask("delete-message", message_id=theirs, cid=cid()))["error"]["code"] == "FORBIDDEN"
    assert (await host.ask("delete-message", message_id=mine, cid=cid()))["ok"]
    assert (await host.ask("delete-message", message_id=theirs, cid=cid()))["ok"]
    assert (await host.ask("delete-message", message_id=theirs, cid=cid()))["data"] == {"seq": None}
    told = await third.socket.event("message-deleted", 2)
    assert told["data"] == {"message_id": theirs, "by_moderator": False}
    assert third.socket.all("message-deleted")[0]["data"] == {"message_id": mine, "by_moderator": True}
    assert [(one["text"], one["deleted"]) for one in await history(node, bob, opened.id)] == [("", True)] * 2
    again = await guest(client, node, carol, opened.id, epoch=third.joined["epoch"], after_seq=third.joined["head_seq"])
    assert "secret" not in str(again.joined)


async def test_who_may_not_come_reads_nothing(node: Node, alice: Fan, clock: FakeClock) -> None:
    opened = await party(node, alice, visibility="invite")
    stranger = await somebody("stranger", clock)
    for refused in (
        node.parties.chat.history(stranger, opened.id, None, 20),
        node.parties.queue.show(stranger, opened.id),
        node.parties.history.of_party(stranger, opened.id, None, 20),
        node.parties.telemetry.show(stranger, opened.id),
        node.parties.invites.list(stranger, opened.id, None, 20),
        node.parties.schedule.attend(stranger, opened.id),
    ):
        with pytest.raises(DomainError) as caught:
            await refused
        assert caught.value.code is Code.NOT_FOUND
