"""What happens around every handler."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from aiohttp import ClientSession, web

from handlers.paths import API
from mypick.addresses import client_address
from mypick.errors import Code, DomainError
from tests.handlers.conftest import ORIGIN, PASSWORD, Fan, Rest, StartRest


def code_of(body: dict[str, Any]) -> str:
    assert body["success"] is False
    assert set(body["error"]) <= {"code", "message", "details"}
    return str(body["error"]["code"])


def fields_of(body: dict[str, Any]) -> list[str]:
    return [problem["field"] for problem in body["error"]["details"]]


# request ids


async def test_a_sane_request_id_is_echoed(rest: Rest) -> None:
    response = await rest.client.get("/health/live", headers={"X-Request-ID": "client-7.A_b"})
    assert response.headers["X-Request-ID"] == "client-7.A_b"


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>", "ä"])
async def test_another_request_id_is_replaced(rest: Rest, given: str) -> None:
    response = await rest.client.get("/health/live", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"].startswith("made-")


async def test_one_line_tells_of_each_request(rest: Rest, alice: Fan) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await rest.call("GET", "/users/me", headers={**alice.headers, "X-Request-ID": "seen"})
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["request_id"] == "seen"
    assert line["user_id"] == alice.id
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/users/me", 200)


async def test_the_log_of_a_request_holds_no_query_and_no_token(rest: Rest, alice: Fan) -> None:
    with structlog.testing.capture_logs() as lines:
        await rest.call("GET", "/creators?q=sehr-privat", headers=alice.headers)
    text = repr(lines)
    assert "sehr-privat" not in text
    assert alice.headers["Authorization"] not in text


# errors


async def test_an_unknown_path_is_not_found(rest: Rest) -> None:
    status, body, _ = await rest.call("GET", "/nothing-here")
    assert (status, code_of(body)) == (404, "NOT_FOUND")


async def test_a_wrong_method_names_the_right_ones(rest: Rest) -> None:
    status, body, response = await rest.call("PUT", "/creators")
    assert (status, code_of(body)) == (405, "INVALID")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_names_the_methods(rest: Rest) -> None:
    response = await rest.client.options(API + "/feed")
    assert response.status == 204
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_head_is_get_without_a_body(rest: Rest) -> None:
    response = await rest.client.head(API + "/creators")
    assert response.status == 200
    assert await response.read() == b""
    assert int(response.headers["Content-Length"]) > 0


def breaking(problem: BaseException, path: str = "/api/v1/broken") -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise problem

    return lambda app: app.router.add_get(path, handler)


async def test_an_unexpected_failure_shows_an_incident_and_nothing_else(start_rest: StartRest) -> None:
    problem = RuntimeError("password=hunter2")
    rest = await start_rest(change=breaking(problem))
    with structlog.testing.capture_logs() as lines:
        status, body, _ = await rest.call("GET", "/broken")
    assert (status, code_of(body)) == (500, "INTERNAL")
    incident = body["error"]["details"]["incident_id"]
    assert "hunter2" not in repr(body)
    assert rest.incidents == [(problem, incident)]
    (line,) = [line for line in lines if line.get("incident_id") == incident]
    assert line["exc_info"] is problem


async def test_a_part_that_is_away_is_worth_a_retry(start_rest: StartRest) -> None:
    rest = await start_rest(change=breaking(ConnectionRefusedError("10.0.0.7:5432")))
    status, body, response = await rest.call("GET", "/broken")
    assert (status, code_of(body)) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == "2"
    assert "10.0.0.7" not in repr(body)


async def test_the_wait_is_told_in_whole_seconds(start_rest: StartRest) -> None:
    rest = await start_rest(change=breaking(DomainError(Code.QUOTA_EXHAUSTED, retry_after_ms=1_001)))
    status, _, response = await rest.call("GET", "/broken")
    assert (status, response.headers["Retry-After"]) == (503, "2")


async def test_failures_carry_request_id_and_security_headers(rest: Rest) -> None:
    _, _, response = await rest.call("GET", "/nothing-here", headers={"Origin": ORIGIN})
    assert response.headers["X-Request-ID"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_a_client_that_goes_away_is_no_incident(start_rest: StartRest) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def slow(request: web.Request) -> web.StreamResponse:
        entered.set()
        await go_on.wait()
        try:
            raise ConnectionResetError("Cannot write to closing transport")
        finally:
            ended.set_result(None)

    rest = await start_rest(change=lambda app: app.router.add_get("/api/v1/slow", slow))
    asking = asyncio.create_task(rest.call("GET", "/slow"))
    await asyncio.wait_for(entered.wait(), 5)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(_until_no_connection(rest), 5)
    go_on.set()
    await asyncio.wait_for(ended, 5)
    status, _, _ = await rest.call("GET", "/creators")
    assert status == 200
    assert rest.incidents == []


async def _until_no_connection(rest: Rest) -> None:
    server = rest.client.server
    assert server.handler is not None
    while any(
        handler.transport is not None and not handler.transport.is_closing() for handler in server.handler.connections
    ):
        await asyncio.sleep(0.01)


# CORS and security headers


async def test_a_preflight_of_an_allowed_origin_is_granted(rest: Rest) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    response = await rest.client.options(API + "/users/me", headers=headers)
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in response.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ORIGIN + ".evil.example", "http://fans.example"])
async def test_another_origin_is_granted_nothing(rest: Rest, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    preflight = await rest.client.options(API + "/feed", headers=headers)
    plain = await rest.client.get(API + "/creators", headers={"Origin": origin})
    for response in (preflight, plain):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Origin" in response.headers["Vary"]


async def test_a_page_of_an_allowed_origin_can_read_our_headers(rest: Rest) -> None:
    response = await rest.client.get(API + "/creators", headers={"Origin": ORIGIN})
    exposed = response.headers["Access-Control-Expose-Headers"]
    for name in ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID"):
        assert name in exposed


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"in_production": True, "app_url": "https://mypick.example"}, True),
        ({"in_production": True}, False),
        ({"app_url": "https://mypick.example"}, False),
    ],
)
async def test_https_is_demanded_in_production_only_where_it_is_served(
    start_rest: StartRest, settings: dict[str, Any], told: bool
) -> None:
    rest = await start_rest(**settings)
    response = await rest.client.get("/health/live")
    assert ("Strict-Transport-Security" in response.headers) is told


@pytest.mark.parametrize("path", ["/health/live", API + "/creators", API + "/nothing", "/nothing"])
async def test_no_answer_names_the_versions_of_the_software(rest: Rest, path: str) -> None:
    response = await rest.client.get(path)
    assert "Server" not in response.headers


async def test_answers_are_not_cached_and_not_framed(rest: Rest) -> None:
    response = await rest.client.get(API + "/creators")
    assert response.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


# bodies


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(start_rest: StartRest, chunked: bool) -> None:
    rest = await start_rest(max_body_bytes=2048)
    body = chunks(4) if chunked else b" " * 4096
    headers = {"Content-Type": "application/json"}
    status, answer, _ = await rest.call("POST", "/auth/login", data=body, headers=headers)
    assert (status, code_of(answer)) == (413, "TOO_LARGE")


async def test_a_compressed_body_is_refused_before_it_unpacks(rest: Rest) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with ClientSession(auto_decompress=False) as session:
        url = rest.client.make_url(API + "/auth/login")
        async with session.post(url, data=bomb, headers=headers) as response:
            assert response.status == 400
            assert fields_of(await response.json()) == ["header.Content-Encoding"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"email": NaN}',
        b'{"email": "\\ud800"}',
        b'{"email": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * 5000,
    ],
)
async def test_a_body_that_is_no_json_object_is_invalid(rest: Rest, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    status, answer, _ = await rest.call("POST", "/auth/login", data=body, headers=headers)
    assert (status, code_of(answer), fields_of(answer)) == (400, "INVALID", ["body"])


@pytest.mark.parametrize(
    "value", ["a\x00b", 2**64, 10**40, -(2**63) - 1, 1e300, [[]] * 3 + [[[[]]]], "deep"], ids=repr
)
async def test_what_no_database_takes_is_invalid(rest: Rest, value: Any) -> None:
    if value == "deep":
        value = []
        for _ in range(40):
            value = [value]
    status, answer, _ = await rest.call("POST", "/auth/login", json={"email": value, "password": "x"})
    assert (status, code_of(answer)) == (400, "INVALID")


async def test_forms_are_not_json(rest: Rest) -> None:
    status, answer, _ = await rest.call("POST", "/auth/login", data={"email": "a@example.com", "password": "x"})
    assert (status, fields_of(answer)) == (400, ["header.Content-Type"])


async def test_errors_name_fields_and_repeat_no_input(rest: Rest) -> None:
    sent = {"email": "no-address-s3cret", "password": 17, "extra-s3cret": "s3cret-value"}
    status, answer, _ = await rest.call("POST", "/auth/login", json=sent)
    assert status == 400
    assert sorted(fields_of(answer)) == ["body.email", "body.extra-s3cret", "body.password"]
    assert "s3cret-value" not in repr(answer)
    assert "no-address-s3cret" not in repr(answer)


async def test_a_command_without_fields_takes_no_body(rest: Rest, alice: Fan) -> None:
    for body, wanted in ((b"", 200), (b"{}", 200), (b'{"all": true}', 400)):
        status, _, _ = await rest.call("DELETE", "/users/me/sessions", data=body, headers=alice.headers)
        assert status == wanted


# queries and paths


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("offset=3", "query.offset"),
        ("limit=3&limit=4", "query.limit"),
        ("limit=0", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=many", "query.limit"),
        ("q=a%00b", "query.q"),
        ("q=" + "a" * 101, "query.q"),
        ("cursor=nonsense", "query.cursor"),
    ],
)
async def test_an_odd_query_is_invalid(rest: Rest, query: str, field: str) -> None:
    status, answer, _ = await rest.call("GET", f"/creators?{query}")
    assert (status, code_of(answer), fields_of(answer)) == (400, "INVALID", [field])
    assert "Input" not in answer["error"]["message"]


@pytest.mark.parametrize("creator", ["0", "-1", "abc", str(2**63), "9" * 400, "1.5", "%00", "%ED%A0%80"])
async def test_what_is_no_id_names_nothing(rest: Rest, creator: str) -> None:
    status, answer, _ = await rest.call("GET", f"/creators/{creator}")
    assert (status, code_of(answer)) == (404, "NOT_FOUND")


async def test_raw_bytes_in_a_query_break_nothing(rest: Rest) -> None:
    server = rest.client.server
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /api/v1/creators?\xff\xfe=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    assert answer.split(b" ", 2)[1] == b"400"
    assert rest.incidents == []


# who asks


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


# limits and addresses


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
