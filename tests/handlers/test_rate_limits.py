"""How much one user or address may ask, and which address that is."""

from __future__ import annotations

import pytest

from mypick.addresses import client_address
from tests.handlers.conftest import PASSWORD, StartRest, code_of


async def test_every_answer_tells_what_is_left(start_rest: StartRest) -> None:
    rest = await start_rest(general="3/1m")
    for remaining in ("2", "1", "0"):
        _, _, response = await rest.call("GET", "/creators")
        assert response.headers["RateLimit-Limit"] == "3"
        assert response.headers["RateLimit-Remaining"] == remaining
    status, answer, response = await rest.call("GET", "/creators")
    assert (status, code_of(answer)) == (429, "RATE_LIMITED")
    assert response.headers["Retry-After"] == response.headers["RateLimit-Reset"] == "20"
    assert response.headers["RateLimit-Remaining"] == "0"


async def test_a_refusal_tells_of_the_limit_that_refused(start_rest: StartRest) -> None:
    rest = await start_rest(general="100/1m", log_ins="2/1m")
    body = {"email": "alice@example.com", "password": PASSWORD}
    for _ in range(2):
        assert (await rest.call("POST", "/auth/login", json=body))[0] == 401
    status, answer, response = await rest.call("POST", "/auth/login", json=body)
    assert (status, answer["error"]["details"]["limit"]) == (429, "auth.login.account")
    assert response.headers["Retry-After"] == response.headers["RateLimit-Reset"] == "30"
    assert response.headers["RateLimit-Remaining"] == "0"
    assert response.headers["RateLimit-Limit"] == "2"


async def test_guessing_keys_is_limited(start_rest: StartRest) -> None:
    rest = await start_rest(general="3/1m")
    seen = [(await rest.call("GET", "/feed", headers={"X-API-Key": f"mpk_{n}"}))[0] for n in range(5)]
    assert seen == [401, 401, 401, 429, 429]


async def test_a_user_has_a_limit_of_their_own(start_rest: StartRest) -> None:
    rest = await start_rest(general="4/1m")
    alice, bob = await rest.register("alice"), await rest.register("bob")
    for _ in range(4):
        assert (await rest.call("GET", "/feed", headers=alice.headers))[0] == 200
    assert (await rest.call("GET", "/feed", headers=alice.headers))[0] == 429
    assert (await rest.call("GET", "/feed", headers=bob.headers))[0] == 200


async def test_probes_are_not_limited(start_rest: StartRest) -> None:
    rest = await start_rest(general="1/1m")
    assert [(await rest.client.get("/health/ready")).status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("peer", "header", "proxies", "address"),
    [
        (("10.0.0.1", 5), [], 0, "10.0.0.1"),
        (("10.0.0.1", 5), ["1.2.3.4"], 0, "10.0.0.1"),
        (("10.0.0.1", 5), ["6.6.6.6, 1.2.3.4"], 1, "1.2.3.4"),
        (("10.0.0.1", 5), ["6.6.6.6, 1.2.3.4", "10.0.0.2"], 2, "1.2.3.4"),
        (("10.0.0.1", 5), ["1.2.3.4"], 2, "10.0.0.1"),
        (("10.0.0.1", 5), ["no address"], 1, "10.0.0.1"),
        (("::ffff:10.0.0.1", 5, 0, 0), [], 1, "10.0.0.1"),
        (("fe80::1%eth0", 5, 0, 0), [], 0, "fe80::1"),
        ("", [], 0, "0.0.0.0"),
        (None, ["2001:db8::1"], 1, "2001:db8::1"),
    ],
)
def test_the_client_cannot_choose_its_address(peer: object, header: list[str], proxies: int, address: str) -> None:
    assert client_address(peer, header, proxies) == address


async def test_a_session_remembers_the_address_behind_the_proxy(start_rest: StartRest) -> None:
    rest = await start_rest(trusted_proxies=1)
    fan = await rest.register("alice")
    body = {"email": "alice@example.com", "password": PASSWORD}
    await rest.call("POST", "/auth/login", json=body, headers={"X-Forwarded-For": "9.9.9.9, 203.0.113.9"})
    _, answer, _ = await rest.call("GET", "/users/me/sessions", headers=fan.headers)
    assert {session["address"] for session in answer["data"]} == {"127.0.0.1", "203.0.113.9"}
