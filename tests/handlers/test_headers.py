"""What answers say to browsers: who may read them, and what not to do with them."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.paths import API
from tests.handlers.conftest import ORIGIN, Rest, StartRest


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
