"""One whole server for all wrong input: a fault in its log shows which test it came from, because each looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from mypick.errors import Code
from tests.e2e.stack import Rest, Stack, running

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(sqlite_in: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("wrong-input")
    names = ["auth.register", "auth.login.address", "auth.login.account", "auth.refresh"]
    names += ["creator.resolve", "search", "subscribe"]
    names += [f"socket.{name}" for name in ("handshake", "connect", "command", "clock", "sync", "refresh-auth")]
    unlimited = orjson.dumps(dict.fromkeys(names, "9999/1s")).decode()
    async with running(folder, sqlite_in(folder), RATE_LIMITS=unlimited, SOCKET_PACKETS_PER_SECOND="100000") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mallory(stack: Stack, http: aiohttp.ClientSession) -> Rest:
    """Who sends it."""
    rest = Rest(stack.url, http)
    await rest.register("mallory")
    return rest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def victim(stack: Stack, http: aiohttp.ClientSession) -> Rest:
    """Whose things must stay as they are."""
    rest = Rest(stack.url, http)
    await rest.register("victim")
    return rest


@pytest.fixture(autouse=True)
def no_failure_in_the_log(stack: Stack) -> Iterator[None]:
    start = stack.server.log.stat().st_size
    yield
    lines = stack.server.log.read_bytes()[start:].splitlines()
    # each line is JSON: what is none was written past our log, as by a package's own handler or a dying task
    strange = [line for line in lines if not line.startswith(b"{")]
    told = [orjson.loads(line) for line in lines if line.startswith(b"{")]
    assert strange == []
    assert [line for line in told if line["level"] in ("error", "critical") or "exception" in line] == []


@pytest.fixture
def call(stack: Stack, http: aiohttp.ClientSession) -> Call:
    """Status and envelope of a request that ``aiohttp`` makes; the envelope is looked at."""

    async def call(method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with http.request(method, stack.url + path, **options) as response:
            assert response.content_type == "application/json", await response.text()
            body: dict[str, Any] = await response.json()
            return response.status, body

    return call


def assert_refused(answer: tuple[int, dict[str, Any]], *codes: str) -> None:
    """In the envelope, with a 4xx that fits the code, and words that say something."""
    status, body = answer
    assert 400 <= status < 500, answer
    assert set(body) == {"success", "error"}, answer
    assert body["success"] is False
    error = body["error"]
    assert Code[error["code"]].status == status or status in (405, 411, 415), answer
    assert len(error["message"]) > 8, answer
    assert "Traceback" not in error["message"]
    if codes:
        assert error["code"] in codes, answer
