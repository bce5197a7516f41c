"""What moderators do to discussions and comments as they do it to messages: purges, weighed reports, the desk."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.expressions import F

from mypick.community.commands import BanMember
from mypick.community.desk.commands import PurgeMember
from mypick.community.desk.models import Purge, ReporterRecord
from mypick.community.discussions.commands import (
    DecideHeldPost,
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    ReportComment,
    ReportDiscussion,
)
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.purging import AT_ONCE, Span
from mypick.community.models import Report
from mypick.community.policy import Role
from mypick.community.streams import community_stream
from mypick.errors import Code
from mypick.search.commands import SearchTexts
from tests.community.discussions.stage import DiscussionClient, ListClient, begin, said, say
from tests.community.stage import Cast, Node, cid, community, refused, user
from tests.fakes import FakeClock
from tests.queries import Killed, power_cut


async def test_a_purge_of_all_rooms_takes_posts_along(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob", "mo", roles={"mo": Role.MODERATOR})
    alice, bob = cast["alice"], cast["bob"]
    old = await begin(node, alice, cast.community, "An old one", "stays")
    clock.advance(7_200)
    theirs = await begin(node, alice, cast.community, "Spam", "to go")
    talk = await begin(node, bob, cast.community, "Kept", "A text")
    for number in range(AT_ONCE + 2):
        await say(node, alice, talk.id, f"spam {number}")
    kept = await say(node, bob, talk.id, "hello")
    await say(node, alice, theirs.id, "more")
    await node.send(alice, cast.room, "spam in chat")
    listed, opened = ListClient(other, bob, cast.community), DiscussionClient(other, bob, talk.id)
    await listed.join()
    await opened.join()
    here = PurgeMember(room_id=cast.room, user_id=alice.user_id, hours=1, cid=cid())
    assert (await node.communities.purges.purge(cast["mo"], here)).found == 1, "one room alone"
    everywhere = PurgeMember(room_id=cast.room, user_id=alice.user_id, hours=1, everywhere=True, cid=cid())
    began = await node.communities.purges.purge(cast["mo"], everywhere)
    assert began.found == AT_ONCE + 5
    clock.advance(1)
    await say(node, alice, talk.id, "said afterwards")
    await node.carry_desk()
    ended = await node.communities.purges.show(cast["mo"], began.purge_id)
    assert (ended.done, ended.finished_at is not None) == (AT_ONCE + 4, True), "the other one had the message"
    await node.carry_all()
    await listed.catch_up()
    await opened.catch_up()
    fresh_list, fresh = ListClient(other, bob, cast.community), DiscussionClient(other, bob, talk.id)
    await fresh_list.join()
    await fresh.join()
    assert (listed.state(), opened.state()) == (fresh_list.state(), fresh.state())
    assert [row.text for row in await Comment.exclude(text="").order_by("seq")] == ["hello", "said afterwards"]
    left = await Discussion.filter(deleted_at=None).order_by("id").values_list("id", "comments")
    assert left == [(old.id, 0), (talk.id, 2)]
    assert kept.id in {row.id for row in await Comment.filter(deleted_at=None)}


async def test_a_ban_takes_posts_with_it(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    await say(node, guest, talk.id, "spam")
    await begin(node, guest, cast.community, "Spam", "spam")
    held = await say(node, guest, talk.id, "https://x.example/")
    ban = BanMember(room_id=cast.room, user_id=guest.user_id, purge="all", cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    await node.carry_desk()
    assert await said(node, cast["bob"], talk.id) == [""]
    assert await Discussion.filter(deleted_at=None).count() == 1
    approve = DecideHeldPost(post_id=held.id, approve=True, cid=cid())
    decided = await refused(node.communities.discussions.held.decide(cast["mo"], approve))
    assert decided.code is Code.CONFLICT


async def test_posts_of_a_purge_that_was_killed_anywhere_count_once(node: Node, cast: Cast, clock: FakeClock) -> None:
    purges, died = node.communities.discussions.purges, 0
    for statement in range(1, 200, 5):
        guest = await user(f"guest{statement}", clock)
        talk = await begin(node, cast["alice"], cast.community, f"A title {statement}")
        clock.advance(100)
        for number in range(2):
            await say(node, guest, talk.id, f"spam {number}")
        await begin(node, guest, cast.community, "Spam", "spam")
        row = await Purge.create(
            id=statement, community_id=cast.community, user_id=guest.user_id, actor_id=cast["mo"].user_id, found=3,
            created_at=clock.now(),
        )  # fmt: skip

        async def also(ids: Sequence[int], row: Purge = row) -> None:
            await Purge.filter(id=row.id).update(done=F("done") + len(ids))

        span = Span(cast.community, guest.user_id, None, clock.now())
        try:
            with power_cut(statement):
                await purges.run(span, row.actor_id, also, lambda: None)
        except Killed:
            died += 1
        await purges.run(span, row.actor_id, also, lambda: None)
        assert (await Purge.get(id=row.id)).done == 3
        assert (await Discussion.get(id=talk.id)).comments == 0
        if died <= statement // 5:
            break
    assert died > 5


async def test_enough_reports_hide_posts_until_a_moderator_looks(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", roles={"mo": Role.MODERATOR})
    reports, edits = node.communities.discussions.reports, node.communities.discussions.edits
    talk = await begin(node, cast["alice"], cast.community, "canary", f"canary <@{cast['a'].user_id}>")
    comment = await say(node, cast["alice"], talk.id, f"canary <@{cast['b'].user_id}>")
    await node.carry_all()
    listed, opened = ListClient(other, cast["c"], cast.community), DiscussionClient(other, cast["c"], talk.id)
    await listed.join()
    await opened.join()

    async def report(*names: str) -> None:
        for name in names:
            whole = ReportDiscussion(discussion_id=talk.id, reason="rude", cid=cid())
            await reports.report_discussion(cast[name], whole)
            part = ReportComment(comment_id=comment.id, reason="rude", cid=cid())
            await reports.report_comment(cast[name], part)

    async def same_as_fresh() -> None:
        await listed.catch_up()
        await opened.catch_up()
        fresh_list, fresh = ListClient(other, cast["c"], cast.community), DiscussionClient(other, cast["c"], talk.id)
        await fresh_list.join()
        await fresh.join()
        assert (listed.state(), opened.state()) == (fresh_list.state(), fresh.state())

    await report("a", "b")
    await same_as_fresh()
    assert (opened.head["text"][:6], opened.head["hidden"]) == ("canary", False), "two members are not enough"
    await report("c")
    await same_as_fresh()
    one = opened.comments[comment.id]
    assert (opened.head["title"], opened.head["text"], opened.head["hidden"]) == ("", "", True)
    assert (one["text"], one["mentions"], one["hidden"]) == ("", [], True)
    streams = (f"discussion:{talk.id}", community_stream(cast.community))
    seen: list[object] = [await other.streams.store.resume(key, None, 0) for key in streams]
    seen += [await node.notifications.unread(cast[name]) for name in "ab"]
    seen.append(await node.communities.search.search(cast["a"], SearchTexts(q="canary")))
    assert "canary" not in str(seen)
    words = EditComment(comment_id=comment.id, cid=cid(), text="nothing", rev=1)
    assert (await refused(edits.edit_comment(cast["alice"], words))).code is Code.LOCKED
    items = (await node.communities.desk.list(cast["mo"], cast.community, "report", None, 10)).items
    assert [(item.text[:6], item.weight, item.hidden, item.discussion_id) for item in items] == [
        ("canary", 6.0, True, talk.id)
    ] * 2
    assert await node.carry_desk() >= 6, "the desk is told of each report"

    await reports.dismiss_discussion(cast["mo"], talk.id)
    await reports.dismiss_comment(cast["mo"], comment.id)
    await same_as_fresh()
    assert (opened.head["title"], opened.comments[comment.id]["hidden"]) == ("canary", False)
    assert "canary" in str(await node.notifications.unread(cast["a"]))
    assert len((await node.communities.search.search(cast["a"], SearchTexts(q="canary"))).items) == 2
    records = await ReporterRecord.all().order_by("user_id").values_list("user_id", "agreed", "disagreed")
    assert records == [(cast[name].user_id, 0, 2) for name in "abc"]


async def test_what_a_moderator_deletes_was_reported_rightly(node: Node, cast: Cast) -> None:
    reports, edits = node.communities.discussions.reports, node.communities.discussions.edits
    talk = await begin(node, cast["alice"], cast.community)
    rude, hasty = await say(node, cast["alice"], talk.id, "rude"), await say(node, cast["alice"], talk.id, "hasty")
    for sent in (rude, hasty):
        told = ReportComment(comment_id=sent.id, reason="rude", cid=cid())
        await reports.report_comment(cast["bob"], told)
    await reports.report_discussion(cast["bob"], ReportDiscussion(discussion_id=talk.id, reason="rude", cid=cid()))
    await edits.delete_comment(cast["mo"], DeleteComment(comment_id=rude.id, cid=cid()))
    await edits.delete_comment(cast["alice"], DeleteComment(comment_id=hasty.id, cid=cid()))
    await edits.delete_discussion(cast["mo"], DeleteDiscussion(discussion_id=talk.id, cid=cid()))
    record = await ReporterRecord.get()
    assert (record.user_id, record.agreed, record.disagreed) == (cast["bob"].user_id, 2, 0)
    assert set(await Report.all().values_list("outcome", "reason")) == {("deleted", "")}


async def test_no_crowd_hides_what_a_moderator_writes(node: Node, cast: Cast, clock: FakeClock) -> None:
    talk = await begin(node, cast["mo"], cast.community)
    for number in range(7):
        fan = await user(f"fan{number}", clock)
        told = ReportDiscussion(discussion_id=talk.id, reason="rude", cid=cid())
        await node.communities.discussions.reports.report_discussion(fan, told)
    assert (await Discussion.get(id=talk.id)).hidden_at is None
