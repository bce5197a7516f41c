"""Watch parties without a socket."""

from __future__ import annotations

import pytest

from mypick.content.models import Content
from mypick.limits.rates import DEFAULT_LIMITS
from mypick.watchparty.models import WatchParty
from tests.handlers.conftest import Fan, Rest, code_of
from tests.handlers.fakes import VIDEOS
from tests.watchparty.stage import video

MANY = 21


@pytest.fixture
async def content(rest: Rest) -> int:
    return int((await video(rest.parts.clock)).id)


async def open_party(rest: Rest, fan: Fan, content: int, **fields: object) -> int:
    body = {"content_id": content, "visibility": "public", **fields}
    status, answer, _ = await rest.call("POST", "/watch-parties", json=body, headers=fan.headers)
    assert status == 201, answer
    return int(answer["data"]["id"])


async def test_a_party_is_opened_found_changed_and_ended(rest: Rest, alice: Fan, bob: Fan, content: int) -> None:
    party_id = await open_party(rest, alice, content, title="함께 봐요")
    status, answer, _ = await rest.call("GET", f"/watch-parties/{party_id}", headers=bob.headers)
    shown = answer["data"]
    assert (status, shown["title"], shown["role"], shown["online"]) == (200, "함께 봐요", None, 0)
    assert shown["policy"] == {"control": "host", "queue": "everyone", "invite": "cohosts"}
    assert (shown["timeline"]["status"], shown["timeline"]["seq"], shown["content"]["id"]) == ("idle", 1, content)
    change = {"policy": {"control": "everyone"}, "title": "again"}
    refused = await rest.call("PATCH", f"/watch-parties/{party_id}", json=change, headers=bob.headers)
    assert (refused[0], code_of(refused[1])) == (403, "FORBIDDEN")
    _, answer, _ = await rest.call("PATCH", f"/watch-parties/{party_id}", json=change, headers=alice.headers)
    assert (answer["data"]["title"], answer["data"]["policy"]["control"]) == ("again", "everyone")
    _, answer, _ = await rest.call("GET", "/watch-parties", headers=bob.headers)
    assert [(one["id"], one["status"]) for one in answer["data"]] == [(party_id, "idle")]
    refused = await rest.call("POST", f"/watch-parties/{party_id}/end", headers=bob.headers)
    assert code_of(refused[1]) == "FORBIDDEN"
    for _ in range(2):
        status, ended, _ = await rest.call("POST", f"/watch-parties/{party_id}/end", headers=alice.headers)
        assert status == 200
    _, answer, _ = await rest.call("GET", f"/watch-parties/{party_id}", headers=alice.headers)
    assert answer["data"]["ended_at"] == ended["data"]["ended_at"]
    assert (answer["data"]["timeline"]["status"], answer["data"]["timeline"]["reason"]) == ("ended", "party-ended")
    refused = await rest.call("PATCH", f"/watch-parties/{party_id}", json=change, headers=alice.headers)
    assert (refused[0], code_of(refused[1])) == (410, "GONE")
    _, answer, _ = await rest.call("GET", "/watch-parties", headers=bob.headers)
    assert answer["data"] == []


async def test_a_party_is_opened_with_the_address_of_a_video(rest: Rest, alice: Fan, content: int) -> None:
    async def opening(**video: object) -> tuple[int, str]:
        body = {"visibility": "public", **video}
        status, answer, _ = await rest.call("POST", "/watch-parties", json=body, headers=alice.headers)
        return status, answer["data"]["title"] if answer["success"] else code_of(answer)

    assert await opening(url=f"{VIDEOS}abc") == (201, "the video abc")
    assert await opening(url=f"{VIDEOS}abc", title="again") == (201, "again")
    assert await Content.filter(external_id="abc").count() == 1
    assert await opening(url=f"{VIDEOS}private1") == (404, "NOT_FOUND")
    for nothing in ("http://192.168.0.1/film.mp4", "https://x.example/film.mp4", "file:///etc/passwd", "no address"):
        assert await opening(url=nothing) == (400, "INVALID")
    for both_or_none in ({}, {"url": f"{VIDEOS}abc", "content_id": content}):
        assert await opening(**both_or_none) == (400, "INVALID")


async def test_a_party_by_invitation_is_known_to_those_who_were_asked_and_to_nobody_else(
    rest: Rest, alice: Fan, bob: Fan, content: int
) -> None:
    party_id = await open_party(rest, alice, content, visibility="invite")
    path = f"/watch-parties/{party_id}"
    assert (await rest.call("GET", path, headers=bob.headers))[0] == 404
    assert (await rest.call("GET", f"{path}/members", headers=bob.headers))[0] == 404
    asked = {"user_id": bob.id, "role": "cohost"}
    assert (await rest.call("POST", f"{path}/members", json=asked, headers=bob.headers))[0] == 404
    for _ in range(2):
        status, answer, _ = await rest.call("POST", f"{path}/members", json=asked, headers=alice.headers)
        assert (status, answer["data"]) == (201, asked)
    _, answer, _ = await rest.call("GET", path, headers=bob.headers)
    assert answer["data"]["role"] == "cohost"
    _, answer, _ = await rest.call("GET", "/watch-parties?mine=true", headers=bob.headers)
    assert [one["id"] for one in answer["data"]] == [party_id]
    _, answer, _ = await rest.call("GET", "/watch-parties", headers=alice.headers)
    assert answer["data"] == []
    status, answer, _ = await rest.call("DELETE", f"{path}/members/{bob.id}?ban=true", headers=alice.headers)
    assert status == 200, answer
    assert code_of((await rest.call("GET", path, headers=bob.headers))[1]) == "BANNED"
    again = await rest.call("POST", f"{path}/members", json=asked, headers=alice.headers)
    assert code_of(again[1]) == "CONFLICT"
    assert (await rest.call("DELETE", f"{path}/bans/{bob.id}", headers=alice.headers))[0] == 200
    assert (await rest.call("GET", path, headers=bob.headers))[0] == 404, "the invitation ended with it"


async def test_what_cannot_be_watched_is_refused(rest: Rest, alice: Fan, content: int) -> None:
    post = (await video(rest.parts.clock, kind="post")).id
    for number, status in ((post, 400), (content + 999, 404)):
        body = {"content_id": number, "visibility": "public"}
        assert (await rest.call("POST", "/watch-parties", json=body, headers=alice.headers))[0] == status
    body = {"content_id": content, "visibility": "community"}
    refused = await rest.call("POST", "/watch-parties", json=body, headers=alice.headers)
    assert code_of(refused[1]) == "NOT_MEMBER"
    empty = await rest.call("PATCH", "/watch-parties/1", json={}, headers=alice.headers)
    assert code_of(empty[1]) == "INVALID"
    assert (await rest.call("GET", "/watch-parties/999", headers=alice.headers))[0] == 404


async def test_nobody_has_more_than_twenty_parties_that_are_not_over(rest: Rest, alice: Fan, content: int) -> None:
    for _ in range(MANY - 1):
        await open_party(rest, alice, content)
    body = {"content_id": content, "visibility": "public"}
    refused = await rest.call("POST", "/watch-parties", json=body, headers=alice.headers)
    assert (refused[0], code_of(refused[1])) == (409, "FULL")
    assert await WatchParty.all().count() == MANY - 1
    first = await rest.call("GET", "/watch-parties?limit=15", headers=alice.headers)
    cursor = first[1]["pagination"]["next_cursor"]
    second = await rest.call("GET", f"/watch-parties?limit=15&cursor={cursor}", headers=alice.headers)
    ids = [one["id"] for one in first[1]["data"] + second[1]["data"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == MANY - 1
    live = await rest.call("GET", "/watch-parties?live=true", headers=alice.headers)
    assert live[1]["data"] == [], "nobody is there"


async def test_changes_of_parties_are_limited_for_each_host_alone(
    rest: Rest, alice: Fan, bob: Fan, content: int
) -> None:
    """Each change may ask for reminders, so nobody moves a party without end."""
    own, theirs = [await open_party(rest, fan, content) for fan in (alice, bob)]

    async def change(fan: Fan, party_id: int, number: int) -> tuple[int, str | None]:
        body = {"title": f"night {number}"}
        status, answer, _ = await rest.call("PATCH", f"/watch-parties/{party_id}", json=body, headers=fan.headers)
        return status, None if status == 200 else answer["error"]["details"]["limit"]

    amount = DEFAULT_LIMITS["party.change"].rate.amount
    assert [await change(alice, own, number) for number in range(amount)] == [(200, None)] * amount
    assert await change(alice, own, amount) == (429, "party.change")
    assert await change(bob, theirs, 0) == (200, None)
    _, answer, _ = await rest.call("GET", f"/watch-parties/{own}", headers=alice.headers)
    assert answer["data"]["title"] == f"night {amount - 1}"
