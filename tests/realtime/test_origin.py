"""Browsers say where a page comes from; sockets of foreign pages are refused. Programs say nothing."""

from __future__ import annotations

import aiohttp
import pytest

from config.settings import Settings
from config.wiring import build_sockets
from tests.realtime.clients import Raw
from tests.realtime.node import ORIGIN, Node

FOREIGN = [
    "https://evil.example",
    "null",
    "https://fans.example.evil.example",
    "http://fans.example",
    "https://fans.example:444",
    "https://fans.example/",
    "https://FANS.example",
    "file://",
    "<script>",
]


async def statuses(node: Node, http: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[int, int]:
    """Of a poll and of a websocket; 101 where it opened."""
    async with http.get(f"{node.url}/socket.io/?EIO=4&transport=polling", headers=headers) as response:
        polling = response.status
    try:
        await (await Raw(http, node).open(**headers)).close()
    except aiohttp.WSServerHandshakeError as refused:
        return polling, refused.status
    return polling, 101


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_origin_is_refused_on_both_transports(
    node: Node, http: aiohttp.ClientSession, origin: str
) -> None:
    assert await statuses(node, http, {"Origin": origin}) == (400, 400)
    assert node.engine.sessions == {}


async def test_a_foreign_page_gets_no_leave_to_read(node: Node, http: aiohttp.ClientSession) -> None:
    url = f"{node.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(url, headers={"Origin": FOREIGN[0]}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
    async with http.get(url, headers={"Origin": ORIGIN}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_the_allowed_origin_the_same_host_and_no_origin_are_let_in(
    node: Node, http: aiohttp.ClientSession
) -> None:
    for headers in ({"Origin": ORIGIN}, {"Origin": node.url}, {"Origin": "https" + node.url[4:]}, {}):
        assert await statuses(node, http, headers) == (200, 101), headers
    assert await statuses(node, http, {"Host": "pick.example", "Origin": "https://pick.example"}) == (200, 101)
    assert await statuses(node, http, {"Host": "pick.example", "Origin": node.url}) == (400, 400)


def test_the_composition_root_allows_the_origins_of_the_settings() -> None:
    settings = Settings(
        _env_file=None, client_url="https://a.example, https://b.example/", app_url="https://c.example"
    )
    assert settings.allowed_origins == {"https://a.example", "https://b.example", "https://c.example"}
    assert callable(build_sockets)
