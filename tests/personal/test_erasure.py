"""Who asks to be forgotten is: no table, no key of Redis and no line of the log tells who that was."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import structlog
from redis.asyncio import Redis

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.commands import LogIn
from mypick.accounts.device import Device
from mypick.accounts.models import ApiKey, RefreshToken, Session, User
from mypick.community.commands import ReportMessage
from mypick.community.models import Membership, Message, ModerationEntry, Reaction, Report, Room
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.creators.models import Creator
from mypick.db import Database
from mypick.domain import Domain
from mypick.errors import Code
from mypick.jobs.models import Job
from mypick.personal.commands import EraseMe
from mypick.personal.erasures import SETTLE_S
from mypick.personal.models import Erasure
from tests.community.stage import RoomClient, cid, refused
from tests.community.test_erasure import everything
from tests.fakes import FakeClock
from tests.personal.stage import (
    CANARY,
    PASSWORD,
    domain_on,
    leave_posts,
    leave_traces,
    log_in,
    read_posts,
    room_of_a_creator,
    say,
    sign_up,
    work_off,
)
from tests.queries import Killed, power_cut

GRACE = timedelta(days=7).total_seconds()
ASK = EraseMe(password=PASSWORD)


async def erase(domain: Domain, who: Actor, clock: FakeClock) -> None:
    await domain.personal.erasures.ask(who, ASK)
    clock.advance(GRACE)
    await work_off(domain)
    clock.advance(SETTLE_S)
    await work_off(domain)
    assert (await Erasure.get(user_id=who.user_id)).state == "done"


async def test_the_canary_is_nowhere(database: Database, clock: FakeClock, tmp_path: Path, redis_url: str) -> None:
    told = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(told))
    try:
        async with domain_on(clock, tmp_path / "storage", redis_url) as domain:
            who = await sign_up(domain, "alice", "alice-canary-7f3a@example.com")
            other, room = await sign_up(domain, "bob"), await room_of_a_creator(domain)
            posts = await leave_posts(domain, who, other)
            said = await leave_traces(domain, who, other, room)
            await ModerationEntry.create(
                id=1,
                community_id=1,
                actor_id=other.user_id,
                action="timeout",
                user_id=who.user_id,
                reason=f"calls himself {CANARY}",
                details={},
                at=clock.now(),
            )
            await domain.personal.exports.ask(who)
            await work_off(domain)
            everywhere = await everything()
            assert everywhere.count("canary-7f3a") > 24

            await erase(domain, who, clock)

            everywhere = await everything()
            assert "canary-7f3a" not in everywhere
            assert list((tmp_path / "storage" / "exports").iterdir()) == []
            async with Redis.from_url(redis_url) as redis:
                keys = [key async for key in redis.scan_iter()]
                dumped = b"".join([key + (await redis.dump(key) or b"") for key in keys])
            assert b"canary-7f3a" not in dumped
            assert "canary-7f3a" not in told.getvalue()
            if db.dialect() == "sqlite":
                await db.connection().execute_query("PRAGMA wal_checkpoint(TRUNCATE)")
                path = next(tmp_path.glob("*.sqlite3"))
                assert b"canary-7f3a" not in path.read_bytes() + Path(f"{path}-wal").read_bytes()

            # the thread can be read, and the record of what moderators did is there
            (reply,) = (await domain.communities.reading.thread(other, said["question"], None, 10)).items[:1]
            assert (reply.actor and reply.actor.name, reply.data.text, reply.data.deleted) == ("deleted user", "", True)
            thread = (await domain.communities.reading.thread(other, said["question"], None, 10)).items
            assert [one.data.text for one in thread] == ["", f"thank you <@{who.user_id}>"]
            assert await read_posts(domain, other, posts["theirs"]) == ["", "I think so too"]
            assert await read_posts(domain, other, posts["begun"]) == ["I was here", ""]
            entry = await ModerationEntry.get(id=1)
            assert (entry.action, entry.user_id, entry.reason) == ("timeout", who.user_id, None)
            notices = (await domain.notifications.unread(other)).items
            assert {(one.data.title, one.data.body) for one in notices} == {("deleted user", "")}
            assert len(notices) > 1
    finally:
        structlog.reset_defaults()


async def test_clients_that_were_away_end_with_what_a_fresh_one_sees(
    domain: Domain, alice: Actor, bob: Actor, room: int, clock: FakeClock
) -> None:
    said = await leave_traces(domain, alice, bob, room)
    await say(domain, bob, room, "still here")
    client = RoomClient(domain, bob, room)  # type: ignore[arg-type]  # it has what a node has
    await client.join()
    await erase(domain, alice, clock)
    await client.catch_up()
    fresh = RoomClient(domain, bob, room)  # type: ignore[arg-type]
    await fresh.join()
    for one in (*client.messages.values(), *fresh.messages.values()):
        del one["mentions"]  # names are those of the moment at which a client heard them
    assert client.state() == fresh.state()
    assert client.messages[said["answer"]]["text"] == ""
    assert client.messages[said["question"]]["reactions"] == []
    replay = await domain.streams.store.resume(room_of(room), None, 0)
    assert CANARY not in str(replay)


async def test_counts_of_followers_and_of_rows_of_the_person_are_right(
    domain: Domain, alice: Actor, bob: Actor, room: int, clock: FakeClock
) -> None:
    await leave_traces(domain, alice, bob, room)
    await erase(domain, alice, clock)
    assert (await Creator.get()).subscriber_count == 0
    for model in (Session, ApiKey):
        assert await model.filter(user_id=alice.user_id).count() == 0
    assert await RefreshToken.all().count() == await Session.all().count()
    assert await Membership.filter(user_id=alice.user_id).count() == 0
    assert await Reaction.filter(user_id=alice.user_id).count() == 0
    assert await Report.filter(reporter_id=alice.user_id).count() == 0
    assert await Membership.filter(user_id=bob.user_id).count() == 1


async def test_logging_in_calls_it_off(domain: Domain, alice: Actor, clock: FakeClock, room: int) -> None:
    await say(domain, alice, room, "I stay")
    erases_at = (await domain.personal.erasures.ask(alice, ASK)).erases_at
    assert erases_at == clock.now() + timedelta(days=7)
    clock.advance(GRACE - 1)
    await log_in(domain, "alice@example.com")
    clock.advance(GRACE)
    await work_off(domain)
    clock.advance(SETTLE_S)
    await work_off(domain)
    assert (await Message.get()).text == "I stay"
    assert (await User.get(id=alice.user_id)).email == "alice@example.com"
    # and it can be asked for anew
    again = await log_in(domain, "alice@example.com")
    await erase(domain, again, clock)
    assert (await Message.get()).text == ""


async def test_what_an_erased_reporter_hid_is_shown_by_whoever_lets_it_stand(
    domain: Domain, alice: Actor, bob: Actor, clock: FakeClock
) -> None:
    """The report goes with who made it; the message must not stay hidden for ever."""
    room = await room_of_a_creator(domain)
    community_id = (await Room.get(id=room)).community_id
    for who in (alice, bob):
        await domain.communities.members.join(who, community_id)
    await Membership.filter(user_id=alice.user_id).update(rank=Role.MODERATOR)
    said = await say(domain, bob, room, "nothing bad")
    await domain.communities.reports.report(alice, ReportMessage(message_id=said, reason="rude", cid=cid()))
    assert (await Message.get(id=said)).hidden_at
    await erase(domain, alice, clock)
    await Membership.filter(user_id=bob.user_id).update(rank=Role.OWNER)
    reports = domain.communities.reports
    assert (await reports.dismiss(bob, said)).dismissed == 0
    assert (await domain.communities.places.message(bob, said)).data.text == "nothing bad"
    assert (await reports.dismiss(bob, said)).dismissed == 0


async def test_asking_ends_all_sessions_and_nobody_else_s(domain: Domain, alice: Actor, bob: Actor) -> None:
    await domain.personal.erasures.ask(alice, ASK)
    assert await Session.filter(user_id=alice.user_id, ended_at=None).count() == 0
    assert await Session.filter(user_id=bob.user_id, ended_at=None).count() == 1


async def test_erased_account_lets_nobody_in_and_its_address_is_free(
    domain: Domain, alice: Actor, clock: FakeClock
) -> None:
    await erase(domain, alice, clock)
    attempt = domain.accounts.log_in(LogIn(email="alice@example.com", password=PASSWORD), Device())
    assert (await refused(attempt)).code is Code.UNAUTHENTICATED
    assert (await sign_up(domain, "alice")).user_id != alice.user_id


async def test_sockets_are_put_out(domain: Domain, alice: Actor, clock: FakeClock) -> None:
    class Heard:
        def __init__(self) -> None:
            self.put_out: list[int] = []

        def disconnect(self, user_id: int, code: Code, reason: str) -> None:
            self.put_out.append(user_id)

        def end_session(self, session_id: int) -> None: ...

    heard = Heard()
    domain.control._sockets = heard  # type: ignore[assignment]  # only these are called
    await erase(domain, alice, clock)
    assert heard.put_out == [alice.user_id]


async def test_wrong_password_and_admins_are_refused(domain: Domain, alice: Actor) -> None:
    wrong = await refused(domain.personal.erasures.ask(alice, EraseMe(password="not the horse")))
    assert wrong.code is Code.FORBIDDEN
    await domain.accounts.profiles.grant_role(alice.user_id, "admin")
    admin = await log_in(domain, "alice@example.com")
    assert (await refused(domain.personal.erasures.ask(admin, ASK))).code is Code.CONFLICT
    assert await Erasure.all().count() == 0


async def test_asking_twice_is_asking_once(domain: Domain, alice: Actor, clock: FakeClock) -> None:
    first = await domain.personal.erasures.ask(alice, ASK)
    clock.advance(60)
    assert await domain.personal.erasures.ask(alice, ASK) == first
    assert await Job.filter(kind="personal.erase").count() == 1


async def test_nobody_notifies_who_was_erased(
    domain: Domain, alice: Actor, bob: Actor, room: int, clock: FakeClock
) -> None:
    await erase(domain, alice, clock)
    await say(domain, bob, room, f"where is <@{alice.user_id}>?")
    assert await work_off(domain) == 0


async def test_killed_before_any_statement_it_goes_on_to_the_end(
    domain: Domain, bob: Actor, clock: FakeClock
) -> None:
    """A worker dies before every fifth statement of an erasure, then another goes on with it."""
    room, died = await room_of_a_creator(domain), 0
    for statement in range(1, 600, 5):
        who = await sign_up(domain, f"fan{statement} {CANARY}", f"fan{statement}@example.com")
        await leave_traces(domain, who, bob, room)
        await domain.personal.erasures.ask(who, ASK)
        clock.advance(GRACE)
        try:
            with power_cut(statement):
                await work_off(domain)
                clock.advance(SETTLE_S)
                await work_off(domain)
        except Killed:
            died += 1
        for _ in range(3):
            clock.advance(SETTLE_S)  # longer than a lease
            await work_off(domain)
        assert (await Erasure.get(user_id=who.user_id)).state == "done"
        assert CANARY not in str(await User.get(id=who.user_id).values())
        assert await Message.filter(author_id=who.user_id).exclude(text="").count() == 0
        if died <= statement // 5:
            break
    assert CANARY not in await everything()
    assert died > 15
