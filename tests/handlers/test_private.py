"""A private community is as if it were not there: each operation of the document answers alike for its ids and for
ids that nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from handlers.docs.examples import BODIES
from mypick.community.desk.models import Appeal, Purge
from mypick.community.discussions.models import HeldPost
from mypick.community.entry.models import Claim, Invite, JoinRequest
from mypick.community.models import Community, HeldMessage, Membership, Sanction
from mypick.community.policy import Role
from mypick.creators.models import Creator
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest

NOBODYS = 8_888_888_888  # an id that nothing has
KEPT = {"user_id", "creator_id", "kind"}  # of what is no secret: people, and words
MUST = {
    "listDesk": {"kind": "held"},
    "listMessagesAround": {"seq": "1"},
    "searchCommunity": {"q": "secret"},
    "removeReaction": {"emoji": "👍"},
}


@pytest.fixture
async def private(rest: Rest, alice: Fan, clock: FakeClock) -> dict[str, Any]:
    """Ids of all that there is in a private community that alice owns."""
    now = clock.now()
    creator = await Creator.create(name="somebody", description="", created_at=now)

    async def post(path: str, body: Any) -> Any:
        _, answer, _ = await rest.call("POST", path, headers=alice.headers, json=body)
        return answer["data"]

    opened = await post("/communities", {"creator_id": creator.id})
    community, room = opened["id"], opened["rooms"][0]["id"]
    await Membership.create(community_id=community, user_id=alice.id, rank=Role.OWNER, joined_at=now)
    said = await post(f"/rooms/{room}/messages", {"cid": "m", "text": "secret"})
    talk = await post(f"/communities/{community}/discussions", {"cid": "d", "title": "secret", "text": "secret"})
    comment = await post(f"/discussions/{talk['id']}/comments", {"cid": "c", "text": "secret"})
    rest_of = {"cid": "t", "text": "secret", "effect": "block"}
    await rest.call("PUT", f"/communities/{community}/terms", headers=alice.headers, json=rest_of)
    _, terms, _ = await rest.call("GET", f"/communities/{community}/terms", headers=alice.headers)
    await Community.all().update(visibility="private")
    theirs: dict[str, Any] = {"community_id": community, "user_id": 999, "created_at": now}
    asked = await JoinRequest.create(text="", **theirs)
    appeal = await Appeal.create(sanction_id=1, kind="ban", text="", **theirs)
    claim = await Claim.create(code="x", text="", **theirs)
    purge = await Purge.create(id=5, actor_id=1, found=0, **theirs)
    sanction = await Sanction.create(kind="ban", actor_id=1, **theirs)
    held = await HeldMessage.create(id=7, room_id=room, author_id=999, text="x", cause="link", created_at=now)
    post_held = await HeldPost.create(
        id=8, community_id=community, author_id=999, title="x", text="x", cause="link", created_at=now
    )
    invite = await Invite.create(community_id=community, code="A2B3C4D5E6", max_uses=1, actor_id=1, created_at=now)
    return {
        "creator_id": creator.id,
        "community_id": community, "room_id": room, "message_id": said["id"], "discussion_id": talk["id"],
        "comment_id": comment["id"], "request_id": asked.id, "appeal_id": appeal.id, "claim_id": claim.id,
        "purge_id": purge.id, "sanction_id": sanction.id, "item_id": held.id, "post_id": post_held.id,
        "invite_id": invite.id, "term_id": terms["data"][0]["id"], "user_id": alice.id, "kind": "held",
    }  # fmt: skip


async def test_every_operation_answers_a_stranger_as_if_nothing_were_there(
    rest: Rest, bob: Fan, private: dict[str, Any]
) -> None:
    document = await (await rest.client.get("/api/docs/spec")).json()
    absent = {name: there if name in KEPT else NOBODYS for name, there in private.items()}
    asked, told = 0, []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            named = {one["name"]: one["in"] for one in operation.get("parameters", []) if "name" in one}
            secret = (named.keys() & private.keys()) - KEPT
            if not secret or {name for name, where in named.items() if where == "path"} - private.keys():
                continue
            asked += 1
            shown, hidden = [
                await _ask(rest, bob, method, path, named, operation["operationId"], ids) for ids in (private, absent)
            ]
            missing = not any(named[name] == "path" for name in secret) or shown[0] == 404
            if shown != hidden or "secret" in str(shown) or not missing:
                told.append((operation["operationId"], shown, hidden))
    assert told == []
    assert asked > 80, "the document names its operations otherwise"


async def test_whoever_would_open_or_follow_learns_no_more_than_that_it_is_private(
    rest: Rest, bob: Fan, private: dict[str, Any]
) -> None:
    absent = await rest.call("GET", f"/communities/{NOBODYS}", headers=bob.headers)
    opened = await rest.call("POST", "/communities", headers=bob.headers, json={"creator_id": private["creator_id"]})
    assert opened[:2] == absent[:2]
    followed = await rest.call("POST", f"/creators/{private['creator_id']}/subscribe", headers=bob.headers)
    assert (followed[0], followed[1]["data"]) == (201, {"subscribed": True})
    listed = await rest.call("GET", f"/communities?creator_id={private['creator_id']}", headers=bob.headers)
    assert (listed[0], listed[1]["data"]) == (200, [])
    assert await Community.all().count() == 1, "and no second one is opened"


async def _ask(
    rest: Rest, fan: Fan, method: str, path: str, named: Mapping[str, str], operation: str, ids: Mapping[str, Any]
) -> tuple[int, Any]:
    """Status and body of an operation that is given ``ids`` wherever it takes some."""
    query = {name: str(ids[name]) for name, where in named.items() if where == "query" and name in ids.keys() - KEPT}
    query |= MUST.get(operation, {"q": "secret"} if "q" in named else {})
    body = BODIES.get(operation)
    if body is not None:
        body = {name: value if name == "kind" else ids.get(name, value) for name, value in body.items()}
        if "room_ids" in body:
            body["room_ids"] = [ids["room_id"]]
    ready = path.removeprefix("/api/v1")
    if "/held/{message_id}" in ready:
        ready = ready.replace("{message_id}", "{item_id}")
    options = {} if body is None else {"json": body}
    status, answer, _ = await rest.call(
        method.upper(), ready.format(**ids), headers=fan.headers, params=query, **options
    )
    return status, answer
