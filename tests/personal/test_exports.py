"""What a person takes with them: all of it, once at a time, and not for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.community.models import Message
from mypick.domain import Domain
from mypick.errors import Code
from mypick.personal.contribution import PAGE
from mypick.personal.models import Export
from tests.community.stage import refused
from tests.fakes import FakeClock
from tests.personal.stage import CANARY, download, leave_posts, leave_traces, say, work_off
from tests.queries import Killed, power_cut


async def test_the_file_holds_all_that_is_the_persons_and_nothing_of_others(
    domain: Domain, alice: Actor, bob: Actor, room: int
) -> None:
    said = await leave_traces(domain, alice, bob, room)
    asked = await domain.personal.exports.ask(alice)
    assert (asked.state, asked.download_url) == ("waiting", None)
    await work_off(domain)
    found = await download(domain, alice, asked.id)
    (profile,) = found["profile"]
    assert (profile["email"], profile["display_name"]) == ("alice@example.com", f"I {CANARY}")
    assert "password_hash" not in profile
    answer, *_ = found["messages"]
    assert (answer["id"], answer["text"]) == (said["answer"], f"{CANARY} it was <@{bob.user_id}>")
    assert [one["text"] for one in answer["earlier"]] == [f"{CANARY} it is"]
    assert [row["text"] for row in found["held-messages"]] == [f"see https://{CANARY}.example.com/"]
    assert {row["kind"] for row in found["notifications"]} == {"reply"}
    assert [row["emoji"] for row in found["reactions"]] == ["👍"]
    assert [row["reason"] for row in found["reports"]] == [f"not {CANARY}"]
    assert [len(found[name]) for name in ("subscriptions", "memberships", "sessions", "api-keys", "sanctions")] == [
        1
    ] * 5
    assert found["notification-settings"] == [{"kinds": {"new-video": False}}]
    assert "what is the word?" not in str({name: rows for name, rows in found.items() if name != "notifications"})
    assert all(f'href="{name}.jsonl"' in found["index"][0]["html"] for name in found if name != "index")


async def test_the_file_holds_what_was_done_in_discussions(
    domain: Domain, alice: Actor, bob: Actor, room: int
) -> None:
    posts = await leave_posts(domain, alice, bob)
    asked = await domain.personal.exports.ask(alice)
    await work_off(domain)
    found = await download(domain, alice, asked.id)
    (begun,) = found["discussions"]
    assert (begun["id"], begun["title"]) == (posts["begun"], f"{CANARY}!")
    assert [(one["title"], one["text"]) for one in begun["earlier"]] == [(f"{CANARY}?", f"{CANARY} begins")]
    assert [one["text"] for one in found["comments"]] == [f"{CANARY} sings again", f"{CANARY} too"]
    assert [len(one["earlier"]) for one in found["comments"]] == [1, 0]
    assert [row["text"] for row in found["held-posts"]] == [f"see https://{CANARY}.example.com/"]
    assert {(row["post_id"], row["value"]) for row in found["votes"]} == {(posts["theirs"], 1), (posts["second"], 1)}
    visited = {row["discussion_id"]: (row["seq"], row["follow"]) for row in found["visited-discussions"]}
    assert visited == {posts["theirs"]: (2, "following"), posts["begun"]: (None, "muted")}
    assert [row["reason"] for row in found["reports"]] == [f"not {CANARY}"]
    assert "I think so too" not in str({name: rows for name, rows in found.items() if name != "notifications"})


@pytest.mark.parametrize(
    ("locale", "title"), [("en", "Your data is ready"), ("ko", "내 데이터 파일이 준비됐어요")]
)
async def test_a_person_is_told_when_it_is_ready(domain: Domain, alice: Actor, locale: str, title: str) -> None:
    await User.filter(id=alice.user_id).update(locale=locale)
    asked = await domain.personal.exports.ask(alice)
    await work_off(domain)
    state = await domain.personal.exports.state(alice, asked.id)
    assert (state.state, state.sections_done) == ("ready", state.sections)
    (item,) = (await domain.notifications.unread(alice)).items
    assert (item.data.kind, item.data.url, item.data.title) == ("announcement", "/settings", title)


async def test_more_than_a_page_is_whole(domain: Domain, alice: Actor, room: int) -> None:
    numbers = [await say(domain, alice, room, f"number {number}") for number in range(20)]
    rows = PAGE * 2 + 1
    first = await Message.get(id=numbers[0])
    await Message.bulk_create(
        [
            Message(
                id=10**9 + number,
                room_id=room,
                seq=10**6 + number,
                changed_seq=10**6 + number,
                author_id=alice.user_id,
                text=f"more {number}",
                text_hash="",
                created_at=first.created_at,
            )
            for number in range(rows - 20)
        ]
    )
    asked = await domain.personal.exports.ask(alice)
    await work_off(domain)
    assert len((await download(domain, alice, asked.id))["messages"]) == rows


async def test_one_at_a_time(domain: Domain, alice: Actor, bob: Actor) -> None:
    first = await domain.personal.exports.ask(alice)
    assert (await refused(domain.personal.exports.ask(alice))).code is Code.CONFLICT
    assert (await domain.personal.exports.ask(bob)).id != first.id
    await work_off(domain)
    assert (await domain.personal.exports.ask(alice)).id != first.id


async def test_few_a_day(domain: Domain, alice: Actor) -> None:
    for _ in range(3):
        await domain.personal.exports.ask(alice)
        await work_off(domain)
    assert (await refused(domain.personal.exports.ask(alice))).code is Code.RATE_LIMITED


async def test_link_opens_one_file_for_some_minutes(
    domain: Domain, alice: Actor, bob: Actor, clock: FakeClock
) -> None:
    exports = domain.personal.exports
    asked, others = await exports.ask(alice), await exports.ask(bob)
    await work_off(domain)
    url = (await exports.state(alice, asked.id)).download_url or ""
    assert (await refused(exports.state(bob, asked.id))).code is Code.NOT_FOUND
    until, signature = (part.partition("=")[2] for part in url.partition("?")[2].split("&"))
    await exports.download(asked.id, int(until), signature)
    moment = int(until)
    for wrong in ((others.id, moment, signature), (asked.id, moment + 1, signature), (asked.id, moment, "")):
        assert (await refused(exports.download(*wrong))).code is Code.FORBIDDEN
    clock.advance(301)
    assert (await refused(exports.download(asked.id, int(until), signature))).code is Code.FORBIDDEN


async def test_file_is_deleted_after_its_days(
    domain: Domain, alice: Actor, clock: FakeClock, tmp_path: Path
) -> None:
    asked = await domain.personal.exports.ask(alice)
    await work_off(domain)
    assert [path.name for path in (tmp_path / "storage" / "exports").iterdir()] == [f"{asked.id}.zip"]
    clock.advance(timedelta(days=7).total_seconds())
    assert await domain.personal.exports.expire() == 1
    assert list((tmp_path / "storage" / "exports").iterdir()) == []
    state = await domain.personal.exports.state(alice, asked.id)
    assert (state.state, state.download_url) == ("expired", None)


async def test_export_that_never_ends_keeps_nobody_from_another(domain: Domain, alice: Actor, clock: FakeClock) -> None:
    lost = await domain.personal.exports.ask(alice)
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    assert await domain.personal.exports.expire() == 1
    assert (await domain.personal.exports.state(alice, lost.id)).state == "failed"
    assert (await domain.personal.exports.ask(alice)).state == "waiting"


async def test_killed_anywhere_it_is_made_once_and_told_once(
    domain: Domain, alice: Actor, room: int, clock: FakeClock
) -> None:
    await say(domain, alice, room, CANARY)
    died = 0
    for number, statement in enumerate(range(1, 120, 3), 1):
        row = await Export.create(
            id=10**6 + statement, user_id=alice.user_id, under_way=alice.user_id, asked_at=clock.now()
        )
        await domain.jobs.enqueue("personal.export", {"export_id": row.id})
        try:
            with power_cut(statement):
                await work_off(domain)
        except Killed:
            died += 1
        clock.advance(20)  # the lease of the dead worker ends
        await work_off(domain)
        assert [one["text"] for one in (await download(domain, alice, row.id))["messages"]] == [CANARY]
        assert (await domain.notifications.unread(alice)).unread_count == number
        if died < number:
            break
    assert 8 < died < 38


@pytest.mark.parametrize("name", ["../passwd", "exports/../x.zip", "/x.zip", "x", "exports/ü.zip"])
async def test_storage_takes_no_name_that_leads_out(domain: Domain, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a file"):
        await domain.personal.exports._storage.delete(name)
