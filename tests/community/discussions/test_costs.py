"""How many statements the hot reads are: the same for one discussion and for many."""

from __future__ import annotations

import asyncio

from mypick.community.discussions.commands import MarkDiscussionRead, ReadComments, ReadDiscussions
from tests.community.discussions.stage import begin, say, vote
from tests.community.stage import Cast, Node
from tests.fakes import FakeClock
from tests.queries import counted

# who asks: community, membership, sanctions; then pinned, page, visits, votes, unread, people
LIST_PAGE = 9
# the same three; then the comments at the top, ids of two levels under them, those comments, people, votes
COMMENTS_PAGE = 9
# the same three; then where its stream stands, the discussion, visit, vote, unread, people
DISCUSSION = 9


async def test_hot_reads_have_a_fixed_number_of_statements(node: Node, cast: Cast, clock: FakeClock) -> None:
    alice, bob = cast["alice"], cast["bob"]
    reading, visits = node.communities.discussions.reading, node.communities.discussions.visits

    async def costs(discussion: int) -> list[int]:
        found = []
        for read in (
            lambda: reading.page(bob, ReadDiscussions(community_id=cast.community, sort="hot", limit=20)),
            lambda: reading.comments(bob, ReadComments(discussion_id=discussion, limit=20)),
            lambda: reading.one(bob, discussion),
        ):
            with counted() as statements:
                await read()
            found.append(len(statements))
        return found

    async def fill(discussion: int, top: int) -> None:
        await visits.mark_read(bob, MarkDiscussionRead(discussion_id=discussion, seq=0))
        await vote(node, bob, "up", discussion=discussion)
        for _ in range(top):
            last = None
            for _ in range(3):
                last = (await say(node, alice, discussion, f"<@{bob.user_id}>", last)).id

    talk = await begin(node, alice, cast.community)
    await fill(talk.id, 1)
    few = await costs(talk.id)
    assert few == [LIST_PAGE, COMMENTS_PAGE, DISCUSSION]
    others = await asyncio.gather(*(begin(node, alice, cast.community, f"talk {number}") for number in range(15)))
    for other in others:
        await fill(other.id, 0)
    await fill(talk.id, 12)
    assert await costs(talk.id) == few


async def test_a_busy_group_asks_once_who_its_people_are(node: Node, cast: Cast) -> None:
    """128 commands of one community in one transaction: three questions of standings, and not 384."""
    talk = await begin(node, cast["alice"], cast.community)
    with counted() as statements:
        await asyncio.gather(*(vote(node, cast["bob"], "up", discussion=talk.id) for _ in range(60)))
    assert len([one for one in statements if "FROM \"membership\"" in one]) <= 3
