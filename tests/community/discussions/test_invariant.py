"""The invariant: a client with an old state that applies the events ends equal to a fresh snapshot."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.expressions import F

from mypick.accounts.actor import Actor
from mypick.community.commands import BanMember, TimeoutMember, UnbanMember
from mypick.community.discussions.commands import (
    DecideHeldPost,
    DeleteComment,
    DeleteDiscussion,
    EditComment,
    EditDiscussion,
    LockDiscussion,
    PinDiscussion,
)
from mypick.community.discussions.models import Comment, Discussion, HeldPost, Vote
from mypick.community.policy import Role
from mypick.errors import DomainError
from mypick.streams.models import Stream
from tests.community.discussions.stage import DiscussionClient, ListClient, begin, say, vote
from tests.community.stage import Cast, Node, cid, community
from tests.fakes import FakeClock

WHO = st.sampled_from(["guest", "alice", "bob", "mo", "oz"])
WHOM = st.sampled_from(["guest", "alice", "bob"])
WHICH = st.integers(0, 3)  # of the newest discussions, or comments
TEXT = st.sampled_from(["hello", "hi <@1>", "안녕", "see https://x.example/"])
WORD = st.sampled_from(["up", "down", "none"])
STEP = st.one_of(
    st.tuples(st.just("begin"), WHO, TEXT),
    st.tuples(st.just("say"), WHO, WHICH, TEXT),
    st.tuples(st.just("answer"), WHO, WHICH),
    st.tuples(st.just("edit"), WHO, WHICH),
    st.tuples(st.just("edit-comment"), WHO, WHICH),
    st.tuples(st.just("delete"), WHO, WHICH),
    st.tuples(st.just("delete-comment"), WHO, WHICH),
    st.tuples(st.just("vote"), WHO, WHICH, WORD),
    st.tuples(st.just("vote-comment"), WHO, WHICH, WORD),
    st.tuples(st.just("lock"), WHO, WHICH, st.booleans()),
    st.tuples(st.just("pin"), WHO, WHICH, st.booleans()),
    st.tuples(st.just("sanction"), WHO, WHOM, st.sampled_from(["timeout", "ban", "unban"])),
    st.tuples(st.just("decide"), WHO, st.booleans()),
)
ROLES = {"mo": Role.MODERATOR, "oz": Role.OWNER, "guest": Role.NEWCOMER, "watcher": Role.ADMIN}
NAMES = ("guest", "alice", "bob", "mo", "oz", "watcher")
_examples = count()


class Scene:
    """The discussions of one community, and everything that can be done in them."""

    def __init__(self, cast: Cast, people: dict[str, Actor]) -> None:
        self.cast, self.people = cast, people
        self.done = 0

    async def play(self, node: Node, step: tuple[Any, ...]) -> None:
        """Do it, or be refused: both must leave the logs and the state in step."""
        try:
            await self._do(node, *step)
            self.done += 1
        except DomainError:
            return

    async def _do(self, node: Node, what: str, name: str, *rest: Any) -> None:
        discussions, actor = node.communities.discussions, self.people[name]
        match what, rest:
            case "begin", (text,):
                await begin(node, actor, self.cast.community, "A title", text)
            case "sanction", (whom, kind):
                await self._sanction(node, actor, self.people[whom].user_id, kind)
            case "decide", (approve,):
                if held := await HeldPost.filter(community_id=self.cast.community, status="waiting").first():
                    decide = DecideHeldPost(post_id=held.id, approve=approve, cid=cid())
                    await discussions.held.decide(actor, decide)
            case "answer" | "edit-comment" | "delete-comment" | "vote-comment", (which, *more):
                if comment := await self._comment(which):
                    await self._do_to_comment(node, what, actor, comment, more)
            case _, (which, *more):
                if talk := await self._talk(which):
                    await self._do_to(node, what, actor, talk, more)

    async def _sanction(self, node: Node, actor: Actor, user_id: int, kind: str) -> None:
        moderation, on_whom = node.communities.moderation, {"room_id": self.cast.room, "user_id": user_id, "cid": cid()}
        if kind == "timeout":
            await moderation.timeout(actor, TimeoutMember.model_validate({**on_whom, "seconds": 5}))
        elif kind == "ban":
            await moderation.ban(actor, BanMember.model_validate(on_whom))
        else:
            await moderation.unban(actor, UnbanMember.model_validate(on_whom))

    async def _talk(self, which: int) -> Discussion | None:
        rows = await Discussion.filter(community_id=self.cast.community).order_by("-id").limit(which + 1)
        return rows[-1] if rows else None

    async def _comment(self, which: int) -> Comment | None:
        talks = await Discussion.filter(community_id=self.cast.community).values_list("id")
        rows = await Comment.filter(discussion_id__in=[row[0] for row in talks]).order_by("-id").limit(which + 1)
        return rows[-1] if rows else None

    async def _do_to(self, node: Node, what: str, actor: Actor, talk: Discussion, more: list[Any]) -> None:
        discussions, on = node.communities.discussions, {"discussion_id": talk.id, "cid": cid()}
        match what, more:
            case "say", [text]:
                await say(node, actor, talk.id, text)
            case "edit", []:
                text = {"title": f"{talk.title or 'x'}!"[:150], "text": f"{talk.text or 'x'}!", "rev": talk.rev}
                await discussions.edits.edit_discussion(actor, EditDiscussion.model_validate({**on, **text}))
            case "delete", []:
                await discussions.edits.delete_discussion(actor, DeleteDiscussion.model_validate(on))
            case "vote", [word]:
                await vote(node, actor, word, discussion=talk.id)
            case "lock", [put]:
                await discussions.desk.lock(actor, LockDiscussion.model_validate({**on, "on": put}))
            case "pin", [put]:
                await discussions.desk.pin(actor, PinDiscussion.model_validate({**on, "on": put}))
            case unknown:
                raise AssertionError(unknown)

    async def _do_to_comment(self, node: Node, what: str, actor: Actor, comment: Comment, more: list[Any]) -> None:
        edits, on = node.communities.discussions.edits, {"comment_id": comment.id, "cid": cid()}
        match what, more:
            case "answer", []:
                await say(node, actor, comment.discussion_id, f"answer {comment.id}", comment.id)
            case "edit-comment", []:
                edit = EditComment.model_validate({**on, "text": f"{comment.text or 'x'}!", "rev": comment.rev})
                await edits.edit_comment(actor, edit)
            case "delete-comment", []:
                await edits.delete_comment(actor, DeleteComment.model_validate(on))
            case "vote-comment", [word]:
                await vote(node, actor, word, comment=comment.id)
            case unknown:
                raise AssertionError(unknown)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rounds=st.lists(st.lists(STEP, min_size=1, max_size=8), min_size=1, max_size=6))
async def test_old_state_and_its_events_make_a_fresh_snapshot(
    two: list[Node], clock: FakeClock, rounds: list[list[tuple[Any, ...]]]
) -> None:
    """Commands of five people at random, all of a round at the same time through two nodes. Clients come in before each
    round; at the end, when the counts of the last second are told, all of them have seen the same."""
    number = next(_examples)
    names = {name: f"{name}-{number}" for name in NAMES}
    cast = await community(two[0], clock, *names.values(), roles={names[name]: role for name, role in ROLES.items()})
    scene = Scene(cast, {name: cast[long] for name, long in names.items()})
    watcher = scene.people["watcher"]
    clients: list[ListClient | DiscussionClient] = []
    await begin(two[0], scene.people["alice"], cast.community, "The first", "text")
    for at, steps in enumerate(rounds):
        node = two[at % 2]
        clients.append(ListClient(node, watcher, cast.community))
        newest = await Discussion.filter(community_id=cast.community).order_by("-id").limit(2).values_list("id")
        clients += [DiscussionClient(node, watcher, row[0]) for row in newest]
        for client in clients[-1 - len(newest) :]:
            await client.join()
        await asyncio.gather(*(scene.play(two[place % 2], step) for place, step in enumerate(steps)))
        clock.advance(0.7)
    clock.advance(1)
    await two[1].carry_all()
    for client in clients:
        await client.catch_up()
        fresh = type(client)(two[0], watcher, _of(client))
        await fresh.join()
        assert client.state() == fresh.state()
    await assert_counts_are_true(cast.community)


def _of(client: ListClient | DiscussionClient) -> int:
    return client._community if isinstance(client, ListClient) else client._discussion


async def assert_counts_are_true(community_id: int) -> None:
    """What is kept in rows is what can be counted, and no stream has a gap or an end of its own."""
    for talk in await Discussion.filter(community_id=community_id):
        comments = await Comment.filter(discussion_id=talk.id).order_by("seq")
        assert talk.comments == len([row for row in comments if row.deleted_at is None])
        assert talk.untold == 0
        posts: list[Discussion | Comment] = [talk, *comments]
        for post in posts:
            values = [row.value for row in await Vote.filter(post_id=post.id)]
            assert (post.ups, post.downs) == (values.count(1), values.count(-1))
            assert post.score == sum(values)
        for row in comments:
            assert row.replies == len([other for other in comments if other.parent_id == row.id])
    over = await Stream.filter(head_seq__lt=F("floor_seq")).count()
    assert over == 0


async def test_every_kind_of_change_made_while_away_reaches_the_client(two: list[Node], clock: FakeClock) -> None:
    """The same without chance: each command in turn, and clients that have not heard since before it."""
    cast = await community(two[0], clock, *NAMES, roles=ROLES)
    scene = Scene(cast, {name: cast[name] for name in NAMES})
    steps: list[tuple[Any, ...]] = [
        ("begin", "alice", "hello <@1>"),
        ("say", "bob", 0, "안녕"),
        ("answer", "alice", 0),
        ("edit", "alice", 0),
        ("edit-comment", "alice", 0),
        ("vote", "guest", 0, "up"),
        ("vote", "bob", 0, "down"),
        ("vote-comment", "oz", 1, "up"),
        ("lock", "mo", 0, True),
        ("lock", "mo", 0, False),
        ("pin", "mo", 0, True),
        ("delete-comment", "mo", 1),
        ("say", "guest", 0, "see https://x.example/"),
        ("decide", "mo", True),
        ("begin", "guest", "see https://x.example/"),
        ("decide", "mo", True),
        ("sanction", "mo", "guest", "ban"),
        ("delete", "alice", 1),
    ]
    first = 0
    for done, step in enumerate(steps):
        clients: list[ListClient | DiscussionClient] = [ListClient(two[1], cast["watcher"], cast.community)]
        if first:
            clients.append(DiscussionClient(two[1], cast["watcher"], first))
        for client in clients:
            await client.join()
        await scene.play(two[0], step)
        assert scene.done == done + 1, f"{step} was refused"
        clock.advance(1)
        await two[0].carry_all()
        for client in clients:
            await client.catch_up()
            fresh = type(client)(two[0], cast["watcher"], _of(client))
            await fresh.join()
            assert client.state() == fresh.state(), step
        first = first or (await Discussion.get()).id
    await assert_counts_are_true(cast.community)
