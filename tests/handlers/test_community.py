"""Communities over REST."""

from __future__ import annotations

from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import PinMessage, React
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Role
from mypick.creators.models import Creator
from mypick.errors import Code
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of


async def get(rest: Rest, path: str, fan: Fan) -> Any:
    status, body, _ = await rest.call("GET", path, headers=fan.headers)
    assert status == 200, body
    return body["data"]


@pytest.fixture
async def creator(rest: Rest, clock: FakeClock) -> int:
    return int((await Creator.create(name="아이유", description="", created_at=clock.now())).id)


@pytest.fixture
async def community(rest: Rest, alice: Fan, creator: int) -> dict[str, Any]:
    """As ``POST /communities`` answers."""
    status, body, _ = await rest.call("POST", "/communities", headers=alice.headers, json={"creator_id": creator})
    assert status == 201, body
    data: dict[str, Any] = body["data"]
    return data


async def send(rest: Rest, fan: Fan, room: int, text: str, **more: Any) -> dict[str, Any]:
    body = {"cid": f"{fan.id}-{text}", "text": text, **more}
    status, answer, _ = await rest.call("POST", f"/rooms/{room}/messages", headers=fan.headers, json=body)
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_community_is_opened_joined_and_left(
    rest: Rest, alice: Fan, creator: int, community: dict[str, Any]
) -> None:
    (room,) = community["rooms"]
    assert community == {
        "id": community["id"],
        "creator_id": creator,
        "name": "아이유",
        "visibility": "public",
        "role": None,
        "rooms": [{"id": room["id"], "name": "chat", "kind": "chat", "head_seq": 0, "unread": 0}],
        "unread_discussions": 0,
    }
    again = await rest.call("POST", "/communities", headers=alice.headers, json={"creator_id": creator})
    assert (again[0], again[1]["data"]["id"]) == (201, community["id"])
    path = f"/communities/{community['id']}/members/me"
    assert await get(rest, "/communities?mine=true", alice) == []
    for _ in range(2):
        status, body, _ = await rest.call("POST", path, headers=alice.headers)
        assert (status, body["data"]) == (201, {"member": True})
    (mine,) = await get(rest, "/communities?mine=true", alice)
    listed = {key: value for key, value in community.items() if key not in ("rooms", "unread_discussions")}
    assert mine == listed | {"role": "newcomer", "unread": 0}
    for _ in range(2):
        status, body, _ = await rest.call("DELETE", path, headers=alice.headers)
        assert (status, body["data"]) == (200, {"member": False})


async def test_messages_are_sent_paged_edited_and_deleted(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any]
) -> None:
    room = community["rooms"][0]["id"]
    await rest.call("POST", f"/communities/{community['id']}/members/me", headers=bob.headers)
    sent = [await send(rest, alice, room, f"message {number}") for number in range(5)]
    assert (await send(rest, alice, room, "message 0")) == {**sent[0], "duplicate": True}
    page = await get(rest, f"/rooms/{room}/messages?limit=3", bob)
    assert [event["data"]["text"] for event in page["events"]] == ["message 2", "message 3", "message 4"]
    assert page["events"][0]["actor"]["name"] == "alice"
    older = await get(rest, f"/rooms/{room}/messages?limit=3&before_seq={page['events'][0]['seq']}", bob)
    assert ([event["data"]["text"] for event in older["events"]], older["more"]) == (["message 0", "message 1"], False)
    found = await get(rest, f"/communities/{community['id']}", bob)
    assert (found["rooms"][0]["head_seq"], found["rooms"][0]["unread"]) == (5, 5)

    path = f"/messages/{sent[1]['id']}"
    edit = {"cid": "e", "text": "better", "rev": 1}
    status, body, _ = await rest.call("PATCH", path, headers=alice.headers, json=edit)
    assert (status, body["data"]) == (200, {"seq": 6, "rev": 2})
    status, body, _ = await rest.call("PATCH", path, headers=alice.headers, json={**edit, "cid": "f"})
    assert (status, code_of(body), body["error"]["details"]) == (409, "CONFLICT", {"rev": 2})
    status, body, _ = await rest.call("DELETE", path, headers=bob.headers)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    for _ in range(2):
        status, body, _ = await rest.call("DELETE", path, headers=alice.headers)
        assert (status, body["data"]) == (200, {"seq": 7})
    status, body, _ = await rest.call("PATCH", path, headers=alice.headers, json={**edit, "cid": "g", "rev": 2})
    assert (status, code_of(body)) == (410, "GONE")


async def test_a_thread_is_read_page_by_page_from_any_of_its_messages(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any]
) -> None:
    room = community["rooms"][0]["id"]
    question = await send(rest, alice, room, "question")
    answers = [await send(rest, bob, room, "answer 0", reply_to=question["id"])]
    for number in range(1, 4):
        await send(rest, alice, room, f"beside {number}")
        answers.append(await send(rest, bob, room, f"answer {number}", reply_to=answers[-1]["id"]))
    await rest.call("DELETE", f"/messages/{answers[1]['id']}", headers=bob.headers)
    for message in (question, answers[2]):
        found, cursor = [], ""
        while cursor is not None:
            path = f"/messages/{message['id']}/thread?limit=3" + (f"&cursor={cursor}" if cursor else "")
            status, body, _ = await rest.call("GET", path, headers=alice.headers)
            assert status == 200, body
            found += body["data"]
            cursor = body["pagination"]["next_cursor"]
        assert [event["data"]["text"] for event in found] == ["answer 0", "", "answer 2", "answer 3"]
        assert found[0]["actor"]["name"] == "bob"
        assert found[0]["type"] == "message-created"
    await Community.filter(id=community["id"]).update(visibility="members")
    status, body, _ = await rest.call("GET", f"/messages/{question['id']}/thread", headers=alice.headers)
    assert (status, code_of(body)) == (403, "NOT_MEMBER")


async def test_a_message_is_found_by_its_id_with_what_is_pinned_and_ones_own_reactions(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any], clock: FakeClock
) -> None:
    room, services = community["rooms"][0]["id"], rest.parts.communities
    first, second = [await send(rest, alice, room, text) for text in ("first", "second")]
    his = Actor(user_id=bob.id, role="fan", session_id=1, scopes=None, expires_at=None)
    found = await get(rest, f"/messages/{first['id']}", bob)
    assert (found["type"], found["seq"], found["data"]["text"]) == ("message-created", first["seq"], "first")
    await services.reactions.react(his, React(message_id=second["id"], cid="r", emoji="👍", on=True))
    await Membership.create(community_id=community["id"], user_id=bob.id, rank=Role.OWNER, joined_at=clock.now())
    for message in (second, first):
        await services.marks.pin(his, PinMessage(message_id=message["id"], cid=f"p{message['id']}", on=True))
    own = [{"message_id": second["id"], "emoji": "👍"}]
    for path in (f"/rooms/{room}/pins", f"/rooms/{room}/messages"):
        page = await get(rest, path, bob)
        assert [event["data"]["text"] for event in page["events"]] == ["first", "second"]
        assert page["own_reactions"] == own
        assert (await get(rest, path, alice))["own_reactions"] == []
    await Community.filter(id=community["id"]).update(visibility="members")
    for path in (f"/rooms/{room}/pins", f"/messages/{first['id']}"):
        status, body, _ = await rest.call("GET", path, headers=alice.headers)
        assert (status, code_of(body)) == (403, "NOT_MEMBER")
    status, body, _ = await rest.call("GET", "/messages/999", headers=alice.headers)
    assert (status, code_of(body)) == (404, "NOT_FOUND")


async def test_reactions_pins_and_markers_are_set_without_a_socket(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any], clock: FakeClock
) -> None:
    room = community["rooms"][0]["id"]
    for fan in (alice, bob):
        await rest.call("POST", f"/communities/{community['id']}/members/me", headers=fan.headers)
    await Membership.filter(user_id=alice.id).update(rank=Role.MODERATOR)
    sent = await send(rest, alice, room, "hello")
    path = f"/messages/{sent['id']}"

    async def ask(method: str, path: str, fan: Fan, **more: Any) -> Any:
        status, answer, _ = await rest.call(method, path, headers=fan.headers, **more)
        return answer["data"] if status == 200 else (status, code_of(answer))

    for _ in range(2):
        assert await ask("POST", f"{path}/reactions", bob, json={"emoji": "👍"}) == {"seq": 2}
    clock.advance(1)
    assert (await get(rest, path, bob))["data"]["reactions"] == [{"emoji": "👍", "count": 1}]
    for _ in range(2):
        assert await ask("DELETE", f"{path}/reactions", bob, params={"emoji": "👍"}) == {"seq": 3}
    assert (await get(rest, path, bob))["data"]["reactions"] == []
    assert await ask("POST", f"{path}/reactions", bob, json={"emoji": "x"}) == (400, "INVALID")

    assert await ask("POST", f"{path}/pin", bob) == (403, "FORBIDDEN")
    for _ in range(2):
        assert await ask("POST", f"{path}/pin", alice) == {"seq": 4}
    assert [event["id"] for event in (await get(rest, f"/rooms/{room}/pins", bob))["events"]] == [sent["id"]]
    for _ in range(2):
        assert await ask("DELETE", f"{path}/pin", alice) == {"seq": 5}
    assert (await get(rest, f"/rooms/{room}/pins", bob))["events"] == []

    assert (await get(rest, f"/communities/{community['id']}", bob))["rooms"][0]["unread"] == 1
    for seq in (5, 1):
        assert await ask("POST", f"/rooms/{room}/read", bob, json={"seq": seq}) == {}
    assert (await get(rest, f"/communities/{community['id']}", bob))["rooms"][0]["unread"] == 0


async def test_refusals_have_their_status(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any], clock: FakeClock
) -> None:
    room = community["rooms"][0]["id"]
    await send(rest, alice, room, "first")
    status, body, _ = await rest.call(
        "POST", f"/rooms/{room}/messages", headers=alice.headers, json={"cid": f"{alice.id}-first", "text": "other"}
    )
    assert (status, code_of(body)) == (409, Code.CID_REUSED.name)
    await Room.filter(id=room).update(slow_seconds=30)
    await send(rest, alice, room, "second")
    status, body, response = await rest.call(
        "POST", f"/rooms/{room}/messages", headers=alice.headers, json={"cid": "third", "text": "third"}
    )
    assert (status, code_of(body), response.headers["Retry-After"]) == (429, "SLOW_MODE", "30")
    for path in ("/rooms/999/messages", "/communities/999", "/communities/999/members", "/rooms/x/messages"):
        status, body, _ = await rest.call("GET", path, headers=alice.headers)
        assert (status, code_of(body)) == (404, "NOT_FOUND"), path
    await Community.filter(id=community["id"]).update(visibility="members")
    status, body, _ = await rest.call("GET", f"/rooms/{room}/messages", headers=bob.headers)
    assert (status, code_of(body)) == (403, "NOT_MEMBER")
    status, body, _ = await rest.call("GET", f"/rooms/{room}/messages")
    assert status == 401


async def test_moderators_see_what_is_held_and_what_was_done(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any], clock: FakeClock
) -> None:
    room, number = community["rooms"][0]["id"], community["id"]
    await Membership.create(community_id=number, user_id=bob.id, rank=Role.OWNER, joined_at=clock.now())
    await rest.call("POST", f"/communities/{number}/members/me", headers=alice.headers)
    held = await send(rest, alice, room, "https://x.example/")
    assert (held["status"], held["seq"]) == ("held", None)
    for path in (f"/rooms/{room}/held", f"/communities/{number}/moderation-log"):
        status, body, _ = await rest.call("GET", path, headers=alice.headers)
        assert (status, code_of(body)) == (403, "FORBIDDEN")
    (waiting,) = await get(rest, f"/rooms/{room}/held", bob)
    assert (waiting["id"], waiting["author"]["name"], waiting["cause"]) == (held["id"], "alice", "link")
    assert await get(rest, f"/communities/{number}/reports", bob) == []
    path = f"/communities/{number}/members/{alice.id}"
    status, body, _ = await rest.call("PATCH", path, headers=bob.headers, json={"role": "vip"})
    assert (status, body["data"]) == (200, {"role": "vip"})
    (entry,) = await get(rest, f"/communities/{number}/moderation-log", bob)
    assert (entry["action"], entry["actor"]["name"], entry["user"]["name"]) == ("set-role", "bob", "alice")
    members = await get(rest, f"/communities/{number}/members?q=LIC", bob)
    assert [(one["user"]["name"], one["role"]) for one in members] == [("alice", "vip")]


async def test_an_idempotency_key_keeps_nothing_that_was_deleted(
    rest: Rest, alice: Fan, community: dict[str, Any]
) -> None:
    """Answers are stored for the key, so none of them repeats a text."""
    room = community["rooms"][0]["id"]
    headers = {**alice.headers, "Idempotency-Key": "k1"}
    body = {"cid": "c", "text": "canary"}
    first = await rest.call("POST", f"/rooms/{room}/messages", headers=headers, json=body)
    again = await rest.call("POST", f"/rooms/{room}/messages", headers=headers, json=body)
    assert first[1] == again[1]
    assert again[2].headers["Idempotency-Replayed"] == "true"
    edit = {"cid": "d", "text": "canary canary", "rev": 7}
    refused = await rest.call(
        "PATCH", f"/messages/{first[1]['data']['id']}", headers={**headers, "Idempotency-Key": "k2"}, json=edit
    )
    assert refused[0] == 409
    assert "canary" not in str(first[1]) + str(refused[1])
