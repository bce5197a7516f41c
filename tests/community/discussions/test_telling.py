"""Who is told of a comment, once each, and what is unread."""

from __future__ import annotations

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import BanMember
from mypick.community.discussions import telling
from mypick.community.discussions.commands import (
    DeleteDiscussion,
    FollowDiscussion,
    FollowWord,
    MarkDiscussionRead,
    ReadDiscussions,
)
from mypick.notifications.models import Notice
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, community, user
from tests.fakes import FakeClock
from tests.queries import counted


async def kinds(node: Node, who: Actor) -> list[str]:
    await node.carry_all()
    return [item.data.kind for item in (await node.notifications.unread(who)).items]


async def follow(node: Node, who: Actor, discussion: int, word: FollowWord) -> None:
    await node.communities.discussions.visits.follow(who, FollowDiscussion(discussion_id=discussion, follow=word))


async def read(node: Node, who: Actor, discussion: int, seq: int) -> None:
    await node.communities.discussions.visits.mark_read(who, MarkDiscussionRead(discussion_id=discussion, seq=seq))


async def test_the_author_the_answered_and_the_mentioned_hear_once(node: Node, cast: Cast) -> None:
    alice, bob, mo = cast["alice"], cast["bob"], cast["mo"]
    talk = await begin(node, alice, cast.community, "title", f"what do you say, <@{bob.user_id}>?")
    assert await kinds(node, bob) == ["mention"]
    first = await say(node, bob, talk.id, f"this, <@{alice.user_id}>")
    assert await kinds(node, alice) == ["reply"], "who is answered is not told of the mention too"
    await read(node, alice, talk.id, 1)
    await say(node, mo, talk.id, f"no, <@{alice.user_id}> <@{bob.user_id}>", first.id)
    assert await kinds(node, bob) == ["reply", "mention"]
    assert await kinds(node, alice) == ["reply", "reply"], "a follower who is mentioned hears once"
    (item, *_) = (await node.notifications.unread(bob)).items
    path = f"/communities/{cast.community}/discussions/{talk.id}?comment="
    assert item.data.url.startswith(path)
    assert (item.data.title, item.data.creator_id) == ("mo", cast.creator)


async def test_followers_hear_of_the_first_news_until_they_read(node: Node, cast: Cast) -> None:
    alice, bob, oz = cast["alice"], cast["bob"], cast["oz"]
    talk = await begin(node, alice, cast.community)
    await follow(node, oz, talk.id, "following")
    for number in range(5):
        await say(node, bob, talk.id, f"comment {number}")
    assert await kinds(node, oz) == ["reply"], "one notice for whoever stays away"
    assert await kinds(node, alice) == ["reply"] * 5, "whose discussion it is hears each answer"
    await read(node, oz, talk.id, 5)
    await say(node, bob, talk.id, "news")
    assert await kinds(node, oz) == ["reply"] * 2
    assert await kinds(node, bob) == [], "nobody hears of oneself"
    await say(node, oz, talk.id, "mine")
    assert await kinds(node, bob) == ["reply"], "who comments follows"


async def test_who_muted_it_hears_nothing(node: Node, cast: Cast) -> None:
    alice, bob = cast["alice"], cast["bob"]
    talk = await begin(node, alice, cast.community)
    await follow(node, alice, talk.id, "muted")
    first = await say(node, alice, talk.id, "writing does not unmute")
    await say(node, bob, talk.id, f"hello <@{alice.user_id}>", first.id)
    assert await kinds(node, alice) == []
    await follow(node, alice, talk.id, "none")
    await say(node, bob, talk.id, "hello again", first.id)
    assert await kinds(node, alice) == ["reply"]


async def test_those_who_may_not_read_are_not_told(node: Node, cast: Cast, clock: FakeClock) -> None:
    talk = await begin(node, cast["alice"], cast.community)
    await follow(node, cast["bob"], talk.id, "following")
    ban = BanMember(room_id=cast.room, user_id=cast["bob"].user_id, cid=cid())
    await node.communities.moderation.ban(cast["mo"], ban)
    guest = await user("guest", clock)
    await say(node, guest, talk.id, f"<@{cast['oz'].user_id}>, look")
    assert await kinds(node, cast["bob"]) == ["announcement"], "of the ban alone"
    assert await kinds(node, cast["oz"]) == [], "a newcomer's mention stands in the text alone"


async def test_a_giant_thread_tells_a_bounded_number_at_once(
    node: Node, cast: Cast, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MAX_TOLD", 4)
    talk = await begin(node, cast["alice"], cast.community)
    fans = [await user(f"fan{number}", clock) for number in range(10)]
    for fan in fans:
        await follow(node, fan, talk.id, "following")
    told = []
    for number in range(4):
        await say(node, cast["bob"], talk.id, f"comment {number}")
        told.append(sum([len(await kinds(node, fan)) for fan in fans]))
    assert told == [3, 7, 10, 10], "alice is one of the first four; each follower hears once"
    assert await Notice.filter(kind="reply").count() == 4


async def test_unread_are_the_comments_of_others_since_the_last_reading(node: Node, cast: Cast) -> None:
    alice, bob = cast["alice"], cast["bob"]
    talk = await begin(node, alice, cast.community)
    await say(node, alice, talk.id, "before")

    async def unread() -> tuple[int | None, int | None]:
        reading = node.communities.discussions.reading
        (listed,) = (await reading.page(bob, ReadDiscussions(community_id=cast.community))).discussions
        return listed.unread, (await reading.one(bob, talk.id)).unread

    assert await unread() == (None, None), "never read"
    await read(node, bob, talk.id, 1)
    assert await unread() == (0, 0)
    for number in range(3):
        await say(node, alice, talk.id, f"news {number}")
    await say(node, bob, talk.id, "my own")
    assert await unread() == (3, 3)
    await read(node, bob, talk.id, 3)
    await read(node, bob, talk.id, 1)
    assert await unread() == (1, 1), "a marker never moves back"
    await read(node, bob, talk.id, 10**9)
    await say(node, alice, talk.id, "later")
    assert await unread() == (1, 1), "nor beyond what there is"


async def test_a_community_says_how_many_of_its_discussions_have_news(two: list[Node], clock: FakeClock) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "bob")
    alice, bob = cast["alice"], cast["bob"]
    visits = node.communities.discussions.visits
    talks = [(await begin(node, alice, cast.community, f"talk {number}")).id for number in range(4)]
    read, muted, quiet, never = talks

    async def unread() -> int:
        return (await node.communities.reading.community(bob, cast.community)).unread_discussions

    for talk in (read, muted, quiet):
        await visits.mark_read(bob, MarkDiscussionRead(discussion_id=talk, seq=0))
    await visits.follow(bob, FollowDiscussion(discussion_id=muted, follow="muted"))
    last, *_ = [await say(node, alice, talk, "news") for talk in (read, muted, never)]
    assert await unread() == 1
    await say(node, bob, quiet, "my own")
    assert await unread() == 1
    with counted() as few:
        await unread()
    await visits.mark_read(bob, MarkDiscussionRead(discussion_id=read, seq=last.seq or 0))
    assert await unread() == 0
    await say(node, alice, read, "more")
    await say(node, alice, quiet, "more")
    with counted() as many:
        assert await unread() == 2
    assert len(many) == len(few)
    edits = node.communities.discussions.edits
    await edits.delete_discussion(alice, DeleteDiscussion(discussion_id=quiet, cid=cid()))
    assert await unread() == 1
