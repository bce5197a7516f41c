"""Links in discussions and comments show what is behind them, as those in messages do."""

from __future__ import annotations

from mypick.accounts.actor import Actor
from mypick.community.commands import DecideHeld
from mypick.community.discussions.commands import (
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    EditDiscussion,
    ReportComment,
)
from mypick.community.discussions.models import PostPreview
from mypick.community.discussions.previewing import POST_PREVIEW, PostPreviewing
from mypick.community.policy import Role
from mypick.community.previewing import PRIORITY
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.models import Job
from mypick.jobs.work import Kind
from mypick.previews.fetching import Found
from mypick.previews.service import Previews
from tests.community.discussions.stage import DiscussionClient, begin, say
from tests.community.stage import Cast, Node, cid, community, user
from tests.community.test_previews import LINK, SHOWN, Web, web
from tests.fakes import FakeClock

__all__ = ["web"]
OTHER = "https://b.example/y"


async def look(node: Node, web: Web, clock: FakeClock) -> int:
    """What a worker does. How many jobs."""
    handler, done = PostPreviewing(node.streams, Previews(web, clock)).run, 0
    claims = Claims(clock, {POST_PREVIEW: Kind(POST_PREVIEW, handler, PRIORITY, 5, 60.0, 60.0, BackOff(1.0, 2.0))})
    while claim := await claims.claim(lane_of(PRIORITY)):
        await claim.kind.handler(claim.work)
        await claims.finish(claim.work)
        done += 1
    return done


class Reader:
    """Somebody who has the discussion open, and is always the same as who comes in."""

    def __init__(self, node: Node, who: Actor, discussion: int) -> None:
        self._of = (node, who, discussion)
        self.client = DiscussionClient(*self._of)

    async def read(self) -> DiscussionClient:
        if self.client.epoch:
            await self.client.catch_up()
        else:
            await self.client.join()
        fresh = DiscussionClient(*self._of)
        await fresh.join()
        assert self.client.state() == fresh.state()
        return self.client


async def test_a_preview_follows_the_text(two: list[Node], clock: FakeClock, web: Web) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob")
    edits = node.communities.discussions.edits
    web.pages[OTHER] = Found("page", "Another", "", "b.example")
    talk = await begin(node, cast["alice"], cast.community, "A title", f"look: {LINK}!")
    comment = await say(node, cast["alice"], talk.id, f"and {LINK}")
    reader = Reader(other, cast["bob"], talk.id)
    await reader.read()
    assert await look(node, web, clock) == 2
    seen = await reader.read()
    assert (seen.head["preview"], seen.comments[comment.id]["preview"]) == (SHOWN, SHOWN)
    assert web.asked == [LINK], "one cache for all"

    words = EditComment(comment_id=comment.id, cid=cid(), text=f"rather {OTHER}", rev=1)
    await edits.edit_comment(cast["alice"], words)
    assert (await reader.read()).comments[comment.id]["preview"] is None, "it belonged to another link"
    await look(node, web, clock)
    assert (await reader.read()).comments[comment.id]["preview"]["title"] == "Another"
    wrapped = EditDiscussion(discussion_id=talk.id, cid=cid(), title="A title", text=f"look: <{LINK}>", rev=1)
    await edits.edit_discussion(cast["alice"], wrapped)
    await look(node, web, clock)
    assert (await reader.read()).head["preview"] is None
    assert await PostPreview.all().count() == 1

    await edits.delete_comment(cast["alice"], DeleteComment(comment_id=comment.id, cid=cid()))
    assert (await reader.read()).comments[comment.id]["preview"] is None
    assert await PostPreview.all().count() == 0


async def test_what_is_hidden_or_gone_shows_no_link(node: Node, cast: Cast, clock: FakeClock, web: Web) -> None:
    services = node.communities.discussions
    talk = await begin(node, cast["alice"], cast.community, "A title", LINK)
    comment = await say(node, cast["alice"], talk.id, LINK)
    late = await say(node, cast["alice"], talk.id, OTHER)
    await services.edits.delete_comment(cast["alice"], DeleteComment(comment_id=late.id, cid=cid()))
    await look(node, web, clock)
    reader = Reader(node, cast["bob"], talk.id)
    assert (await reader.read()).comments[comment.id]["preview"] == SHOWN
    assert OTHER not in web.asked, "it was gone before a worker came"
    told = ReportComment(comment_id=comment.id, reason="rude", cid=cid())
    await services.reports.report_comment(cast["mo"], told)
    hidden = (await reader.read()).comments[comment.id]
    assert (hidden["hidden"], hidden["preview"]) == (True, None)
    await services.reports.dismiss_comment(cast["mo"], comment.id)
    assert (await reader.read()).comments[comment.id]["preview"] == SHOWN
    await services.edits.delete_discussion(cast["alice"], DeleteDiscussion(discussion_id=talk.id, cid=cid()))
    assert (await reader.read()).head["preview"] is None
    assert [row.post_id for row in await PostPreview.all()] == [comment.id]


async def test_a_held_link_is_looked_at_once_it_is_let_through(
    node: Node, cast: Cast, clock: FakeClock, web: Web
) -> None:
    guest = await user("guest", clock)
    talk = await begin(node, cast["alice"], cast.community)
    held = await say(node, guest, talk.id, LINK)
    assert await Job.filter(kind=POST_PREVIEW).count() == 0, "nobody is told that somebody wrote it"
    await node.communities.held.decide(cast["mo"], DecideHeld(message_id=held.id, approve=True, cid=cid()))
    await look(node, web, clock)
    assert (await Reader(node, cast["bob"], talk.id).read()).comments[held.id]["preview"] == SHOWN


async def test_purges_take_previews_along(two: list[Node], clock: FakeClock, web: Web) -> None:
    node = two[0]
    cast = await community(node, clock, "alice", "mo", roles={"mo": Role.MODERATOR})
    talk = await begin(node, cast["mo"], cast.community)
    comment = await say(node, cast["alice"], talk.id, LINK)
    await look(node, web, clock)
    await node.communities.discussions.burying.comments(
        talk.id, [comment.id], actor_id=cast["mo"].user_id, by_moderator=True, also=None
    )
    assert await PostPreview.all().count() == 0
