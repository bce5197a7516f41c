"""What is sent is read strictly: bodies, queries, paths."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from handlers.paths import API
from tests.handlers.conftest import Fan, Rest, StartRest, code_of, fields_of

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
