"""The desk: what waits, who deals with it, and that nothing is decided twice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.community.commands import BanMember, DecideHeld, DeleteMessage, ReportMessage, SetRole, TimeoutMember
from mypick.community.desk.commands import AppealSanction, ClaimItem, DecideAppeal, DecideReports, PurgeMember
from mypick.community.desk.desk import CLAIM_FOR
from mypick.community.desk.models import Purge, ReporterRecord
from mypick.community.desk.purges import BATCH
from mypick.community.desk.weights import HIDE_AT, LEAST_BONUS, MOST_BONUS, accuracy, weight_of
from mypick.community.models import Message, Report, Sanction
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.errors import Code
from tests.community.stage import Cast, Node, RoomClient, cid, code, community, refused, texts, user
from tests.fakes import FakeClock

STAFF = {"mo": Role.MODERATOR, "bo": Role.MODERATOR, "oz": Role.OWNER}


async def report(node: Node, cast: Cast, who: str, message: int, reason: str = "rude") -> None:
    await node.communities.reports.report(
        cast[who], ReportMessage(message_id=message, reason=reason, cid=cid())
    )


# weights


def test_weights_follow_trust_and_record() -> None:
    assert [weight_of(role, 0, 0) for role in Role] == [1, 2, 3, 6, 6, 6, 6]
    assert weight_of(Role.MEMBER, 5, 0) == weight_of(Role.MEMBER, 0, 5) == 2, "five decided reports say nothing yet"
    assert weight_of(Role.MEMBER, 6, 0) == 2 + MOST_BONUS
    assert weight_of(Role.MEMBER, 0, 6) == 2 + LEAST_BONUS == 0
    assert weight_of(Role.VIP, 6, 0) > HIDE_AT > weight_of(Role.NEWCOMER, 10**6, 0), "a stranger never hides alone"


@given(st.sampled_from(Role), st.integers(0, 10_000), st.integers(0, 10_000))
def test_to_be_agreed_with_never_weighs_less(role: Role, agreed: int, disagreed: int) -> None:
    assert 0 <= weight_of(role, agreed, disagreed) <= 6 + MOST_BONUS
    assert LEAST_BONUS <= accuracy(agreed, disagreed) <= MOST_BONUS
    if agreed + disagreed > 5:
        assert accuracy(agreed + 1, disagreed) >= min(accuracy(agreed, disagreed), 0.0)


# reports


async def test_enough_reports_take_a_message_from_view_until_a_moderator_looks(
    two: list[Node], clock: FakeClock
) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", "oz", roles=STAFF)
    sent = await node.send(cast["alice"], cast.room, f"canary <@{cast['a'].user_id}>")
    await node.carry_all()
    client = RoomClient(other, cast["b"], cast.room)
    await client.join()
    await report(node, cast, "a", sent.id)
    await report(other, cast, "b", sent.id)
    await client.catch_up()
    assert client.messages[sent.id]["text"].startswith("canary"), "two members are not enough"
    await report(node, cast, "c", sent.id)
    await client.catch_up()
    assert (client.messages[sent.id]["text"], client.messages[sent.id]["hidden"]) == ("", True)
    assert client.state() == await other.snapshot(cast["b"], cast.room)
    assert "canary" not in str(await other.streams.store.resume(room_of(cast.room), None, 0))
    assert "canary" not in str(await node.notifications.unread(cast["a"]))
    (item,) = (await node.communities.desk.list(cast["mo"], cast.community, "report", None, 10)).items
    assert (item.text[:6], item.weight, item.reports, item.hidden) == ("canary", 6.0, 3, True)
    outcomes = await asyncio.gather(
        *(
            at.communities.reports.decide(cast["mo"], DecideReports(message_id=sent.id, agree=False, cid=cid()))
            for at in two * 2
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in outcomes) == ["Code.CONFLICT"] * 3 + ["None"]
    await client.catch_up()
    assert client.messages[sent.id]["text"].startswith("canary")
    assert client.state() == await other.snapshot(cast["b"], cast.room)
    assert "canary" in str(await node.notifications.unread(cast["a"]))
    records = await ReporterRecord.all().order_by("user_id").values_list("user_id", "agreed", "disagreed")
    assert records == [(cast[name].user_id, 0, 1) for name in "abc"]


async def test_agreeing_deletes_and_speaks_for_the_reporter(node: Node, cast: Cast) -> None:
    rude, worse = [await node.send(cast["alice"], cast.room, text) for text in ("rude", "worse")]
    for sent in (rude, worse):
        await report(node, cast, "bob", sent.id)
    decide = DecideReports(message_id=rude.id, agree=True, cid=cid())
    assert (await refused(node.communities.reports.decide(cast["bob"], decide))).code is Code.FORBIDDEN
    first = await node.communities.reports.decide(cast["mo"], decide)
    assert await node.communities.reports.decide(cast["mo"], decide) == first
    await node.communities.edits.delete(cast["mo"], DeleteMessage(message_id=worse.id, cid=cid()))
    assert await texts(node, cast["bob"], cast.room) == ["", ""]
    record = await ReporterRecord.get()
    assert (record.user_id, record.agreed, record.disagreed) == (cast["bob"].user_id, 2, 0)
    assert set(await Report.all().values_list("outcome", "reason")) == {("deleted", "")}
    own = await node.send(cast["alice"], cast.room, "hasty")
    await report(node, cast, "bob", own.id)
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=own.id, cid=cid()))
    assert (await ReporterRecord.get()).agreed == 2, "who takes it back decides nothing"


async def test_nobody_but_the_owner_decides_on_reports_of_their_own(node: Node, clock: FakeClock) -> None:
    cast = await community(node, clock, "bob", "mo", "bo", "oz", roles=STAFF)
    sent = {name: [await node.send(cast[name], cast.room, text) for text in ("one", "two")] for name in ("mo", "oz")}
    for message in (*sent["mo"], *sent["oz"]):
        await report(node, cast, "bob", message.id)
    reports = node.communities.reports
    for agree in (True, False):
        decide = DecideReports(message_id=sent["mo"][0].id, agree=agree, cid=cid())
        own = await refused(reports.decide(cast["mo"], decide))
        assert (own.code, own.message) == (
            Code.FORBIDDEN, "this is your own: let another moderator decide, or delete it"
        )  # fmt: skip
    assert code(await refused(reports.dismiss(cast["mo"], sent["mo"][0].id))) is Code.FORBIDDEN
    assert await Report.filter(outcome=None).count() == 4
    assert (await reports.dismiss(cast["bo"], sent["mo"][0].id)).dismissed == 1
    await node.communities.edits.delete(cast["mo"], DeleteMessage(message_id=sent["mo"][1].id, cid=cid()))
    await reports.decide(cast["oz"], DecideReports(message_id=sent["oz"][0].id, agree=True, cid=cid()))
    assert (await reports.dismiss(cast["oz"], sent["oz"][1].id)).dismissed == 1
    assert await texts(node, cast["bob"], cast.room) == ["one", "", "", "two"]


async def test_no_crowd_hides_what_a_moderator_says(node: Node, cast: Cast, clock: FakeClock) -> None:
    sent = await node.send(cast["mo"], cast.room, "stay calm")
    for number in range(8):
        cast.add(f"fan{number}", await user(f"fan{number}", clock))
        await report(node, cast, f"fan{number}", sent.id)
    assert await texts(node, cast["bob"], cast.room) == ["stay calm"]


# who deals with it


async def test_one_of_many_has_an_item(two: list[Node], clock: FakeClock) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "mo", "bo", "oz", roles=STAFF)
    guest = await user("guest", clock)
    held = await node.send(guest, cast.room, "https://x.example/")
    await node.carry_desk()
    take = ClaimItem(community_id=cast.community, kind="held", id=held.id, on=True)
    outcomes = await asyncio.gather(
        *(at.communities.desk.claim(cast[who], take) for at in two for who in ("mo", "bo", "oz")),
        return_exceptions=True,
    )
    holders = {getattr(one, "claimed_by", None) for one in outcomes} - {None}
    assert len(holders) == 1, outcomes
    assert [code(one) for one in outcomes].count(Code.CONFLICT) == 4
    assert (await refused(node.communities.desk.claim(cast["alice"], take))).code is Code.FORBIDDEN
    _, joined = await node.communities.desk.join(cast["oz"], cast.community, None, None)
    assert [(one.kind, one.id, one.user_id) for one in joined.claims] == [("held", held.id, *holders)]
    (item,) = (await node.communities.desk.list(cast["mo"], cast.community, "held", None, 10)).items
    assert (item.text, item.cause) == ("https://x.example/", "link")
    assert item.claimed_by
    assert item.claimed_by.id in holders
    clock.advance(CLAIM_FOR.total_seconds())
    assert (await node.communities.desk.claim(cast["oz"], take)).claimed_by == cast["oz"].user_id
    reject = DecideHeld(message_id=held.id, approve=False, cid=cid())
    await node.communities.held.decide(cast["mo"], reject)
    await node.carry_desk()
    assert (await refused(node.communities.desk.claim(cast["mo"], take))).code is Code.GONE
    events = (await node.streams.store.resume(f"desk:{cast.community}", None, 0))["events"]
    assert (events[0]["data"]["waiting"], events[-1]["data"]["waiting"]) == (True, False)
    assert events[-1]["data"]["claimed_by"] is None
    assert events[-1]["data"]["counts"] == {"held": 0, "report": 0, "request": 0, "appeal": 0, "purge": 0}
    assert "x.example" not in str(events)
    elsewhere = ClaimItem(community_id=cast.community, kind="held", id=999, on=True)
    assert (await refused(node.communities.desk.claim(cast["mo"], elsewhere))).code is Code.NOT_FOUND


async def test_who_works_there_no_longer_leaves_the_desk(node: Node, cast: Cast) -> None:
    desk, mo = node.communities.desk, cast["mo"]
    stream = f"desk:{cast.community}"
    assert await desk.may_read(mo, stream)
    for other in ("desk:", "desk:x", "desk:01", "desk:999", "room:1"):
        assert not await desk.may_read(mo, other)
    assert await desk.evicted_among([(stream, mo.user_id)]) == []
    await node.communities.members.set_role(cast["oz"], cast.community, mo.user_id, SetRole(role="member"))
    assert not await desk.may_read(mo, stream)
    assert [one.code for one in await desk.evicted_among([(stream, mo.user_id)])] == [Code.FORBIDDEN]


# purges


async def test_a_purge_deletes_in_batches_and_every_client_follows(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob", "mo", roles=STAFF)
    for number in range(BATCH + 7):
        await node.send(cast["alice"], cast.room, f"spam {number}")
    await node.send(cast["bob"], cast.room, "hello")
    clock.advance(3_600)
    fresh = await node.send(cast["alice"], cast.room, "the last hour")
    client = RoomClient(other, cast["bob"], cast.room)
    await client.join()
    before = client.seq
    command = PurgeMember(room_id=cast.room, user_id=cast["alice"].user_id, hours=1, cid=cid())
    began = await node.communities.purges.purge(cast["mo"], command)
    assert await other.communities.purges.purge(cast["mo"], command) == began, "the same cid is the same purge"
    assert (began.found, began.done, began.finished_at) == (BATCH + 8, 0, None)
    clock.advance(1)
    await node.send(cast["alice"], cast.room, "said afterwards")
    assert (await refused(node.communities.purges.show(cast["bob"], began.purge_id))).code is Code.FORBIDDEN
    await node.carry_desk()
    ended = await node.communities.purges.show(cast["mo"], began.purge_id)
    assert (ended.done, ended.finished_at is not None) == (BATCH + 8, True)
    await client.catch_up()
    assert client.seq == before + 1 + BATCH + 8, "each deleted message is an event"
    assert client.messages == (await other.snapshot(cast["bob"], cast.room))["messages"] | {
        key: value for key, value in client.messages.items() if value["deleted"]
    }
    assert [row.text for row in await Message.exclude(text="").order_by("seq")] == ["hello", "said afterwards"]
    rows = await Message.filter(author_id=cast["alice"].user_id, text="")
    assert len({row.changed_seq for row in rows}) == len(rows) == BATCH + 8
    assert (await Message.get(id=fresh.id)).deleted_at
    progress = [
        one["data"]["progress"]
        for one in (await node.streams.store.resume(f"desk:{cast.community}", None, 0))["events"]
        if one["data"]["kind"] == "purge"
    ]
    assert progress[-1] == {"done": BATCH + 8, "found": BATCH + 8}


async def test_a_ban_takes_what_was_said_with_it(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    await node.send(guest, cast.room, "old")
    clock.advance(7_200)
    await node.send(guest, cast.room, "new")
    held = await node.send(guest, cast.room, "https://x.example/")
    ban = BanMember(room_id=cast.room, user_id=guest.user_id, purge=1, reason="spam", cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    await node.carry_desk()
    assert await texts(node, cast["bob"], cast.room) == ["old", ""]
    approve = DecideHeld(message_id=held.id, approve=True, cid=cid())
    assert (await refused(node.communities.held.decide(cast["mo"], approve))).code is Code.CONFLICT
    purge = await Purge.get()
    assert (purge.found, purge.done) == (1, 1)


# appeals


@pytest.mark.parametrize("lift", [True, False])
async def test_who_is_banned_hears_why_and_may_write_one_note(two: list[Node], clock: FakeClock, lift: bool) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "mo", "bo", visibility="private", roles=STAFF)
    alice, appeals = cast["alice"], node.communities.appeals
    ban = BanMember(room_id=cast.room, user_id=alice.user_id, reason="spam", cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    await node.carry_all()
    (told,) = (await node.notifications.unread(alice)).items
    assert (told.data.title, told.data.body) == ("You were banned from somebody", "spam")
    (mine,) = await appeals.mine(alice, cast.community)
    assert (mine.kind, mine.reason, mine.until, mine.appeal) == ("ban", "spam", None, None)
    outcomes = await asyncio.gather(
        *(at.communities.appeals.appeal(alice, mine.id, AppealSanction(text="not me")) for at in two),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in outcomes) == ["Code.CONFLICT", "None"]
    stranger = appeals.appeal(cast["bo"], mine.id, AppealSanction(text="x"))
    assert (await refused(stranger)).code is Code.NOT_FOUND
    (item,) = (await node.communities.desk.list(cast["bo"], cast.community, "appeal", None, 10)).items
    assert (item.text, item.cause, item.user and item.user.name) == ("not me", "ban", "alice")
    (listed,) = (await appeals.sanctions(cast["bo"], cast.community, "ban", None, 10)).items
    assert (listed.reason, listed.appeal, listed.actor and listed.actor.name) == ("spam", "waiting", "mo")
    guest = await user("guest", clock)
    assert (await refused(appeals.decide(guest, item.id, DecideAppeal(lift=True)))).code is Code.NOT_FOUND
    decided = await asyncio.gather(
        *(at.communities.appeals.decide(cast["bo"], item.id, DecideAppeal(lift=lift, answer="we see")) for at in two),
        return_exceptions=True,
    )
    assert sorted(str(code(one)) for one in decided) == ["Code.CONFLICT", "None"]
    assert await Sanction.all().exists() is not lift
    await node.carry_all()
    answer = (await node.notifications.unread(alice)).items[0]
    assert answer.data.body == "we see"
    if not lift:
        (mine,) = await appeals.mine(alice, cast.community)
        assert (mine.appeal, mine.answer) == ("kept", "we see")


async def test_each_timeout_may_be_appealed(node: Node, cast: Cast, clock: FakeClock) -> None:
    alice, appeals = cast["alice"], node.communities.appeals
    seen = set()
    for _ in range(2):
        timeout = TimeoutMember(room_id=cast.room, user_id=alice.user_id, seconds=60, cid=cid())
        await node.communities.moderation.timeout(cast["mo"], timeout)
        (mine,) = await appeals.mine(alice, cast.community)
        await appeals.appeal(alice, mine.id, AppealSanction(text="sorry"))
        seen.add(mine.id)
    assert len(seen) == 2
    clock.advance(60)
    assert await appeals.mine(alice, cast.community) == []
    late = appeals.appeal(alice, max(seen), AppealSanction(text="sorry"))
    assert (await refused(late)).code is Code.GONE


async def test_the_log_is_read_by_deed_and_by_person(node: Node, cast: Cast) -> None:
    for name in ("alice", "bob"):
        timeout = TimeoutMember(room_id=cast.room, user_id=cast[name].user_id, seconds=60, cid=cid())
        await node.communities.moderation.timeout(cast["mo"], timeout)
    await node.communities.members.set_role(cast["oz"], cast.community, cast["bob"].user_id, SetRole(role="vip"))

    async def log(**only: object) -> list[tuple[str, str]]:
        page = await node.communities.reading.log(cast["mo"], cast.community, None, 10, **only)  # type: ignore[arg-type]
        return [(one.action, one.user.name if one.user else "") for one in page.items]

    assert await log(action="timeout") == [("timeout", "bob"), ("timeout", "alice")]
    assert await log(user_id=cast["bob"].user_id) == [("set-role", "bob"), ("timeout", "bob")]
    assert await log(actor_id=cast["oz"].user_id, action="set-role") == [("set-role", "bob")]
