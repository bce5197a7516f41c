"""Terms that are set while people write: nothing that breaks one is accepted behind its commit, wherever it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import pytest

from mypick import db
from mypick.community.discussions.commands import EditComment, EditDiscussion
from mypick.community.discussions.models import Comment, Discussion, PostRevision
from mypick.community.entry.commands import CreateRoom
from mypick.community.models import Community
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.community.terms.commands import SetTerm
from mypick.community.terms.matchers import Matchers
from mypick.community.terms.matching import Matcher
from mypick.db import open_database
from mypick.errors import Code, DomainError
from mypick.streams import Append
from mypick.streams.events import Done
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, community, nodes
from tests.fakes import FakeClock

BEHIND = 3  # attempts of each writer after the term has committed


async def set_term(node: Node, cast: Cast, text: str) -> None:
    command = SetTerm(community_id=cast.community, cid=cid(), text=text, effect="block")
    await node.communities.terms.set(cast["oz"], command)


async def banana_posts() -> int:
    """Texts with the word that were ever accepted: those that stand, and those that an edit replaced."""
    return (
        await Comment.filter(text__contains="banana").count()
        + await Discussion.filter(text__contains="banana").count()
        + await PostRevision.filter(text__contains="banana").count()
    )


async def test_a_term_holds_in_discussions_from_its_commit(two: list[Node], clock: FakeClock) -> None:
    """On both nodes people comment, edit and begin discussions without a pause while the term is set."""
    names = [f"{deed}{number}" for number in range(2) for deed in ("says", "edits", "begins", "rewords")]
    cast = await community(two[0], clock, "oz", *names, roles={"oz": Role.OWNER})
    await set_term(two[0], cast, "something")
    talk = await begin(two[0], cast["oz"], cast.community)
    done = asyncio.Event()

    async def keep(deed: Callable[[int], Awaitable[object]]) -> list[Code | None]:
        outcomes: list[Code | None] = []
        behind = number = 0
        while behind < BEHIND:
            behind, number = behind + done.is_set(), number + 1
            try:
                await deed(number)
                outcomes.append(None)
            except DomainError as refusal:
                outcomes.append(refusal.code)
        return outcomes

    def writers(node: Node, number: int, comment: int, discussion: int) -> list[Callable[[int], Awaitable[object]]]:
        posts = node.communities.discussions
        revs = {"comment": 0, "discussion": 0}

        async def edit(turn: int) -> None:
            words = EditComment(comment_id=comment, cid=cid(), text=f"banana {turn}", rev=revs["comment"] + 1)
            revs["comment"] = (await posts.edits.edit_comment(cast[f"edits{number}"], words)).rev - 1

        async def reword(turn: int) -> None:
            words = EditDiscussion(
                discussion_id=discussion, cid=cid(), title="A title", text=f"banana {turn}", rev=revs["discussion"] + 1
            )
            revs["discussion"] = (await posts.edits.edit_discussion(cast[f"rewords{number}"], words)).rev - 1

        return [
            lambda turn: say(node, cast[f"says{number}"], talk.id, f"banana {number} {turn}"),
            lambda turn: begin(node, cast[f"begins{number}"], cast.community, f"{number} {turn}", f"banana {turn}"),
            edit,
            reword,
        ]

    writing = []
    for number, node in enumerate(two):
        comment = await say(node, cast[f"edits{number}"], talk.id, "a fruit")
        own = await begin(node, cast[f"rewords{number}"], cast.community)
        writing += [asyncio.create_task(keep(deed)) for deed in writers(node, number, comment.id, own.id)]
    while await banana_posts() < len(writing):
        await asyncio.sleep(0)
    await set_term(two[1], cast, "banana")
    accepted = await banana_posts()
    done.set()
    for outcomes in await asyncio.gather(*writing):
        assert outcomes[0] is None, "it could be said before"
        assert outcomes[-BEHIND:] == [Code.BLOCKED] * BEHIND
    assert await banana_posts() == accepted, "nothing was accepted behind the commit"


@pytest.mark.parametrize("where", ["comment", "discussion", "edit"])
async def test_a_term_waits_for_what_is_under_way(
    postgres_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A post has been looked at and is not committed: a term that it breaks commits after it, never before."""
    async with open_database(postgres_url), nodes(clock, "a", "b") as (node, other):
        cast = await community(node, clock, "alice", "oz", roles={"oz": Role.OWNER})
        await set_term(node, cast, "something")
        talk = await begin(node, cast["alice"], cast.community)
        comment = await say(node, cast["alice"], talk.id, "a fruit")
        looked, go_on = asyncio.Event(), asyncio.Event()
        of = Matchers.of

        async def slow(self: Matchers, row: Community) -> Matcher:
            matcher = await of(self, row)
            looked.set()
            await go_on.wait()
            return matcher

        monkeypatch.setattr(Matchers, "of", slow)
        edit = EditComment(comment_id=comment.id, cid=cid(), text="banana", rev=1)
        deeds: dict[str, Coroutine[object, object, object]] = {
            "comment": say(node, cast["alice"], talk.id, "banana"),
            "discussion": begin(node, cast["alice"], cast.community, "A title", "banana"),
            "edit": node.communities.discussions.edits.edit_comment(cast["alice"], edit),
        }
        writing = asyncio.create_task(deeds.pop(where))
        for deed in deeds.values():
            deed.close()
        await looked.wait()
        setting = asyncio.create_task(set_term(other, cast, "banana"))
        while not setting.done() and not await waiting_for_locks():
            await asyncio.sleep(0)
        assert not setting.done(), "it would have committed before what breaks it"
        go_on.set()
        await asyncio.gather(writing, setting)
        assert await banana_posts() == 1


async def waiting_for_locks() -> bool:
    rows = await db.connection().execute_query_dict("SELECT 1 FROM pg_locks WHERE NOT granted")
    return bool(rows)


async def test_a_room_that_is_being_opened_stands_still_too(
    two: list[Node], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other node opens a room between the look at the rooms and the locks of the term."""
    node, other = two
    cast = await community(node, clock, "oz", roles={"oz": Role.OWNER})
    held: list[Sequence[str]] = []
    append = node.streams.append
    late = CreateRoom(name="late")

    async def watched(unit: Append) -> Done:
        held.append(unit.streams)
        if len(held) == 1:
            await other.communities.settings.create_room(cast["oz"], cast.community, late)
        return await append(unit)

    monkeypatch.setattr(node.streams, "append", watched)
    await set_term(node, cast, "banana")
    rooms = [room.id for room in (await node.communities.reading.community(cast["oz"], cast.community)).rooms]
    assert len(rooms) == 2
    assert {room_of(room) for room in rooms} - set(held[0]), "it was not known at first"
    assert {room_of(room) for room in rooms} <= set(held[-1])
