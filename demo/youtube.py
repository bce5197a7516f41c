"""A real HTTP server that behaves like YouTube: its Data API, its feeds and pages, its moods.

    async with PlatformEmulator(seed=7) as youtube:
        channel = youtube.add_channel("haneul", "하늘의 부엌")
        video = youtube.publish(channel, "된장찌개, 처음부터")
        ... YouTube(session, clock, api_url=youtube.api_url, feed_url=youtube.feed_url, api_key=youtube.api_key)

Other processes drive it through ``/_control/…`` (``demo.control``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from demo.control import add_control
from demo.data_api import DataApi
from demo.faults import API, FailureKind, Faults, Where
from demo.site import Site
from demo.world import World

DEFAULT_KEY = "demo-key"
DAILY_QUOTA = 10_000
LATENCY_LIMIT_S = 60.0
SHUTDOWN_S = 1.0  # how long a stop waits for requests in flight


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PlatformEmulator(World):
    """The world and the server in one: what is published here is served at once. Times are aware, UTC."""

    def __init__(
        self,
        *,
        seed: int = 1,
        now: Callable[[], datetime] = _utc_now,
        api_keys: frozenset[str] = frozenset({DEFAULT_KEY}),
        daily_quota: int = DAILY_QUOTA,
        public_address: str | None = None,
        pictures: bool = True,
    ) -> None:
        """``public_address`` goes into addresses of pictures where people reach the server under another name. Without
        ``pictures`` the Data API names none: they would be dead where its answers outlive this server."""
        super().__init__(seed=seed, now=now)
        self._faults = Faults()
        self._api = DataApi(
            self,
            keys=api_keys,
            daily_quota=daily_quota,
            address=self._picture_address if pictures else lambda: None,
        )
        self._site = Site(self, address=self._picture_address)
        self._public_address = public_address
        self._address: str | None = None
        self._runner: web.AppRunner | None = None

    # --- the server

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 takes any free one. The address, such as ``http://127.0.0.1:40321``."""
        app = web.Application(middlewares=[self._faults.middleware], client_max_size=16 * 1024 * 1024)
        self._api.add_routes(app)
        self._site.add_routes(app)
        add_control(app, self)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        taken = self._runner.addresses[0][1]
        self._address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{taken}"  # noqa: S104 - compared only
        return self._address

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def address(self) -> str:
        if self._address is None:
            raise RuntimeError("start the emulator first")
        return self._address

    @property
    def api_url(self) -> str:
        return self.address + API.rstrip("/")

    @property
    def feed_url(self) -> str:
        return self.address

    @property
    def api_key(self) -> str:
        return min(self._api.keys)

    def _picture_address(self) -> str:
        return self._public_address or self.address

    # --- quota

    @property
    def calls(self) -> Counter[str]:
        """Calls of the Data API by method, refused ones included."""
        return self._api.calls

    @property
    def feeds_served(self) -> int:
        return self._site.feeds_served

    @property
    def units_used(self) -> int:
        return self._api.units_used

    def set_daily_quota(self, units: int) -> None:
        self._api.daily_quota = units

    @property
    def most_at_once(self) -> int:
        """The most requests that were open at the same time."""
        return self._faults.most_at_once

    @property
    def queries(self) -> list[str]:
        """Paths with queries of the last requests, oldest first."""
        return list(self._faults.queries)

    # --- moods

    def fail_next(self, kind: FailureKind, times: int = 1, *, where: Where = "any") -> None:
        self._faults.fail_next(kind, times, where=where)

    def latency(self, seconds: float) -> None:
        """Answer everything this much later, at most a minute; 0 ends it."""
        if not 0 <= seconds <= LATENCY_LIMIT_S:
            raise ValueError(f"seconds must be between 0 and {LATENCY_LIMIT_S:g}")
        self._faults.latency_s = seconds

    def outage(self, on: bool = True) -> None:
        """Cut every connection without an answer."""
        self._faults.is_out = on

    def serve_body(
        self, path: str, body: bytes, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        self._faults.serve_body(path, body, status=status, content_type=content_type)

    def redirect(self, path: str, location: str) -> None:
        self._faults.redirect(path, location)

    def stop_serving(self, path: str) -> None:
        self._faults.stop_serving(path)

    def be_well(self) -> None:
        """End every failure, latency, outage and served body."""
        self._faults.clear()
