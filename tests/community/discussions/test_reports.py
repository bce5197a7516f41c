"""Deciding on reports of discussions and comments at the desk, by the command that decides on those of messages."""

from __future__ import annotations

import asyncio

from mypick.accounts.actor import Actor
from mypick.community.desk.commands import DecideReports
from mypick.community.desk.models import ReporterRecord
from mypick.community.discussions.commands import DeleteComment, ReportComment, ReportDiscussion
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.models import ModerationEntry, Report
from mypick.community.policy import Role
from mypick.errors import Code
from tests.community.discussions.stage import DiscussionClient, ListClient, begin, said, say
from tests.community.stage import Cast, Node, cid, code, community, refused
from tests.fakes import FakeClock

STAFF = {"mo": Role.MODERATOR, "bo": Role.MODERATOR, "oz": Role.OWNER}


async def report(node: Node, who: Actor, *, discussion: int = 0, comment: int = 0, reason: str = "rude") -> None:
    reports = node.communities.discussions.reports
    if comment:
        await reports.report_comment(who, ReportComment(comment_id=comment, reason=reason, cid=cid()))
    else:
        await reports.report_discussion(who, ReportDiscussion(discussion_id=discussion, reason=reason, cid=cid()))


async def decide(node: Node, who: Actor, post: int, *, agree: bool, reason: str | None = None) -> int | None:
    command = DecideReports(message_id=post, agree=agree, reason=reason, cid=cid())
    return (await node.communities.reports.decide(who, command)).seq


async def waiting(node: Node, cast: Cast) -> list[tuple[int, str | None, str, str]]:
    items = (await node.communities.desk.list(cast["oz"], cast.community, "report", None, 20)).items
    return [(item.id, item.subject, item.title, item.text) for item in items]


async def test_one_of_many_decides_and_every_client_follows(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", "bo", "oz", roles=STAFF)
    talk = await begin(node, cast["alice"], cast.community, "A title", "A text")
    bad, good = await say(node, cast["alice"], talk.id, "bad"), await say(node, cast["alice"], talk.id, "good")
    chat = await node.send(cast["alice"], cast.room, "hello")
    answer = await say(node, cast["b"], talk.id, "an answer", reply_to=bad.id)
    listed, opened = ListClient(other, cast["c"], cast.community), DiscussionClient(other, cast["c"], talk.id)
    await listed.join()
    await opened.join()
    for name in "abc":
        for post in (bad, good):
            await report(node, cast[name], comment=post.id)
    await report(node, cast["a"], discussion=talk.id)
    assert await waiting(other, cast) == [
        (talk.id, "discussion", "A title", "A text"),
        (bad.id, "comment", "", "bad"),
        (good.id, "comment", "", "good"),
    ]
    assert chat.id not in {row[0] for row in await waiting(other, cast)}
    await node.carry_desk()
    for post, agree in ((bad, True), (good, False)):
        outcomes = await asyncio.gather(
            *(decide(at, cast[name], post.id, agree=agree) for at in two for name in ("mo", "bo", "oz")),
            return_exceptions=True,
        )
        assert [code(one) for one in outcomes].count(Code.CONFLICT) == 5, "the first one holds"
    clock.advance(2)
    await node.carry_all()  # the list is told of counts once a second
    await listed.catch_up()
    await opened.catch_up()
    fresh_list, fresh = ListClient(node, cast["c"], cast.community), DiscussionClient(node, cast["c"], talk.id)
    await fresh_list.join()
    await fresh.join()
    assert opened.state() == fresh.state()
    assert listed.state() == fresh_list.state()
    shown = {number: (one["text"], one["deleted"], one["hidden"]) for number, one in opened.comments.items()}
    assert shown == {
        bad.id: ("", True, False), good.id: ("good", False, False), answer.id: ("an answer", False, False),
    }  # fmt: skip
    assert (await Discussion.get(id=talk.id)).comments == 2
    records = await ReporterRecord.all().order_by("user_id").values_list("user_id", "agreed", "disagreed")
    assert records == [(cast[name].user_id, 1, 1) for name in "abc"]
    await node.carry_desk()
    events = (await other.streams.store.resume(f"desk:{cast.community}", None, 0))["events"]
    last = {event["data"]["id"]: event["data"] for event in events}
    assert {number: one["waiting"] for number, one in last.items()} == {talk.id: True, bad.id: False, good.id: False}
    assert events[-1]["data"]["counts"]["report"] == 1

    assert await decide(node, cast["mo"], talk.id, agree=True, reason="off topic") is not None
    await listed.catch_up()
    assert listed.discussions == {}
    assert await waiting(node, cast) == []
    entries = [(entry.action, entry.reason) for entry in await ModerationEntry.all()]
    assert sorted(entries) == [("delete-comment", None), ("delete-discussion", "off topic"), ("dismiss-reports", None)]


async def test_who_may_decide(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["mo"], cast.community)
    comment = await say(node, cast["alice"], talk.id, "words")
    await report(node, cast["bob"], discussion=talk.id)
    await report(node, cast["bob"], comment=comment.id)
    for agree in (True, False):
        for number in (talk.id, comment.id):
            assert code(await refused(decide(node, cast["alice"], number, agree=agree))) is Code.FORBIDDEN
    reports = node.communities.discussions.reports
    for agree in (True, False):
        assert code(await refused(decide(node, cast["mo"], talk.id, agree=agree))) is Code.FORBIDDEN, "their own"
    assert code(await refused(reports.dismiss_discussion(cast["mo"], talk.id))) is Code.FORBIDDEN, "their own"
    own = await say(node, cast["mo"], talk.id, "mine")
    await report(node, cast["bob"], comment=own.id)
    assert code(await refused(reports.dismiss_comment(cast["mo"], own.id))) is Code.FORBIDDEN, "their own"
    assert (await reports.dismiss_comment(cast["oz"], own.id)).dismissed == 1
    assert await decide(node, cast["oz"], talk.id, agree=False) is None, "it was in view all the time"
    assert code(await refused(decide(node, cast["mo"], 10**9, agree=True))) is Code.NOT_FOUND
    command = DecideReports(message_id=comment.id, agree=True, cid="once")
    first = await node.communities.reports.decide(cast["mo"], command)
    assert await node.communities.reports.decide(cast["mo"], command) == first
    assert sorted(await said(node, cast["bob"], talk.id)) == ["", "mine"]
    assert {row.outcome for row in await Report.all()} == {"deleted", "dismissed"}


async def test_nothing_is_left_to_decide_on_what_its_author_took_back(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    comment = await say(node, cast["alice"], talk.id, "words")
    await report(node, cast["bob"], comment=comment.id)
    take_back = DeleteComment(comment_id=comment.id, cid=cid())
    await node.communities.discussions.edits.delete_comment(cast["alice"], take_back)
    for agree in (True, False):
        assert code(await refused(decide(node, cast["mo"], comment.id, agree=agree))) is Code.CONFLICT
    assert await ReporterRecord.all().count() == 0, "it speaks neither for nor against who reported"
    assert (await Comment.get(id=comment.id)).text == ""
