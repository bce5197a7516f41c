"""Taking one's data and being forgotten, over HTTP."""

from __future__ import annotations

from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.work import Kind
from mypick.personal.exports import EXPORT
from tests.fakes import FakeClock
from tests.handlers.conftest import PASSWORD, Fan, Rest, code_of


async def make(rest: Rest, clock: FakeClock) -> None:
    kind = Kind(EXPORT, rest.parts.personal.exports.run, 8, 3, 60.0, 60.0, BackOff(1.0, 2.0))
    claims = Claims(clock, {EXPORT: kind})
    while claim := await claims.claim(lane_of(8)):
        await claim.kind.handler(claim.work)


async def test_export_is_asked_for_watched_and_fetched(rest: Rest, alice: Fan, clock: FakeClock) -> None:
    status, body, _ = await rest.call("POST", "/users/me/export", headers=alice.headers)
    assert (status, body["data"]["state"], body["data"]["download_url"]) == (201, "waiting", None)
    number = body["data"]["id"]
    status, body, _ = await rest.call("POST", "/users/me/export", headers=alice.headers)
    assert (status, code_of(body)) == (409, "CONFLICT")
    await make(rest, clock)
    status, body, _ = await rest.call("GET", f"/users/me/exports/{number}", headers=alice.headers)
    assert (status, body["data"]["state"]) == (200, "ready")
    response = await rest.client.get(body["data"]["download_url"])  # as a browser does: without a token
    assert (response.status, response.content_type) == (200, "application/zip")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Content-Disposition"] == f'attachment; filename="mypick-{number}.zip"'
    assert len(data := await response.read()) == body["data"]["size"]
    assert data.startswith(b"PK")


async def test_link_that_was_changed_opens_nothing(rest: Rest, alice: Fan, bob: Fan, clock: FakeClock) -> None:
    _, body, _ = await rest.call("POST", "/users/me/export", headers=alice.headers)
    number = body["data"]["id"]
    await make(rest, clock)
    status, _, _ = await rest.call("GET", f"/users/me/exports/{number}", headers=bob.headers)
    assert status == 404
    _, body, _ = await rest.call("GET", f"/users/me/exports/{number}", headers=alice.headers)
    url = body["data"]["download_url"]
    for wrong, expected in (
        (url.replace("until=1", "until=2"), 403),
        (url + "0", 403),
        (url.partition("?")[0], 404),
        (url.replace("until=", "until=x"), 404),
        (url.replace("signature=", "signature=é"), 404),
    ):
        assert (await rest.client.get(wrong)).status == expected, wrong
    clock.advance(301)
    assert (await rest.client.get(url)).status == 403


async def test_file_that_has_gone_is_gone(rest: Rest, alice: Fan, clock: FakeClock) -> None:
    _, body, _ = await rest.call("POST", "/users/me/export", headers=alice.headers)
    await make(rest, clock)
    _, body, _ = await rest.call("GET", f"/users/me/exports/{body['data']['id']}", headers=alice.headers)
    await rest.parts.personal.exports._storage.delete(f"exports/{body['data']['id']}.zip")
    assert (await rest.client.get(body["data"]["download_url"])).status == 410


async def test_erasure_asks_for_the_password_and_ends_the_session(rest: Rest, alice: Fan) -> None:
    status, body, _ = await rest.call("POST", "/users/me/erase", json={"password": "x"}, headers=alice.headers)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    assert (await rest.call("GET", "/users/me", headers=alice.headers))[0] == 200
    status, body, _ = await rest.call("POST", "/users/me/erase", json={"password": PASSWORD}, headers=alice.headers)
    assert (status, body["data"]["erases_at"]) == (200, "2026-01-08T12:00:00.000Z")
    assert (await rest.call("GET", "/users/me", headers=alice.headers))[0] == 401


async def test_no_key_may_take_all_or_erase(rest: Rest, alice: Fan) -> None:
    scopes = {"name": "a program", "scopes": ["read", "profile:write"]}
    _, body, _ = await rest.call("POST", "/users/me/api-keys", json=scopes, headers=alice.headers)
    key = {"X-API-Key": body["data"]["key"]}
    assert (await rest.call("POST", "/users/me/export", headers=key))[0] == 403
    assert (await rest.call("POST", "/users/me/erase", json={"password": PASSWORD}, headers=key))[0] == 403
