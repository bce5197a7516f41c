"""An unsafe request that is sent twice is done once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from handlers.replies import reply
from handlers.rules import rules
from handlers.views import ApiView
from mypick.creators.models import Creator, Subscription
from mypick.errors import Code, DomainError
from mypick.operations.idempotency import LEASE
from mypick.streams.models import Receipt
from tests.fakes import FakeClock
from tests.handlers.conftest import PASSWORD, Fan, Rest, StartRest


def keyed(fan: Fan, key: str) -> dict[str, str]:
    return {**fan.headers, "Idempotency-Key": key}


class Gate:
    """A route that counts its runs, waits to be let go, and answers as told."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.answers: list[Exception | None] = []

    def add_to(self, app: web.Application) -> None:
        gate = self

        class GateView(ApiView):
            @rules("gate", tag="users", scope="read", idempotent=True)
            async def post(self) -> Any:
                gate.runs += 1
                gate.entered.set()
                await gate.open.wait()
                answer = gate.answers.pop(0) if gate.answers else None
                if answer is not None:
                    raise answer
                return reply({"run": gate.runs}, 201)

        app.router.add_view("/api/v1/gate", GateView)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def gated(start_rest: StartRest, gate: Gate) -> Rest:
    return await start_rest(change=gate.add_to)


async def test_same_key_twice_gives_the_same_answer_and_does_nothing(rest: Rest, alice: Fan) -> None:
    first = await rest.call("POST", "/creators", json={"source": "@lotta"}, headers=keyed(alice, "k"))
    again = await rest.call("POST", "/creators", json={"source": "@lotta"}, headers=keyed(alice, "k"))
    assert first[:2] == again[:2]
    assert first[0] == 201
    assert "Idempotency-Replayed" not in first[2].headers
    assert again[2].headers["Idempotency-Replayed"] == "true"
    assert await Creator.all().count() == 1


async def test_a_replay_does_not_undo_what_came_since(rest: Rest, alice: Fan) -> None:
    _, body, _ = await rest.call("POST", "/creators", json={"source": "@lotta"}, headers=alice.headers)
    path = f"/creators/{body['data']['id']}/subscribe"
    await rest.call("POST", path, headers=keyed(alice, "follow"))
    await rest.call("DELETE", path, headers=alice.headers)
    status, answer, _ = await rest.call("POST", path, headers=keyed(alice, "follow"))
    assert (status, answer["data"]) == (201, {"subscribed": True})
    assert await Subscription.all().count() == 0


@pytest.mark.parametrize(
    ("path", "body"), [("/creators", {"source": "@other"}), ("/notifications/read", {"upto_seq": 1})]
)
async def test_same_key_for_another_request_is_refused(rest: Rest, alice: Fan, path: str, body: dict[str, Any]) -> None:
    await rest.call("POST", "/creators", json={"source": "@lotta"}, headers=keyed(alice, "k"))
    status, answer, _ = await rest.call("POST", path, json=body, headers=keyed(alice, "k"))
    assert (status, answer["error"]["code"]) == (409, "CID_REUSED")


async def test_two_users_may_choose_the_same_key(rest: Rest, alice: Fan, bob: Fan) -> None:
    for fan in (alice, bob):
        body = {"display_name": f"fan {fan.id}"}
        status, answer, _ = await rest.call("PATCH", "/users/me", json=body, headers=keyed(fan, "k"))
        assert (status, answer["data"]["id"]) == (200, fan.id)


@pytest.mark.parametrize("key", ["a" * 65, "with space", "ä", " "])
async def test_an_odd_key_is_invalid(rest: Rest, alice: Fan, key: str) -> None:
    headers = {**alice.headers, "Idempotency-Key": key}
    status, answer, _ = await rest.call("POST", "/creators", json={"source": "@lotta"}, headers=headers)
    assert (status, answer["error"]["details"][0]["field"]) == (400, "header.Idempotency-Key")


async def test_two_at_once_run_once(gated: Rest, gate: Gate) -> None:
    fan = await gated.register("alice")
    gate.open.clear()
    first = asyncio.create_task(gated.call("POST", "/gate", headers=keyed(fan, "k")))
    await asyncio.wait_for(gate.entered.wait(), 5)
    status, answer, response = await gated.call("POST", "/gate", headers=keyed(fan, "k"))
    assert (status, answer["error"]["code"]) == (409, "CONFLICT")
    assert response.headers["Retry-After"] == "1"
    gate.open.set()
    assert (await first)[0] == 201
    assert (await gated.call("POST", "/gate", headers=keyed(fan, "k")))[:2] == (await first)[:2]
    assert gate.runs == 1


async def test_ten_at_once_run_once(gated: Rest, gate: Gate) -> None:
    fan = await gated.register("alice")
    answers = await asyncio.gather(*(gated.call("POST", "/gate", headers=keyed(fan, "k")) for _ in range(10)))
    assert gate.runs == 1
    assert {status for status, _, _ in answers} <= {201, 409}
    assert all(body["data"] == {"run": 1} for status, body, _ in answers if status == 201)
    assert any(status == 201 for status, _, _ in answers)


async def test_a_refusal_that_stands_is_kept(gated: Rest, gate: Gate) -> None:
    fan = await gated.register("alice")
    gate.answers = [DomainError(Code.NOT_FOUND, "no such thing")]
    first = await gated.call("POST", "/gate", headers=keyed(fan, "k"))
    again = await gated.call("POST", "/gate", headers=keyed(fan, "k"))
    assert first[0] == again[0] == 404
    assert gate.runs == 1


@pytest.mark.parametrize(
    "answer",
    [
        DomainError(Code.CONFLICT),
        DomainError(Code.RATE_LIMITED, retry_after_ms=10),
        DomainError(Code.UPSTREAM_FAILED),
        DomainError(Code.TIMED_OUT, retry_after_ms=10),
        RuntimeError("unexpected"),
    ],
    ids=repr,
)
async def test_an_answer_that_may_change_frees_the_key(gated: Rest, gate: Gate, answer: Exception) -> None:
    fan = await gated.register("alice")
    gate.answers = [answer]
    assert (await gated.call("POST", "/gate", headers=keyed(fan, "k")))[0] >= 400
    assert (await gated.call("POST", "/gate", headers=keyed(fan, "k")))[0] == 201
    assert gate.runs == 2


async def test_the_key_of_a_died_server_is_free_after_the_lease(gated: Rest, gate: Gate, clock: FakeClock) -> None:
    fan = await gated.register("alice")
    gate.open.clear()
    died = asyncio.create_task(gated.call("POST", "/gate", headers=keyed(fan, "k")))
    await asyncio.wait_for(gate.entered.wait(), 5)
    gate.entered.clear()
    clock.advance(LEASE.total_seconds() - 1)
    assert (await gated.call("POST", "/gate", headers=keyed(fan, "k")))[0] == 409
    clock.advance(1)
    successor = asyncio.create_task(gated.call("POST", "/gate", headers=keyed(fan, "k")))
    await asyncio.wait_for(gate.entered.wait(), 5)
    gate.open.set()
    assert (await successor)[0] == (await died)[0] == 201
    assert gate.runs == 2
    # the late one must not overwrite or remove what its successor keeps
    assert (await gated.call("POST", "/gate", headers=keyed(fan, "k")))[1] == (await successor)[1]
    assert gate.runs == 2


async def test_no_secret_is_kept(rest: Rest, alice: Fan) -> None:
    headers = keyed(alice, "k")
    body = {"email": "alice@example.com", "password": PASSWORD}
    assert (await rest.call("POST", "/auth/login", json=body, headers=headers))[0] == 200
    key = {"name": "bot", "scopes": ["read"]}
    assert (await rest.call("POST", "/users/me/api-keys", json=key, headers=headers))[0] == 201
    passwords = {"current_password": PASSWORD, "new_password": "another sentence 43"}
    assert (await rest.call("POST", "/users/me/password", json=passwords, headers=headers))[0] == 200
    assert await Receipt.all().count() == 0
