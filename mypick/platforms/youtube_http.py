"""One bounded request: limits of time, size and redirects, and failures of the network as ``PlatformError``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from mypick.clock import Clock
from mypick.platforms.protocol import Malformed, Transient

BODY_LIMIT = 2 * 1024 * 1024  # bytes after decompression; a channel page has about 1 MB, an API page 150 KB
TIMEOUT_S = 10.0  # a whole request; connecting may take half of it
REDIRECT_LIMIT = 3
CONCURRENCY = 16  # requests in flight; more callers wait
RETRY_AFTER_LIMIT_S = 86_400.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    etag: str | None
    retry_after_s: float | None  # between 1 and RETRY_AFTER_LIMIT_S


class BoundedHttp:
    """GET over an injected session. Nothing is retried here: the caller knows what a retry costs.

    (aiohttp itself repeats a GET once where the server had closed a kept connection.)
    """

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self._session = session
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def get(
        self, address: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer, whatever its status. Redirects are followed on the same origin only.

        Raises ``Transient`` where no whole answer came, and ``Malformed`` for one that is too large or leads away.
        """
        url = URL(address).update_query(params or {})
        try:
            async with self._slots:
                for _ in range(REDIRECT_LIMIT + 1):
                    answer, location = await self._once(url, headers or {})
                    if location is None:
                        return answer
                    url = _same_origin(url, location)
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            # the failure's own text may hold the address with its query
            raise Transient(message=f"{url.host} did not answer ({type(failure).__name__})") from None
        raise Malformed(f"{url.host} redirects more than {REDIRECT_LIMIT} times")

    async def _once(self, url: URL, headers: Mapping[str, str]) -> tuple[Answer, str | None]:
        async with self._session.get(url, headers=headers, allow_redirects=False, timeout=self._timeout) as response:
            if response.status in _REDIRECTS:
                return Answer(response.status, b"", None, None), response.headers.get("Location", "")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    response.close()  # the rest is not read, so the connection cannot be used again
                    raise Malformed(f"{url.host} answered with more than {BODY_LIMIT} bytes")
            return (
                Answer(
                    response.status,
                    bytes(body),
                    response.headers.get("ETag"),
                    _retry_after(response.headers.get("Retry-After"), self._clock.now()),
                ),
                None,
            )


def _same_origin(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
        same = target.origin() == url.origin()
    except ValueError:
        same = False
    if not location or not same:
        # off the host lie consent and login pages, and, for a hostile answer, the inside of our network
        raise Malformed(f"{url.host} redirects away from itself")
    return target


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds, from either form of the header: a number or a date."""
    if value is None or len(value) > 64:
        return None
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            when = parsedate_to_datetime(value)
            seconds = (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 1.0), RETRY_AFTER_LIMIT_S)
