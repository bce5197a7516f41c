"""How well a party is in step, for those who lead it: of the last minute, over all nodes, nothing of it kept.

Each node counts what its guests report and what it measures itself, and writes its counts to Redis each five seconds,
to one hash for a party that lives for a minute; who asks is answered from those. Without Redis, or while it is away, a
node answers for itself.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import orjson
import structlog
from redis.asyncio import Redis

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.bounded_redis import BoundedRedis
from mypick.errors import Code, DomainError
from mypick.shared_clock import SharedClock
from mypick.watchparty import policy
from mypick.watchparty.person import Person
from mypick.watchparty.reading import Reading
from mypick.watchparty.streams import party_id_of
from mypick.watchparty.telemetry_views import FarGuest, PartyTelemetry, Spread
from mypick.watchparty.watchers import Watchers
from mypick.watchparty.windows import Counts, Window, added, percentile

log = structlog.get_logger(__name__)

SHARE_EVERY = 5.0  # seconds
FRESH_MS = 30_000  # a report or a node's counts older than this tell of the past
KEY_LIFE = 60  # seconds
PARTIES_AT_ONCE = 100  # in one round trip
FARTHEST = 10  # guests who are named
WINDOW_S = 60

_Far = tuple[float, int, float, float]
"""How far off, who, the error with its sign, the clock's round trip."""


class TelemetryBoard(Protocol):
    """Where nodes write what they have counted. Both raise ``ConnectionError`` while it is away."""

    async def write(self, node: str, parts: Mapping[int, bytes]) -> None:
        """The part of ``node`` of each party."""

    async def read(self, party_id: int) -> Mapping[str, bytes]:
        """The parts of a party, by node."""


class NoTelemetryBoard:
    """One process has nobody to tell."""

    async def write(self, node: str, parts: Mapping[int, bytes]) -> None: ...

    async def read(self, party_id: int) -> Mapping[str, bytes]:  # noqa: ARG002 - the protocol's shape
        return {}


class RedisTelemetry:
    def __init__(self, redis: BoundedRedis) -> None:
        self._redis = redis

    async def write(self, node: str, parts: Mapping[int, bytes]) -> None:
        async def talk(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=False)
            for party_id, part in parts.items():
                pipe.hset(_key(party_id), node, part)
                pipe.expire(_key(party_id), KEY_LIFE)
            await pipe.execute()

        await self._redis.ask(talk)

    async def read(self, party_id: int) -> Mapping[str, bytes]:
        async def talk(redis: Redis) -> dict[bytes, bytes]:
            found: Any = await redis.hgetall(_key(party_id))
            return dict(found)  # of bytes: nothing decodes

        return {name.decode(): part for name, part in (await self._redis.ask(talk)).items()}


class _Measured:
    """One party on this node."""

    __slots__ = ("reports", "window")

    def __init__(self, now_ms: float) -> None:
        self.window = Window(now_ms)
        self.reports: dict[int, tuple[float, float, float, float]] = {}  # by person: when, how far, error, round trip


class Telemetry:
    """``node`` names this process. Bound: parties with people here, and of each one report a guest."""

    def __init__(
        self, reading: Reading, watchers: Watchers, board: TelemetryBoard, shared: SharedClock, *, node: str
    ) -> None:
        self._reading = reading
        self._watchers = watchers
        self._board = board
        self._shared = shared
        self._node = node
        self._parties: dict[int, _Measured] = {}

    # what is measured; none of these waits

    def reported(self, party_id: int, user_id: int, error_ms: float | None, rtt_ms: float) -> None:
        """A guest reports; ``error_ms`` is None while nothing plays."""
        measured, now = self._of(party_id), self._shared.now_ms()
        if measured is not None:
            measured.window.reported(error_ms, rtt_ms, now)
            if error_ms is not None:
                measured.reports[user_id] = (now, abs(error_ms), error_ms, rtt_ms)

    def missed(self, party_id: int) -> None:
        """A timeline reached a guest too late."""
        if (measured := self._of(party_id)) is not None:
            measured.window.missed(self._shared.now_ms())

    def fanned_out(self, stream: str, took_ms: float) -> None:
        """A timeline was handed to all sockets here."""
        if (measured := self._of(party_id_of(stream))) is not None:
            measured.window.fanned_out(took_ms, self._shared.now_ms())

    def host_changed(self, stream: str) -> None:
        if (measured := self._of(party_id_of(stream))) is not None:
            measured.window.host_changed(self._shared.now_ms())

    def _of(self, party_id: int | None) -> _Measured | None:
        if party_id is None or party_id not in self._watchers.parties:
            return None
        measured = self._parties.get(party_id)
        if measured is None:
            measured = self._parties[party_id] = _Measured(self._shared.now_ms())
        return measured

    # what the nodes tell each other

    async def run(self) -> None:
        """Share for as long as the process lives."""
        while True:
            await asyncio.sleep(SHARE_EVERY)
            try:
                await self.share()
            except Exception as failure:
                log.warning("telemetry was not shared", error=repr(failure)[:200])

    async def share(self) -> None:
        """Write what was counted here, and forget parties that nobody here is in any more."""
        now, here = self._shared.now_ms(), self._watchers.parties
        self._parties = {party_id: one for party_id, one in self._parties.items() if party_id in here}
        ids = list(self._parties)
        for start in range(0, len(ids), PARTIES_AT_ONCE):
            parts = {party_id: self._part(party_id, now) for party_id in ids[start : start + PARTIES_AT_ONCE]}
            with suppress(ConnectionError):  # told by whoever else misses Redis
                await self._board.write(self._node, parts)

    def _part(self, party_id: int, now: float) -> bytes:
        measured = self._parties[party_id]
        sockets = self._watchers.parties[party_id].sockets
        measured.reports = {
            user_id: one for user_id, one in measured.reports.items() if now - one[0] < FRESH_MS and user_id in sockets
        }
        far = heapq.nlargest(FARTHEST, ((one[1], user_id, *one[2:]) for user_id, one in measured.reports.items()))
        return orjson.dumps([round(now), measured.window.counts(now).plain(), len(measured.reports), far])

    # what is shown

    async def show(self, actor: Actor, party_id: int) -> PartyTelemetry:
        """For the host, co-hosts and those who run the site."""
        party, member = await self._reading.entered(actor, party_id)
        if policy.rank_of(party, member, actor.user_id, actor.role) < policy.Role.COHOST:
            raise DomainError(Code.FORBIDDEN, "only the host and co-hosts see how well the party is in step")
        now = self._shared.now_ms()
        parts: dict[str, bytes] = {}
        with suppress(ConnectionError):
            parts.update(await self._board.read(party_id))
        if party_id in self._parties and party_id in self._watchers.parties:
            parts[self._node] = self._part(party_id, now)
        return await _shown(list(parts.values()), now)


async def _shown(parts: Sequence[bytes], now: float) -> PartyTelemetry:
    counts: list[Counts] = []
    reporting, far = 0, list[_Far]()
    for part in parts:
        with suppress(orjson.JSONDecodeError, TypeError, ValueError):
            at, plain, people_here, farthest = orjson.loads(part)
            if now - at < FRESH_MS:
                counts.append(Counts.of(plain))
                reporting += people_here
                far += [(float(one[0]), int(one[1]), float(one[2]), float(one[3])) for one in farthest]
    total, farthest = added(counts), heapq.nlargest(FARTHEST, far)
    names = await people.people(one[1] for one in farthest)
    return PartyTelemetry(
        window_s=WINDOW_S,
        nodes=len(counts),
        guests_reporting=reporting,
        position_error_ms=_spread(total.error),
        clock_rtt_ms=_spread(total.rtt),
        fan_out_ms=_spread(total.fanout),
        missed_leads=total.missed,
        host_changes=total.host_changes,
        farthest=[
            FarGuest(user=Person(**_name(names, user_id)), error_ms=error, clock_rtt_ms=rtt)
            for _, user_id, error, rtt in farthest
        ],
    )


def _name(names: Mapping[int, Any], user_id: int) -> dict[str, Any]:
    return dict(names.get(user_id) or {"id": user_id, "name": "", "avatar_url": None})


def _spread(counts: Sequence[int]) -> Spread:
    return Spread(
        count=sum(counts), p50=percentile(counts, 0.5), p95=percentile(counts, 0.95), p99=percentile(counts, 0.99)
    )


def _key(party_id: int) -> str:
    return f"mypick:party:{party_id}:telemetry"
