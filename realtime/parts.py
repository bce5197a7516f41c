"""What all namespaces share, and what they ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mypick.clock import Clock
from mypick.metrics import Metrics
from mypick.shared_clock import SharedClock
from mypick.streams import Streams
from realtime.admission import Authenticator
from realtime.connection import Connections
from realtime.engine.server import Engine
from realtime.membership import Crowd


class Meter(Protocol):
    """A limit that is decided at once."""

    def spend(self, key: int | str) -> object: ...


class Limiter(Protocol):
    async def spend(self, name: str, *, user_id: int | None = None, address: str | None = None) -> object: ...

    def counts_here(self, name: str) -> bool: ...

    def meter(self, name: str) -> Meter: ...


class Attendance(Protocol):
    """Who is online, over all nodes."""

    async def arrived(self, user_id: int) -> None: ...

    async def left(self, user_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What all namespaces share."""

    engine: Engine
    connections: Connections
    streams: Streams
    accounts: Authenticator
    limits: Limiter
    attendance: Attendance
    clock: Clock
    shared: SharedClock  # that all nodes agree on
    metrics: Metrics
    connections_per_user: int = 20  # in one namespace, on this node
    crowd: Crowd | None = None  # needed where a namespace sends PRESENCE
