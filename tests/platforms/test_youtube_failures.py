from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import pytest
import structlog

from demo.faults import RATE_LIMIT_WAIT_S
from demo.youtube import PlatformEmulator
from mypick.platforms.protocol import (
    AuthInvalid,
    Gone,
    Malformed,
    PlatformError,
    QuotaExhausted,
    RateLimited,
    Reference,
    Transient,
)
from mypick.platforms.youtube import ALIVE_FOR_S, DEAD_FOR_S, YouTube
from mypick.platforms.youtube_errors import api_failure, quota_reset
from mypick.platforms.youtube_http import Answer
from tests.fakes import FakeClock

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def fail(emulator: PlatformEmulator, kind: str) -> None:
    """Twice, because aiohttp repeats a GET once where a kept connection breaks."""
    emulator.fail_next(kind, 2)  # type: ignore[arg-type]  # kinds come from tables


def refusal(status: int, body: bytes) -> PlatformError:
    return api_failure(Answer(status, body, None, None), NOW)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("quota", QuotaExhausted),
        ("rate-limit", RateLimited),
        ("key-invalid", AuthInvalid),
        ("server-error", Transient),
        ("unavailable", Transient),
        ("not-found", Transient),
        ("forbidden", Transient),
        ("not-json", Malformed),
        ("truncated", Malformed),
        ("too-large", Malformed),
        ("redirect", Malformed),
        ("disconnect", Transient),
    ],
)
async def test_each_refusal_of_the_api_is_told_by_type(
    with_key: YouTube, emulator: PlatformEmulator, channel: str, kind: str, failure: type[PlatformError]
) -> None:
    video = emulator.publish(channel, "one")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: with_key.list_recent(channel, None),
        lambda: with_key.hydrate([video], channel),
        lambda: with_key.resolve(Reference("youtube", "handle", "하늘의부엌")),
    ]
    for call in calls:
        fail(emulator, kind)
        with pytest.raises(failure):
            await call()
        emulator.be_well()
        await call()


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("not-found", Transient),
        ("server-error", Transient),
        ("forbidden", Transient),
        ("disconnect", Transient),
        ("not-json", Malformed),
        ("too-large", Malformed),
        ("redirect", Malformed),
    ],
)
async def test_each_failure_of_the_feed_is_told_by_type_and_never_as_gone(
    without_key: YouTube, emulator: PlatformEmulator, channel: str, kind: str, failure: type[PlatformError]
) -> None:
    fail(emulator, kind)
    with pytest.raises(failure):
        await without_key.list_recent(channel, None)
    emulator.be_well()
    await without_key.list_recent(channel, None)


async def test_a_feed_that_does_not_exist_is_not_gone_either(without_key: YouTube) -> None:
    with pytest.raises(Transient):
        await without_key.list_recent("UC" + "0" * 22, None)


async def test_an_id_is_resolved_from_the_feed_where_the_page_fails(
    without_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.publish(channel, "one")
    emulator.fail_next("server-error")
    info = await without_key.resolve(Reference("youtube", "id", channel))
    assert (info.external_id, info.title, info.handle) == (channel, "하늘의 부엌 & <친구들>", None)


async def test_a_page_of_another_channel_is_not_believed(
    without_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    other = "UC" + "z" * 22
    page = f'<link rel="canonical" href="https://www.youtube.com/channel/{other}">'.encode()
    emulator.serve_body(f"/channel/{channel}", page, content_type="text/html")
    assert (await without_key.resolve(Reference("youtube", "id", channel))).external_id == channel


async def test_a_spent_quota_says_when_it_is_filled_again(
    with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    emulator.publish(channel, "one")
    emulator.set_daily_quota(2)
    await with_key.list_recent(channel, None)
    await with_key.list_recent(channel, None)
    with pytest.raises(QuotaExhausted) as caught:
        await with_key.list_recent(channel, None)
    assert caught.value.bucket == "youtube.data"
    assert caught.value.reset_at == datetime(2026, 1, 2, 8, tzinfo=UTC)  # midnight in California
    clock.advance((caught.value.reset_at - clock.now()).total_seconds())
    await with_key.list_recent(channel, None)


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        (datetime(2026, 3, 8, 9, 30, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),  # the day of 23 hours
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),  # the day of 25 hours
        (datetime(2026, 7, 1, 6, 59, 59, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (datetime(2026, 7, 1, 7, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC)),
    ],
)
def test_the_quota_is_filled_at_midnight_in_california(now: datetime, reset: datetime) -> None:
    assert quota_reset(now) == reset


async def test_a_rate_limit_says_how_long_to_wait(with_key: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    emulator.fail_next("rate-limit")
    with pytest.raises(RateLimited) as limited:
        await with_key.list_recent(channel, None)
    assert limited.value.retry_after_s == RATE_LIMIT_WAIT_S
    emulator.fail_next("unavailable")
    with pytest.raises(Transient) as transient:
        await with_key.list_recent(channel, None)
    assert transient.value.retry_after_s == 30


@pytest.mark.parametrize(
    ("status", "reason", "failure"),
    [
        (403, "quotaExceeded", QuotaExhausted),
        (429, "quotaExceeded", QuotaExhausted),
        (403, "dailyLimitExceeded", QuotaExhausted),
        (403, "userRateLimitExceeded", RateLimited),
        (404, "playlistNotFound", Gone),
        (403, "playlistItemsNotAccessible", Gone),
        (403, "accessNotConfigured", AuthInvalid),
        (400, "keyInvalid", AuthInvalid),
        (401, "authError", AuthInvalid),
        (400, "invalidPageToken", Malformed),
        (403, "somethingNew", Malformed),
        (404, "somethingNew", Transient),
        (429, "somethingNew", RateLimited),
        (503, "somethingNew", Transient),
        (500, "backendError", Transient),
    ],
)
def test_the_reason_decides_and_not_the_status(status: int, reason: str, failure: type[PlatformError]) -> None:
    body = b'{"error": {"errors": [{"reason": "%s", "message": "<a href=x>quota</a>"}]}}' % reason.encode()
    assert type(refusal(status, body)) is failure


@pytest.mark.parametrize(
    ("status", "detail", "failure"),
    [
        (400, b'{"reason": "API_KEY_INVALID"}', AuthInvalid),
        (429, b'{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_unit": "1/min/{project}"}}', RateLimited),
        (429, b'{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_unit": "1/d/{project}"}}', QuotaExhausted),
    ],
)
def test_the_newer_shape_of_errors_is_read_too(status: int, detail: bytes, failure: type[PlatformError]) -> None:
    body = b'{"error": {"code": 400, "errors": [{"reason": "badRequest"}], "details": [%s]}}' % detail
    assert type(refusal(status, body)) is failure


async def test_an_outage_is_transient_and_ends(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    video = emulator.publish(channel, "one")
    emulator.outage()
    with pytest.raises(Transient):
        await youtube.list_recent(channel, None)
    emulator.outage(False)
    assert (await youtube.list_recent(channel, None)).item_ids == (video,)


async def test_a_server_that_is_not_there_is_transient(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    nowhere = "http://127.0.0.1:9"
    for key in ("", "key"):
        youtube = YouTube(session, clock, api_url=nowhere, feed_url=nowhere, api_key=key)
        with pytest.raises(Transient):
            await youtube.list_recent("UC" + "0" * 22, None)


async def test_a_slow_answer_is_given_up(
    session: aiohttp.ClientSession, clock: FakeClock, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.latency(30)
    for key in ("", emulator.api_key):
        youtube = YouTube(
            session, clock, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=key, timeout_s=0.05
        )
        with pytest.raises(Transient):
            await asyncio.wait_for(youtube.list_recent(channel, None), 5)


async def test_the_key_stands_in_no_address_failure_or_log(
    session: aiohttp.ClientSession,
    clock: FakeClock,
    emulator: PlatformEmulator,
    channel: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = "AIza-very-secret"
    seen: list[str] = []
    youtube = YouTube(session, clock, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=key)
    with structlog.testing.capture_logs() as logs:
        for kind in ("key-invalid", "quota", "not-json", "disconnect", "redirect"):
            fail(emulator, kind)
            with pytest.raises(PlatformError) as caught:
                await youtube.list_recent(channel, None)
            emulator.be_well()
            seen.append(f"{caught.value!r} {caught.value} {caught.value.__cause__}")
        with pytest.raises(AuthInvalid):
            await youtube.list_recent(channel, None)
    assert key not in f"{seen} {logs} {capsys.readouterr()} {youtube!r} {emulator.queries}"


async def test_redirects_are_followed_on_the_same_host_only(
    without_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.publish(channel, "one")
    emulator.redirect("/@old", f"/channel/{channel}")
    assert (await without_key.resolve(Reference("youtube", "handle", "old"))).external_id == channel
    for away in ("http://localhost:1/x", "https://127.0.0.1/x", "//elsewhere.invalid/", "", "/@loop"):
        emulator.redirect("/@loop", away)
        with pytest.raises(Malformed):
            await without_key.resolve(Reference("youtube", "handle", "loop"))


async def test_any_served_body_is_read_or_malformed(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    paths = ("/youtube/v3/playlistItems", "/youtube/v3/videos", "/feeds/videos.xml")
    for body in (b"", b"null", b"[]", b'{"items": 5}', b'{"items": [[]]}', b"\xff\xfe", b"<feed/>", b"[" * 100_000):
        for path in paths:
            emulator.serve_body(path, body)
        for call in (lambda: youtube.list_recent(channel, None), lambda: youtube.hydrate(["a" * 11], channel)):
            with pytest.raises(Malformed):
                await call()


async def test_an_unasked_not_modified_is_malformed(youtube: YouTube, emulator: PlatformEmulator, channel: str) -> None:
    for path in ("/youtube/v3/playlistItems", "/feeds/videos.xml"):
        emulator.serve_body(path, b"", status=304)
    with pytest.raises(Malformed):
        await youtube.list_recent(channel, None)


async def test_health_is_told_by_the_last_answer_and_asked_rarely(
    with_key: YouTube, emulator: PlatformEmulator, clock: FakeClock, channel: str
) -> None:
    for _ in range(5):
        await with_key.check()
    assert emulator.units_used == 1
    clock.advance(ALIVE_FOR_S)
    await with_key.resolve(Reference("youtube", "id", channel))
    await with_key.check()
    assert emulator.units_used == 2, "an answer to anybody proves as much"
    clock.advance(ALIVE_FOR_S)
    emulator.fail_next("key-invalid")
    for _ in range(3):
        with pytest.raises(AuthInvalid):
            await with_key.check()
    clock.advance(DEAD_FOR_S)
    await with_key.check()


async def test_health_without_a_key_costs_nothing(without_key: YouTube, emulator: PlatformEmulator) -> None:
    emulator.fail_next("server-error")
    with pytest.raises(Transient):
        await without_key.check()
    with pytest.raises(Transient):
        await without_key.check()
    assert not emulator.calls


async def test_health_comes_back_with_the_next_answer(
    with_key: YouTube, emulator: PlatformEmulator, channel: str
) -> None:
    emulator.fail_next("server-error")
    with pytest.raises(Transient):
        await with_key.check()
    await with_key.resolve(Reference("youtube", "id", channel))
    await with_key.check()
