"""Discussions through real sockets: python-socketio's client, two servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mypick.bus.memory import MemoryExchange
from mypick.community.models import Community, Room
from mypick.community.policy import Role
from mypick.community.streams import community_stream
from mypick.db import Database
from mypick.streams.models import Stream
from tests.fakes import FakeClock
from tests.realtime.clients import Client
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node, running, until
from tests.realtime.test_community import SPACE, appoint, cid, code, ok, open_room


@pytest.fixture
async def both(
    sqlite_database: Database, clock: FakeClock, exchange: MemoryExchange
) -> AsyncIterator[tuple[Node, Node]]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(running(clock, exchange, f"node-{number}", communities=True))
            for number in range(2)
        ]
        yield first, second


class Stage:
    """A community with its owner and a discussion."""

    def __init__(self, client: OpenClient, room: int, community: int) -> None:
        self._client, self.room, self.community = client, room, community
        self.talk = 0

    async def come(self, node: Node, fan: Fan, **place: Any) -> Client:
        """A client that reads the discussion."""
        one = await self._client(node, fan, space=SPACE)
        one.joined = await ok(one, "join-discussion", discussion_id=self.talk, **place)  # type: ignore[attr-defined]
        return one


@pytest.fixture
async def stage(both: tuple[Node, Node], clock: FakeClock, client: OpenClient) -> Stage:
    node = both[0]
    room = await open_room(node, clock)
    found = Stage(client, room, (await Room.get(id=room)).community_id)
    oz = await appoint(await node.register("oz"), Role.OWNER, room, clock)
    his = await client(node, oz, space=SPACE)
    new = {"community_id": found.community, "cid": cid(), "title": "The title", "text": "The text"}
    found.talk = (await ok(his, "create-discussion", **new))["id"]
    return found


def log(one: Client) -> list[tuple[str, int, str]]:
    return [(data["stream"], data["seq"], name) for name, data in one.heard if isinstance(data, dict) and "seq" in data]


async def test_what_is_said_on_one_node_is_read_on_both(both: tuple[Node, Node], stage: Stage) -> None:
    first, second = both
    alice, bob = await first.register("alice"), await second.register("bob")
    hers, his = await stage.come(first, alice), await stage.come(second, bob)
    listed = await ok(his, "join-discussions", community_id=stage.community)
    assert (listed["reset"], listed["stream"], listed["role"]) == (True, community_stream(stage.community), None)
    assert [one["title"] for one in listed["page"]["discussions"]] == ["The title"]
    joined = his.joined  # type: ignore[attr-defined]
    assert (joined["reset"], joined["discussion"]["text"], joined["page"]["comments"]) == (True, "The text", [])
    said = await ok(hers, "create-comment", discussion_id=stage.talk, cid="a", text="안녕 <@%d>" % bob.id)  # noqa: UP031
    for one in (hers, his):
        heard = await one.event("comment-created")
        assert (heard["stream"], heard["seq"], heard["id"]) == (f"discussion:{stage.talk}", 1, said["id"])
        assert heard["actor"] == {"id": alice.id, "name": "alice", "avatar_url": None}
        assert heard["data"] == {
            "discussion_id": stage.talk,
            "comment_id": said["id"],
            "parent_id": None,
            "reply_to": None,
            "depth": 0,
            "replies": 0,
            "text": f"안녕 <@{bob.id}>",
            "mentions": [{"id": bob.id, "name": "bob", "avatar_url": None}],
            "rev": 1,
            "edited_at": None,
            "deleted": False,
            "hidden": False,
            "score": 0,
            "ups": 0,
            "downs": 0,
            "preview": None,
        }
    activity = await his.event("discussion-activity")
    assert (activity["data"]["comments"], activity["data"]["discussion_id"]) == (1, stage.talk)
    voted = await ok(his, "vote-comment", comment_id=said["id"], cid="b", vote="up")
    assert voted == {"vote": "up", "score": 1, "ups": 1, "downs": 0}
    assert (await hers.event("votes-changed"))["data"]["score"] == 1
    new = {"community_id": stage.community, "cid": cid(), "title": "Another", "text": "x"}
    begun = await ok(hers, "create-discussion", **new)
    told = await his.event("discussion-created")
    assert (told["id"], told["data"]["title"], told["actor"]["name"]) == (begun["id"], "Another", "alice")
    assert hers.all("discussion-created") == [], "she has not asked for the list"


async def test_who_comes_back_gets_what_was_missed(both: tuple[Node, Node], stage: Stage, client: OpenClient) -> None:
    first, second = both
    alice = await first.register("alice")
    hers = await stage.come(first, alice)
    joined = hers.joined  # type: ignore[attr-defined]
    place = {"epoch": joined["epoch"], "after_seq": joined["head_seq"]}
    await ok(hers, "leave-discussion", discussion_id=stage.talk)
    said = await ok(hers, "create-comment", discussion_id=stage.talk, cid=cid(), text="first")
    await ok(hers, "edit-comment", comment_id=said["id"], cid=cid(), text="second", rev=1)
    await ok(hers, "delete-comment", comment_id=said["id"], cid=cid())
    assert log(hers) == [], "who has left hears nothing"
    back = await stage.come(second, alice, **place)
    missed = back.joined  # type: ignore[attr-defined]
    assert (missed["reset"], missed["page"], missed["discussion"]["comments"]) == (False, None, 0)
    assert [(event["type"], event["seq"]) for event in missed["events"]] == [
        ("comment-created", 1), ("comment-edited", 2), ("comment-deleted", 3),
    ]  # fmt: skip
    answer = await ok(back, "sync", stream=f"discussion:{stage.talk}", **{**place, "after_seq": 1})
    assert [event["seq"] for event in answer["events"]] == [2, 3]
    ahead = await stage.come(second, alice, epoch=place["epoch"], after_seq=99)
    assert ahead.joined["reset"]  # type: ignore[attr-defined]
    assert [one["deleted"] for one in ahead.joined["page"]["comments"]] == [True]  # type: ignore[attr-defined]


async def test_the_banned_are_put_out_of_every_discussion_on_every_node(
    both: tuple[Node, Node], stage: Stage, client: OpenClient
) -> None:
    first, second = both
    bob = await second.register("bob")
    his = [await stage.come(node, bob) for node in (first, second)]
    for one in his:
        await ok(one, "join-discussions", community_id=stage.community)
    owner = await client(first, await first.log_in("oz"), space=SPACE)
    await ok(owner, "ban-member", room_id=stage.room, user_id=bob.id, reason="spam", cid=cid())
    for one in his:
        await until(lambda one=one: len(one.all("evicted")) == 2)  # type: ignore[misc]
        assert {told["stream"] for told in one.all("evicted")} == {
            f"discussion:{stage.talk}", community_stream(stage.community),
        }  # fmt: skip
        assert {(told["code"], told["reason"]) for told in one.all("evicted")} == {("BANNED", "spam")}
    await ok(owner, "create-comment", discussion_id=stage.talk, cid=cid(), text="a secret")
    for one in his:
        for name in ("join-discussion", "leave-discussion"):
            reply = await one.ask(name, {"discussion_id": stage.talk})
            assert reply["ok"] is (name == "leave-discussion")
        assert await code(one, "join-discussions", community_id=stage.community) == "BANNED"
        assert await code(one, "read-comments", discussion_id=stage.talk) == "BANNED"
        assert await code(one, "create-comment", discussion_id=stage.talk, cid=cid(), text="x") == "BANNED"
        assert await code(one, "vote-discussion", discussion_id=stage.talk, cid=cid(), vote="up") == "BANNED"
        assert await code(one, "sync", stream=f"discussion:{stage.talk}", after_seq=0) == "NOT_FOUND"
        assert one.all("comment-created") == []


async def test_an_eviction_that_was_lost_is_found_in_the_database(
    both: tuple[Node, Node], stage: Stage, client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = both
    bob = await second.register("bob")
    his = await stage.come(second, bob)

    async def lose(_: Any) -> None: ...

    monkeypatch.setattr(first.communities.moderation, "_evict", lose)
    owner = await client(first, await first.log_in("oz"), space=SPACE)
    await ok(owner, "ban-member", room_id=stage.room, user_id=bob.id, cid=cid())
    assert his.all("evicted") == []
    await second.door.check_members()
    assert (await his.event("evicted"))["stream"] == f"discussion:{stage.talk}"
    await Community.filter(id=stage.community).update(visibility="members")
    carol = await first.register("carol")
    outside = await client(first, carol, space=SPACE)
    assert await code(outside, "join-discussion", discussion_id=stage.talk) == "NOT_MEMBER"


async def test_nobody_counts_who_reads_a_discussion(both: tuple[Node, Node], stage: Stage) -> None:
    await stage.come(both[0], await both[0].register("alice"))
    assert await both[0].room_presence.count(f"discussion:{stage.talk}") == 0


async def test_a_storm_of_comments_reaches_every_reader_in_order_and_once(
    both: tuple[Node, Node], stage: Stage
) -> None:
    fans = [await both[number % 2].register(f"fan{number}") for number in range(6)]
    clients = [await stage.come(both[number % 2], fan) for number, fan in enumerate(fans)]
    await asyncio.gather(
        *(
            ok(one, "create-comment", discussion_id=stage.talk, cid=cid(), text=f"{at} of {number}")
            for number, one in enumerate(clients)
            for at in range(8)
        )
    )
    for one in clients:
        await until(lambda one=one: len(one.all("comment-created")) == 48)  # type: ignore[misc]
        assert [data["seq"] for data in one.all("comment-created")] == list(range(1, 49))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("create-discussion", {"community_id": 1, "cid": "c", "title": "x", "text": "x", "mood": "good"}),
        ("create-discussion", {"community_id": 1, "cid": "c", "title": "x" * 151, "text": "x"}),
        ("create-comment", {"discussion_id": 1, "cid": "c", "text": "x" * 4_001}),
        ("create-comment", {"discussion_id": "1", "cid": "c", "text": "x"}),
        ("vote-comment", {"comment_id": 1, "cid": "c", "vote": "twice"}),
        ("join-discussion", {"discussion_id": 1, "sort": "worst"}),
        ("read-comments", {"discussion_id": 1, "limit": 31}),
        ("follow-discussion", {"discussion_id": 1, "follow": "me"}),
    ],
)
async def test_malformed_commands_are_refused(
    both: tuple[Node, Node], client: OpenClient, name: str, fields: dict[str, Any]
) -> None:
    one = await client(both[0], await both[0].register("alice"), space=SPACE)
    assert await code(one, name, **fields) == "INVALID"


async def test_what_is_not_there_is_not_found_and_leaves_no_stream(both: tuple[Node, Node], client: OpenClient) -> None:
    one = await client(both[0], await both[0].register("alice"), space=SPACE)
    nowhere = {"discussion_id": 999, "cid": "c"}
    assert await code(one, "join-discussion", discussion_id=999) == "NOT_FOUND"
    assert await code(one, "join-discussions", community_id=999) == "NOT_FOUND"
    assert await code(one, "create-discussion", community_id=999, cid="c", title="x", text="x") == "NOT_FOUND"
    about: dict[str, dict[str, Any]] = {"create-comment": {"text": "x"}, "vote-discussion": {"vote": "up"}}
    for name, more in {**about, "pin-discussion": {"on": True}, "delete-discussion": {}}.items():
        assert await code(one, name, **nowhere, **more) == "NOT_FOUND"
    for stream in ("discussion:999", "community:999"):
        assert await code(one, "sync", stream=stream, after_seq=0) == "NOT_FOUND"
    assert not await Stream.filter(key__in=["discussion:999", "community:999"]).exists()


async def test_a_key_without_the_scope_reads_and_does_not_write(
    both: tuple[Node, Node], stage: Stage, client: OpenClient
) -> None:
    alice = await both[0].register("alice")
    reader = await client(both[0], auth={"api_key": await both[0].key(alice, "read")}, space=SPACE)
    await ok(reader, "join-discussion", discussion_id=stage.talk)
    for name, more in (("create-comment", {"text": "x"}), ("vote-discussion", {"vote": "up"})):
        assert await code(reader, name, discussion_id=stage.talk, cid="c", **more) == "FORBIDDEN"
