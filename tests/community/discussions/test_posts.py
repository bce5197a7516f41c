"""Beginning, commenting, editing and deleting, through the services that both doors call."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from mypick.community.commands import BanMember, TimeoutMember
from mypick.community.discussions.commands import (
    CreateComment,
    CreateDiscussion,
    DecideHeldPost,
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    EditDiscussion,
    LockDiscussion,
    PinDiscussion,
    ReadComments,
    ReadDiscussions,
)
from mypick.community.discussions.drafts import MAX_DEPTH
from mypick.community.discussions.models import Comment, Discussion, HeldPost, PostRevision
from mypick.community.discussions.views import PostSent
from mypick.community.policy import Role
from mypick.community.streams import community_stream
from mypick.errors import Code
from tests.community.discussions.stage import begin, flat, said, say
from tests.community.stage import Cast, Node, cid, code, community, refused, user
from tests.fakes import FakeClock


async def test_same_cid_through_two_nodes_at_once_is_one_post(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice")
    command = CreateDiscussion(community_id=cast.community, cid="once", title="a", text="b")
    replies = await asyncio.gather(
        *(node.communities.discussions.posts.create(cast["alice"], command) for node in two * 5)
    )
    assert len({(reply.id, reply.seq, reply.status) for reply in replies}) == 1
    assert [reply.duplicate for reply in replies].count(False) == 1
    comment = CreateComment(discussion_id=replies[0].id, cid="again", text="c")
    answers = await asyncio.gather(
        *(node.communities.discussions.posts.comment(cast["alice"], comment) for node in two * 5)
    )
    assert len({(answer.id, answer.seq) for answer in answers}) == 1
    assert await Comment.all().count() == await Discussion.all().count() == 1
    row = await Discussion.get()
    assert row.comments == 1
    other = CreateComment(discussion_id=replies[0].id, cid="again", text="d")
    assert (await refused(two[1].communities.discussions.posts.comment(cast["alice"], other))).code is Code.CID_REUSED


async def test_comments_hang_under_what_they_answer_down_to_a_bound(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    last, chain = None, []
    for number in range(MAX_DEPTH + 3):
        last = (await say(node, cast["bob"], talk.id, f"level {number}", last)).id
        chain.append(last)
    rows = {row.id: row for row in await Comment.all()}
    assert [rows[one].depth for one in chain] == [*range(MAX_DEPTH), *[MAX_DEPTH - 1] * 3]
    deepest = chain[MAX_DEPTH - 2]
    assert {rows[one].parent_id for one in chain[MAX_DEPTH - 1 :]} == {deepest}
    assert [rows[one].reply_to for one in chain] == [None, *chain[:-1]]
    assert rows[deepest].replies == 4
    found = await node.communities.discussions.reading.in_context(cast["alice"], chain[-1])
    assert [one.comment_id for one in found.ancestors] == chain[: MAX_DEPTH - 1]
    assert (found.comment.text, found.comment.reply_to) == (f"level {MAX_DEPTH + 2}", chain[-2])
    assert (await Discussion.get()).comments == MAX_DEPTH + 3


async def test_a_tree_is_read_page_by_page_and_nothing_is_missing(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    every: list[int] = []
    for number in range(8):
        top = (await say(node, cast["bob"], talk.id, f"top {number}")).id
        every.append(top)
        for reply in range(number):
            every.append((await say(node, cast["alice"], talk.id, f"{number}.{reply}", top)).id)
    reading = node.communities.discussions.reading
    for sort in ("best", "new", "old"):
        seen: list[int] = []
        cursor, tops = None, []
        while True:
            command = ReadComments.model_validate(
                {"discussion_id": talk.id, "sort": sort, "cursor": cursor, "limit": 3}
            )
            page = await reading.comments(cast["bob"], command)
            tops += [one.text for one in page.comments]
            seen += [one.comment_id for one in flat(page.comments)]
            for one in page.comments:
                rest = one.next_cursor
                while rest:
                    more = await reading.replies(cast["bob"], one.comment_id, command.sort, rest, 2)
                    seen += [reply.comment_id for reply in more.comments]
                    rest = more.next_cursor
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(every), sort
        assert tops == [f"top {number}" for number in (range(8) if sort == "old" else reversed(range(8)))]
    wrong = ReadComments(discussion_id=talk.id, sort="best", cursor=page.next_cursor or "W10")
    assert (await refused(reading.comments(cast["bob"], wrong))).code is Code.INVALID


async def test_edit_keeps_what_was_written_and_refuses_an_old_revision(node: Node, cast: Cast) -> None:
    alice, edits = cast["alice"], node.communities.discussions.edits
    talk = await begin(node, alice, cast.community, "Frist", "one")
    comment = await say(node, alice, talk.id, "tow")
    done = await edits.edit_discussion(
        alice, EditDiscussion(discussion_id=talk.id, cid=cid(), title="First", text="one", rev=1)
    )
    assert done.rev == 2
    assert (await edits.edit_comment(alice, EditComment(comment_id=comment.id, cid=cid(), text="two", rev=1))).rev == 2
    kept = [(row.post_id, row.rev, row.title, row.text) for row in await PostRevision.all().order_by("id")]
    assert kept == [(talk.id, 1, "Frist", "one"), (comment.id, 1, "", "tow")]
    late = EditDiscussion(discussion_id=talk.id, cid=cid(), title="x", text="x", rev=1)
    assert (await refused(edits.edit_discussion(alice, late))).details == {"rev": 2}
    old = await refused(edits.edit_comment(alice, EditComment(comment_id=comment.id, cid=cid(), text="x", rev=1)))
    assert (old.code, old.details) == (Code.CONFLICT, {"rev": 2})
    for name in ("bob", "mo", "oz"):
        mine = EditComment(comment_id=comment.id, cid=cid(), text="x", rev=2)
        assert (await refused(edits.edit_comment(cast[name], mine))).code is Code.FORBIDDEN, name
        theirs = EditDiscussion(discussion_id=talk.id, cid=cid(), title="x", text="x", rev=2)
        assert (await refused(edits.edit_discussion(cast[name], theirs))).code is Code.FORBIDDEN, name
    shown = await node.communities.discussions.reading.one(cast["bob"], talk.id)
    assert (shown.title, shown.rev, await said(node, cast["bob"], talk.id)) == ("First", 2, ["two"])


async def test_deleted_is_a_tombstone_that_nothing_can_be_done_to(node: Node, cast: Cast) -> None:
    alice, edits = cast["alice"], node.communities.discussions.edits
    talk = await begin(node, alice, cast.community, "Title", "text")
    comment = await say(node, cast["bob"], talk.id, "words")
    answer = await say(node, alice, talk.id, "an answer", comment.id)
    gone = DeleteComment(comment_id=comment.id, cid=cid(), reason="rude")
    assert (await refused(edits.delete_comment(alice, gone))).code is Code.FORBIDDEN
    first = await edits.delete_comment(cast["mo"], gone)
    again = await edits.delete_comment(cast["mo"], DeleteComment(comment_id=comment.id, cid=cid()))
    assert again == first, "the second time nothing happens"
    page = await node.communities.discussions.reading.comments(alice, ReadComments(discussion_id=talk.id))
    (top,) = page.comments
    assert (top.text, top.deleted, [one.text for one in top.children]) == ("", True, ["an answer"])
    for attempt in (
        edits.edit_comment(cast["bob"], EditComment(comment_id=comment.id, cid=cid(), text="x", rev=1)),
        say(node, alice, talk.id, "to this", comment.id),
    ):
        assert (await refused(attempt)).code is Code.GONE
    assert (await Discussion.get()).comments == 1

    await edits.delete_discussion(alice, DeleteDiscussion(discussion_id=talk.id, cid=cid()))
    listed = await node.communities.discussions.reading.page(alice, ReadDiscussions(community_id=cast.community))
    assert listed.discussions == []
    shown = await node.communities.discussions.reading.one(cast["bob"], talk.id)
    assert (shown.title, shown.text, shown.deleted, shown.comments) == ("", "", True, 1)
    assert (await refused(say(node, cast["bob"], talk.id, "late"))).code is Code.GONE
    assert (await edits.delete_comment(alice, DeleteComment(comment_id=answer.id, cid=cid()))).seq
    (entry,) = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert (entry.action, entry.reason) == ("delete-comment", "rude")
    assert entry.details == {"discussion_id": talk.id, "comment_id": comment.id}


async def test_locked_discussions_take_comments_of_moderators_alone(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    desk = node.communities.discussions.desk
    lock = LockDiscussion(discussion_id=talk.id, cid=cid(), on=True)
    assert (await refused(desk.lock(cast["alice"], lock))).code is Code.FORBIDDEN
    locked = await desk.lock(cast["mo"], lock)
    again = LockDiscussion(discussion_id=talk.id, cid=cid(), on=True)
    assert await desk.lock(cast["oz"], again) == locked, "it is so already"
    assert (await refused(say(node, cast["alice"], talk.id, "x"))).code is Code.LOCKED
    await say(node, cast["mo"], talk.id, "enough")
    await desk.lock(cast["mo"], LockDiscussion(discussion_id=talk.id, cid=cid(), on=False))
    await say(node, cast["alice"], talk.id, "thanks")
    log = (await node.communities.reading.log(cast["mo"], cast.community, None, 10)).items
    assert [entry.action for entry in log] == ["unlock-discussion", "lock-discussion"]


async def test_pinned_stand_above_the_others_and_are_few(node: Node, cast: Cast, clock: FakeClock) -> None:
    talks = []
    for number in range(7):
        talks.append((await begin(node, cast["alice"], cast.community, f"talk {number}")).id)
        clock.advance(60)
    desk, reading = node.communities.discussions.desk, node.communities.discussions.reading
    for one in talks[:5]:
        await desk.pin(cast["mo"], PinDiscussion(discussion_id=one, cid=cid(), on=True))
    sixth = PinDiscussion(discussion_id=talks[5], cid=cid(), on=True)
    assert (await refused(desk.pin(cast["mo"], sixth))).code is Code.FULL
    for one in talks[1:5]:
        await desk.pin(cast["mo"], PinDiscussion(discussion_id=one, cid=cid(), on=False))
    command = ReadDiscussions(community_id=cast.community, sort="new", limit=4)
    page = await reading.page(cast["bob"], command)
    assert [(one.discussion_id, one.pinned) for one in page.discussions] == [
        (talks[0], True), *((talks[number], False) for number in (6, 5, 4, 3)),
    ]  # fmt: skip
    rest = await reading.page(cast["bob"], command.model_copy(update={"cursor": page.next_cursor}))
    assert ([one.discussion_id for one in rest.discussions], rest.next_cursor) == ([talks[2], talks[1]], None)


async def test_nothing_is_accepted_after_a_ban_committed(two: list[Node], clock: FakeClock) -> None:
    """Comments of bob through both nodes at once with the ban: what was accepted is there, the rest was refused."""
    cast = await community(two[0], clock, "alice", "bob", "mo", roles={"mo": Role.MODERATOR})
    talk = await begin(two[0], cast["alice"], cast.community)
    ban = BanMember(room_id=cast.room, user_id=cast["bob"].user_id, cid=cid())
    outcomes = await asyncio.gather(
        *(say(two[number % 2], cast["bob"], talk.id, f"words {number}") for number in range(10)),
        two[1].communities.moderation.ban(cast["mo"], ban),
        *(say(two[number % 2], cast["bob"], talk.id, f"words {number}") for number in range(10, 20)),
        return_exceptions=True,
    )
    accepted = {outcome.id for outcome in outcomes if isinstance(outcome, PostSent)}
    assert {code(one) for one in outcomes if isinstance(one, BaseException)} <= {Code.BANNED}
    assert accepted == {row.id for row in await Comment.all()}
    assert (await refused(say(two[1], cast["bob"], talk.id, "later"))).code is Code.BANNED
    assert (await refused(begin(two[0], cast["bob"], cast.community))).code is Code.BANNED


async def test_who_is_timed_out_only_reads_and_takes_back(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    timeout = TimeoutMember(room_id=cast.room, user_id=cast["alice"].user_id, seconds=60, cid=cid())
    await node.communities.moderation.timeout(cast["mo"], timeout)
    edits = node.communities.discussions.edits
    edit = EditDiscussion(discussion_id=talk.id, cid=cid(), title="x", text="x", rev=1)
    for attempt in (
        say(node, cast["alice"], talk.id, "x"),
        begin(node, cast["alice"], cast.community),
        edits.edit_discussion(cast["alice"], edit),
    ):
        assert (await refused(attempt)).code is Code.TIMED_OUT
    await edits.delete_discussion(cast["alice"], DeleteDiscussion(discussion_id=talk.id, cid=cid()))


async def test_links_of_newcomers_are_held_and_never_leak(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = cast.add("carol", await user("carol", clock))
    talk = await begin(node, cast["alice"], cast.community)
    held = await begin(node, carol, cast.community, "look", "at https://canary.example/")
    comment = await say(node, carol, talk.id, "www.canary.example")
    assert {(one.status, one.seq) for one in (held, comment)} == {("held", None)}
    posts, reading = node.communities.discussions.held, node.communities.discussions.reading
    assert [row.id for row in await Discussion.all()] == [talk.id]
    assert await Comment.all().count() == 0
    assert (await refused(reading.one(carol, held.id))).code is Code.NOT_FOUND
    assert (await refused(posts.list(cast["bob"], cast.community, None, 10))).code is Code.FORBIDDEN
    waiting = (await posts.list(cast["mo"], cast.community, None, 10)).items
    assert [(one.id, one.kind, one.cause) for one in waiting] == [
        (held.id, "discussion", "link"), (comment.id, "comment", "link"),
    ]  # fmt: skip
    decide = DecideHeldPost(post_id=held.id, approve=True, cid=cid())
    assert (await refused(posts.decide(cast["bob"], decide))).code is Code.FORBIDDEN
    await posts.decide(cast["mo"], decide)
    late = DecideHeldPost(post_id=held.id, approve=False, cid=cid())
    assert (await refused(posts.decide(cast["mo"], late))).code is Code.CONFLICT
    assert (await reading.one(cast["bob"], held.id)).text == "at https://canary.example/"
    await posts.decide(cast["mo"], DecideHeldPost(post_id=comment.id, approve=False, cid=cid()))
    assert await Comment.all().count() == 0
    assert {(row.title, row.text) for row in await HeldPost.all()} == {("", "")}
    approved = await say(node, carol, talk.id, "https://a.example/")
    await posts.decide(cast["mo"], DecideHeldPost(post_id=approved.id, approve=True, cid=cid()))
    assert await said(node, cast["bob"], talk.id) == ["https://a.example/"]
    assert (await Discussion.get(id=talk.id)).comments == 1
    for _ in range(5):
        await say(node, carol, talk.id, "https://more.example/")
    assert (await refused(say(node, carol, talk.id, "https://more.example/"))).code is Code.FULL
    await node.communities.members.join(carol, cast.community)
    clock.advance(timedelta(hours=12).total_seconds())
    assert (await say(node, carol, talk.id, "https://member.example/")).status == "sent"


async def test_who_may_not_come_in_reads_nothing(node: Node, clock: FakeClock) -> None:
    cast = await community(node, clock, "alice", visibility="members")
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    comment = await say(node, cast["alice"], talk.id, "x")
    reading = node.communities.discussions.reading
    for attempt in (
        reading.one(guest, talk.id),
        reading.page(guest, ReadDiscussions(community_id=cast.community)),
        reading.comments(guest, ReadComments(discussion_id=talk.id)),
        reading.in_context(guest, comment.id),
    ):
        assert (await refused(attempt)).code is Code.NOT_MEMBER
    for stream in (f"discussion:{talk.id}", community_stream(cast.community), "discussion:0", "discussion:x", "x"):
        assert not await reading.may_read(guest, stream)
    assert await reading.may_read(cast["alice"], f"discussion:{talk.id}")
    assert not await reading.may_read(cast["alice"], f"discussion:0{talk.id}")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "x" * 151},
        {"title": "two\nlines"},
        {"title": " \u200b "},
        {"text": "x" * 10_001},
        {"text": ""},
        {"mood": "good"},
    ],
)
def test_malformed_discussions_are_refused(fields: dict[str, str]) -> None:
    good = {"community_id": 1, "cid": "c", "title": "x" * 150, "text": "가" * 10_000}
    CreateDiscussion.model_validate(good)
    with pytest.raises(ValidationError):
        CreateDiscussion.model_validate({**good, **fields})
