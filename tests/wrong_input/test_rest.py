"""Wrong input at the REST door: refused in the envelope, stored nowhere, logged as nothing unexpected."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from yarl import URL

from tests.e2e.stack import PASSWORD, Rest, Stack
from tests.wrong_input.conftest import Call, assert_refused
from tests.wrong_input.corpus import (
    BODIES,
    COMMANDS,
    CURSORS,
    IDS,
    JSON,
    LISTS,
    NUMBERS,
    STRANGE_TEXTS,
    WRONG_VALUES,
    Body,
    bad_tokens,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"


def bearer(rest: Rest) -> dict[str, str]:
    return {"Authorization": f"Bearer {rest.token}"}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
async def test_a_body_that_is_wrong_for_every_command_is_refused(mallory: Rest, call: Call, body: Body) -> None:
    for method, path, _ in COMMANDS:
        answer = await call(method, API + path, data=body.raw, headers={**bearer(mallory), **body.headers})
        assert_refused(answer, "INVALID", "TOO_LARGE")


@pytest.mark.parametrize(("method", "path", "right"), COMMANDS, ids=lambda value: str(value)[:30])
async def test_a_field_of_a_wrong_type_is_named(
    mallory: Rest, call: Call, method: str, path: str, right: dict[str, Any]
) -> None:
    for field in right:
        for value in WRONG_VALUES:
            if path == "/auth/refresh" and isinstance(value, str) and len(value) > 0:
                continue  # any text may be a token, and is UNAUTHENTICATED
            if field == "kinds" and value == {}:
                continue  # which changes nothing
            raw = orjson.dumps({**right, field: value})
            answer = await call(method, API + path, data=raw, headers={**bearer(mallory), **JSON})
            assert_refused(answer, "INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND")
            if answer[1]["error"]["code"] == "INVALID":
                assert answer[1]["error"]["details"], answer
            assert "x" * 100 not in answer[1]["error"]["message"]  # what was sent is not quoted back


@pytest.mark.parametrize("wrong", IDS, ids=lambda text: text[:12])
async def test_ids_that_are_none_are_not_found(mallory: Rest, call: Call, wrong: str) -> None:
    for method, path in (
        ("GET", "/creators/{}"),
        ("GET", "/creators/{}/videos"),
        ("POST", "/creators/{}/subscribe"),
        ("DELETE", "/creators/{}/subscribe"),
        ("GET", "/users/{}/subscriptions"),
        ("DELETE", "/users/me/sessions/{}"),
        ("DELETE", "/users/me/api-keys/{}"),
    ):
        url = URL(mallory._url + API + path.format(quote(wrong, safe="%")), encoded=True)
        async with mallory._http.request(method, url, headers=bearer(mallory)) as response:
            assert_refused((response.status, await response.json()), "NOT_FOUND", "INVALID", "FORBIDDEN")


@pytest.mark.parametrize("path", LISTS)
async def test_cursors_and_numbers_that_are_none_are_invalid(mallory: Rest, path: str) -> None:
    queries = [f"cursor={cursor}" for cursor in CURSORS] + [f"limit={number}" for number in NUMBERS]
    queries += ["limit=1&limit=2", "cursor=a&cursor=b", "unknown=1", "limit", "%00=1", "%ff=%ff", "cursor[]=1"]
    for query in queries:
        url = URL(f"{mallory._url}{API}{path}?{quote(query, safe='%=&[]')}", encoded=True)
        async with mallory._http.get(url, headers=bearer(mallory)) as response:
            assert_refused((response.status, await response.json()), "INVALID")


async def test_bad_tokens_open_nothing(mallory: Rest, victim: Rest, call: Call) -> None:
    for name, token in bad_tokens(victim.token, victim.refresh_token).items():
        for method, path in (("GET", "/users/me"), ("GET", "/feed"), ("POST", "/auth/logout"), ("GET", "/creators")):
            answer = await call(method, API + path, headers={"Authorization": f"Bearer {token}"})
            assert answer[0] == 401, name
            assert_refused(answer, "UNAUTHENTICATED")
        answer = await call("GET", API + "/users/me", headers={"X-API-Key": token})
        assert_refused(answer, "UNAUTHENTICATED")
    for header in ("Basic YTpi", "Bearer", "Token x", "Bearer  ", victim.token, "bearer\ta"):
        assert_refused(await call("GET", API + "/users/me", headers={"Authorization": header}), "UNAUTHENTICATED")
    both = {"Authorization": f"Bearer {mallory.token}", "X-API-Key": "mpk_00000000_" + "a" * 43}
    assert_refused(await call("GET", API + "/users/me", headers=both), "UNAUTHENTICATED")
    assert (await victim.call("GET", "/users/me"))[0] == 200


async def test_a_refresh_token_used_twice_ends_its_session(stack: Stack, mallory: Rest, call: Call) -> None:
    thief = Rest(stack.url, mallory._http)
    await thief.register("thief")
    first = thief.refresh_token
    fresh = (await call("POST", API + "/auth/refresh", json={"refresh_token": first}))[1]["data"]
    assert_refused(await call("POST", API + "/auth/refresh", json={"refresh_token": first}), "UNAUTHENTICATED")
    assert_refused(
        await call("POST", API + "/auth/refresh", json={"refresh_token": fresh["refresh_token"]}), "UNAUTHENTICATED"
    )
    thief.token = fresh["access_token"]
    assert_refused(await thief.call("GET", "/users/me"), "UNAUTHENTICATED")
    for token in (thief.token, "x", "a.b.c", "x" * 4_000):
        assert_refused(await call("POST", API + "/auth/refresh", json={"refresh_token": token}), "UNAUTHENTICATED")


async def test_what_is_another_users_is_refused_and_stays(mallory: Rest, victim: Rest) -> None:
    key = await victim.ok("POST", "/users/me/api-keys", {"name": "mine", "scopes": ["read"]})
    (session,) = await victim.ok("GET", "/users/me/sessions")
    for method, path in (
        ("GET", f"/users/{victim.user['id']}/subscriptions"),
        ("DELETE", f"/users/me/sessions/{session['id']}"),
        ("DELETE", f"/users/me/api-keys/{key['id']}"),
    ):
        assert_refused(await mallory.call(method, path), "FORBIDDEN", "NOT_FOUND")
    assert len(await victim.ok("GET", "/users/me/sessions")) == 1
    assert len(await victim.ok("GET", "/users/me/api-keys")) == 1


@pytest.mark.parametrize("text", STRANGE_TEXTS, ids=lambda text: text[:20])
async def test_a_name_comes_back_as_it_was_sent(mallory: Rest, victim: Rest, text: str) -> None:
    before = await victim.ok("GET", "/users/me")
    assert (await mallory.ok("PATCH", "/users/me", {"display_name": text}))["display_name"] == text
    assert (await mallory.ok("GET", "/users/me"))["display_name"] == text
    key = await mallory.ok("POST", "/users/me/api-keys", {"name": text, "scopes": ["read"]})
    assert text in [one["name"] for one in await mallory.ok("GET", "/users/me/api-keys")]
    await mallory.ok("DELETE", f"/users/me/api-keys/{key['id']}")
    assert await victim.ok("GET", "/users/me") == before


@pytest.mark.parametrize("text", STRANGE_TEXTS, ids=lambda text: text[:20])
async def test_a_search_for_anything_that_nobody_is_called_finds_nobody(
    stack: Stack, mallory: Rest, text: str
) -> None:
    for name, limit in (("q", 100), ("category", 40)):
        url = URL(mallory._url + API + "/creators").with_query({name: text[:limit]})
        async with mallory._http.get(url, headers=bearer(mallory)) as response:
            assert response.status == 200, await response.text()
            assert (await response.json())["data"] == []


@pytest.mark.parametrize("text", STRANGE_TEXTS, ids=lambda text: text[:20])
async def test_a_source_that_is_none_is_refused(mallory: Rest, text: str) -> None:
    for source in (text, f"@{text}", f"https://www.youtube.com/@{text}", f"https://evil.example/{text}"):
        status, answer = await mallory.call("POST", "/creators", {"source": source})
        assert_refused((status, answer), "INVALID", "NOT_FOUND")


@pytest.mark.parametrize(
    "source",
    [
        "http://127.0.0.1:6379/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://www.youtube.com@evil.example/@a",
        "https://evil.example/?u=https://www.youtube.com/@a",
        "https://www.youtube.com/channel/../../@a",
        "//youtube.com/@a b",
        "https://www.youtube.com:99999/@a",
        "https://[::1/@a",
        "@",
        "@" + "a" * 299,
    ],
)
async def test_an_address_that_is_no_channel_is_refused(mallory: Rest, source: str) -> None:
    assert_refused(await mallory.call("POST", "/creators", {"source": source}), "INVALID", "NOT_FOUND")


async def test_wrong_methods_and_paths_say_what_there_is(mallory: Rest, call: Call) -> None:
    for method, path in (("PUT", "/users/me"), ("DELETE", "/feed"), ("TRACE", "/feed")):
        status, body = await call(method, API + path, headers=bearer(mallory))
        assert status == 405
        assert "use " in body["error"]["message"]
    for path in ("/nothing", "/users/me/", "/../users/me", "//users/me", "/users/%2e%2e/me", "/" + "x" * 5_000):
        assert_refused(await call("GET", API + path, headers=bearer(mallory)), "NOT_FOUND")


RAW_REQUESTS = [
    b"GET /api/v1/feed HTTP/1.1\r\n\r\n",
    b"GET /api/v1/feed HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET  /api/v1/feed HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"nonsense\r\n\r\n",
    b"BREW /api/v1/creators HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(5_000)) + b"\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x00b\r\n\r\n",
    b"GET /api/v1/feed HTTP/1.1\r\nHost: \xff\r\nX-Forwarded-For: '; DROP TABLE user\r\n\r\n",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{}",
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: coffee\r\n"
    b"Content-Length: 2\r\n\r\n{}",
]


@pytest.mark.parametrize("request_", RAW_REQUESTS, ids=lambda raw: repr(raw[:40]))
async def test_what_is_hardly_http_gets_a_4xx_or_is_closed(stack: Stack, mallory: Rest, request_: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
    try:
        writer.write(request_)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(65_536), 10)
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    assert answer == b"" or answer.split(b" ")[1][:1] == b"4", answer[:300]
    assert (await mallory.call("GET", "/users/me"))[0] == 200


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/socket.io/?EIO=4&transport=polling&sid=nobody"])
@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\nzz\r\n"),
        (b"Transfer-Encoding: chunked", b"ffffffffffffffffff\r\n{}"),
        (b"Transfer-Encoding: chunked", b"2\r\n{}"),
        (b"Content-Length: 10", b"{}"),
        (b"Content-Length: 10\r\nContent-Encoding: gzip", b"nonsense!!"),
    ],
)
async def test_a_body_that_breaks_off_is_refused_or_closed(
    stack: Stack, mallory: Rest, path: str, header: bytes, body: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    writer.write(head.encode() + header + b"\r\n\r\n")
    first = await asyncio.wait_for(reader.readline(), 10)  # the handler runs; or it refuses at once
    try:
        writer.write(body)
        writer.write_eof()
        answer = first + await asyncio.wait_for(reader.read(65_536), 10)
    except ConnectionError:
        answer = first
    finally:
        writer.close()
    assert b"HTTP/1.1 5" not in answer, answer[:300]
    assert (await mallory.call("GET", "/users/me"))[0] == 200


async def test_pages_are_safe_whatever_their_address_says(stack: Stack, mallory: Rest) -> None:
    for path in (
        "/<script>alert(1)</script>",
        "/creators/<script>alert(1)</script>",
        "/creators?q=<script>alert(1)</script>",
        '/sign-in?next="><script>alert(1)</script>',
        "/?lang=<script>alert(1)</script>",
        "/static/..%2f..%2frun.py",
        "/static/../../etc/passwd",
    ):
        url = URL(stack.url + path.replace("<", "%3C").replace(">", "%3E").replace('"', "%22"), encoded=True)
        headers = {"Accept": "text/html", "Accept-Language": "<script>", "Cookie": "lang=<script>alert(1)</script>"}
        async with mallory._http.get(url, headers=headers, allow_redirects=False) as response:
            text = await response.text()
            assert response.status < 500
            assert "<script>alert" not in text
            assert "import argparse" not in text
            if response.content_type == "text/html":
                assert "script-src" in response.headers["Content-Security-Policy"]
                assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


async def test_after_all_of_it_people_can_still_work(stack: Stack, mallory: Rest, victim: Rest) -> None:
    assert (await victim.ok("GET", "/users/me"))["display_name"] == "victim"
    fresh = Rest(stack.url, mallory._http)
    await fresh.log_in("victim")
    assert fresh.user["id"] == victim.user["id"]
    assert PASSWORD not in stack.server.log.read_text()
    assert victim.token not in stack.server.log.read_text()
