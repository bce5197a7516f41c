"""Discussions of somebody who is erased: others read on, and counts are right, whatever was killed when."""

from __future__ import annotations

from mypick.accounts.actor import Actor
from mypick.community.discussions.commands import ReadDiscussions
from mypick.community.discussions.models import Comment, Discussion, HeldPost, Visit, Vote
from mypick.domain import Domain
from mypick.personal.contribution import Contribution
from tests.community.discussions.stage import DiscussionClient, ListClient
from tests.fakes import FakeClock
from tests.personal.stage import CANARY, leave_posts, read_posts, sign_up
from tests.queries import Killed, power_cut


async def run(contribution: Contribution, user_id: int, done: dict[str, int]) -> None:
    """The steps of an erasure that belong to discussions, each from where it was."""
    for step in contribution.steps:
        while done.get(step.name, 0) >= 0:
            further = await step.run(user_id, done.get(step.name, 0))
            done[step.name] = -1 if further is None else further


async def test_killed_before_any_statement_posts_are_erased_once(
    domain: Domain, bob: Actor, room: int, clock: FakeClock
) -> None:
    contribution = domain.communities.discussions.data.contribution()
    died = 0
    for statement in range(1, 400, 7):
        clock.advance(60)  # newcomers with one text would be a raid
        who = await sign_up(domain, f"fan{statement}", f"fan{statement}@example.com")
        posts, done = await leave_posts(domain, who, bob), dict[str, int]()
        client = DiscussionClient(domain, bob, posts["theirs"])  # type: ignore[arg-type]  # it has what a node has
        await client.join()
        try:
            with power_cut(statement):
                await run(contribution, who.user_id, done)
        except Killed:
            died += 1
        await run(contribution, who.user_id, done)
        await client.catch_up()
        assert client.comments[posts["first"]]["text"] == ""
        theirs = await Discussion.get(id=posts["theirs"])
        second = await Comment.get(id=posts["second"])
        assert (theirs.comments, theirs.ups, theirs.score, second.ups, second.score) == (1, 1, 1, 1, 1)
        for query in (Vote.filter(user_id=who.user_id), Visit.filter(user_id=who.user_id)):
            assert await query.count() == 0
        assert await HeldPost.filter(author_id=who.user_id).count() == 0
        if died <= statement // 7:
            break
    assert died > 8
    for model in (Discussion, Comment):
        assert await model.filter(text__contains=CANARY).count() == 0


async def test_who_has_a_discussion_open_sees_it_go(domain: Domain, alice: Actor, bob: Actor, room: int) -> None:
    posts = await leave_posts(domain, alice, bob)
    community = (await Discussion.get(id=posts["begun"])).community_id
    listed = ListClient(domain, bob, community)  # type: ignore[arg-type]
    opened = DiscussionClient(domain, bob, posts["begun"])  # type: ignore[arg-type]
    for client in (listed, opened):
        await client.join()
    await run(domain.communities.discussions.data.contribution(), alice.user_id, {})
    for client in (listed, opened):
        await client.catch_up()
    fresh = DiscussionClient(domain, bob, posts["begun"])  # type: ignore[arg-type]
    await fresh.join()
    assert opened.state() == fresh.state()
    assert list(listed.discussions) == [posts["theirs"]]
    page = await domain.communities.discussions.reading.page(bob, ReadDiscussions(community_id=community))
    assert [(one.discussion_id, one.comments) for one in page.discussions] == [(posts["theirs"], 1)]
    assert (await read_posts(domain, bob, posts["begun"]))[0] == "I was here"
    assert CANARY not in str([await Discussion.all().values(), await Comment.all().values()])
