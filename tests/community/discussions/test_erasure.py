"""What is deleted is gone: from rows, revisions, replays, notifications, reports, and from what is yet to be told."""

from __future__ import annotations

from mypick.community.discussions.commands import (
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    EditDiscussion,
    ReadComments,
    ReadDiscussions,
    ReportComment,
    ReportDiscussion,
)
from mypick.community.policy import Role
from mypick.community.streams import community_stream
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, community
from tests.community.test_erasure import CANARY, everything
from tests.fakes import FakeClock


async def test_deleted_text_is_nowhere(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob", "carol", "mo", roles={"mo": Role.MODERATOR})
    alice, bob, carol = cast["alice"], cast["bob"], cast["carol"]
    services = node.communities.discussions
    talk = await begin(node, alice, cast.community, f"{CANARY}?", f"{CANARY} <@{carol.user_id}>")
    comment = await say(node, bob, talk.id, f"{CANARY} <@{carol.user_id}>")
    for rev in (1, 2):
        text = {"text": f"{CANARY} <@{carol.user_id}> {rev}", "rev": rev, "cid": cid()}
        edit = EditDiscussion.model_validate({"discussion_id": talk.id, "title": CANARY, **text})
        await services.edits.edit_discussion(alice, edit)
        again = EditComment.model_validate({"comment_id": comment.id, **text, "cid": cid()})
        await services.edits.edit_comment(bob, again)
    await node.carry_all()
    for reader in (alice, carol):
        assert CANARY in str(await node.notifications.unread(reader))
    quote = f'"{CANARY}" is no word'
    await services.reports.report_discussion(carol, ReportDiscussion(discussion_id=talk.id, reason=quote, cid=cid()))
    await services.reports.report_comment(carol, ReportComment(comment_id=comment.id, reason=quote, cid=cid()))
    assert CANARY in await everything()

    await services.edits.delete_comment(cast["mo"], DeleteComment(comment_id=comment.id, cid=cid(), reason="off topic"))
    await services.edits.delete_discussion(alice, DeleteDiscussion(discussion_id=talk.id, cid=cid()))

    assert CANARY not in await everything()
    replay = await other.streams.store.resume(f"discussion:{talk.id}", None, 0)
    assert [event["type"] for event in replay["events"]] == [
        "comment-created", "discussion-edited", "comment-edited", "discussion-edited", "comment-edited",
        "comment-deleted", "discussion-deleted",
    ]  # fmt: skip
    listed = await other.streams.store.resume(community_stream(cast.community), None, 0)
    assert {event["type"] for event in listed["events"]} == {
        "discussion-created", "discussion-edited", "discussion-deleted", "discussion-activity",
    }  # fmt: skip
    reading = other.communities.discussions.reading
    for shown in (
        replay,
        listed,
        await reading.one(bob, talk.id),
        await reading.comments(bob, ReadComments(discussion_id=talk.id)),
        await reading.page(bob, ReadDiscussions(community_id=cast.community)),
        *[await other.notifications.unread(reader) for reader in (alice, carol)],
        *[await other.streams.store.resume(f"inbox:{reader.user_id}", None, 0) for reader in (alice, carol)],
    ):
        assert CANARY not in str(shown)


async def test_nobody_is_told_of_a_comment_that_was_deleted_first(node: Node, cast: Cast) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    comment = await say(node, cast["bob"], talk.id, f"{CANARY} <@{cast['mo'].user_id}>")
    edits = node.communities.discussions.edits
    await edits.delete_comment(cast["bob"], DeleteComment(comment_id=comment.id, cid=cid()))
    await node.carry_all()
    assert CANARY not in await everything()
