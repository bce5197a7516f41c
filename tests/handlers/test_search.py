"""Search over REST."""

from __future__ import annotations

from typing import Any

import pytest

from mypick.community.models import Community
from mypick.creators.models import Creator
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of


@pytest.fixture
async def community(rest: Rest, alice: Fan, clock: FakeClock) -> dict[str, Any]:
    creator = await Creator.create(name="아이유", description="", created_at=clock.now())
    _, body, _ = await rest.call("POST", "/communities", headers=alice.headers, json={"creator_id": creator.id})
    data: dict[str, Any] = body["data"]
    return data


async def send(rest: Rest, fan: Fan, room: int, text: str) -> dict[str, Any]:
    body = {"cid": f"{fan.id}-{text}", "text": text}
    status, answer, _ = await rest.call("POST", f"/rooms/{room}/messages", headers=fan.headers, json=body)
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def search(rest: Rest, fan: Fan, path: str, **parameters: Any) -> tuple[list[Any], str | None]:
    status, body, _ = await rest.call("GET", path, headers=fan.headers, params=parameters)
    assert status == 200, body
    return body["data"], body["pagination"]["next_cursor"]


async def test_search_finds_and_pages(rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any]) -> None:
    room = community["rooms"][0]["id"]
    sent = [await send(rest, alice, room, f"콘서트 {number}") for number in range(3)]
    first, cursor = await search(rest, bob, "/search", q="콘서트", limit=2)
    rest_of_it, end = await search(rest, bob, "/search", q="콘서트", limit=2, cursor=cursor)
    assert ([hit["id"] for hit in first + rest_of_it], end) == ([one["id"] for one in sent[::-1]], None)
    assert first[0]["excerpt"] == [{"text": "콘서트", "marked": True}, {"text": " 2", "marked": False}]
    assert (first[0]["room_id"], first[0]["seq"]) == (room, sent[2]["seq"])
    path = f"/communities/{community['id']}/search"
    for parameters in (
        {"q": "콘서트 2"},
        {"q": '"콘서트 2" from:me', "room_id": room},
        {"q": "콘서트 2 in:chat", "author_id": alice.id, "kind": "message"},
        {"q": "콘서트 2", "after": "2020-01-01", "before": "2999-01-01T00:00:00+09:00"},
    ):
        found, _ = await search(rest, alice, path, **parameters)
        assert [hit["id"] for hit in found] == [sent[2]["id"]], parameters
    found, _ = await search(rest, alice, path, q="콘서트", has_link="true")
    assert found == []
    status, body, _ = await rest.call(
        "GET", f"/rooms/{room}/messages/around?seq={sent[1]['seq']}&limit=3", headers=bob.headers
    )
    assert status == 200
    assert [event["id"] for event in body["data"]["events"]] == [one["id"] for one in sent]
    assert (body["data"]["more"], body["data"]["more_after"]) == (False, False)


async def test_search_is_for_those_who_may_read(
    rest: Rest, alice: Fan, bob: Fan, community: dict[str, Any]
) -> None:
    room = community["rooms"][0]["id"]
    await rest.call("POST", f"/communities/{community['id']}/members/me", headers=alice.headers)
    await send(rest, alice, room, "비밀번호")
    await Community.filter(id=community["id"]).update(visibility="private")
    assert len((await search(rest, alice, "/search", q="비밀번호"))[0]) == 1
    assert await search(rest, bob, "/search", q="비밀번호") == ([], None)
    for path in (
        f"/communities/{community['id']}/search?q=x",
        f"/search?q=x&room_id={room}",
        f"/rooms/{room}/messages/around?seq=1",
    ):
        status, body, _ = await rest.call("GET", path, headers=bob.headers)
        assert (status, code_of(body)) == (404, "NOT_FOUND")
    assert (await rest.call("GET", "/search?q=x"))[0] == 401


async def test_a_search_that_cannot_be_read_is_refused(rest: Rest, alice: Fan) -> None:
    wrong = ("", "q=", "q=!", "q=before:soon", "q=x&after=soon", "q=x&kind=song", "q=x&cursor=x", "q=" + "x" * 201)
    for query in wrong:
        status, body, _ = await rest.call("GET", f"/search?{query}", headers=alice.headers)
        assert (status, code_of(body)) == (400, "INVALID"), query
