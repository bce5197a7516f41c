"""Discussions and comments are found as messages are."""

from __future__ import annotations

from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import DeleteMessage
from mypick.community.discussions.commands import (
    DecideHeldPost,
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    EditDiscussion,
    ReportComment,
    ReportDiscussion,
)
from mypick.community.policy import Role
from mypick.search import packer
from mypick.search.commands import SearchTexts
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, community, user
from tests.community.test_search import index_terms
from tests.fakes import FakeClock


async def found(node: Node, who: Actor, q: str, **filters: Any) -> list[tuple[str, int]]:
    page = await node.communities.search.search(who, SearchTexts.model_validate({"q": q, **filters}))
    return [(hit.kind, hit.id) for hit in page.items]


@pytest.mark.parametrize("packed", [False, True])
async def test_posts_are_found_edited_and_forgotten(two: list[Node], clock: FakeClock, packed: bool) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "bob")
    alice, bob = cast["alice"], cast["bob"]
    topic = await begin(node, alice, cast.community, "콘서트 후기", "어제 다녀왔어요")
    clock.advance(1)
    answer = await say(node, bob, topic.id, "콘서트 running order?")
    clock.advance(1)
    message = await node.send(bob, cast.room, "콘서트")
    if packed:
        assert await packer.pack_once(1)
    discussion, comment = ("discussion", topic.id), ("comment", answer.id)
    assert await found(two[1], bob, "콘서트") == [("message", message.id), comment, discussion]
    assert await found(node, bob, "다녀왔어요 후기") == [discussion]
    assert await found(node, bob, "콘서트", kind="comment") == [comment]
    assert await found(node, bob, f"콘서트 from:{alice.user_id}") == [discussion]
    page = await node.communities.search.search(alice, SearchTexts(q="runs"))
    (hit,) = page.items
    assert (hit.discussion_id, hit.room_id, hit.seq) == (topic.id, None, answer.seq)
    edits = node.communities.discussions.edits
    edit = EditDiscussion(discussion_id=topic.id, cid=cid(), title="공연 후기", text="좋았어요", rev=1)
    await edits.edit_discussion(alice, edit)
    await edits.edit_comment(bob, EditComment(comment_id=answer.id, cid=cid(), text="언제 walking?", rev=1))
    assert await found(node, bob, "콘서트") == [("message", message.id)]
    assert await found(node, bob, "공연") == [discussion]
    assert await found(node, bob, "walks") == [comment]
    await edits.delete_comment(bob, DeleteComment(comment_id=answer.id, cid=cid()))
    await edits.delete_discussion(alice, DeleteDiscussion(discussion_id=topic.id, cid=cid()))
    assert await found(node, bob, "공연") == await found(node, bob, "walks") == []
    await node.communities.edits.delete(bob, DeleteMessage(message_id=message.id, cid=cid()))
    assert await index_terms() == set()


async def test_a_held_post_is_found_when_it_is_let_through(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    held = await begin(node, guest, cast.community, "콘서트", "https://example.com")
    assert held.status == "held"
    assert await found(node, cast["mo"], "콘서트") == []
    decide = DecideHeldPost(post_id=held.id, approve=True, cid=cid())
    await node.communities.discussions.held.decide(cast["mo"], decide)
    assert await found(node, cast["bob"], "콘서트 has:link") == [("discussion", held.id)]


@pytest.mark.parametrize("packed", [False, True])
async def test_of_posts_that_reports_hid_the_index_has_nothing(node: Node, clock: FakeClock, packed: bool) -> None:
    cast = await community(node, clock, "alice", "a", "b", "c", "mo", roles={"mo": Role.MODERATOR})
    posts = node.communities.discussions
    topic = await begin(node, cast["alice"], cast.community, "콘서트", "text")
    clock.advance(1)
    answer = await say(node, cast["alice"], topic.id, "공연")
    if packed:
        assert await packer.pack_once(1)
    edit = EditComment(comment_id=answer.id, cid=cid(), text="콘서트 공연", rev=1)
    await posts.edits.edit_comment(cast["alice"], edit)
    for who in "abc":
        whole = ReportDiscussion(discussion_id=topic.id, reason="rude", cid=cid())
        await posts.reports.report_discussion(cast[who], whole)
        await posts.reports.report_comment(cast[who], ReportComment(comment_id=answer.id, reason="rude", cid=cid()))
    assert await index_terms() == set()
    assert await node.communities.search.reindex(lambda done: None) == await node.communities.search.count() == 0
    await posts.reports.dismiss_discussion(cast["mo"], topic.id)
    await posts.reports.dismiss_comment(cast["mo"], answer.id)
    assert await found(node, cast["a"], "콘서트") == [("comment", answer.id), ("discussion", topic.id)]


async def test_posts_are_indexed_anew(node: Node, cast: Cast) -> None:
    topic = await begin(node, cast["alice"], cast.community, "콘서트", "text")
    answer = await say(node, cast["bob"], topic.id, "콘서트")
    before = await found(node, cast["bob"], "콘서트")
    assert await node.communities.search.count() == 2
    done: list[int] = []
    assert await node.communities.search.reindex(done.append) == 2
    assert await packer.pack_once(1)
    assert await found(node, cast["bob"], "콘서트") == before == [("comment", answer.id), ("discussion", topic.id)]

