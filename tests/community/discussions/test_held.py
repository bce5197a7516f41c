"""What is held of discussions: moderators alone see it, live, its author hears what became of it, and it ends."""

from __future__ import annotations

import asyncio

from mypick.accounts.actor import Actor
from mypick.community.commands import DecideHeld
from mypick.community.desk.commands import ClaimItem, PurgeMember
from mypick.community.desk.expiry import KEEP
from mypick.community.desk.touches import ItemKind
from mypick.community.discussions.commands import (
    DecideHeldPost,
    DeleteDiscussion,
    LockDiscussion,
    ReadComments,
    ReadDiscussions,
)
from mypick.community.discussions.models import HeldPost
from mypick.community.models import ModerationEntry
from mypick.community.policy import Role
from mypick.community.streams import community_stream
from mypick.errors import Code
from mypick.search.commands import SearchTexts
from tests.community.discussions.stage import begin, said, say
from tests.community.stage import Cast, Node, cid, code, community, refused, user
from tests.community.test_erasure import CANARY, everything
from tests.fakes import FakeClock

LINK = f"https://{CANARY}.example/"


async def decide(node: Node, who: Actor, item: int, *, approve: bool) -> int | None:
    """By the command of the desk, which takes whatever is held."""
    return (await node.communities.held.decide(who, DecideHeld(message_id=item, approve=approve, cid=cid()))).seq


async def heard(node: Node, who: Actor) -> list[tuple[str, str]]:
    """Titles and addresses of what somebody was told, the newest first."""
    await node.carry_all()
    return [(item.data.title, item.data.url) for item in (await node.notifications.unread(who)).items]


async def test_held_posts_stand_at_the_desk_of_every_node(two: list[Node], clock: FakeClock) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "mo", "bo", roles={"mo": Role.MODERATOR, "bo": Role.MODERATOR})
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    chat = await node.send(guest, cast.room, "see www.first.example")
    comment = await say(node, guest, talk.id, LINK)
    begun = await begin(node, guest, cast.community, "A title", LINK)
    assert await node.carry_desk() == 3
    desk = other.communities.desk
    kind: ItemKind = "held"
    items = (await desk.list(cast["mo"], cast.community, kind, None, 10)).items
    assert [(one.id, one.subject, one.room_id, one.discussion_id, one.title, one.cause) for one in items] == [
        (chat.id, "message", cast.room, None, "", "link"),
        (comment.id, "comment", None, talk.id, "", "link"),
        (begun.id, "discussion", None, None, "A title", "link"),
    ]
    assert items[1].text == items[2].text == LINK
    first = await desk.list(cast["mo"], cast.community, kind, None, 2)
    rest = await desk.list(cast["mo"], cast.community, kind, first.next_cursor, 2)
    assert [one.id for one in (*first.items, *rest.items)] == [chat.id, comment.id, begun.id]
    _, joined = await desk.join(cast["mo"], cast.community, None, None)
    assert joined.counts.held == 3
    take = ClaimItem(community_id=cast.community, kind=kind, id=comment.id, on=True)
    assert (await desk.claim(cast["mo"], take)).claimed_by == cast["mo"].user_id
    assert code(await refused(node.communities.desk.claim(cast["bo"], take))) is Code.CONFLICT
    elsewhere = await community(node, clock, roles={})
    theirs = ClaimItem(community_id=elsewhere.community, kind=kind, id=comment.id, on=True)
    root = await user("root", clock, "admin")
    assert code(await refused(node.communities.desk.claim(root, theirs))) is Code.NOT_FOUND

    outcomes = await asyncio.gather(
        *(decide(at, cast[who], comment.id, approve=who == "mo") for at in two for who in ("mo", "bo")),
        return_exceptions=True,
    )
    assert [code(one) for one in outcomes].count(Code.CONFLICT) == 3, "the first one holds"
    await decide(other, cast["bo"], begun.id, approve=False)
    await node.carry_desk()
    events = (await other.streams.store.resume(f"desk:{cast.community}", None, 0))["events"]
    assert CANARY not in str(events)
    last = {event["data"]["id"]: event["data"] for event in events}
    assert [last[one]["waiting"] for one in (chat.id, comment.id, begun.id)] == [True, False, False]
    assert (last[begun.id]["counts"]["held"], last[comment.id]["claimed_by"]) == (1, None)


async def test_nobody_else_learns_of_what_is_held(node: Node, cast: Cast, clock: FakeClock) -> None:
    """Neither readers nor other writers nor who it names: by pages, searches, counts, replays, exports or notices."""
    bob, guest, services = cast["bob"], await user("guest", clock), node.communities.discussions
    talk = await begin(node, cast["alice"], cast.community)
    answered = await say(node, bob, talk.id, "who sings?")
    streams = [community_stream(cast.community), f"discussion:{talk.id}", f"inbox:{bob.user_id}"]

    async def all_that_can_be_seen() -> str:
        seen: list[object] = [await node.streams.store.resume(stream, None, 0) for stream in streams]
        seen.append(await services.reading.page(bob, ReadDiscussions(community_id=cast.community, sort="new")))
        seen.append(await services.reading.comments(bob, ReadComments(discussion_id=talk.id, sort="new")))
        seen.append(await services.reading.one(bob, talk.id))
        seen.append(await services.reading.in_context(bob, answered.id))
        seen.append(await node.communities.reading.community(bob, cast.community))
        seen.append(await node.communities.search.search(bob, SearchTexts(q="canary")))
        seen.append(await node.communities.search.search(bob, SearchTexts(q=f"from:{guest.user_id}")))
        seen.append(await node.notifications.unread(bob))
        for contribution in (node.communities.data.contribution(), services.data.contribution()):
            seen += [rows for section in contribution.sections async for rows in section.pages(bob.user_id)]
        return str(seen)

    await node.carry_all()
    before = await all_that_can_be_seen()
    comment = await say(node, guest, talk.id, f"{LINK} <@{bob.user_id}>", reply_to=answered.id)
    begun = await begin(node, guest, cast.community, CANARY, f"{LINK} <@{bob.user_id}>")
    assert {comment.status, begun.status} == {"held"}
    await node.carry_all()
    assert await all_that_can_be_seen() == before
    for one in (comment.id, begun.id):
        await decide(node, cast["mo"], one, approve=False)
    assert await all_that_can_be_seen() == before
    assert CANARY not in await everything(), "what is thrown away is nowhere"
    assert {entry.action for entry in await ModerationEntry.all()} == {"reject-held"}


async def test_authors_hear_what_became_of_their_posts(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    page = f"/communities/{cast.community}"
    here = f"{page}/discussions/{talk.id}"
    expected = []
    for approve, comment_word, discussion_word in (
        (True, "your comment is there", "your discussion is there"),
        (False, "your comment was not shown", "your discussion was not shown"),
    ):
        clock.advance(60)
        comment = await say(node, guest, talk.id, f"https://a{approve}.example/")
        begun = await begin(node, guest, cast.community, "A title", f"https://b{approve}.example/")
        for one in (comment.id, begun.id):
            await decide(node, cast["mo"], one, approve=approve)
        expected += [
            (f"somebody: {comment_word}", f"{here}?comment={comment.id}" if approve else here),
            (f"somebody: {discussion_word}", f"{page}/discussions/{begun.id}" if approve else page),
        ]
    assert await heard(node, guest) == expected[::-1]
    assert await said(node, cast["bob"], talk.id) == ["https://aTrue.example/"]


async def test_what_nobody_looks_at_is_given_up_and_its_author_told(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest, posts = await user("guest", clock), node.communities.discussions.held
    talk = await begin(node, cast["alice"], cast.community)
    old = [await say(node, guest, talk.id, LINK), await begin(node, guest, cast.community, "old", LINK)]
    clock.advance(KEEP.total_seconds() - 60)
    new = await say(node, guest, talk.id, "https://new.example/")
    assert await posts.give_up_old() == 0
    clock.advance(120)
    await node.carry_desk()
    assert await posts.give_up_old() == 2
    assert await posts.give_up_old() == 0
    assert await node.carry_desk() == 2, "the desk is told"
    assert await heard(node, guest) == [
        ("somebody: your discussion was not shown", f"/communities/{cast.community}"),
        ("somebody: your comment was not shown", f"/communities/{cast.community}/discussions/{talk.id}"),
    ]
    assert {row.id: row.status for row in await HeldPost.all()} == {
        **{one.id: "expired" for one in old}, new.id: "waiting",
    }  # fmt: skip
    assert CANARY not in await everything()
    late = await refused(decide(node, cast["mo"], old[0].id, approve=True))
    assert (late.code, late.message) == (Code.CONFLICT, "it was expired already")


async def test_a_decision_on_what_cannot_stand_any_more_says_so(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest, services = await user("guest", clock), node.communities.discussions
    talk = await begin(node, cast["alice"], cast.community)
    locked = await say(node, guest, talk.id, "https://locked.example/")
    gone = await say(node, guest, talk.id, "https://gone.example/")
    await services.desk.lock(cast["mo"], LockDiscussion(discussion_id=talk.id, cid=cid(), on=True))
    assert await decide(node, cast["mo"], locked.id, approve=True) is not None, "a moderator may, also in a locked one"
    await services.edits.delete_discussion(cast["alice"], DeleteDiscussion(discussion_id=talk.id, cid=cid()))
    assert code(await refused(decide(node, cast["mo"], gone.id, approve=True))) is Code.GONE
    assert await decide(node, cast["mo"], gone.id, approve=False) is None
    assert code(await refused(decide(node, cast["mo"], 10**9, approve=False))) is Code.NOT_FOUND


async def test_the_same_decision_twice_gets_the_same_reply(node: Node, cast: Cast, clock: FakeClock) -> None:
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    held = await say(node, guest, talk.id, LINK)
    command = DecideHeld(message_id=held.id, approve=True, cid="one")
    first = await node.communities.held.decide(cast["mo"], command)
    assert await node.communities.held.decide(cast["mo"], command) == first
    same = DecideHeldPost(post_id=held.id, approve=True, cid="one")
    assert await node.communities.discussions.held.decide(cast["mo"], same) == first, "by whichever door"
    assert len(await said(node, cast["bob"], talk.id)) == 1


async def test_the_desk_hears_of_purges_and_erasures(node: Node, cast: Cast, clock: FakeClock) -> None:
    for leave in ("purge", "erase"):
        guest = await user(leave, clock)
        talk = await begin(node, cast["alice"], cast.community, leave)
        await say(node, guest, talk.id, f"https://{leave}.example/")
        await node.send(guest, cast.room, f"https://{leave}.example/chat")
        await node.carry_desk()
        _, joined = await node.communities.desk.join(cast["mo"], cast.community, None, None)
        assert joined.counts.held == 2
        if leave == "purge":
            gone = PurgeMember(room_id=cast.room, user_id=guest.user_id, everywhere=True, cid=cid())
            await node.communities.purges.purge(cast["mo"], gone)
        else:
            for data in (node.communities.data, node.communities.discussions.data):
                steps = [step for step in data.contribution().steps if step.name.startswith("held")]
                assert [await step.run(guest.user_id, 0) for step in steps] == [None]
        await node.carry_desk()
        events = (await node.streams.store.resume(f"desk:{cast.community}", joined.epoch, joined.head_seq))["events"]
        told = [event["data"] for event in events if event["data"]["kind"] == "held"]
        assert [(one["waiting"], one["counts"]["held"]) for one in told] == [(False, 0)] * 2
