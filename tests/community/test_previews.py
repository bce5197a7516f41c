"""A message with a link shows what is behind it: to those who are there, who come later and who were away."""

from __future__ import annotations

import pytest

from mypick.community.commands import DecideHeld, DeleteMessage, EditMessage, ReportMessage, SetRoomMode
from mypick.community.models import HeldMessage, MessagePreview
from mypick.community.policy import Role
from mypick.community.previewing import PREVIEW, PRIORITY, Previewing
from mypick.community.streams import room_of
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.models import Job
from mypick.jobs.work import Kind
from mypick.previews.fetching import Found
from mypick.previews.models import LinkPreview
from mypick.previews.service import Previews
from tests.community.stage import Cast, Node, RoomClient, cid, community
from tests.community.test_erasure import CANARY, everything
from tests.fakes import FakeClock

LINK = "https://a.example/x"
SHOWN = {"url": LINK, "kind": "page", "title": "A page", "description": "words", "site": "a.example"}


class Web:
    """Pages by their addresses."""

    def __init__(self) -> None:
        self.pages = {LINK: Found("page", "A page", "words", "a.example")}
        self.asked: list[str] = []

    async def fetch(self, url: str) -> Found | None:
        self.asked.append(url)
        return self.pages.get(url)


@pytest.fixture
def web() -> Web:
    return Web()


async def look(node: Node, web: Web, clock: FakeClock) -> None:
    """What a worker does."""
    handler = Previewing(node.streams, Previews(web, clock)).run
    claims = Claims(clock, {PREVIEW: Kind(PREVIEW, handler, PRIORITY, 5, 60.0, 60.0, BackOff(1.0, 2.0))})
    while claim := await claims.claim(lane_of(PRIORITY)):
        await claim.kind.handler(claim.work)
        await claims.finish(claim.work)


async def test_a_preview_reaches_who_is_there_and_who_comes_later(
    two: list[Node], clock: FakeClock, web: Web
) -> None:
    node, other = two
    cast = await community(node, clock, "alice", "bob")
    client = RoomClient(other, cast["bob"], cast.room)
    await client.join()
    sent = await node.send(cast["alice"], cast.room, f"look: {LINK}!")
    await client.catch_up()
    assert client.messages[sent.id]["preview"] is None
    await look(node, web, clock)
    await client.catch_up()
    assert client.messages[sent.id]["preview"] == SHOWN
    assert client.state() == await other.snapshot(cast["bob"], cast.room)


async def test_nothing_is_fetched_that_need_not_be(node: Node, cast: Cast, clock: FakeClock, web: Web) -> None:
    for text in ("no link", f"<{LINK}> is wrapped", "www.a.example"):
        await node.send(cast["alice"], cast.room, text)
    assert await Job.filter(kind=PREVIEW).count() == 0
    for _ in range(3):
        await node.send(cast["alice"], cast.room, LINK)
    await look(node, web, clock)
    assert web.asked == [LINK]
    clock.advance(86_401)
    await node.send(cast["alice"], cast.room, LINK)
    await look(node, web, clock)
    assert web.asked == [LINK, LINK]


async def test_what_was_not_there_is_asked_for_again_after_an_hour(
    node: Node, cast: Cast, clock: FakeClock, web: Web
) -> None:
    for wait in (0, 3_599, 2):
        clock.advance(wait)
        await node.send(cast["alice"], cast.room, "https://down.example")
        await look(node, web, clock)
    assert len(web.asked) == 2
    assert await MessagePreview.all().count() == 0
    clock.advance(3_601)
    assert await Previews(web, clock).purge() == 1
    assert await LinkPreview.all().count() == 0


async def test_an_edit_brings_the_preview_to_the_new_text(
    node: Node, cast: Cast, clock: FakeClock, web: Web
) -> None:
    client = RoomClient(node, cast["bob"], cast.room)
    await client.join()
    sent = await node.send(cast["alice"], cast.room, LINK)
    await look(node, web, clock)
    for rev, (text, preview) in enumerate(((f"{LINK} again", SHOWN), (f"<{LINK}>", None), (LINK, SHOWN)), 1):
        edit = EditMessage(message_id=sent.id, cid=cid(), text=text, rev=rev)
        await node.communities.edits.edit(cast["alice"], edit)
        await look(node, web, clock)
        await client.catch_up()
        assert client.messages[sent.id]["preview"] == preview
        assert client.state() == await node.snapshot(cast["bob"], cast.room)


async def test_it_goes_with_the_message_also_when_it_comes_late(
    node: Node, cast: Cast, clock: FakeClock, web: Web
) -> None:
    client = RoomClient(node, cast["bob"], cast.room)
    await client.join()
    early, late = [await node.send(cast["alice"], cast.room, LINK) for _ in range(2)]
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=late.id, cid=cid()))
    await look(node, web, clock)
    assert (await MessagePreview.get()).message_id == early.id
    await node.communities.edits.delete(cast["alice"], DeleteMessage(message_id=early.id, cid=cid()))
    assert await MessagePreview.all().count() == 0
    await client.catch_up()
    assert client.state() == await node.snapshot(cast["bob"], cast.room)
    replay = await node.streams.store.resume(room_of(cast.room), None, 0)
    assert "A page" not in str(replay)


async def test_no_cache_keeps_what_a_deleted_link_said(node: Node, cast: Cast, clock: FakeClock, web: Web) -> None:
    """Pages repeat what is asked of them, and pictures are called as their files are."""
    first, last = f"https://a.example/{CANARY}.png", f"https://b.example/?q={CANARY}"
    web.pages = {first: Found("image", f"{CANARY}.png"), last: Found("page", f"{CANARY} - search")}
    sent, late = await node.send(cast["alice"], cast.room, first), await node.send(cast["alice"], cast.room, "later")
    await look(node, web, clock)
    edits = node.communities.edits
    await edits.edit(cast["alice"], EditMessage(message_id=sent.id, cid=cid(), text=last, rev=1))
    await look(node, web, clock)
    assert await LinkPreview.filter(title__contains=CANARY).count() == 2
    await edits.delete(cast["alice"], DeleteMessage(message_id=sent.id, cid=cid()))
    assert CANARY not in await everything()

    # and while a worker looks at it
    await edits.edit(cast["alice"], EditMessage(message_id=late.id, cid=cid(), text=last, rev=1))

    async def fetch(url: str) -> Found | None:
        await edits.delete(cast["alice"], DeleteMessage(message_id=late.id, cid=cid()))
        return web.pages[url]

    web.fetch = fetch  # type: ignore[method-assign]
    await look(node, web, clock)
    assert CANARY not in await everything()


async def test_a_room_can_do_without(node: Node, cast: Cast, clock: FakeClock, web: Web) -> None:
    mode = SetRoomMode(room_id=cast.room, cid=cid(), previews=False)
    await node.communities.moderation.set_mode(cast["oz"], mode)
    await node.send(cast["alice"], cast.room, LINK)
    await look(node, web, clock)
    assert web.asked == []
    assert await MessagePreview.all().count() == 0


async def test_a_held_link_is_fetched_only_when_it_is_let_through(node: Node, clock: FakeClock, web: Web) -> None:
    cast = await community(node, clock, "new", "mo", roles={"mo": Role.MODERATOR, "new": Role.NEWCOMER})
    await node.send(cast["new"], cast.room, LINK)
    await look(node, web, clock)
    assert web.asked == []
    held = await HeldMessage.get()
    decide = DecideHeld(message_id=held.id, approve=True, cid=cid())
    await node.communities.held.decide(cast["mo"], decide)
    await look(node, web, clock)
    assert (await MessagePreview.get()).message_id == held.id


async def test_a_hidden_message_shows_no_link(node: Node, cast: Cast, clock: FakeClock, web: Web) -> None:
    client = RoomClient(node, cast["bob"], cast.room)
    await client.join()
    sent = await node.send(cast["alice"], cast.room, LINK)
    await look(node, web, clock)
    await node.communities.reports.report(cast["mo"], ReportMessage(message_id=sent.id, reason="rude", cid=cid()))
    for shown in (None, SHOWN):
        await client.catch_up()
        assert client.messages[sent.id]["preview"] == shown
        assert client.state() == await node.snapshot(cast["bob"], cast.room)
        if shown is None:
            await node.communities.reports.dismiss(cast["mo"], sent.id)
