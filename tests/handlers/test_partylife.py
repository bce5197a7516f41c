"""What goes on around a watch party's video, without a socket."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from handlers.docs.examples import BODIES
from handlers.routes import partycontents, partyentry
from handlers.rules import rules_of_method
from mypick.accounts.actor import Actor
from mypick.clock import to_wire
from mypick.watchparty.chat.commands import SendPartyMessage
from mypick.watchparty.queue.commands import QueueAdd, QueueVoteOn
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of
from tests.watchparty.stage import video

VIEWS = {**partyentry.VIEWS, **partycontents.VIEWS}
PATHS = sorted((path, method) for path, view in VIEWS.items() for method in view.allowed_methods if "party_id" in path)


def actor_of(fan: Fan) -> Actor:
    return Actor(user_id=fan.id, role="fan", session_id=1, scopes=None, expires_at=None)


async def call(rest: Rest, fan: Fan, method: str, path: str, **json: Any) -> Any:
    """The data of an answer that is none of an error."""
    body = {"json": json} if json else {}
    status, answer, _ = await rest.call(method, path, headers=fan.headers, **body)
    assert status in (200, 201), answer
    return answer["data"]


@pytest.fixture
async def opened(rest: Rest, alice: Fan, clock: FakeClock) -> int:
    """A party by invitation of alice's, who is there."""
    content = await video(clock)
    begins = to_wire(clock.now() + timedelta(hours=1))
    body = {"content_id": content.id, "visibility": "invite", "starts_at": begins, "capacity": 50, "autoplay": False}
    party = await call(rest, alice, "POST", "/watch-parties", **body)
    assert (party["starts_at"], party["capacity"], party["autoplay"], party["attends"]) == (begins, 50, False, True)
    await rest.parts.parties.members.enter(actor_of(alice), party["id"])
    return int(party["id"])


@pytest.mark.parametrize(("path", "method"), PATHS)
async def test_a_party_by_invitation_is_found_through_no_path(
    rest: Rest, bob: Fan, opened: int, path: str, method: str
) -> None:
    filled = re.sub(r"{party_id}", str(opened), re.sub(r"{invite_id}", "1", path))
    rules = rules_of_method(VIEWS[path], method)
    assert rules is not None
    body = {"json": BODIES[rules.operation_id]} if rules.operation_id in BODIES else {}
    status, answer, _ = await rest.call(method, filled, headers=bob.headers, **body)
    missing = await rest.call(method, filled.replace(f"/{opened}", "/999999"), headers=bob.headers, **body)
    assert (status, code_of(answer)) == (missing[0], code_of(missing[1])) == (404, "NOT_FOUND")


async def test_invites_are_made_shown_and_revoked(rest: Rest, alice: Fan, bob: Fan, opened: int) -> None:
    path = f"/watch-parties/{opened}/invites"
    made = await call(rest, alice, "POST", path, max_uses=3, hours=2)
    assert (made["max_uses"], made["uses"], made["open"], made["actor"]["name"]) == (3, 0, True, "alice")
    assert await call(rest, alice, "GET", path) == [made]
    for _ in range(2):
        assert await call(rest, alice, "DELETE", f"{path}/{made['id']}") == {"revoked": True}
    assert [one["open"] for one in await call(rest, alice, "GET", path)] == [False]
    asked = await call(rest, alice, "POST", f"{path}/people", user_ids=[bob.id])
    assert asked == {"user_ids": [bob.id]}
    assert (await call(rest, bob, "GET", f"/watch-parties/{opened}"))["role"] == "guest"
    refused = await rest.call("POST", path, headers=bob.headers, json={"max_uses": 1})
    assert code_of(refused[1]) == "FORBIDDEN"
    for wrong in ({"max_uses": 0}, {"hours": 10_000}, {"unknown": 1}):
        assert code_of((await rest.call("POST", path, headers=alice.headers, json=wrong))[1]) == "INVALID"


async def test_people_say_that_they_will_come(rest: Rest, alice: Fan, bob: Fan, opened: int) -> None:
    await call(rest, alice, "POST", f"/watch-parties/{opened}/invites/people", user_ids=[bob.id])
    path = f"/watch-parties/{opened}/attendance"
    for _ in range(2):
        assert await call(rest, bob, "POST", path) == {"attends": True, "attending": 2}
    (upcoming,) = await call(rest, bob, "GET", "/watch-parties/upcoming")
    assert (upcoming["id"], upcoming["attending"], upcoming["attends"]) == (opened, 2, True)
    for _ in range(2):
        assert await call(rest, bob, "DELETE", path) == {"attends": False, "attending": 1}
    details = await call(rest, bob, "GET", f"/watch-parties/{opened}")
    assert (details["attending"], details["attends"]) == (1, False)
    moved = await call(rest, alice, "PATCH", f"/watch-parties/{opened}", starts_at=None)
    assert moved["starts_at"] is None
    refused = await rest.call("POST", path, headers=bob.headers)
    assert code_of(refused[1]) == "CONFLICT"
    naive = {"starts_at": "2026-05-01T12:00:00"}
    assert code_of((await rest.call("PATCH", f"/watch-parties/{opened}", headers=alice.headers, json=naive))[1]) == (
        "INVALID"
    )


async def test_what_a_party_holds_is_read(rest: Rest, alice: Fan, bob: Fan, opened: int, clock: FakeClock) -> None:
    parties, path = rest.parts.parties, f"/watch-parties/{opened}"
    content = await video(clock)
    added = await parties.queue.add(actor_of(alice), QueueAdd(party_id=opened, cid="q1", content_id=content.id))
    vote = QueueVoteOn(party_id=opened, cid="q2", item_id=added.item_id, on=True)
    await parties.queue.vote(actor_of(alice), vote)
    for number in range(3):
        text = f"number {number}"
        await parties.chat.send(actor_of(alice), SendPartyMessage(party_id=opened, cid=f"m{number}", text=text))
    queue = await call(rest, alice, "GET", f"{path}/queue")
    assert [(item["id"], item["votes"], item["content"]["id"]) for item in queue["items"]] == [
        (added.item_id, 1, content.id)
    ]
    assert queue["own_votes"] == [added.item_id]
    _, answer, _ = await rest.call("GET", f"{path}/messages?limit=2", headers=alice.headers)
    assert [one["data"]["text"] for one in answer["data"]] == ["number 2", "number 1"]
    cursor = answer["pagination"]["next_cursor"]
    (first,) = await call(rest, alice, "GET", f"{path}/messages?limit=2&cursor={cursor}")
    assert (first["data"]["text"], first["actor"]["name"], first["data"]["position_ms"]) == ("number 0", "alice", 0)
    assert await call(rest, alice, "GET", f"{path}/watched") == []
    telemetry = await call(rest, alice, "GET", f"{path}/telemetry")
    assert telemetry["position_error_ms"] == {"count": 0, "p50": None, "p95": None, "p99": None}
    (visit,) = await call(rest, alice, "GET", "/users/me/watch-parties")
    assert (visit["party"]["id"], visit["role"], visit["left_at"]) == (opened, "host", None)
    assert await call(rest, bob, "GET", "/users/me/watch-parties") == []
