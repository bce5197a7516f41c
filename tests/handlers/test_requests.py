"""What happens around every handler."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog
from aiohttp import web

from handlers.paths import API
from mypick.errors import Code, DomainError
from tests.handlers.conftest import ORIGIN, Fan, Rest, StartRest, code_of

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
