"""Every route, over HTTP, with the real services."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mypick.content.models import Content
from mypick.notifications.models import Inbox, Notice, Notification
from mypick.notifications.streams import inbox_of
from mypick.operations.health import Phase
from mypick.streams import Append, NewEvent, ReceiptKey
from tests.handlers.conftest import PASSWORD, Fan, Rest, StartRest

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def creator_of(rest: Rest, fan: Fan, source: str) -> int:
    status, body, _ = await rest.call("POST", "/creators", json={"source": source}, headers=fan.headers)
    assert status == 201, body
    return int(body["data"]["id"])


# auth and users


async def test_registering_answers_with_a_user_and_tokens(rest: Rest) -> None:
    body = {"email": "Fan@Example.com", "password": PASSWORD, "display_name": "팬"}
    status, answer, _ = await rest.call("POST", "/auth/register", json=body)
    assert status == 201
    assert set(answer) == {"success", "data"}
    assert set(answer["data"]) == {"user", "access_token", "refresh_token", "expires_in"}
    assert answer["data"]["user"]["display_name"] == "팬"
    assert INSTANT.fullmatch(answer["data"]["user"]["created_at"])


async def test_one_address_has_one_account(rest: Rest, alice: Fan) -> None:
    body = {"email": "alice@example.com", "password": PASSWORD, "display_name": "Other"}
    status, answer, _ = await rest.call("POST", "/auth/register", json=body)
    assert (status, answer["error"]["code"]) == (409, "CONFLICT")


async def test_a_wrong_password_is_unauthenticated(rest: Rest, alice: Fan) -> None:
    body = {"email": "alice@example.com", "password": "wrong"}
    status, answer, _ = await rest.call("POST", "/auth/login", json=body)
    assert (status, answer["error"]["code"]) == (401, "UNAUTHENTICATED")


async def test_a_refresh_token_is_good_once(rest: Rest, alice: Fan) -> None:
    body = {"refresh_token": alice.refresh_token}
    status, answer, _ = await rest.call("POST", "/auth/refresh", json=body)
    assert status == 200
    headers = {"Authorization": f"Bearer {answer['data']['access_token']}"}
    assert (await rest.call("GET", "/users/me", headers=headers))[0] == 200
    assert (await rest.call("POST", "/auth/refresh", json=body))[0] == 401


async def test_a_token_is_worth_nothing_after_log_out(rest: Rest, alice: Fan) -> None:
    status, answer, _ = await rest.call("POST", "/auth/logout", headers=alice.headers)
    assert (status, answer["data"]) == (200, {"logged_out": True})
    assert (await rest.call("GET", "/users/me", headers=alice.headers))[0] == 401


async def test_profile_and_settings_change_by_the_fields_that_are_sent(rest: Rest, alice: Fan) -> None:
    await rest.call("PATCH", "/users/me", json={"locale": "ko"}, headers=alice.headers)
    _, me, _ = await rest.call("GET", "/users/me", headers=alice.headers)
    assert (me["data"]["locale"], me["data"]["display_name"]) == ("ko", "alice")
    await rest.call("PATCH", "/users/me/settings", json={"theme": "dark"}, headers=alice.headers)
    _, settings, _ = await rest.call("GET", "/users/me/settings", headers=alice.headers)
    assert (settings["data"]["theme"], settings["data"]["autoplay"]) == ("dark", True)


async def test_sessions_can_be_seen_and_ended(rest: Rest, alice: Fan) -> None:
    body = {"email": "alice@example.com", "password": PASSWORD}
    for _ in range(3):
        await rest.call("POST", "/auth/login", json=body, headers={"User-Agent": "Phone"})
    _, answer, _ = await rest.call("GET", "/users/me/sessions", headers=alice.headers)
    others = [session for session in answer["data"] if not session["current"]]
    assert [session["user_agent"] for session in others] == ["Phone"] * 3
    ended = await rest.call("DELETE", f"/users/me/sessions/{others[0]['id']}", headers=alice.headers)
    assert (ended[0], ended[1]["data"]) == (200, {"ended": True})
    _, answer, _ = await rest.call("DELETE", "/users/me/sessions", headers=alice.headers)
    assert answer["data"] == {"ended": 2}
    assert (await rest.call("GET", "/users/me", headers=alice.headers))[0] == 200


async def test_another_persons_session_and_key_are_not_found(rest: Rest, alice: Fan, bob: Fan) -> None:
    _, answer, _ = await rest.call("GET", "/users/me/sessions", headers=bob.headers)
    session = answer["data"][0]["id"]
    body = {"name": "bot", "scopes": ["read"]}
    _, answer, _ = await rest.call("POST", "/users/me/api-keys", json=body, headers=bob.headers)
    key = answer["data"]["id"]
    for path in (f"/users/me/sessions/{session}", f"/users/me/api-keys/{key}"):
        assert (await rest.call("DELETE", path, headers=alice.headers))[0] == 404


async def test_a_key_is_shown_once_and_opens_nothing_when_revoked(rest: Rest, alice: Fan) -> None:
    body = {"name": "bot", "scopes": ["read"]}
    status, made, _ = await rest.call("POST", "/users/me/api-keys", json=body, headers=alice.headers)
    assert status == 201
    key = {"X-API-Key": made["data"]["key"]}
    _, listed, _ = await rest.call("GET", "/users/me/api-keys", headers=alice.headers)
    assert "key" not in listed["data"][0]
    assert (await rest.call("GET", "/users/me", headers=key))[0] == 200
    path = f"/users/me/api-keys/{made['data']['id']}"
    _, answer, _ = await rest.call("DELETE", path, headers=alice.headers)
    assert answer["data"] == {"revoked": True}
    assert (await rest.call("GET", "/users/me", headers=key))[0] == 401


async def test_a_new_password_replaces_the_old_one(rest: Rest, alice: Fan) -> None:
    body = {"current_password": PASSWORD, "new_password": "another sentence 43"}
    status, answer, _ = await rest.call("POST", "/users/me/password", json=body, headers=alice.headers)
    assert (status, answer["data"]) == (200, {"changed": True})
    for password, wanted in ((PASSWORD, 401), ("another sentence 43", 200)):
        login = {"email": "alice@example.com", "password": password}
        assert (await rest.call("POST", "/auth/login", json=login))[0] == wanted


# creators and feed


async def test_adding_twice_gives_the_same_creator(rest: Rest, alice: Fan, bob: Fan) -> None:
    assert await creator_of(rest, alice, "@lotta") == await creator_of(rest, bob, "@LOTTA")


@pytest.mark.parametrize(("source", "status"), [("what is this", 400), ("@gone", 404)])
async def test_what_is_no_channel_makes_no_creator(rest: Rest, alice: Fan, source: str, status: int) -> None:
    assert (await rest.call("POST", "/creators", json={"source": source}, headers=alice.headers))[0] == status


async def test_following_twice_is_no_error(rest: Rest, alice: Fan) -> None:
    path = f"/creators/{await creator_of(rest, alice, '@lotta')}"
    for _ in range(2):
        status, answer, _ = await rest.call("POST", f"{path}/subscribe", headers=alice.headers)
        assert (status, answer["data"]) == (201, {"subscribed": True})
    _, seen, _ = await rest.call("GET", path, headers=alice.headers)
    assert (seen["data"]["subscribed"], seen["data"]["subscriber_count"]) == (True, 1)
    _, seen, _ = await rest.call("GET", path)
    assert seen["data"]["subscribed"] is False
    for _ in range(2):
        status, answer, _ = await rest.call("DELETE", f"{path}/subscribe", headers=alice.headers)
        assert (status, answer["data"]) == (200, {"subscribed": False})


async def test_an_unknown_creator_is_not_found(rest: Rest, alice: Fan) -> None:
    for method, path in (("GET", ""), ("GET", "/videos"), ("POST", "/subscribe"), ("DELETE", "/subscribe")):
        status, answer, _ = await rest.call(method, f"/creators/999{path}", headers=alice.headers)
        assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")


async def every(rest: Rest, path: str, fan: Fan, limit: int) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(20):
        status, body, _ = await rest.call("GET", f"{path}?limit={limit}{cursor}", headers=fan.headers)
        assert status == 200, body
        assert body["pagination"]["limit"] == limit
        found += body["data"]
        if body["pagination"]["next_cursor"] is None:
            return found
        cursor = f"&cursor={body['pagination']['next_cursor']}"
    raise AssertionError("the list has no end")


async def test_lists_show_each_item_once(rest: Rest, alice: Fan) -> None:
    wanted = [await creator_of(rest, alice, f"@maker{number}") for number in range(5)]
    for creator in wanted:
        await rest.call("POST", f"/creators/{creator}/subscribe", headers=alice.headers)
    for path in ("/creators", f"/users/{alice.id}/subscriptions"):
        for limit in (1, 2, 5, 100):
            assert sorted(item["id"] for item in await every(rest, path, alice, limit)) == wanted


async def test_whom_another_follows_is_forbidden(rest: Rest, alice: Fan, bob: Fan) -> None:
    status, answer, _ = await rest.call("GET", f"/users/{bob.id}/subscriptions", headers=alice.headers)
    assert (status, answer["error"]["code"]) == (403, "FORBIDDEN")


async def publish(creator: int, count: int) -> list[int]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [creator * 100 + number for number in range(count)]
    for number, content_id in enumerate(ids):
        await Content.create(
            id=content_id,
            creator_id=creator,
            channel_id=creator,
            platform="youtube",
            external_id=f"v{content_id}",
            kind="video",
            title=f"Video {number}",
            description="",
            url=f"https://www.youtube.com/watch?v=v{content_id}",
            view_count=2**60 if number == 0 else None,
            published_at=start + timedelta(hours=number // 2),  # pairs share a moment
            discovered_at=start,
        )
    return ids


async def test_the_feed_is_what_the_followed_published_newest_first(rest: Rest, alice: Fan) -> None:
    followed, other = await creator_of(rest, alice, "@lotta"), await creator_of(rest, alice, "@other")
    await rest.call("POST", f"/creators/{followed}/subscribe", headers=alice.headers)
    ids = await publish(followed, 5)
    await publish(other, 2)
    for path in ("/feed", f"/creators/{followed}/videos"):
        found = await every(rest, path, alice, 2)
        assert [item["id"] for item in found] == ids[::-1]
        assert found[-1]["view_count"] == str(2**60)
        assert all(INSTANT.fullmatch(item["published_at"]) for item in found)


# notifications


async def notify(rest: Rest, fan: Fan, count: int) -> None:
    streams = rest.parts.notifications._streams
    key = inbox_of(fan.id)
    for number in range(1, count + 1):
        now = rest.parts.clock.now()
        notice = await Notice.create(
            id=number, dedupe_key=f"n{number}", kind="new-video", title=f"#{number}", body="", url="", created_at=now
        )
        receipt = ReceiptKey.of(fan.id, f"n{number}", "notify", {})
        event = NewEvent(key, "new-notification", {"unread_count": number}, ref=notice.id)
        done = await streams.append_alone(Append(events=[event], receipt=receipt))
        (written,) = done.events
        await Notification.create(
            id=written.id, notice_id=notice.id, user_id=fan.id, seq=written.seq, created_at=now
        )
    await Inbox.create(user_id=fan.id, unread_count=count)


async def test_the_inbox_is_read_page_by_page_and_marked(rest: Rest, alice: Fan, bob: Fan) -> None:
    await notify(rest, alice, 5)
    found = await every(rest, "/notifications", alice, 2)
    assert [item["seq"] for item in found] == [5, 4, 3, 2, 1]
    assert found[0]["data"]["title"] == "#5"
    status, answer, _ = await rest.call("POST", "/notifications/read", json={"upto_seq": 3}, headers=alice.headers)
    assert (status, answer["data"]) == (200, {"unread_count": 2})
    _, answer, _ = await rest.call("GET", "/notifications?unread=true", headers=alice.headers)
    assert [item["seq"] for item in answer["data"]] == [5, 4]
    assert answer["metadata"]["unread_count"] == 2
    assert answer["metadata"]["stream"] == inbox_of(alice.id)
    assert answer["metadata"]["head_seq"] == 5
    ids = {"ids": [item["id"] for item in answer["data"]]}
    _, answer, _ = await rest.call("POST", "/notifications/read", json=ids, headers=bob.headers)
    assert answer["data"] == {"unread_count": 0}
    _, answer, _ = await rest.call("GET", "/notifications?unread=true", headers=alice.headers)
    assert answer["metadata"]["unread_count"] == 2
    _, answer, _ = await rest.call("POST", "/notifications/read", json=ids, headers=alice.headers)
    assert answer["data"] == {"unread_count": 0}


@pytest.mark.parametrize("body", [{}, {"upto_seq": 1, "ids": [1]}, {"upto_seq": -1}, {"ids": ["1"]}, {"ids": [0]}])
async def test_mark_read_names_one_of_two(rest: Rest, alice: Fan, body: dict[str, Any]) -> None:
    assert (await rest.call("POST", "/notifications/read", json=body, headers=alice.headers))[0] == 400


async def test_kinds_that_are_left_out_stay(rest: Rest, alice: Fan) -> None:
    body = {"kinds": {"new-video": False}}
    await rest.call("PATCH", "/notifications/settings", json=body, headers=alice.headers)
    await rest.call("PATCH", "/notifications/settings", json={"kinds": {"reply": False}}, headers=alice.headers)
    _, answer, _ = await rest.call("GET", "/notifications/settings", headers=alice.headers)
    kinds = answer["data"]["kinds"]
    assert {kind for kind, wanted in kinds.items() if not wanted} == {"new-video", "reply"}
    assert set(kinds) >= {"live-started", "party-invite", "announcement"}


# probes


async def test_health_names_its_parts(rest: Rest) -> None:
    response = await rest.client.get("/health")
    report = await response.json()
    assert (response.status, report["status"]) == (200, "up")
    assert set(report["parts"]["database"]) == {"state", "latency_ms", "detail"}


async def test_a_draining_server_lives_and_is_not_ready(rest: Rest) -> None:
    rest.parts.health.phase = Phase.DRAINING
    assert (await rest.client.get("/health/live")).status == 200
    assert (await rest.client.get("/health/ready")).status == 503
    assert (await rest.client.get("/health")).status == 200


async def test_metrics_count_routes_and_not_paths(rest: Rest, alice: Fan) -> None:
    await rest.call("GET", "/creators/12345")
    await rest.call("GET", "/no/such/path")
    text = await (await rest.client.get("/metrics")).text()
    assert 'mypick_http_requests_total{method="GET",route="/api/v1/creators/{creator_id}",status="404"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "12345" not in text


async def test_metrics_ask_for_their_token(start_rest: StartRest) -> None:
    rest = await start_rest(metrics_token="scrape-me")
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer scrape-m"}, 401),
        ({"Authorization": "Bearer scrape-me"}, 200),
    ):
        assert (await rest.client.get("/metrics", headers=headers)).status == status
