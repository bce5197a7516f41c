"""Votes: one of each person, counted right, told in few events."""

from __future__ import annotations

import asyncio
import random

import pytest

from mypick.community.commands import BanMember
from mypick.community.discussions.commands import DeleteComment, VoteComment, VoteDiscussion
from mypick.community.discussions.counts import ALL
from mypick.community.discussions.models import Comment, Discussion, Vote
from mypick.community.discussions.ranking import best, hot
from mypick.community.policy import Role
from mypick.errors import Code
from mypick.streams.models import StreamEvent
from tests.community.discussions.stage import DiscussionClient, ListClient, begin, say, vote
from tests.community.stage import Cast, Node, cid, community, refused, user
from tests.fakes import FakeClock


async def test_votes_of_fifty_at_once_give_the_right_score(two: list[Node], clock: FakeClock) -> None:
    names = [f"fan{number}" for number in range(50)]
    cast = await community(two[0], clock, *names)
    talk = await begin(two[0], cast["fan0"], cast.community)
    comment = await say(two[1], cast["fan1"], talk.id, "words")
    for where in ({"discussion": talk.id}, {"comment": comment.id}):
        await asyncio.gather(
            *(
                vote(two[number % 2], cast[name], "up" if number < 30 else "down", **where)
                for number, name in enumerate(names)
            )
        )
    changes = [vote(two[number % 2], cast[names[number]], "none", discussion=talk.id) for number in range(5)]
    changes += [vote(two[number % 2], cast[names[number]], "up", discussion=talk.id) for number in range(45, 50)]
    await asyncio.gather(*changes)
    row = await Discussion.get()
    assert (row.ups, row.downs, row.score) == (30, 15, 15)
    assert row.hot == hot(15, row.created_at)
    said = await Comment.get()
    assert (said.ups, said.downs, said.score, said.best) == (30, 20, 10, best(30, 20))
    assert await Vote.filter(post_id=talk.id).count() == 45


async def test_a_vote_is_one_whatever_is_sent_twice(two: list[Node], clock: FakeClock) -> None:
    cast = await community(two[0], clock, "alice", "bob")
    talk = await begin(two[0], cast["alice"], cast.community)
    command = VoteDiscussion(discussion_id=talk.id, cid="once", vote="up")
    replies = await asyncio.gather(
        *(node.communities.discussions.votes.vote_discussion(cast["bob"], command) for node in two * 5)
    )
    assert {reply.score for reply in replies} == {1}
    again = await vote(two[0], cast["bob"], "up", discussion=talk.id)
    assert (again.vote, again.ups, again.downs) == ("up", 1, 0)
    await vote(two[0], cast["bob"], "down", discussion=talk.id)
    late = await two[1].communities.discussions.votes.vote_discussion(cast["bob"], command)
    assert (late.score, (await Discussion.get()).score) == (1, -1), "an old command gets its old reply and does nothing"
    other = VoteComment(comment_id=talk.id, cid="once", vote="up")
    assert (await refused(two[0].communities.discussions.votes.vote_comment(cast["bob"], other))).code in {
        Code.NOT_FOUND
    }
    away = await vote(two[1], cast["bob"], "none", discussion=talk.id)
    assert (away.ups, away.downs) == (0, 0)
    assert await Vote.all().count() == 0


async def test_a_thousand_votes_are_few_events_and_the_last_state_is_told(node: Node, clock: FakeClock) -> None:
    names = [f"fan{number}" for number in range(40)]
    cast = await community(node, clock, *names, "watcher")
    talk = await begin(node, cast["fan0"], cast.community)
    comment = await say(node, cast["fan0"], talk.id, "words")
    listed = ListClient(node, cast["watcher"], cast.community)
    reader = DiscussionClient(node, cast["watcher"], talk.id)
    await listed.join()
    await reader.join()
    rng = random.Random(1)
    for _ in range(3):  # seconds
        for _ in range(3):
            await asyncio.gather(
                *(vote(node, cast[name], rng.choice(["up", "down", "none"]), discussion=talk.id) for name in names),
                *(vote(node, cast[name], rng.choice(["up", "down", "none"]), comment=comment.id) for name in names),
            )
        clock.advance(1)
        await node.carry_all()
    assert await node.carry_all() == 0, "nothing is left to be told"
    for client in (listed, reader):
        await client.catch_up()
    row, said = await Discussion.get(), await Comment.get()
    assert listed.discussions[talk.id]["score"] == reader.head["score"] == row.score
    assert reader.comments[comment.id]["score"] == said.score
    for kind, posts in (("discussion-activity", 1), ("votes-changed", 2)):
        assert await StreamEvent.filter(type=kind).count() <= 5 * posts, "720 votes in three seconds"


async def test_comments_are_told_to_the_list_once_a_second(node: Node, cast: Cast, clock: FakeClock) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    listed = ListClient(node, cast["bob"], cast.community)
    await listed.join()
    for number in range(20):
        await say(node, cast["alice"], talk.id, f"comment {number}")
    await listed.catch_up()
    assert listed.discussions[talk.id]["comments"] == 1, "the first is told at once"
    assert await node.carry_all() == 0, "the rest not before the second is over"
    clock.advance(1)
    assert await node.carry_all() == 1
    await listed.catch_up()
    assert listed.discussions[talk.id]["comments"] == 20
    assert await StreamEvent.filter(type="discussion-activity").count() == 2


async def test_newcomers_cannot_bury_and_the_banned_do_not_vote(node: Node, clock: FakeClock) -> None:
    cast = await community(node, clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    carol = await user("carol", clock)
    talk = await begin(node, cast["alice"], cast.community)
    assert (await vote(node, carol, "up", discussion=talk.id)).score == 1
    assert (await refused(vote(node, carol, "down", discussion=talk.id))).code is Code.FORBIDDEN
    ban = BanMember(room_id=cast.room, user_id=carol.user_id, cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    for word in ("up", "none"):
        assert (await refused(vote(node, carol, word, discussion=talk.id))).code is Code.BANNED
    assert (await Discussion.get()).score == 1


@pytest.mark.parametrize("word", ["sideways", 1, None])
def test_a_vote_is_one_of_three_words(word: object) -> None:
    with pytest.raises(ValueError):
        VoteDiscussion.model_validate({"discussion_id": 1, "cid": "c", "vote": word})


async def test_a_comment_can_be_deleted_while_votes_of_its_discussion_wait_to_be_told(
    node: Node, cast: Cast, clock: FakeClock
) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    words = await say(node, cast["bob"], talk.id, "words")
    clock.advance(2)
    for name in ("alice", "bob", "mo"):
        await vote(node, cast[name], "up", discussion=talk.id)
    assert (await Discussion.get()).untold == ALL
    clock.advance(2)  # and no job has run
    command = DeleteComment(comment_id=words.id, cid=cid())
    await node.communities.discussions.edits.delete_comment(cast["bob"], command)
    events = StreamEvent.filter(ref__in=[words.id, talk.id]).order_by("-id").limit(3)
    told = [str(kind) for kind in await events.values_list("type", flat=True)]
    assert sorted(told) == ["comment-deleted", "discussion-activity", "votes-changed"]
