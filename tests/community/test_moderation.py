"""Moderation: what is decided holds at once and everywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mypick.community.commands import (
    BanMember,
    DecideHeld,
    DeleteMessage,
    EditMessage,
    PinMessage,
    React,
    ReportMessage,
    SetRoomMode,
    TimeoutMember,
    UnbanMember,
)
from mypick.community.desk.commands import PurgeMember
from mypick.community.desk.streams import desk_of
from mypick.community.models import HeldMessage, Membership, Message, Room, Sanction
from mypick.community.policy import Role
from mypick.community.streams import SANCTIONED, community_stream, room_of
from mypick.community.terms.commands import TryText
from mypick.creators.models import Subscription
from mypick.errors import Code, DomainError
from mypick.streams.models import StreamEvent
from tests.community.stage import Cast, Node, cid, code, community, refused, texts, user
from tests.fakes import FakeClock


async def test_nothing_is_accepted_after_a_ban_commits(two: list[Node], clock: FakeClock) -> None:
    """alice sends through both nodes without a pause while she is banned: in the log nothing of hers is behind it, in
    none of the community's rooms."""
    cast = await community(two[0], clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    other = await Room.create(community_id=cast.community, name="second", created_at=clock.now())
    alice = cast["alice"]
    sent = await two[0].send(alice, cast.room, "before")
    banned = asyncio.Event()

    async def keep_talking(node: Node, room: int) -> Code | None:
        behind = 0
        while behind < 20:  # tries after the ban was acknowledged: a broken one must not go on for ever
            behind += banned.is_set()
            try:
                await node.send(alice, room, "more")
                await node.communities.reactions.react(
                    alice, React(message_id=sent.id, cid=cid(), emoji="👍", on=not banned.is_set())
                )
            except DomainError as refused:
                return refused.code
        return None

    talking = [asyncio.create_task(keep_talking(node, room)) for node in two for room in (cast.room, other.id)]
    while await Message.all().count() < 8:
        await asyncio.sleep(0)
    ban = BanMember(room_id=cast.room, user_id=alice.user_id, reason="spam", cid=cid())
    done = await two[0].communities.moderation.ban(cast["mo"], ban)
    banned.set()
    assert await asyncio.gather(*talking) == [Code.BANNED] * 4
    for room in (cast.room, other.id):
        position = await two[0].streams.store.position(room_of(room))
        events = await StreamEvent.filter(stream_id=position.id).order_by("seq")
        assert (events[-1].type, events[-1].actor_id) == (SANCTIONED, cast["mo"].user_id)
        assert events[-1].data == {"user_id": alice.user_id, "kind": "ban", "until": None}
        if room == cast.room:
            assert events[-1].seq == done.seq
    assert [(one.stream, one.user_id, one.code, one.reason) for one in two[0].evicted] == [
        (stream, alice.user_id, Code.BANNED, "spam")
        for stream in (room_of(cast.room), room_of(other.id), community_stream(cast.community), desk_of(cast.community))
    ]


async def test_a_ban_holds_for_what_is_written_behind_it_in_the_same_transaction(
    two: list[Node], clock: FakeClock
) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "bob", "mo", "oz", roles={"mo": Role.MODERATOR, "oz": Role.OWNER})
    alice, waiting = cast["alice"], []
    ban = BanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    lock = SetRoomMode(room_id=cast.room, cid=cid(), locked=True)
    async with node.gathering():
        for number, command in enumerate(
            (
                node.send(alice, cast.room, "before"),
                node.send(cast["bob"], cast.room, "before"),
                node.communities.moderation.ban(cast["mo"], ban),
                node.send(alice, cast.room, "behind"),
                node.send(cast["bob"], cast.room, "between"),
                node.communities.moderation.set_mode(cast["oz"], lock),
                node.send(cast["bob"], cast.room, "behind"),
            )
        ):
            waiting.append(asyncio.create_task(command))
            while node.streams.appender.depth <= number:
                await asyncio.sleep(0)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [code(outcome) for outcome in outcomes] == [None, None, None, Code.BANNED, None, None, Code.LOCKED]


async def test_who_is_banned_can_do_nothing_until_it_is_lifted(node: Node, cast: Cast) -> None:
    alice, services = cast["alice"], node.communities
    sent = await node.send(alice, cast.room, "before")
    on_alice = BanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    await services.moderation.ban(cast["mo"], on_alice)
    again = await services.moderation.ban(cast["mo"], on_alice)
    assert again.seq == 2, "the same cid is the same ban"
    for attempt in (
        node.send(alice, cast.room, "x"),
        services.edits.edit(alice, EditMessage(message_id=sent.id, cid=cid(), text="x", rev=1)),
        services.edits.delete(alice, DeleteMessage(message_id=sent.id, cid=cid())),
        services.reactions.react(alice, React(message_id=sent.id, cid=cid(), emoji="👍", on=True)),
        services.reading.history(alice, cast.room, 100, 10),
        services.reading.join(alice, cast.room, None, None),
        services.reading.community(alice, cast.community),
        services.members.join(alice, cast.community),
        services.members.list(alice, cast.community, None, None, 10),
    ):
        assert (await refused(attempt)).code is Code.BANNED
    assert not await Membership.filter(user_id=alice.user_id).exists()
    members = [(room_of(cast.room), cast[name].user_id) for name in ("alice", "bob", "mo")]
    found = await services.reading.evicted_among(members)
    assert [(one.stream, one.user_id, one.code) for one in found] == [(*members[0], Code.BANNED)]
    unban = UnbanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    assert (await services.moderation.unban(cast["mo"], unban)).seq == 3
    assert await Sanction.all().count() == 0
    await node.send(alice, cast.room, "thank you")
    nothing = UnbanMember(room_id=cast.room, user_id=alice.user_id, cid=cid())
    assert (await services.moderation.unban(cast["mo"], nothing)).seq is None


async def test_who_is_timed_out_reads_and_takes_back_but_does_not_write(
    node: Node, cast: Cast, clock: FakeClock
) -> None:
    alice, services = cast["alice"], node.communities
    sent = await node.send(alice, cast.room, "before")
    timeout = TimeoutMember(room_id=cast.room, user_id=alice.user_id, seconds=60, cid=cid())
    await services.moderation.timeout(cast["mo"], timeout)
    for attempt in (
        node.send(alice, cast.room, "x"),
        services.edits.edit(alice, EditMessage(message_id=sent.id, cid=cid(), text="x", rev=1)),
        services.reactions.react(alice, React(message_id=sent.id, cid=cid(), emoji="👍", on=True)),
    ):
        assert (await refused(attempt)).code is Code.TIMED_OUT
    assert await texts(node, alice, cast.room) == ["before"]
    await services.edits.delete(alice, DeleteMessage(message_id=sent.id, cid=cid()))
    clock.advance(60)
    await node.send(alice, cast.room, "after")


async def test_a_moderator_who_is_timed_out_holds_no_office(node: Node, cast: Cast) -> None:
    services, mo = node.communities, cast["mo"]
    sent = await node.send(cast["alice"], cast.room, "hello")
    timeout = TimeoutMember(room_id=cast.room, user_id=mo.user_id, seconds=60, cid=cid())
    await services.moderation.timeout(cast["oz"], timeout)
    for attempt in (
        services.moderation.ban(mo, BanMember(room_id=cast.room, user_id=cast["alice"].user_id, cid=cid())),
        services.marks.pin(mo, PinMessage(message_id=sent.id, cid=cid(), on=True)),
        services.edits.delete(mo, DeleteMessage(message_id=sent.id, cid=cid())),
        services.reading.held(mo, cast.room, None, 10),
        services.reading.log(mo, cast.community, None, 10),
        services.reports.list(mo, cast.community, None, 10),
        services.discussions.held.list(mo, cast.community, None, 10),
        services.terms.try_text(mo, TryText(community_id=cast.community, text="hello")),
        services.desk.list(mo, cast.community, "held", None, 10),
    ):
        assert (await refused(attempt)).code is Code.TIMED_OUT, attempt
    assert await texts(node, cast["alice"], cast.room) == ["hello"]


async def test_held_message_takes_its_place_when_it_is_let_through(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "bob", "mo", roles={"mo": Role.MODERATOR})
    carol = await user("carol", clock)
    question = await two[0].send(cast["bob"], cast.room, "where?")
    held = await two[0].send(carol, cast.room, "https://here.example/", reply_to=question.id)
    thrown = await two[0].send(carol, cast.room, "https://there.example/")
    await two[0].send(cast["bob"], cast.room, "meanwhile")
    outcomes = await asyncio.gather(
        *(
            node.communities.held.decide(
                cast["mo"], DecideHeld(message_id=held.id, approve=True, cid=cid())
            )
            for node in two * 3
        ),
        return_exceptions=True,
    )
    assert sorted(str(code(outcome)) for outcome in outcomes) == ["Code.CONFLICT"] * 5 + ["None"]
    reject = DecideHeld(message_id=thrown.id, approve=False, cid=cid())
    assert (await two[0].communities.held.decide(cast["mo"], reject)).seq is None
    assert await texts(two[1], cast["bob"], cast.room) == ["where?", "meanwhile", "https://here.example/"]
    row = await Message.get(id=held.id)
    assert (row.seq, row.author_id, row.thread_id) == (3, carol.user_id, question.id)
    assert [row.text for row in await HeldMessage.all()] == ["", ""], "what is decided is kept in one place or none"


async def test_held_message_of_whoever_was_banned_is_not_let_through(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = await user("carol", clock)
    held = await node.send(carol, cast.room, "https://spam.example/")
    await node.communities.moderation.ban(
        cast["mo"], BanMember(room_id=cast.room, user_id=carol.user_id, cid=cid())
    )
    approve = DecideHeld(message_id=held.id, approve=True, cid=cid())
    assert (await refused(node.communities.held.decide(cast["mo"], approve))).code is Code.BANNED
    assert await texts(node, cast["bob"], cast.room) == []


async def test_mode_keeps_guests_and_new_followers_waiting(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol, moderation = await user("carol", clock), node.communities.moderation

    async def mode(**changes: int) -> None:
        await moderation.set_mode(cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), **changes))  # type: ignore[arg-type]

    await mode(members_only=True)
    assert (await refused(node.send(carol, cast.room, "x"))).code is Code.MEMBERS_ONLY
    await node.send(cast["alice"], cast.room, "members may")
    await mode(members_only=False, follow_minutes=10)
    assert (await refused(node.send(carol, cast.room, "x"))).retry_after_ms is None
    await Subscription.create(user_id=carol.user_id, creator_id=cast.creator, created_at=clock.now())
    clock.advance(599)
    told = await refused(node.send(carol, cast.room, "x"))
    assert (told.code, told.retry_after_ms) == (Code.FOLLOW_AGE, 1_000)
    clock.advance(1)
    await node.send(carol, cast.room, "at last")
    await node.send(cast["mo"], cast.room, "moderators need not follow")


async def test_pins_and_modes_stand_in_the_log(node: Node, cast: Cast) -> None:
    sent = await node.send(cast["alice"], cast.room, "hello")
    await node.communities.marks.pin(cast["mo"], PinMessage(message_id=sent.id, cid=cid(), on=True))
    await node.communities.marks.pin(cast["mo"], PinMessage(message_id=sent.id, cid=cid(), on=True))
    await node.communities.moderation.set_mode(cast["oz"], SetRoomMode(room_id=cast.room, cid=cid(), slow_seconds=5))
    first = await node.communities.reading.log(cast["mo"], cast.community, None, 1)
    second = await node.communities.reading.log(cast["mo"], cast.community, first.next_cursor, 1)
    assert [(entry.action, entry.details) for entry in (*first.items, *second.items)] == [
        ("set-room-mode", {"slow_seconds": 5}),
        ("pin-message", {}),
    ]
    assert second.next_cursor is None


async def test_reports_reach_the_moderators_once_and_go_when_they_are_dealt_with(
    node: Node, cast: Cast, clock: FakeClock
) -> None:
    carol = await user("carol", clock)
    reports, community_id = node.communities.reports, cast.community
    rude, fine = await node.send(cast["alice"], cast.room, "rude"), await node.send(cast["alice"], cast.room, "fine")
    for message in (rude, fine):
        for reason in ("insult", "really"):
            await reports.report(cast["bob"], ReportMessage(message_id=message.id, reason=reason, cid=cid()))
    await reports.report(carol, ReportMessage(message_id=rude.id, reason="rude", cid=cid()))
    own = ReportMessage(message_id=rude.id, reason="me", cid=cid())
    assert (await refused(reports.report(cast["alice"], own))).code is Code.FORBIDDEN
    assert (await refused(reports.list(cast["bob"], community_id, None, 10))).code is Code.FORBIDDEN
    first = await reports.list(cast["mo"], community_id, None, 2)
    rest = await reports.list(cast["mo"], community_id, first.next_cursor, 2)
    assert [(one.text, one.reporter and one.reporter.name, one.reason) for one in (*first.items, *rest.items)] == [
        ("rude", "bob", "insult"),
        ("fine", "bob", "insult"),
        ("rude", "carol", "rude"),
    ]
    assert (await node.streams.store.position(room_of(cast.room))).head_seq == 2, "nobody else hears of a report"
    assert (await refused(reports.dismiss(cast["bob"], fine.id))).code is Code.FORBIDDEN
    assert [(await reports.dismiss(cast["mo"], fine.id)).dismissed for _ in range(2)] == [1, 0]
    await node.communities.edits.delete(cast["mo"], DeleteMessage(message_id=rude.id, cid=cid()))
    assert (await reports.list(cast["mo"], community_id, None, 10)).items == []
    entries = (await node.communities.reading.log(cast["mo"], community_id, None, 10)).items
    assert [(entry.action, entry.details) for entry in entries] == [
        ("delete-message", {}),
        ("dismiss-reports", {"reports": 1}),
    ]


@pytest.mark.parametrize("banned", [True, False])
async def test_a_purge_takes_what_was_said_while_it_waited_for_the_room(
    node: Node, cast: Cast, clock: FakeClock, banned: bool
) -> None:
    mo, bob = cast["mo"], cast["bob"].user_id
    on = {"room_id": cast.room, "user_id": bob, "cid": cid()}
    purging: Any = (
        node.communities.moderation.ban(mo, BanMember.model_validate({**on, "purge": "all"}))
        if banned
        else node.communities.purges.purge(mo, PurgeMember.model_validate(on))
    )
    waiting = []
    async with node.gathering():
        for number, command in enumerate((node.send(cast["bob"], cast.room, "spam"), purging)):
            waiting.append(asyncio.create_task(command))
            while node.streams.appender.depth <= number:
                await asyncio.sleep(0)
        clock.advance(1)
    await asyncio.gather(*waiting)
    await node.carry_desk()
    assert await texts(node, cast["alice"], cast.room) == [""]
