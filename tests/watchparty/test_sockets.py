"""A party over its sockets: coming in, steering, and going."""

from __future__ import annotations

import pytest

from mypick.watchparty.models import PartyMember
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient, StartNode
from tests.realtime.node import Fan, Node, until
from tests.watchparty.stage import DURATION_MS, Guest, actor_of, cid, guest, party, video


@pytest.fixture
async def alice(node: Node) -> Fan:
    return await node.register("alice")


@pytest.fixture
async def bob(node: Node) -> Fan:
    return await node.register("bob")


async def test_who_joins_is_shown_the_party_its_timeline_and_who_is_there(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    other = await guest(client, node, bob, opened.id)
    joined = other.joined
    assert joined["party"]["host"]["name"] == "alice"
    assert joined["party"]["content"]["duration_s"] == DURATION_MS // 1_000
    assert (joined["timeline"]["status"], joined["timeline"]["anchor_position_ms"]) == ("idle", 0)
    assert [(one["user"]["name"], one["role"]) for one in joined["members"]] == [("alice", "host"), ("bob", "guest")]
    assert (joined["role"], joined["queue"], joined["stream"]) == ("guest", [], f"party:{opened.id}")
    told = await host.socket.event("member-joined")  # of what came behind her own head
    assert told["actor"]["name"] == "bob"


async def test_a_party_plays_once_all_are_ready_and_everybody_is_told_the_same_moment(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    guests = [await guest(client, node, fan, opened.id) for fan in (alice, bob)]
    waiting = (await guests[0].control("play"))["data"]["seq"]
    for one in guests:
        assert (await one.until_seq(waiting))["status"] == "waiting"
    assert (await guests[0].ask("ready", seq=waiting, state="ready"))["ok"]
    assert guests[0].timeline["seq"] == waiting
    assert (await guests[1].ask("ready", seq=waiting, state="ready", buffered_ms=4_000))["ok"]
    started = [await one.until_seq(waiting + 1) for one in guests]
    assert started[0] == started[1]
    now = clock.now().timestamp() * 1_000
    assert (started[0]["status"], started[0]["reason"]) == ("playing", "ready")
    assert started[0]["effective_at_ms"] == started[0]["anchor_at_ms"] > now
    clock.advance(60)
    paused = (await guests[0].control("pause"))["data"]["seq"]
    state = await guests[1].until_seq(paused)
    played = 60_000 + 150 - (started[0]["anchor_at_ms"] - now)
    assert (state["status"], state["anchor_position_ms"]) == ("paused", pytest.approx(played, abs=1))


async def test_an_old_base_is_a_conflict_with_the_current_timeline(node: Node, client: OpenClient, alice: Fan) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    base = host.timeline["seq"]
    assert (await host.control("seek", position_ms=5_000))["ok"]
    await host.until_seq(base + 1)
    refused = await host.control("seek", base, position_ms=9_000)
    assert refused["error"]["code"] == "CONFLICT"
    assert refused["error"]["details"]["timeline"] == host.timeline


async def test_a_base_that_was_never_told_is_refused_with_the_current_timeline(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    other = await guest(client, node, bob, opened.id)
    said = await other.ask("party-message", cid=cid(), text="hello")  # its seq is above that of the timeline
    assert said["data"]["seq"] > host.timeline["seq"]
    for base in (said["data"]["seq"] + 1, 2**53 - 1):
        refused = await host.control("seek", base, position_ms=5_000)
        assert refused["error"]["code"] == "CONFLICT"
        assert refused["error"]["details"]["timeline"] == host.timeline
        skipped = await host.ask("queue-next", cid=cid(), base_seq=base)
        assert skipped["error"]["code"] == "CONFLICT"
    assert (await host.control("seek", said["data"]["seq"], position_ms=5_000))["ok"]


async def test_the_same_cid_twice_steers_once(node: Node, client: OpenClient, alice: Fan) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    fields = {"party_id": opened.id, "cid": cid(), "base_seq": host.timeline["seq"], "op": "seek", "position_ms": 5_000}
    first = await host.socket.ask("control", fields)
    assert await host.socket.ask("control", fields) == first
    assert (await host.socket.ask("control", {**fields, "position_ms": 1}))["error"]["code"] == "CID_REUSED"


async def test_guests_may_not_steer_unless_the_policy_lets_them(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    for policy, ok in (("host", False), ("cohosts", False), ("everyone", True)):
        opened = await party(node, alice, policy={"control": policy})
        other = await guest(client, node, bob, opened.id)
        answer = await other.control("seek", position_ms=1_000)
        assert answer["ok"] is ok, answer
        if not ok:
            assert answer["error"]["code"] == "FORBIDDEN"


async def test_who_is_not_in_the_party_steers_nothing(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice, policy={"control": "everyone"})
    stranger = Guest(await client(node, bob, space="/watch-party"), bob, opened.id)
    answer = await stranger.ask("control", cid=cid(), base_seq=0, op="play")
    assert answer["error"]["code"] == "NOT_MEMBER"
    assert (await stranger.ask("ready", seq=1, state="ready"))["error"]["code"] == "NOT_MEMBER"
    inside = await guest(client, node, bob, opened.id)
    assert (await inside.ask("leave-party"))["ok"]
    assert (await inside.control("play"))["error"]["code"] == "NOT_MEMBER"


async def test_who_comes_back_is_told_what_was_missed(
    node: Node, client: OpenClient, alice: Fan, bob: Fan, start_node: StartNode
) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    other = await guest(client, node, bob, opened.id)
    seen = other.joined["head_seq"]
    await other.close()
    for position in (1_000, 2_000, 3_000):
        seq = (await host.control("seek", position_ms=position))["data"]["seq"]
        await host.until_seq(seq)
    again = await guest(client, node, bob, opened.id, epoch=other.joined["epoch"], after_seq=seen)
    assert [event["seq"] for event in again.joined["events"]] == list(range(seen + 1, again.joined["head_seq"] + 1))
    assert again.joined["timeline"]["anchor_position_ms"] == 3_000
    assert again.joined["reset"] is False
    lost = await guest(client, node, bob, opened.id, epoch="other", after_seq=seen)
    assert (lost.joined["reset"], lost.joined["events"]) == (True, [])


async def test_who_is_put_out_leaves_on_every_node_at_once_and_is_told_why(
    node: Node, client: OpenClient, alice: Fan, bob: Fan, start_node: StartNode
) -> None:
    other_node = await start_node()
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    his = [await guest(client, where, bob, opened.id) for where in (node, other_node, other_node)]
    kick = {"user_id": bob.id, "cid": cid(), "ban": True, "reason": "spoilers"}
    assert (await host.ask("kick-member", **kick))["ok"]
    for one in his:
        assert await one.socket.event("evicted") == {
            "stream": f"party:{opened.id}", "code": "BANNED", "reason": "spoilers",
        }  # fmt: skip
        answer = await one.socket.ask("join-party", {"party_id": opened.id})
        assert answer["error"]["code"] == "BANNED"
        assert (await one.ask("ready", seq=1, state="ready"))["error"]["code"] == "NOT_MEMBER"
    left = await host.socket.event("member-left")
    assert left["data"] == {"user_id": bob.id, "reason": "banned"}


async def test_an_eviction_that_the_bus_lost_is_found_by_the_next_look(
    node: Node, client: OpenClient, alice: Fan, bob: Fan
) -> None:
    opened = await party(node, alice)
    await guest(client, node, alice, opened.id)
    his = await guest(client, node, bob, opened.id)
    await PartyMember.filter(user_id=bob.id).update(present=False, kicked=True)
    await node.door.check_members()
    assert (await his.socket.event("evicted"))["code"] == "NOT_MEMBER"


async def test_a_community_party_is_for_its_members(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    content = await video(node.clock)
    community_id = await node.communities.open_for(content.creator_id)
    await node.communities.members.join(actor_of(alice), community_id)
    opened = await party(node, alice, content, visibility="community")
    stranger = await client(node, bob, space="/watch-party")
    answer = await stranger.ask("join-party", {"party_id": opened.id})
    assert answer["error"]["code"] == "NOT_MEMBER"
    assert not (await stranger.ask("sync", {"stream": f"party:{opened.id}", "after_seq": 0}))["ok"]
    await node.communities.members.join(actor_of(bob), community_id)
    inside = await guest(client, node, bob, opened.id)
    await node.communities.members.leave(actor_of(bob), community_id)
    await node.door.check_members()
    assert (await inside.socket.event("evicted"))["code"] == "NOT_MEMBER"


async def test_delays_are_measured_from_the_first_second_and_answers_renew_the_hosts_lease(
    node: Node, client: OpenClient, alice: Fan
) -> None:
    opened = await party(node, alice)
    await guest(client, node, alice, opened.id)
    watched = node.parties.watchers.parties[opened.id]
    await until(lambda: watched.delays is not None, "no pong was measured")
    assert watched.delays is not None
    assert sum(watched.delays.counts(node.shared.now_ms())) >= 1
    assert node.parties.leads.lead(opened.id) == 250, "it answers at once: both are on this machine"
    assert watched.heard_ms == node.shared.now_ms()


async def test_the_clock_of_every_namespace_is_the_one_that_parties_go_by(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan
) -> None:
    clock.step(60)  # somebody set the machine's time of day, which the shared clock does not follow in a step
    for space in ("/notifications", "/watch-party"):
        one = await client(node, alice, space=space)
        told = (await one.ask("clock", {"t0": 1.5}))["data"]
        assert told == {"t0": 1.5, "t1": node.shared.now_ms(), "t2": node.shared.now_ms()}


async def test_reports_are_measured_and_a_guest_on_an_old_timeline_was_told_too_late(
    node: Node, client: OpenClient, clock: FakeClock, alice: Fan
) -> None:
    def value(name: str) -> float:
        return node.metrics.registry.get_sample_value(f"mypick_{name}") or 0

    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    waiting = (await host.control("play"))["data"]["seq"]
    await host.ask("ready", seq=waiting, state="ready")
    playing = await host.until_seq(waiting + 1)
    clock.advance(5)
    report = {"position_ms": 4_500, "at_ms": node.shared.now_ms(), "error_ms": -12.5, "rtt_ms": 20.25}
    assert (await host.ask("report", seq=playing["seq"], **report))["ok"]
    assert (value("party_position_error_ms_count"), value("party_position_error_ms_sum")) == (1, 12.5)
    assert value("clock_rtt_ms_sum") == 20.25
    assert (await host.ask("report", seq=waiting, **report))["ok"]
    assert value("lead_miss_total") == 1
    wrong = await host.ask("report", seq=waiting, **{**report, "at_ms": 17})
    assert (wrong["error"]["code"], wrong["error"]["details"][0]["field"]) == ("INVALID", "at_ms")
    assert value("fanout_ms_count") >= 2


async def test_a_new_host_is_looked_after_at_once(node: Node, client: OpenClient, alice: Fan, bob: Fan) -> None:
    opened = await party(node, alice)
    host = await guest(client, node, alice, opened.id)
    other = await guest(client, node, bob, opened.id)
    watched = node.parties.watchers.parties[opened.id]
    assert (await host.ask("transfer-host", user_id=bob.id, cid=cid()))["ok"]
    changed = await other.socket.event("host-changed")
    assert (changed["data"]["host_id"], changed["data"]["reason"]) == (bob.id, "transferred")
    assert watched.host_id == bob.id
    await until(lambda: watched.heard_ms is not None, "the new host was not asked for a sign of life")
