"""Ways into communities and moderation over REST."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mypick.community.entry.models import Invite
from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.creators.models import Creator
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of


@pytest.fixture
async def private(rest: Rest, alice: Fan, clock: FakeClock) -> dict[str, Any]:
    """Ids of a private community that alice owns, its room and a message in it."""
    now = clock.now()
    creator = await Creator.create(name="somebody", description="", created_at=now)
    _, body, _ = await rest.call("POST", "/communities", headers=alice.headers, json={"creator_id": creator.id})
    community, room = body["data"]["id"], body["data"]["rooms"][0]["id"]
    await Membership.create(community_id=community, user_id=alice.id, rank=Role.OWNER, joined_at=now)
    sent = {"cid": "m", "text": "secret"}
    _, body, _ = await rest.call("POST", f"/rooms/{room}/messages", headers=alice.headers, json=sent)
    await Community.all().update(visibility="private")
    return {"community_id": community, "room_id": room, "message_id": body["data"]["id"]}


async def test_an_invite_is_made_shown_used_and_counted(
    rest: Rest, alice: Fan, bob: Fan, private: dict[str, Any]
) -> None:
    path = f"/communities/{private['community_id']}"
    status, body, _ = await rest.call(
        "POST", f"{path}/invites", headers=alice.headers, json={"max_uses": 1, "hours": None}
    )
    assert status == 201, body
    code = body["data"]["code"]
    assert re.fullmatch(r"[2-9A-Z]{5}-[2-9A-Z]{5}", code)
    status, body, _ = await rest.call("GET", f"/invites/{code.lower()}", headers=bob.headers)
    assert (status, body["data"]["name"], body["data"]["member"]) == (200, "somebody", False)
    for _ in range(2):
        status, body, _ = await rest.call("POST", f"/invites/{code}", headers=bob.headers, json={})
        assert (status, body["data"]["member"]) == (201, True)
    status, body, _ = await rest.call("GET", f"{path}/invites", headers=alice.headers)
    assert [(one["uses"], one["open"]) for one in body["data"]] == [(1, False)]
    status, body, _ = await rest.call("GET", f"{path}/invites", headers=bob.headers)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    assert await Invite.all().count() == 1


async def test_codes_cannot_be_tried_without_end(rest: Rest, bob: Fan) -> None:
    statuses = [(await rest.call("GET", f"/invites/{number:010d}", headers=bob.headers))[0] for number in range(31)]
    assert statuses == [404] * 30 + [429]


async def test_moderators_work_over_rest(rest: Rest, alice: Fan, bob: Fan, private: dict[str, Any]) -> None:
    room, community = private["room_id"], private["community_id"]

    async def do(method: str, path: str, fan: Fan, body: Any = None, *, ok: int = 200) -> Any:
        options = {} if body is None else {"json": body}
        status, answer, _ = await rest.call(method, path, headers=fan.headers, **options)
        assert status == ok, answer
        return answer["data"]

    await Community.all().update(visibility="public")
    sent = await do("POST", f"/rooms/{room}/messages", bob, {"cid": "b", "text": "spam"}, ok=201)
    timeout = {"user_id": bob.id, "seconds": 60, "reason": "rude", "cid": "t"}
    await do("POST", f"/rooms/{room}/timeouts", alice, timeout, ok=201)
    (mine,) = await do("GET", f"/communities/{community}/sanctions/me", bob)
    assert (mine["kind"], mine["reason"]) == ("timeout", "rude")
    written = await do("POST", f"/sanctions/{mine['id']}/appeal", bob, {"text": "sorry"}, ok=201)
    decided = await do("POST", f"/appeals/{written['id']}/decision", alice, {"lift": True}, ok=201)
    assert decided["status"] == "lifted"
    await do("PATCH", f"/rooms/{room}/mode", alice, {"slow_seconds": 5, "cid": "s"})
    purge = await do("POST", f"/rooms/{room}/purges", alice, {"user_id": bob.id, "cid": "p"}, ok=201)
    assert (purge["found"], await do("GET", f"/purges/{purge['purge_id']}", alice)) == (1, purge)
    await do("POST", f"/rooms/{room}/bans", alice, {"user_id": bob.id, "reason": "spam", "cid": "x"}, ok=201)
    listed = await do("GET", f"/communities/{community}/sanctions?kind=ban", alice)
    assert bob.id in [one["user"]["id"] for one in listed if one["user"]]
    status, answer, _ = await rest.call("GET", f"/rooms/{room}/messages", headers=bob.headers)
    assert (status, answer["error"]["details"]) == (403, {"until": None, "reason": "spam"})
    await do("POST", f"/rooms/{room}/unbans", alice, {"user_id": bob.id, "cid": "u"}, ok=201)
    await do("POST", f"/messages/{private['message_id']}/reports", bob, {"reason": "x", "cid": "r"}, ok=201)
    (item,) = await do("GET", f"/communities/{community}/desk?kind=report", alice)
    assert (item["id"], item["text"], item["weight"]) == (private["message_id"], "secret", 1.0)
    claimed = await do("PUT", f"/communities/{community}/desk/report/{item['id']}", alice, {"on": True})
    assert claimed["claimed_by"] == alice.id
    log = await do("GET", f"/communities/{community}/moderation-log?action=ban", alice)
    assert [(one["action"], one["reason"]) for one in log] == [("ban", "spam")]
    assert sent["status"] == "sent"


async def test_moderators_do_not_judge_what_is_reported_of_them(
    rest: Rest, alice: Fan, bob: Fan, private: dict[str, Any], clock: FakeClock
) -> None:
    await Community.all().update(visibility="public")
    await Membership.create(
        community_id=private["community_id"], user_id=bob.id, rank=Role.MANAGER, joined_at=clock.now()
    )
    said = f"/rooms/{private['room_id']}/messages"
    _, body, _ = await rest.call("POST", said, headers=bob.headers, json={"cid": "m", "text": "mine"})
    reports = f"/messages/{body['data']['id']}/reports"
    await rest.call("POST", reports, headers=alice.headers, json={"reason": "x", "cid": "r"})
    for ask in (("DELETE", reports, {}), ("POST", f"{reports}/decision", {"json": {"agree": False, "cid": "d"}})):
        status, body, _ = await rest.call(ask[0], ask[1], headers=bob.headers, **ask[2])
        assert (status, body["error"]["message"]) == (
            403, "this is your own: let another moderator decide, or delete it"
        )  # fmt: skip
    status, body, _ = await rest.call("DELETE", reports, headers=alice.headers)
    assert (status, body["data"]["dismissed"]) == (200, 1)


async def test_those_who_run_a_community_see_its_rooms_and_put_members_out(
    rest: Rest, alice: Fan, bob: Fan, private: dict[str, Any]
) -> None:
    path = f"/communities/{private['community_id']}"
    await Community.all().update(visibility="public")

    async def do(method: str, path: str, fan: Fan, *, ok: int = 200, **options: Any) -> Any:
        status, answer, _ = await rest.call(method, path, headers=fan.headers, **options)
        assert status == ok, answer
        return answer.get("data") or answer["error"]

    (room,) = await do("GET", f"{path}/rooms", alice)
    assert (room["id"], room["archived"], room["mode"]["locked"]) == (private["room_id"], False, False)
    await do("POST", f"{path}/members/me", bob, ok=201)
    await do("POST", f"/rooms/{room['id']}/messages", alice, json={"cid": "n", "text": "news"}, ok=201)
    (listed,) = await do("GET", "/communities?mine=true", bob)
    assert (listed["id"], listed["unread"], listed["role"]) == (private["community_id"], 1, "newcomer")
    refused = await do("DELETE", f"{path}/members/{alice.id}", bob, ok=403)
    assert refused["code"] == "FORBIDDEN"
    for _ in range(2):
        assert await do("DELETE", f"{path}/members/{bob.id}?reason=rude", alice) == {"member": False}
    (entry,) = await do("GET", f"{path}/moderation-log?action=remove-member", alice)
    assert (entry["user"]["id"], entry["reason"]) == (bob.id, "rude")
    await Community.all().update(visibility="members")
    await do("POST", f"{path}/requests", bob, json={"text": "sorry"}, ok=201)
    query = f"?community_id={private['community_id']}"
    (asked,) = await do("GET", f"/users/me/requests{query}", bob)
    assert (asked["status"], asked["text"]) == ("waiting", "sorry")
    assert (await do("DELETE", f"{path}/requests/me", bob))["status"] == "withdrawn"
    await do("POST", f"{path}/claims", bob, json={}, ok=201)
    (claim,) = await do("GET", f"/claims{query}", bob)
    assert claim["status"] == "waiting"
    await do("PUT", f"{path}/terms", alice, json={"cid": "t", "text": "banana", "effect": "hold"})
    assert [one["text"] for one in await do("GET", f"{path}/terms?effect=hold", alice)] == ["banana"]
    status, answer, _ = await rest.call("GET", f"{path}/terms?effect=block", headers=alice.headers)
    assert (status, answer["data"]) == (200, [])
