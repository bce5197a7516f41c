"""What watch parties hold of a person: taken along in an export, and gone after an erasure."""

from __future__ import annotations

from pathlib import Path

from mypick.accounts.actor import Actor
from mypick.clock import to_wire
from mypick.content.models import Content
from mypick.db import Database
from mypick.domain import Domain
from mypick.notifications.models import Notice
from mypick.watchparty.chat.commands import SendPartyMessage
from mypick.watchparty.chat.models import PartyMessage
from mypick.watchparty.commands import ChangeParty, OpenParty
from mypick.watchparty.entry.commands import CreatePartyInvite, InvitePeople
from mypick.watchparty.entry.models import PartyAttendance, PartyInvite
from mypick.watchparty.models import PartyMember, WatchParty
from mypick.watchparty.queue.commands import QueueAdd, QueueVoteOn
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.streams import party_stream
from tests.community.stage import cid
from tests.community.test_erasure import everything
from tests.fakes import FakeClock
from tests.personal.stage import CANARY, domain_on, download, sign_up, work_off
from tests.personal.test_erasure import erase
from tests.watchparty.stage import video


async def leave_party(domain: Domain, who: Actor, other: Actor) -> int:
    """``who`` opens a party and does in it all that can be done; ``other`` is there."""
    parties = domain.parties
    content: list[Content] = [await video(domain.clock) for _ in range(3)]
    begins = to_wire(domain.clock.now().replace(year=domain.clock.now().year + 1, month=1, day=1))
    body = {"content_id": content[0].id, "visibility": "invite", "title": f"{CANARY} 밤", "starts_at": begins}
    opened = await parties.parties.open(who, OpenParty.model_validate(body))
    await parties.invites.invite(who, opened.id, InvitePeople(user_ids=[other.user_id]))
    await parties.invites.create(who, opened.id, CreatePartyInvite())
    await parties.parties.change(who, opened.id, ChangeParty(title=f"{CANARY} 낮"))
    await parties.parties.change(who, opened.id, ChangeParty(title=f"{CANARY} 밤"))
    await parties.schedule.attend(other, opened.id)
    await PartyMember.filter(party_id=opened.id).update(present=True, since_ms=1)  # the doors are shut until then
    for actor, one in ((who, content[1]), (other, content[2])):
        added = await parties.queue.add(actor, QueueAdd(party_id=opened.id, cid=cid(), content_id=one.id))
        await parties.queue.vote(who, QueueVoteOn(party_id=opened.id, cid=cid(), item_id=added.item_id, on=True))
        await parties.chat.send(actor, SendPartyMessage(party_id=opened.id, cid=cid(), text=f"hello {CANARY}"))
    await work_off(domain)
    return int(opened.id)


async def test_all_of_it_is_in_the_export(sqlite_database: Database, clock: FakeClock, tmp_path: Path) -> None:
    async with domain_on(clock, tmp_path / "storage") as domain:
        who, other = await sign_up(domain, "alice"), await sign_up(domain, "bob")
        party_id = await leave_party(domain, who, other)
        export = await domain.personal.exports.ask(who)
        await work_off(domain)
        files = await download(domain, who, export.id)
        for name, wanted in (
            ("watch-parties", {"title": f"{CANARY} 밤", "id": party_id}),
            ("watch-parties-joined", {"party_id": party_id}),
            ("watch-party-messages", {"text": f"hello {CANARY}", "position_ms": 0}),
            ("watch-party-queue", {"party_id": party_id}),
            ("watch-party-votes", {}),
            ("watch-party-attendance", {"party_id": party_id}),
            ("watch-party-invites", {"party_id": party_id, "uses": 0}),
        ):
            rows = files[name]
            assert len(rows) == (2 if name == "watch-party-votes" else 1), name
            assert wanted.items() <= rows[0].items()


async def test_none_of_it_is_left_after_an_erasure(sqlite_database: Database, clock: FakeClock, tmp_path: Path) -> None:
    async with domain_on(clock, tmp_path / "storage") as domain:
        who, other = await sign_up(domain, "alice"), await sign_up(domain, "bob")
        party_id = await leave_party(domain, who, other)
        before = await domain.streams.store.resume(party_stream(party_id), None, 0)
        await erase(domain, who, clock)
        own = {"user_id": who.user_id}
        for rows in (PartyMember.filter(**own), PartyAttendance.filter(**own), QueueVote.filter(**own)):
            assert not await rows.exists()
        assert not await QueueItem.filter(added_by=who.user_id).exists()
        assert await QueueItem.filter(added_by=other.user_id).count() == 1
        assert not await PartyInvite.filter(revoked_at=None).exists()
        said = await PartyMessage.all().order_by("id").values_list("text", "author_id")
        assert said == [("", who.user_id), (f"hello {CANARY}", other.user_id)]
        rest = await domain.streams.store.resume(party_stream(party_id), before["epoch"], 0, 200)
        told = [(event["type"], event.get("actor", {}).get("name")) for event in rest["events"]]
        assert ("message-deleted", "deleted user") in told
        assert [kind for kind, _ in told[-2:]] == ["queue-changed", "party-changed"]  # which shows no title any more
        everywhere = await everything()
        assert everywhere.count("canary-7f3a") == 1  # what the other said


async def test_a_title_is_nowhere_after_its_authors_erasure_whoever_quoted_it(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    """Others ask people to come by an invitation of theirs, which quotes a title that is not theirs."""
    async with domain_on(clock, tmp_path / "storage") as domain:
        people = [await sign_up(domain, name) for name in ("alice", "bob", "carol", "dora")]
        who, other, third, fourth = people
        parties, content = domain.parties, await video(domain.clock)
        policy = {"invite": "everyone"}
        body = {"content_id": content.id, "visibility": "public", "title": f"{CANARY} one", "policy": policy}
        own = await parties.parties.open(who, OpenParty.model_validate(body))
        theirs = await parties.parties.open(other, OpenParty.model_validate({**body, "title": "of the other"}))
        await PartyMember.create(party_id=theirs.id, user_id=who.user_id, created_at=clock.now())
        await PartyMember.filter(party_id=theirs.id).update(present=True, since_ms=1)
        await WatchParty.filter(id=theirs.id).update(host_id=who.user_id)  # it was handed over
        for party in (own, theirs):
            await parties.invites.invite(other, party.id, InvitePeople(user_ids=[third.user_id]))
        await parties.parties.change(who, theirs.id, ChangeParty(title=f"{CANARY} two"))
        await parties.invites.invite(other, theirs.id, InvitePeople(user_ids=[fourth.user_id]))
        await work_off(domain)
        invitations = Notice.filter(kind="party-invite").order_by("id")
        bodies = [row[0] for row in await invitations.values_list("body")]
        assert bodies == [f"{CANARY} one", f"{CANARY} two", f"{CANARY} two"]  # the new title, also where it was quoted
        before = await domain.streams.store.position(party_stream(own.id))
        await erase(domain, who, clock)
        assert CANARY not in await everything()
        assert list(await invitations.values_list("title", "body")) == [
            ("bob invites you to watch together", "")
        ] * 3
        for party in (own, theirs):
            assert (await parties.reading.details(other, party.id)).title == content.title
        rest = await domain.streams.store.resume(party_stream(own.id), before.epoch, before.head_seq)
        assert [event["type"] for event in rest["events"]] == ["party-changed"]


async def test_a_title_that_somebody_else_gave_outlives_who_opened_the_party(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    async with domain_on(clock, tmp_path / "storage") as domain:
        who, other = await sign_up(domain, "alice"), await sign_up(domain, "bob")
        content = await video(domain.clock)
        body = {"content_id": content.id, "visibility": "public", "title": f"{CANARY} one"}
        opened = await domain.parties.parties.open(who, OpenParty.model_validate(body))
        await WatchParty.filter(id=opened.id).update(host_id=other.user_id)
        await domain.parties.parties.change(other, opened.id, ChangeParty(title="the other's own"))
        await erase(domain, who, clock)
        assert (await domain.parties.reading.details(other, opened.id)).title == "the other's own"
        export = await domain.personal.exports.ask(other)
        await work_off(domain)
        (row,) = (await download(domain, other, export.id))["watch-parties"]
        assert row["title"] == "the other's own"
