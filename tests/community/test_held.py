"""What is held is heard of: by whom it answers once it is shown, by its author where it is not."""

from __future__ import annotations

from mypick.community.commands import DecideHeld
from mypick.community.desk.expiry import KEEP
from mypick.community.models import HeldMessage
from mypick.errors import Code
from tests.community.stage import Cast, Node, cid, refused, texts, user
from tests.community.test_mentions import kinds
from tests.fakes import FakeClock


async def test_who_is_answered_hears_when_a_held_message_is_let_through(
    node: Node, cast: Cast, clock: FakeClock
) -> None:
    carol = await user("carol", clock)
    question = await node.send(cast["bob"], cast.room, "where?")
    held = await node.send(carol, cast.room, "https://here.example/", reply_to=question.id)
    assert await kinds(node, cast["bob"]) == [], "what is held is known to nobody"
    await node.communities.held.decide(cast["mo"], DecideHeld(message_id=held.id, approve=True, cid=cid()))
    assert await kinds(node, cast["bob"]) == ["reply"]
    assert await kinds(node, carol) == [], "she sees it in the room"


async def test_an_author_hears_that_a_message_was_thrown_away(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = await user("carol", clock)
    held = await node.send(carol, cast.room, "https://here.example/")
    reject = DecideHeld(message_id=held.id, approve=False, cid=cid())
    await node.communities.held.decide(cast["mo"], reject)
    await node.communities.held.decide(cast["mo"], reject)
    assert await kinds(node, carol) == ["announcement"]


async def test_what_nobody_looks_at_is_given_up_and_its_author_told(node: Node, cast: Cast, clock: FakeClock) -> None:
    carol = await user("carol", clock)
    old = await node.send(carol, cast.room, "https://old.example/")
    clock.advance(KEEP.total_seconds() - 60)
    new = await node.send(carol, cast.room, "https://new.example/")
    assert await node.communities.held.give_up_old() == 0
    clock.advance(120)
    assert await node.communities.held.give_up_old() == 1
    assert await node.communities.held.give_up_old() == 0
    assert await kinds(node, carol) == ["announcement"]
    rows = {row.id: (row.status, row.text) for row in await HeldMessage.all()}
    assert rows == {old.id: ("expired", ""), new.id: ("waiting", "https://new.example/")}
    approve = DecideHeld(message_id=old.id, approve=True, cid=cid())
    assert (await refused(node.communities.held.decide(cast["mo"], approve))).code is Code.CONFLICT
    assert await texts(node, cast["bob"], cast.room) == []
