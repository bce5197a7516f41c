"""Who asks, and what they may."""

from __future__ import annotations

import pytest

from tests.handlers.conftest import PASSWORD, Fan, Rest, code_of


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer "},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": "mpk_a_b", "Authorization": "Bearer nonsense"},
    ],
)
async def test_a_closed_route_wants_to_know_who_asks(rest: Rest, headers: dict[str, str]) -> None:
    status, answer, response = await rest.call("GET", "/feed", headers=headers)
    assert (status, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_bad_token_is_refused_even_where_none_is_needed(rest: Rest) -> None:
    status, _, _ = await rest.call("GET", "/creators", headers={"Authorization": "Bearer nonsense"})
    assert status == 401


async def test_an_old_token_does_not_hinder_logging_in(rest: Rest, alice: Fan) -> None:
    body = {"email": "alice@example.com", "password": PASSWORD}
    status, _, _ = await rest.call("POST", "/auth/login", json=body, headers={"Authorization": "Bearer nonsense"})
    assert status == 200


async def key_of(rest: Rest, fan: Fan, *scopes: str) -> dict[str, str]:
    body = {"name": "a program", "scopes": list(scopes)}
    status, answer, _ = await rest.call("POST", "/users/me/api-keys", json=body, headers=fan.headers)
    assert status == 201
    return {"X-API-Key": answer["data"]["key"]}


async def test_a_key_does_what_its_scopes_say_and_no_more(rest: Rest, alice: Fan) -> None:
    key = await key_of(rest, alice, "read")
    assert (await rest.call("GET", "/feed", headers=key))[0] == 200
    status, answer, _ = await rest.call("POST", "/creators", json={"source": "@a"}, headers=key)
    assert (status, code_of(answer)) == (403, "FORBIDDEN")
    writer = await key_of(rest, alice, "subscriptions:write")
    assert (await rest.call("POST", "/creators", json={"source": "@a"}, headers=writer))[0] == 201
    assert (await rest.call("GET", "/feed", headers=writer))[0] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/me/api-keys"),
        ("DELETE", "/users/me/sessions"),
        ("POST", "/auth/logout"),
        ("DELETE", "/users/me/api-keys/1"),
    ],
)
async def test_a_key_may_not_touch_keys_and_sessions(rest: Rest, alice: Fan, method: str, path: str) -> None:
    key = await key_of(rest, alice, "read", "profile:write")
    status, answer, _ = await rest.call(method, path, headers=key)
    assert (status, code_of(answer)) == (403, "FORBIDDEN")
