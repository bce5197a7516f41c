"""Jobs: work that any process may do. The row in the table ``job`` is the truth; a message only wakes."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from taskiq import AsyncBroker

from mypick.clock import Clock
from mypick.jobs import broker as brokers
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims, Due, new_lease
from mypick.jobs.lanes import LANES, Lane, lane_of
from mypick.jobs.measures import JobMeasures, NoMeasures
from mypick.jobs.process import ProcessJobs
from mypick.jobs.runner import LaneRunner
from mypick.jobs.work import Handler, Kind, refuse_bare
from mypick.outages import Outage

log = structlog.get_logger(__name__)

KIND_LENGTH, DEDUPE_KEY_LENGTH = 40, 120  # characters, as the columns
MAX_KINDS = 64
RECEIVED_TIMEOUT_S = 2.0  # for receivers to end: one read of theirs may have to run out
# How long people wait for what a killed worker held. A running handler renews at each third, so a lease survives 10 s
# of a database that is away or a loop that stalls; losing one costs a second run and no more, since the token fences.
LEASE_S = 15.0


class Jobs:
    """Asks for work inside the caller's transaction, and works it.

    ``register`` every kind, then ``start``. A process with ``work=False`` only asks and wakes. Without a
    ``redis_url`` the work is done in this process. Bounds: each lane runs its concurrency of handlers at once; wakes
    that were not sent yet merge into one for each lane; a broker that does not answer is left alone for
    ``BROKER_REST_S`` seconds while the work is done here.
    """

    KICK_TIMEOUT_S = 1.0
    BROKER_REST_S = 2.0
    SHORTEST_SWEEP_S = 0.05  # between two sweeps, however many rows come due

    def __init__(
        self,
        clock: Clock,
        *,
        redis_url: str = "",
        sweep_interval_s: float = 5.0,
        work: bool = True,
        lanes: tuple[Lane, ...] = LANES,
        stream_prefix: str = "mypick:jobs",
        measures: JobMeasures | None = None,
        rng: random.Random | None = None,
        lease: Callable[[], str] = new_lease,
        outage: Outage | None = None,
    ) -> None:
        self._clock = clock
        self._outage = outage or Outage("redis", clock)
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._sweep_interval_s = sweep_interval_s
        self._work = work
        self._kinds: dict[str, Kind] = {}
        self._lanes = lanes
        self._claims = Claims(clock, self._kinds, lanes=lanes, lease=lease)
        self._runners = {
            lane: LaneRunner(
                lane, self._claims, clock, self._rng, measures or NoMeasures(), spread=self._wake_lane, soon=self._soon
            )
            for lane in lanes
        }
        consumer = secrets.token_hex(8)
        self._finish = asyncio.Event()
        self._brokers: dict[Lane, AsyncBroker] = {
            lane: brokers.make_broker(
                lane,
                runner.drain,
                redis_url=redis_url,
                prefix=stream_prefix,
                consumer=consumer,
                rng=self._rng,
                finish=self._finish,
                outage=self._outage,
            )
            for lane, runner in self._runners.items()
        }
        self._distributed = bool(redis_url)
        self._broker_rests_until = 0.0  # monotonic
        self._to_wake: set[Lane] = set()
        self._woken = asyncio.Event()
        self._next_at: datetime | None = None
        self._sooner = asyncio.Event()
        self._here: set[asyncio.Task[None]] = set()  # at most one for each lane and wake, each bounded by its lane
        self._receiving: set[Lane] = set()
        self._received = asyncio.Event()
        self._process: ProcessJobs | None = None

    def register(
        self,
        kind: str,
        handler: Handler,
        *,
        priority: int = 5,
        max_attempts: int = 8,
        lease_s: float = LEASE_S,
        timeout_s: float = 3600.0,
        back_off: tuple[float, float] = (1.0, 300.0),
    ) -> None:
        """Say who works ``kind``, and its bounds. ``back_off`` is the first and the longest wait, in seconds.

        ``lease_s`` is how long a dead worker keeps a job; a running handler's lease is renewed each third of it.
        """
        if kind in self._kinds:
            raise ValueError(f"the kind {kind} is registered already")
        if not 0 < len(kind) <= KIND_LENGTH or len(self._kinds) >= MAX_KINDS:
            raise ValueError(f"a kind has 1 to {KIND_LENGTH} characters, and there are at most {MAX_KINDS}")
        if max_attempts < 1 or lease_s <= 0 or timeout_s <= 0:
            raise ValueError(f"the kind {kind} needs max_attempts, lease_s and timeout_s above zero")
        lane_of(priority, self._lanes)
        self._kinds[kind] = Kind(kind, handler, priority, max_attempts, lease_s, timeout_s, BackOff(*back_off))

    async def enqueue(
        self,
        kind: str,
        args: Any,
        *,
        dedupe_key: str | None = None,
        priority: int | None = None,
        due_at: datetime | None = None,
    ) -> int | None:
        """Ask for work in the caller's transaction, so that neither can exist without the other; then ``wake()``.

        ``args`` is a JSON object, list or number: ids, never state. The job's id, or ``None`` where ``dedupe_key``
        is known: a key is known from its first job until that job's row is purged, so what was asked once is done
        once. A kind that this process did not register needs a ``priority``; its worker must know the kind.
        """
        refuse_bare(args, "args")
        if dedupe_key is not None and not 0 < len(dedupe_key) <= DEDUPE_KEY_LENGTH:
            raise ValueError(f"a dedupe_key has 1 to {DEDUPE_KEY_LENGTH} characters")
        urgency = self._priority(kind, priority)
        now = self._clock.now()
        job_id = await self._claims.add(
            kind, args, dedupe_key=dedupe_key, priority=urgency, due_at=due_at or now
        )
        if due_at is not None and due_at > now:
            self._soon(due_at)
        return job_id

    async def arm(self, kind: str, args: Any, *, key: str, at: datetime, priority: int | None = None) -> bool:
        """Make the one job ``key`` due for the moment ``at``; ``False`` where it waits still or had that moment."""
        refuse_bare(args, "args")
        return await self._claims.arm(kind, args, key=key, priority=self._priority(kind, priority), at=at)

    def wake(self, *kinds: str) -> None:
        """After the commit: someone looks for work of ``kinds``, or of all. Never waits, never raises."""
        wanted = {lane_of(kind.priority, self._lanes) for name in kinds if (kind := self._kinds.get(name))}
        self._wake_lanes(wanted if kinds and wanted else set(self._runners))

    async def sweep(self) -> Due:
        """Look for due rows that nobody was told of, or whose worker was lost, and wake their lanes."""
        found = await self._claims.due()
        self._next_at = found.next_at
        # A full lane looks again by itself before it rests.
        self._wake_lanes({lane for lane in found.lanes if not (self._work and self._runners[lane].full)})
        return found

    async def start(self, process: ProcessJobs) -> None:
        """Begin to wake, and with ``work`` to work. Not inside a transaction: what is spawned would inherit it."""
        self._process = process
        for broker in self._brokers.values():
            await broker.startup()
        await process.spawn("jobs: wake", self._send_wakes)
        if not self._work:
            return
        if self._distributed:
            for lane, broker in self._brokers.items():
                await process.spawn(f"jobs: receive {lane.name}", self._receiver(lane, broker))
        await process.spawn("jobs: sweep", self._sweep_again_and_again)

    async def close(self, grace_s: float = 10.0) -> None:
        """Stop taking; let running handlers end for ``grace_s`` seconds, then cancel them; give their jobs back.

        Ends within ``grace_s`` and about four seconds more.
        """
        self._finish.set()
        if self._process is not None:
            for name in ("jobs: sweep", "jobs: wake"):
                await self._process.stop(name)
        await asyncio.gather(*(runner.close(grace_s) for runner in self._runners.values()))
        if self._here:
            await asyncio.wait(set(self._here), timeout=1.0)
        if self._receiving:
            # They acknowledge what their last runs have done.
            with suppress(TimeoutError):
                async with asyncio.timeout(RECEIVED_TIMEOUT_S):
                    await self._received.wait()
        if self._process is not None:
            for lane in self._brokers:
                await self._process.stop(f"jobs: receive {lane.name}")
        for broker in self._brokers.values():
            try:
                async with asyncio.timeout(self.KICK_TIMEOUT_S):
                    await broker.shutdown()
            except brokers.REDIS_AWAY as failure:
                log.info("a broker was gone before it was closed", error=type(failure).__name__)

    @property
    def running(self) -> list[int]:
        """Ids of the jobs whose handlers run in this process."""
        return [job_id for runner in self._runners.values() for job_id in runner.running]

    def _priority(self, kind: str, priority: int | None) -> int:
        if priority is None:
            if kind not in self._kinds:
                raise ValueError(f"the kind {kind} is not registered here: register it or name a priority")
            priority = self._kinds[kind].priority
        lane_of(priority, self._lanes)
        return priority

    def _wake_lane(self, lane: Lane) -> None:
        self._wake_lanes({lane})

    def _wake_lanes(self, lanes: set[Lane]) -> None:
        if lanes:
            self._to_wake |= lanes
            self._woken.set()

    def _soon(self, due_at: datetime) -> None:
        """Work is known to come due then: the sweep must not sleep past it."""
        if self._next_at is None or due_at < self._next_at:
            self._next_at = due_at
            self._sooner.set()

    async def _send_wakes(self) -> None:
        """The one task that talks to the broker, so that nobody waits for it and no transaction is inherited."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            lanes, self._to_wake = self._to_wake, set()
            for lane in sorted(lanes, key=lambda lane: lane.first):
                await self._kick(lane)

    async def _kick(self, lane: Lane) -> None:
        if self._finish.is_set() or not (self._work or self._distributed):
            return
        if self._clock.monotonic() >= self._broker_rests_until:
            try:
                async with asyncio.timeout(self.KICK_TIMEOUT_S):
                    await brokers.kick(self._brokers[lane], lane)
            except Exception as failure:  # whatever keeps the message back, the work is done here
                self._broker_rests_until = self._clock.monotonic() + self.BROKER_REST_S
                self._outage.away("wakes", failure)
            else:
                self._outage.back("wakes")
                return
        if self._work:
            task = asyncio.create_task(self._runners[lane].drain(), name=f"jobs: {lane.name} without broker")
            self._here.add(task)
            task.add_done_callback(self._here.discard)

    def _receiver(self, lane: Lane, broker: AsyncBroker) -> Callable[[], Any]:
        async def receive() -> None:
            self._receiving.add(lane)
            self._received.clear()
            try:
                await brokers.receive(broker, lane, self._finish)
            finally:
                self._receiving.discard(lane)
                if not self._receiving:
                    self._received.set()

        return receive

    async def _sweep_again_and_again(self) -> None:
        while not self._finish.is_set():
            self._sooner.clear()
            try:
                await self.sweep()
            except Exception as failure:  # a database that is away comes back; the next sweep sees it
                log.warning("the sweep failed", error=type(failure).__name__)
            await self._rest_until_next()

    async def _rest_until_next(self) -> None:
        # Jitter keeps the sweeps of many workers apart.
        rest = self._sweep_interval_s * self._rng.uniform(0.8, 1.2)
        until = self._clock.monotonic() + rest
        while (left := until - self._clock.monotonic()) > 0:
            if self._next_at is not None:
                left = min(left, (self._next_at - self._clock.now()).total_seconds())
            try:
                async with asyncio.timeout(max(left, self.SHORTEST_SWEEP_S)):
                    await self._sooner.wait()
            except TimeoutError:
                return
            self._sooner.clear()
