"""Discussions over REST."""

from __future__ import annotations

from typing import Any

import pytest

from mypick.community.models import Membership
from mypick.community.policy import Role
from mypick.creators.models import Creator
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of


@pytest.fixture
async def community(rest: Rest, alice: Fan, bob: Fan, clock: FakeClock) -> int:
    """alice and bob belong to it; bob owns it."""
    creator = await Creator.create(name="아이유", description="", created_at=clock.now())
    _, body, _ = await rest.call("POST", "/communities", headers=alice.headers, json={"creator_id": creator.id})
    number = int(body["data"]["id"])
    for fan, role in ((alice, Role.MEMBER), (bob, Role.OWNER)):
        joined_at = clock.now().replace(year=2020)
        await Membership.create(community_id=number, user_id=fan.id, rank=role, joined_at=joined_at)
    return number


async def ask(rest: Rest, fan: Fan, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """What the answer says besides ``success``."""
    options: dict[str, Any] = {} if body is None else {"json": body}
    found, answer, _ = await rest.call(method, path, headers=fan.headers, **options)
    assert found == status, answer
    return answer["data"] if "pagination" not in answer else (answer["data"], answer["pagination"])


async def test_a_discussion_is_begun_read_answered_and_voted(rest: Rest, alice: Fan, bob: Fan, community: int) -> None:
    path = f"/communities/{community}/discussions"
    new = {"cid": "a", "title": "Which song?", "text": f"Tell me <@{bob.id}>"}
    begun = await ask(rest, alice, "POST", path, new, 201)
    assert (begun["status"], begun["duplicate"], begun["seq"]) == ("sent", False, 1)
    assert await ask(rest, alice, "POST", path, new, 201) == {**begun, "duplicate": True}
    talk = f"/discussions/{begun['id']}"
    first = await ask(rest, bob, "POST", f"{talk}/comments", {"cid": "b", "text": "밤편지"}, 201)
    await ask(rest, alice, "POST", f"{talk}/comments", {"cid": "c", "text": "yes!", "reply_to": first["id"]}, 201)
    assert await ask(rest, bob, "POST", f"{talk}/vote", {"vote": "up"}) == {
        "vote": "up", "score": 1, "ups": 1, "downs": 0,
    }  # fmt: skip
    for _ in range(2):
        voted = await ask(rest, alice, "POST", f"/comments/{first['id']}/vote", {"vote": "down"})
        assert (voted["score"], voted["downs"]) == (-1, 1)
    (listed,), pages = await ask(rest, bob, "GET", f"{path}?sort=top-week&limit=5")
    assert pages == {"next_cursor": None, "limit": 5}
    assert listed == {
        "score": 1,
        "ups": 1,
        "downs": 0,
        "community_id": community,
        "discussion_id": begun["id"],
        "title": "Which song?",
        "excerpt": "Tell me @…",
        "rev": 1,
        "edited_at": None,
        "deleted": False,
        "hidden": False,
        "comments": 2,
        "last_at": "2026-01-01T12:00:00.000Z",
        "pinned": False,
        "locked": False,
        "author": {"id": alice.id, "name": "alice", "avatar_url": None},
        "created_at": "2026-01-01T12:00:00.000Z",
        "my_vote": "up",
        "follow": "following",
        "unread": None,
    }
    shown = await ask(rest, alice, "GET", talk)
    assert (shown["text"], shown["mentions"][0]["name"], shown["my_vote"]) == (new["text"], "bob", None)
    (top,), pages = await ask(rest, alice, "GET", f"{talk}/comments")
    assert pages["next_cursor"] is None
    assert (top["text"], top["my_vote"], top["author"]["name"], top["replies"]) == ("밤편지", "down", "bob", 1)
    assert [(one["text"], one["parent_id"], one["depth"]) for one in top["children"]] == [("yes!", first["id"], 1)]
    (below,), _ = await ask(rest, alice, "GET", f"/comments/{first['id']}/replies?sort=old")
    assert below["text"] == "yes!"
    context = await ask(rest, bob, "GET", f"/comments/{below['comment_id']}")
    assert [one["comment_id"] for one in context["ancestors"]] == [first["id"]]
    assert (context["comment"]["text"], context["discussion"]["title"]) == ("yes!", "Which song?")


async def test_a_discussion_is_edited_locked_pinned_followed_and_deleted(
    rest: Rest, alice: Fan, bob: Fan, community: int
) -> None:
    new = {"cid": "a", "title": "title", "text": "text"}
    begun = await ask(rest, alice, "POST", f"/communities/{community}/discussions", new, 201)
    talk = f"/discussions/{begun['id']}"
    edit = {"cid": "b", "title": "Title", "text": "Text", "rev": 1}
    assert (await ask(rest, alice, "PATCH", talk, edit))["rev"] == 2
    refused = await rest.call("PATCH", talk, headers=alice.headers, json={**edit, "cid": "c"})
    assert (refused[0], code_of(refused[1]), refused[1]["error"]["details"]) == (409, "CONFLICT", {"rev": 2})
    status, body, _ = await rest.call("POST", f"{talk}/lock", headers=alice.headers)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    for _ in range(2):
        locked = await ask(rest, bob, "POST", f"{talk}/lock")
        pinned = await ask(rest, bob, "POST", f"{talk}/pin")
        assert pinned["seq"] == 3 or locked["seq"] == 3
    said = {"cid": "d", "text": "may I?"}
    status, body, _ = await rest.call("POST", f"{talk}/comments", headers=alice.headers, json=said)
    assert (status, code_of(body)) == (403, "LOCKED")
    await ask(rest, bob, "DELETE", f"{talk}/lock")
    comment = await ask(rest, alice, "POST", f"{talk}/comments", said, 201)
    shown = await ask(rest, bob, "GET", talk)
    assert (shown["pinned"], shown["locked"], shown["follow"], shown["unread"]) == (True, False, "none", None)
    assert (shown["head_seq"], len(shown["epoch"])) == (5, 8)
    assert await ask(rest, bob, "POST", f"{talk}/follow", {"follow": "muted"}) == {"follow": "muted"}
    assert await ask(rest, bob, "POST", f"{talk}/read", {"seq": 2}) == {}
    shown = await ask(rest, bob, "GET", talk)
    assert (shown["follow"], shown["unread"], shown["read_seq"]) == ("muted", 1, 2)
    await ask(rest, bob, "DELETE", f"{talk}/pin")
    words = {"cid": "e", "text": "I may", "rev": 1}
    assert (await ask(rest, alice, "PATCH", f"/comments/{comment['id']}", words))["rev"] == 2
    for _ in range(2):
        await ask(rest, bob, "DELETE", f"/comments/{comment['id']}?reason=rude")
        await ask(rest, alice, "DELETE", talk)
    assert (await ask(rest, bob, "GET", f"/communities/{community}/discussions"))[0] == []
    assert (await ask(rest, bob, "GET", talk))["deleted"]


async def test_reports_and_held_posts_reach_the_desk(rest: Rest, alice: Fan, bob: Fan, community: int) -> None:
    carol = await rest.register("carol")
    path = f"/communities/{community}/discussions"
    held = await ask(rest, carol, "POST", path, {"cid": "a", "title": "look", "text": "www.x.example"}, 201)
    assert held == {"id": held["id"], "seq": None, "status": "held", "duplicate": False}
    status, body, _ = await rest.call("GET", f"/communities/{community}/held-posts", headers=carol.headers)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    (waiting,), _ = await ask(rest, bob, "GET", f"/communities/{community}/held-posts")
    assert (waiting["id"], waiting["kind"], waiting["author"]["name"]) == (held["id"], "discussion", "carol")
    await ask(rest, bob, "POST", f"/held-posts/{held['id']}/decision", {"approve": True, "cid": "b"})
    comment = await ask(
        rest, carol, "POST", f"/discussions/{held['id']}/comments", {"cid": "c", "text": "rude"}, 201
    )
    for number, what in enumerate((f"/discussions/{held['id']}", f"/comments/{comment['id']}")):
        for again in range(2):
            report = {"cid": f"{number}.{again}", "reason": "spam"}
            assert await ask(rest, alice, "POST", f"{what}/reports", report) == {"seq": None}
    reports, _ = await ask(rest, bob, "GET", f"/communities/{community}/reports")
    assert [(one["kind"], one["message_id"], one["discussion_id"], one["text"]) for one in reports] == [
        ("discussion", held["id"], held["id"], "look\nwww.x.example"), ("comment", comment["id"], held["id"], "rude"),
    ]  # fmt: skip
    assert await ask(rest, bob, "DELETE", f"/discussions/{held['id']}/reports") == {"dismissed": 1}
    await ask(rest, bob, "DELETE", f"/comments/{comment['id']}")
    assert (await ask(rest, bob, "GET", f"/communities/{community}/reports"))[0] == []
    log, _ = await ask(rest, bob, "GET", f"/communities/{community}/moderation-log")
    assert [entry["action"] for entry in log] == ["delete-comment", "dismiss-reports", "approve-held"]


async def test_what_is_not_there_is_not_found(rest: Rest, alice: Fan, community: int) -> None:
    for method, path, body in (
        ("GET", "/discussions/999", None),
        ("GET", "/discussions/999/comments", None),
        ("GET", "/comments/999", None),
        ("GET", "/comments/999/replies", None),
        ("GET", "/communities/999/discussions", None),
        ("POST", "/communities/999/discussions", {"cid": "a", "title": "x", "text": "x"}),
        ("POST", "/discussions/999/comments", {"cid": "a", "text": "x"}),
        ("POST", "/discussions/999/vote", {"vote": "up"}),
        ("POST", "/comments/999/vote", {"vote": "up"}),
        ("POST", "/held-posts/999/decision", {"approve": True, "cid": "a"}),
        ("DELETE", "/comments/999", None),
    ):
        options: dict[str, Any] = {} if body is None else {"json": body}
        status, answer, _ = await rest.call(method, path, headers=alice.headers, **options)
        assert (status, code_of(answer)) == (404, "NOT_FOUND"), path
    for path in (f"/communities/{community}/discussions?sort=best", f"/communities/{community}/discussions?cursor=x"):
        status, answer, _ = await rest.call("GET", path, headers=alice.headers)
        assert (status, code_of(answer)) == (400, "INVALID"), path
